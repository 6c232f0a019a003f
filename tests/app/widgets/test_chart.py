"""The curves of a training: what is seen of few points, of none, and of several lines."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.widgets.chart import Chart


@pytest.fixture
def chart(qtbot: QtBot) -> Chart:
    made = Chart("Agreement", [f"slot {number}" for number in range(2, 9)], (0, 1))
    qtbot.addWidget(made)
    return made


def test_a_chart_without_a_point_is_not_shown(chart: Chart) -> None:
    chart.show_points("slot 2", [])
    assert chart.isHidden()
    chart.show_points("slot 2", [(0, 0.5)])
    assert not chart.isHidden()


def test_a_lone_point_has_a_symbol_and_steps_begin_at_0(chart: Chart) -> None:
    chart.show_points("slot 2", [(0, 0.5)])
    assert chart._lines["slot 2"].opts["symbol"] == "o"
    assert chart._plot.viewRange()[0] == pytest.approx([-0.2, 10.2])  # a margin of 2 %
    chart.show_points("slot 2", [(step, 0.5) for step in range(100)])
    assert chart._lines["slot 2"].opts["symbol"] is None
    assert chart._plot.getAxis("bottom").labelText == "step"


def test_lines_differ_in_colour_and_in_symbol(chart: Chart) -> None:
    for line in chart._names:
        chart.show_points(line, [(0, 0.5)])
    lines = chart._lines.values()
    assert len({line.opts["symbol"] for line in lines}) == len(lines)
    colours = [line.opts["pen"].color() for line in lines]
    blues = [one for one in colours if 190 <= one.hue() < 250 and one.saturation() > 100]
    assert len(blues) == 1


def test_figures_below_the_axis_have_the_height_of_their_font(chart: Chart) -> None:
    chart.show_points("slot 2", [(0, 0.5)])
    bottom = chart._plot.getAxis("bottom")
    room = bottom.height() - bottom.label.boundingRect().height() * 0.8
    assert room >= chart.fontMetrics().height()
