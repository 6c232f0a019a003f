"""The threshold slider: named stops, any value, one signal to a change."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDoubleSpinBox, QSlider
from pytestqt.qtbot import QtBot

from app.widgets.threshold_slider import (
    NAME_GAP,
    STOPS,
    ThresholdSlider,
    name_of,
    position_of,
    threshold_at,
)


@pytest.fixture
def slider(qtbot: QtBot) -> ThresholdSlider:
    widget = ThresholdSlider(0.9)
    qtbot.addWidget(widget)
    widget.resize(560, 60)
    widget.show()
    return widget


def test_the_stops_lie_evenly_and_come_back() -> None:
    assert [position_of(value) for value, _name in STOPS] == [0, 100, 200, 300, 400]
    assert [threshold_at(position_of(value)) for value, _name in STOPS] == [v for v, _ in STOPS]
    assert name_of(0.95) == "Balanced"
    assert name_of(0.951) == ""


@given(st.integers(0, 400))
def test_positions_come_back(position: int) -> None:
    assert abs(position_of(threshold_at(position)) - position) <= 5


def test_the_arrow_keys_move_and_tell(qtbot: QtBot, slider: ThresholdSlider) -> None:
    handle = slider.findChild(QSlider)
    with qtbot.waitSignals([slider.threshold_changed, slider.settled]):
        qtbot.keyClick(handle, Qt.Key.Key_PageUp)
    assert slider.threshold == 0.8
    assert "Bold" in handle.accessibleDescription()


def test_any_value_can_be_typed(qtbot: QtBot, slider: ThresholdSlider) -> None:
    figure = slider.findChild(QDoubleSpinBox)
    with qtbot.waitSignal(slider.threshold_changed) as changed:
        figure.setValue(0.37)
    assert changed.args == [0.37]
    assert slider.threshold == 0.37
    assert slider.findChild(QSlider).value() == 400


def test_a_name_can_be_clicked(qtbot: QtBot, slider: ThresholdSlider) -> None:
    names = slider._names
    with qtbot.waitSignal(slider.settled):
        qtbot.mouseClick(names, Qt.MouseButton.LeftButton, pos=QPoint(2, 4))
    assert slider.threshold == 1.0


@pytest.mark.parametrize("threshold", [value for value, _name in STOPS])
@pytest.mark.parametrize("width", [150, 240, 300, 380, 450, 560])
def test_names_keep_their_distance(slider: ThresholdSlider, width: int, threshold: float) -> None:
    slider.set_threshold(threshold)
    slider.setFixedWidth(width)
    names = slider._names
    places = names.places()
    assert name_of(threshold) in places
    ordered = sorted(places.values(), key=lambda place: place.left())
    for left, right in pairwise(ordered):
        assert right.left() - left.right() > NAME_GAP
    if names.width() >= names.sizeHint().width():
        assert len(places) == len(STOPS)


def test_a_drag_near_a_stop_takes_it(slider: ThresholdSlider) -> None:
    handle = slider.findChild(QSlider)
    handle.setSliderDown(True)
    handle.setValue(205)
    assert slider.threshold == 0.95
    handle.setValue(250)
    assert slider.threshold == pytest.approx(0.925)
    handle.setSliderDown(False)


@pytest.fixture
def exact(qtbot: QtBot) -> ThresholdSlider:
    widget = ThresholdSlider(0.9, offers_exact=True)
    qtbot.addWidget(widget)
    widget.resize(600, 60)
    widget.show()
    return widget


def test_the_first_stop_is_exact(qtbot: QtBot, exact: ThresholdSlider) -> None:
    with qtbot.waitSignals([exact.exact_chosen, exact.settled]):
        qtbot.mouseClick(exact._names, Qt.MouseButton.LeftButton, pos=QPoint(2, 4))
    handle = exact.findChild(QSlider)
    assert exact.is_exact
    assert handle.value() == 0
    assert handle.accessibleDescription() == "Exact"
    assert not exact.findChild(QDoubleSpinBox).isEnabled()
    with qtbot.waitSignal(exact.threshold_changed) as changed:
        exact.set_threshold(0.9)  # the one it had before
    assert changed.args == [0.9]
    assert not exact.is_exact


def test_the_arrow_keys_step_over_the_gap_between_exact_and_one_token(
    qtbot: QtBot, exact: ThresholdSlider
) -> None:
    handle = exact.findChild(QSlider)
    exact.set_threshold(1.0)
    qtbot.keyClick(handle, Qt.Key.Key_Left)
    assert exact.is_exact
    assert handle.value() == 0
    qtbot.keyClick(handle, Qt.Key.Key_Right)
    assert not exact.is_exact
    assert exact.threshold == 1.0
    assert handle.value() == 100


def test_a_drag_that_ends_in_the_gap_takes_the_nearer_stop(exact: ThresholdSlider) -> None:
    handle = exact.findChild(QSlider)
    for position, is_exact in ((30, True), (70, False)):
        handle.setSliderDown(True)
        handle.setValue(position)
        handle.setSliderDown(False)
        assert exact.is_exact is is_exact
        assert handle.value() == (0 if is_exact else 100)
