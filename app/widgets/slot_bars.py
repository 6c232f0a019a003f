"""What one pass proposed: a bar to a slot, as high as its confidence, and the threshold across."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from app.widgets.pass_tip import shown
from core.events import PassDone

HEIGHT = 210
TOP, BOTTOM, SIDE, RIGHT = 22, 42, 4, 40
GAP = 6
WIDEST = 64
GRIP = 7
"""The threshold line can be taken from so many pixels away."""

SCALE = 0.84
NUDGE = 0.01


class SlotBars(QWidget):
    """The slots of a pass: kept ones filled, the others hatched; one of them is chosen.

    Left and Right choose a slot, Up and Down move the threshold, which can also be dragged.

    Attributes:
        can_try: Whether there is a threshold, which can be moved.

    Signals:
        slot_chosen: Number of the chosen slot, from 1.
        threshold_moved: Where the user has put the threshold.
    """

    slot_chosen = Signal(int)
    threshold_moved = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._done: PassDone | None = None
        self._kept = 0
        self._threshold = 1.0
        self._slot = 1
        self.can_try = True
        self._is_estimate = False
        self._drags = False
        self.setToolTip("Left and Right choose a slot, Up and Down move the threshold.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Slots of the pass")

    @property
    def slot(self) -> int:
        """The chosen slot, from 1."""
        return self._slot

    def show_pass(
        self, done: PassDone, kept: int, threshold: float, *, is_estimate: bool = False
    ) -> None:
        """Show a pass of which so many slots are, or by an estimate would be, kept."""
        self._done, self._kept, self._threshold = done, kept, threshold
        self._is_estimate = is_estimate
        self._slot = min(self._slot, len(done.proposed_ids))
        self._describe()
        self.update()

    def choose(self, slot: int) -> None:
        """Choose a slot, the nearest there is."""
        if self._done is None:
            return
        slot = min(max(slot, 1), len(self._done.proposed_ids))
        if slot != self._slot:
            self._slot = slot
            self._describe()
            self.update()
            self.slot_chosen.emit(slot)

    def _describe(self) -> None:
        assert self._done is not None
        threshold = f"; threshold {self._threshold:g}" if self.can_try else ""
        self.setAccessibleDescription(f"{self.slot_text()}{threshold}")

    def slot_text(self) -> str:
        """The chosen slot in words."""
        assert self._done is not None
        word = "kept" if self._slot <= self._kept else "not kept"
        if self._is_estimate:
            word = "would be kept" if self._slot <= self._kept else "would not be kept"
        return (
            f"Slot {self._slot} of {len(self._done.proposed_ids)}: "
            f"{proposed_text(self._done, self._slot)}, "
            f"confidence {self._done.confidences[self._slot - 1]:.3f}, {word}"
        )

    @override
    def sizeHint(self) -> QSize:
        return QSize(320, HEIGHT)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(220, HEIGHT)

    # Places

    def _floor(self) -> float:
        return self.height() - BOTTOM

    def _y_of(self, confidence: float) -> float:
        return self._floor() - confidence * (self._floor() - TOP)

    def _column(self, slot: int) -> QRectF:
        assert self._done is not None
        room = self.width() - SIDE - RIGHT
        width = min(room / len(self._done.proposed_ids), WIDEST)
        return QRectF(SIDE + (slot - 1) * width, TOP, width - GAP, self._floor() - TOP)

    def _slot_at(self, x: float) -> int:
        return int((x - SIDE) // (self._column(1).width() + GAP)) + 1

    def _is_on_line(self, y: float) -> bool:
        return self.can_try and abs(y - self._y_of(self._threshold)) <= GRIP

    # Input

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        walks: dict[int, int] = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        nudges: dict[int, float] = {Qt.Key.Key_Up: NUDGE, Qt.Key.Key_Down: -NUDGE}
        if event.key() in walks:
            self.choose(self._slot + walks[event.key()])
        elif event.key() in nudges:
            self._move(self._threshold + nudges[event.key()])
        else:
            super().keyPressEvent(event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._done is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._drags = self._is_on_line(event.position().y())
        if not self._drags:
            self.choose(self._slot_at(event.position().x()))

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        y = event.position().y()
        if self._drags:
            self._move((self._floor() - y) / (self._floor() - TOP))
        over = self._drags or (self._done is not None and self._is_on_line(y))
        self.setCursor(Qt.CursorShape.SizeVerCursor if over else Qt.CursorShape.ArrowCursor)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drags = False

    def _move(self, threshold: float) -> None:
        threshold = round(min(max(threshold, 0.0), 1.0), 2)
        if self._done is not None and self.can_try and threshold != self._threshold:
            self.threshold_moved.emit(threshold)

    # Painting

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if self._done is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * SCALE)
        painter.setFont(font)
        slots = range(1, len(self._done.proposed_ids) + 1)
        for slot in slots:
            self._paint_slot(painter, slot)
        if self.can_try:
            self._paint_line(painter)
        for slot in slots:
            self._paint_words(painter, slot)

    def _paint_slot(self, painter: QPainter, slot: int) -> None:
        assert self._done is not None
        column, confidence = self._column(slot), self._done.confidences[slot - 1]
        is_kept, is_chosen = slot <= self._kept, slot == self._slot
        accent, border = _colour(QPalette.ColorRole.Accent), _colour(QPalette.ColorRole.Mid)
        quiet = _colour(QPalette.ColorRole.PlaceholderText)
        if is_chosen:
            ground = column.adjusted(-GAP / 2, -TOP + 2, GAP / 2, BOTTOM - 2)
            painter.setPen(QPen(accent, 1.6) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(_colour(QPalette.ColorRole.Midlight))
            painter.drawRoundedRect(ground, 5, 5)
        bar = QRectF(column)
        bar.setTop(self._y_of(confidence))
        painter.setPen(QPen(accent if is_kept else quiet, 1.2))
        solid = Qt.BrushStyle.Dense3Pattern if self._is_estimate else Qt.BrushStyle.SolidPattern
        hatched = QBrush(border, Qt.BrushStyle.BDiagPattern)
        painter.setBrush(QBrush(accent, solid) if is_kept else hatched)
        painter.drawRect(bar)

    def _paint_words(self, painter: QPainter, slot: int) -> None:
        assert self._done is not None
        column, confidence = self._column(slot), self._done.confidences[slot - 1]
        ground = QPalette.ColorRole.Midlight if slot == self._slot else QPalette.ColorRole.Base
        figure = painter.fontMetrics().boundingRect(_figure(confidence))
        above = QRectF(0, 0, figure.width() + 4, 15)
        above.moveCenter(QPointF(column.center().x(), self._y_of(confidence) - 9))
        painter.fillRect(above, _colour(ground))  # the line must not run through it
        painter.setPen(_colour(QPalette.ColorRole.Text))
        painter.drawText(above, Qt.AlignmentFlag.AlignCenter, _figure(confidence))
        below = QRectF(column.left() - 2, self._floor() + 3, column.width() + 4, 17)
        token = painter.fontMetrics().elidedText(
            proposed_text(self._done, slot), Qt.TextElideMode.ElideRight, round(below.width())
        )
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, token)
        painter.setPen(_colour(QPalette.ColorRole.PlaceholderText))
        painter.drawText(below.translated(0, 17), Qt.AlignmentFlag.AlignCenter, str(slot))

    def _paint_line(self, painter: QPainter) -> None:
        y, ink = self._y_of(self._threshold), _colour(QPalette.ColorRole.Text)
        painter.setPen(QPen(ink, 1.4, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(SIDE, y), QPointF(self.width() - RIGHT + 2, y))
        place = QRectF(self.width() - RIGHT + 4, y - 9, RIGHT - 4, 18)
        painter.drawText(
            place,
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            f"{self._threshold:.3g}",
        )


def proposed_text(done: PassDone, slot: int) -> str:
    """What a slot proposed, its blanks made visible; its number where the text is not known."""
    if slot <= len(done.proposed_texts):
        return shown(done.proposed_texts[slot - 1])
    if slot <= len(done.pieces):
        return shown(done.pieces[slot - 1])
    return f"#{done.proposed_ids[slot - 1]}"


def _figure(confidence: float) -> str:
    """Two places without the zero in front: narrow enough for a bar."""
    return "1.0" if confidence >= 0.995 else f"{confidence:.2f}"[1:]


def _colour(role: QPalette.ColorRole) -> QColor:
    return QGuiApplication.palette().color(role)
