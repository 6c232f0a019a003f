"""Light and dark: Fusion, one palette each, one style sheet for the whole application.

Chrome (grounds, text, borders) comes from palette roles and lives here; data colours (blocks,
confidence, slots, states) come from `resources/themes/*.toml` and mean the same in both themes.
"""

from __future__ import annotations

import functools
import string
import tomllib
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from core.paths import resources


@dataclass(frozen=True)
class Chrome:
    """Colours of everything that is not data."""

    window: str
    base: str
    raised: str
    text: str
    muted: str
    border: str
    accent: str
    accent_hover: str
    on_accent: str
    hover: str


LIGHT = Chrome(
    window="#F5F6F8",
    base="#FFFFFF",
    raised="#ECEEF2",
    text="#1B1D22",
    muted="#5C6370",
    border="#D5D9E0",
    accent="#2457C5",
    accent_hover="#1B479F",
    on_accent="#FFFFFF",
    hover="#E4E8F0",
)
DARK = Chrome(
    window="#16171B",
    base="#1E2025",
    raised="#2A2D34",
    text="#E8EAED",
    muted="#A3A9B4",
    border="#383C45",
    accent="#8AB0FF",
    accent_hover="#A9C5FF",
    on_accent="#10131A",
    hover="#2F333B",
)


@dataclass(frozen=True)
class DataColours:
    """Colours that carry meaning; every one comes with a figure or a word beside it.

    Attributes:
        blocks: Grounds of the pass blocks, used in turn.
        edges: Boundaries and figures of the same blocks.
        confidence: Grounds from the lowest to the highest confidence.
        slots: Grounds of slot 1, 2, ...; the last one serves all further slots.
        code: Letters of code, by kind of word.
    """

    blocks: tuple[str, ...]
    edges: tuple[str, ...]
    confidence: tuple[str, ...]
    slots: tuple[str, ...]
    code: dict[str, str]
    good: str
    warning: str
    bad: str


@functools.cache
def data_colours(dark: bool) -> DataColours:
    """The data colours of one theme."""
    path = resources() / "themes" / ("dark.toml" if dark else "light.toml")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return DataColours(
        blocks=tuple(table["blocks"]["cycle"]),
        edges=tuple(table["blocks"]["edges"]),
        confidence=tuple(table["confidence"]["ramp"]),
        slots=tuple(table["slots"]["ramp"]),
        code=table["code"],
        **table["states"],
    )


def is_dark(palette: QPalette) -> bool:
    """Whether a palette has light text on dark ground."""
    return palette.color(QPalette.ColorRole.Window).lightness() < 128


class Theme(QObject):
    """Puts the chosen theme on the application and follows the system's.

    Signals:
        changed: The palette is a new one; whoever painted data colours paints again.
    """

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._choice = ""
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._on_system_changed)

    def apply(self, choice: str) -> None:
        """Show "light", "dark" or what the "system" has."""
        if choice == self._choice:
            return
        self._choice = choice
        hints = self._app.styleHints()
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        hints.setColorScheme(schemes.get(choice, Qt.ColorScheme.Unknown))
        system_is_dark = hints.colorScheme() == Qt.ColorScheme.Dark
        chrome = DARK if choice == "dark" or (choice == "system" and system_is_dark) else LIGHT
        self._app.setPalette(make_palette(chrome))
        self._app.setStyleSheet(_style_sheet(chrome))
        self.changed.emit()

    @Slot()
    def _on_system_changed(self) -> None:
        if self._choice == "system":
            self._choice = ""
            self.apply("system")


def make_palette(chrome: Chrome) -> QPalette:
    """The palette of one theme, for all that is painted by role."""
    role = QPalette.ColorRole
    colours = {
        role.Window: chrome.window,
        role.WindowText: chrome.text,
        role.Base: chrome.base,
        role.AlternateBase: chrome.window,
        role.Text: chrome.text,
        role.PlaceholderText: chrome.muted,
        role.Button: chrome.raised,
        role.ButtonText: chrome.text,
        role.BrightText: chrome.on_accent,
        role.ToolTipBase: chrome.raised,
        role.ToolTipText: chrome.text,
        role.Highlight: chrome.accent,
        role.HighlightedText: chrome.on_accent,
        role.Accent: chrome.accent,
        role.Link: chrome.accent,
        role.LinkVisited: chrome.accent,
        role.Mid: chrome.border,
        role.Midlight: chrome.hover,
        role.Dark: chrome.border,
    }
    palette = QPalette(QColor(chrome.raised), QColor(chrome.window))
    for one, colour in colours.items():
        palette.setColor(one, QColor(colour))
    faded = QColor(chrome.muted)
    faded.setAlpha(150)
    for one in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, one, faded)
    return palette


def _style_sheet(chrome: Chrome) -> str:
    template = (resources() / "themes" / "style.qss").read_text(encoding="utf-8")
    icons = (resources() / "icons").as_posix()
    return string.Template(template).substitute(vars(chrome), icons=icons)
