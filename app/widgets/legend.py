"""What the colours of an answer mean: the choice, and one line of swatches with words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget
from typing_extensions import override

from app.theme import DataColours, data_colours, is_dark
from app.widgets.pass_layer import COLOUR_MODES, ColourMode
from app.widgets.pass_painter import UNDERLINES

SWATCH = 14
GAP = 6
MODE_NAMES: dict[ColourMode, str] = {
    "pass": "Colour by pass",
    "confidence": "Colour by confidence",
    "slot": "Colour by slot",
    "off": "No colours",
}


class ColourBox(QComboBox):
    """The choice of what the colours mean.

    Signals:
        mode_changed: One of `COLOUR_MODES`.
    """

    mode_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Meaning of the colours")
        for mode in COLOUR_MODES:
            self.addItem(MODE_NAMES[mode], mode)
        self.currentIndexChanged.connect(self._on_chosen)

    @Slot(int)
    def _on_chosen(self, number: int) -> None:
        self.mode_changed.emit(COLOUR_MODES[number])


class Legend(QWidget):
    """Swatches of the colour mode in force; empty where colours are off."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode: ColourMode = "pass"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._describe()

    @Slot(str)
    def set_mode(self, mode: ColourMode) -> None:
        """Explain another colour mode."""
        self._mode = mode
        self._describe()
        self.updateGeometry()
        self.update()

    def _describe(self) -> None:
        words = " ".join(word for _colour, word in self._entries())
        self.setAccessibleName(f"Legend: {words}")

    def _entries(self) -> list[tuple[str, str]]:
        colours: DataColours = data_colours(is_dark(QGuiApplication.palette()))
        match self._mode:
            case "pass":
                return [
                    *((colour, "") for colour in colours.blocks[:3]),
                    (colours.blocks[3], "one block, one pass; the figure is its size"),
                ]
            case "confidence":
                words = ("below .8", ".8", ".9", ".95", ".99 and more")
                return list(zip(colours.confidence, words, strict=True))
            case "slot":
                last = len(colours.slots)
                numbers = [*(str(number) for number in range(1, last)), f"slot {last} on"]
                return list(zip(colours.slots, numbers, strict=True))
            case "off":
                return []

    @override
    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        width = sum(
            SWATCH + GAP + metrics.horizontalAdvance(word) + GAP * bool(word)
            for _colour, word in self._entries()
        )
        return QSize(width, metrics.height() + 6)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        muted = QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)
        left, top = 0.0, (self.height() - SWATCH) / 2
        for number, (colour, word) in enumerate(self._entries()):
            swatch = QRectF(left, top, SWATCH, SWATCH)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(swatch, 3, 3)
            if self._mode == "confidence":
                painter.setPen(QPen(muted, 1.2, UNDERLINES[number]))
                painter.drawLine(swatch.bottomLeft(), swatch.bottomRight())
            left += SWATCH + GAP
            width = self.fontMetrics().horizontalAdvance(word)
            painter.setPen(muted)
            painter.drawText(
                QRectF(left, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, word
            )
            left += width + GAP * bool(word)
