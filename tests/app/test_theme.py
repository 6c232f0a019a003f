from __future__ import annotations

import itertools
import math

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.assets import icon
from app.theme import DARK, LIGHT, Chrome, Theme, data_colours, is_dark, make_palette
from core.paths import resources

ICONS = sorted(path.stem for path in (resources() / "icons").glob("*.svg"))


def luminance(colour: str) -> float:
    parts = (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("dark", "chrome"), [(False, LIGHT), (True, DARK)])
def test_text_is_legible_on_every_ground(dark: bool, chrome: Chrome) -> None:
    colours = data_colours(dark)
    for ground in (*colours.blocks, *colours.confidence, *colours.slots, chrome.base):
        assert contrast(chrome.text, ground) >= 4.5, ground
    for words in (chrome.muted, colours.good, colours.warning, colours.bad, chrome.accent):
        assert contrast(words, chrome.base) >= 4.5, words
    assert contrast(chrome.on_accent, chrome.accent) >= 4.5
    for edge in colours.edges:
        assert contrast(edge, chrome.base) >= 3, edge
    assert len(colours.edges) == len(colours.blocks) >= 6


# How the three kinds of colour blindness see linear RGB (Machado, Oliveira, Fernandes 2009,
# full severity, https://doi.org/10.1109/TVCG.2009.113).
VISIONS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def seen(colour: str, vision: str) -> tuple[float, float, float]:
    """CIE Lab of a colour as an eye sees it."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in QColor(colour).getRgbF()[:3]
    ]
    red, green, blue = (
        min(max(sum(a * b for a, b in zip(row, linear, strict=True)), 0.0), 1.0)
        for row in VISIONS[vision]
    )
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
    )
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("vision", VISIONS)
def test_neighbours_in_the_cycle_differ_for_every_eye(dark: bool, vision: str) -> None:
    blocks = data_colours(dark).blocks
    for one, other in itertools.pairwise((*blocks, blocks[0])):
        assert math.dist(seen(one, vision), seen(other, vision)) >= 12, (one, other)


def test_theme_switches_the_whole_application(qapp: QApplication, qtbot: QtBot) -> None:
    theme = Theme(qapp)
    with qtbot.waitSignal(theme.changed):
        theme.apply("dark")
    assert is_dark(qapp.palette())
    assert DARK.accent in qapp.styleSheet()
    theme.apply("light")
    assert not is_dark(qapp.palette())
    assert "${" not in qapp.styleSheet()
    qapp.setStyleSheet("")
    theme.deleteLater()


@pytest.mark.parametrize("name", ICONS)
def test_every_icon_draws_something(qapp: QApplication, name: str) -> None:
    qapp.setPalette(make_palette(DARK))
    for ratio in (1.0, 1.5):
        image = icon(name).pixmap(QSize(24, 24), ratio).toImage()
        assert image.width() == round(24 * ratio)
        drawn = [
            image.pixelColor(x, y)
            for x in range(image.width())
            for y in range(image.height())
            if image.pixelColor(x, y).alpha() > 128
        ]
        assert drawn, "an empty picture"


def test_an_icon_takes_the_colour_of_the_palette(qapp: QApplication) -> None:
    for chrome in (LIGHT, DARK):
        qapp.setPalette(make_palette(chrome))
        strongest = _strongest(icon("stop").pixmap(48, 48))
        assert strongest == QColor(chrome.text)
        on = icon("stop").pixmap(48, 48, QIcon.Mode.Normal, QIcon.State.On)
        assert _strongest(on) == QColor(chrome.accent)
        primary = icon("stop", QPalette.ColorRole.HighlightedText).pixmap(48, 48)
        assert _strongest(primary) == QColor(chrome.on_accent)


def _strongest(pixmap: object) -> QColor:
    image = pixmap.toImage()  # type: ignore[attr-defined]
    side = range(image.width())
    return max((image.pixelColor(x, y) for x in side for y in side), key=QColor.alpha)
