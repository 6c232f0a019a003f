"""Icons: monochrome SVGs drawn in the palette's colour at the moment they are painted."""

from __future__ import annotations

import functools

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from typing_extensions import override

from core.paths import resources

APP_ICON_SIZES = (16, 24, 32, 48, 64, 128, 256)


def icon(name: str, role: QPalette.ColorRole = QPalette.ColorRole.ButtonText) -> QIcon:
    """The icon `resources/icons/<name>.svg` in a colour of the palette; it follows the theme."""
    return QIcon(_TintedSvg(name, role))


def app_icon() -> QIcon:
    """Stride's own coloured icon."""
    result = QIcon()
    for size in APP_ICON_SIZES:
        result.addPixmap(_render("stride", "", size))
    return result


def app_pixmap(size: int, ratio: float) -> QPixmap:
    """Stride's own icon, `size` logical pixels wide."""
    pixmap = _render("stride", "", round(size * ratio))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


class _TintedSvg(QIconEngine):
    """Draws an SVG whose strokes say `currentColor` in the colour of the palette."""

    def __init__(self, name: str, role: QPalette.ColorRole) -> None:
        super().__init__()
        self._name = name
        self._role = role

    @override
    def clone(self) -> QIconEngine:
        return _TintedSvg(self._name, self._role)

    @override
    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatio() if painter.device() else 1.0
        side = min(rect.width(), rect.height())
        pixmap = _render(self._name, self._colour(mode, state), round(side * ratio))
        pixmap.setDevicePixelRatio(ratio)
        corner = rect.center() - QPoint(side // 2, side // 2)
        painter.drawPixmap(QRect(corner, QSize(side, side)), pixmap)

    @override
    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return _render(self._name, self._colour(mode, state), min(size.width(), size.height()))

    @override
    def scaledPixmap(
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        # Some versions of Qt pass logical pixels here, others device pixels: render for the
        # former, QIcon brings down what is too large.
        pixmap = self.pixmap(size * scale, mode, state)
        pixmap.setDevicePixelRatio(scale)
        return pixmap

    def _colour(self, mode: QIcon.Mode, state: QIcon.State) -> str:
        palette, role = QGuiApplication.palette(), QPalette.ColorRole
        if mode == QIcon.Mode.Disabled:
            faded = palette.color(QPalette.ColorGroup.Disabled, role.ButtonText)
            return faded.name(QColor.NameFormat.HexArgb)
        if state == QIcon.State.On:
            return palette.color(role.Accent).name()
        return palette.color(self._role).name()


@functools.lru_cache(maxsize=256)
def _render(name: str, colour: str, side: int) -> QPixmap:
    source = (resources() / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    opacity = 1.0
    if colour:
        tint = QColor(colour)
        opacity = tint.alphaF()
        source = source.replace("currentColor", tint.name())
    renderer = QSvgRenderer(QByteArray(source.encode()))
    pixmap = QPixmap(max(side, 1), max(side, 1))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setOpacity(opacity)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    return pixmap
