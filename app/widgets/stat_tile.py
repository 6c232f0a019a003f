"""One figure with its name."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.widgets.text import SPACE, heading, muted

UNKNOWN = "—"


class StatTile(QWidget):
    """A figure in large type under its name."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._value = heading(UNKNOWN)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(muted(name))
        layout.addWidget(self._value)

    def show_value(self, text: str) -> None:
        """Show a figure; empty where it is not known."""
        self._value.setText(text or UNKNOWN)
        self.setAccessibleName(f"{self._name}: {self._value.text()}")


class StatTiles(QWidget):
    """Tiles in rows of equal width, addressed by name."""

    def __init__(self, names: tuple[str, ...], columns: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles = {name: StatTile(name) for name in names}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2 * SPACE)
        for place, tile in enumerate(self._tiles.values()):
            grid.addWidget(tile, *divmod(place, columns))
        for column in range(columns):
            grid.setColumnStretch(column, 1)

    def show_values(self, values: dict[str, str]) -> None:
        """Show some of the figures."""
        for name, text in values.items():
            self._tiles[name].show_value(text)

    def set_shown(self, name: str, is_shown: bool) -> None:
        """Whether a figure has its tile."""
        self._tiles[name].setVisible(is_shown)

    def text(self, name: str) -> str:
        """The figure that a tile shows now."""
        return self._tiles[name].accessibleName().removeprefix(f"{name}: ")
