"""Labels and buttons of one typographic scale, so that every page looks like its neighbours."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QWidget,
)

from app.assets import icon

Role = Literal["body", "muted", "chip"]
ButtonRole = Literal["", "primary", "quiet"]

SPACE = 8
"""Distances are multiples of this many pixels."""

PAGE_MARGIN = 3 * SPACE
TITLE_SCALE = 1.7
HEADING_SCALE = 1.2


def title(text: str) -> QLabel:
    """The name of a page."""
    return _scaled(QLabel(text), TITLE_SCALE, QFont.Weight.DemiBold)


def heading(text: str) -> QLabel:
    """The name of a card or section."""
    return _scaled(QLabel(text), HEADING_SCALE, QFont.Weight.DemiBold)


def body(text: str = "", role: Role = "body") -> QLabel:
    """Running text that wraps and can be selected."""
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(role != "chip")
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if role == "chip":
        label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return label


def muted(text: str = "") -> QLabel:
    """Running text of second rank."""
    return body(text, "muted")


def button(text: str, icon_name: str = "", role: ButtonRole = "") -> QPushButton:
    """A push button; "primary" is the one next step of a page."""
    result = QPushButton()
    dress(result, text, icon_name, role)
    return result


def dress(bare: QPushButton, text: str, icon_name: str = "", role: ButtonRole = "") -> None:
    """Give a push button its looks and its text, which is its name to screen readers, too."""
    bare.setText(text)
    if icon_name:
        is_primary = role == "primary"
        colour = QPalette.ColorRole.HighlightedText if is_primary else QPalette.ColorRole.ButtonText
        bare.setIcon(icon(icon_name, colour))
    bare.setProperty("role", role)
    bare.setCursor(Qt.CursorShape.PointingHandCursor)
    bare.setAutoDefault(False)


def tool(icon_name: str, hint: str) -> QToolButton:
    """A small button that is only an icon; the hint is its name."""
    result = QToolButton()
    result.setIcon(icon(icon_name))
    result.setToolTip(hint)
    result.setAccessibleName(hint)
    return result


def pad_number(box: QSpinBox | QDoubleSpinBox) -> None:
    """Give a number field the inner margin of other fields, which no style sheet can."""
    box.lineEdit().setTextMargins(SPACE, 0, 0, 0)


def line(parent: QWidget | None = None) -> QFrame:
    """A hairline between two sections."""
    frame = QFrame(parent)
    frame.setProperty("role", "line")
    frame.setFixedHeight(1)
    return frame


def enlarge(widget: QWidget, factor: float) -> None:
    """Scale the type of a widget and of all that is in it now."""
    # Read before any is set: what has no font of its own takes its parent's.
    fonts = [(one, QFont(one.font())) for one in (widget, *widget.findChildren(QWidget))]
    for one, font in fonts:
        font.setPointSizeF(font.pointSizeF() * factor)
        one.setFont(font)


def clear_layout(layout: QLayout) -> None:
    """Remove everything from a layout, nested layouts too."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear_layout(inner)


def _scaled(label: QLabel, factor: float, weight: QFont.Weight) -> QLabel:
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * factor)
    font.setWeight(weight)
    label.setFont(font)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
