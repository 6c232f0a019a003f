"""Every command of the window, with its menu, words and shortcut, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow

from app.assets import icon


@dataclass(frozen=True)
class Command:
    """One command; an empty `key` is a separator."""

    menu: str
    key: str = ""
    text: str = ""
    shortcut: str = ""
    icon: str = ""


COMMANDS = (
    Command("&File", "new_chat", "&New chat", "Ctrl+N", "plus"),
    Command("&File", "load", "&Load model", "Ctrl+L", "power"),
    Command("&File", "unload", "&Unload model"),
    Command("&File", "open_trace", "&Open recorded answers…", "Ctrl+O", "inspect"),
    Command("&File", "add_folder", "Add a &folder with models…", "", "folder"),
    Command("&File"),
    Command("&File", "settings", "&Settings", "Ctrl+,", "settings"),
    Command("&File"),
    Command("&File", "quit", "&Quit", "Ctrl+Q"),
    Command("&Chat", "stop", "&Stop", "Esc", "stop"),
    Command("&Chat", "regenerate", "&Regenerate", "Ctrl+R", "refresh"),
    Command("&View", "page_0", "&Home", "Ctrl+1", "home"),
    Command("&View", "page_1", "&Chat", "Ctrl+2", "chat"),
    Command("&View", "page_2", "&Race", "Ctrl+3", "race"),
    Command("&View", "page_3", "&Benchmark", "Ctrl+4", "bench"),
    Command("&View", "page_4", "I&nspector", "Ctrl+5", "inspect"),
    Command("&View", "page_5", "&Training", "Ctrl+6", "train"),
    Command("&View", "page_6", "H&istory", "Ctrl+7", "history"),
    Command("&View", "page_7", "&Settings", "Ctrl+8", "settings"),
    Command("&View"),
    Command("&View", "search", "S&earch the history", "Ctrl+K", "search"),
    Command("&View", "present", "&Present a race", "F11", "race"),
    Command("&Help", "ways", "&Ways of decoding", "", "info"),
    Command("&Help", "shortcuts", "&Keyboard shortcuts", "Ctrl+/"),
    Command("&Help", "about", "&About Stride", "F1", "info"),
)


def build_menus(window: QMainWindow) -> dict[str, QAction]:
    """Fill a window's menu bar; the actions by key, for the window to connect."""
    menus = {name: window.menuBar().addMenu(name) for name in dict.fromkeys(_menu_names())}
    actions = {}
    for command in COMMANDS:
        menu = menus[command.menu]
        if not command.key:
            menu.addSeparator()
            continue
        action = _action(command, window)
        menu.addAction(action)
        actions[command.key] = action
    return actions


def shortcut_lines() -> list[tuple[str, str]]:
    """What each shortcut does, and its keys, for the help."""
    own = [
        (QKeySequence(one.shortcut).toString(QKeySequence.SequenceFormat.NativeText), one.text)
        for one in COMMANDS
        if one.shortcut
    ]
    lines = [(text.replace("&", "").rstrip("…"), keys) for keys, text in own]
    return [*lines, ("Send the message", "Enter"), ("New line in the message", "Shift+Enter")]


def _menu_names() -> list[str]:
    return [command.menu for command in COMMANDS]


def _action(command: Command, parent: QObject) -> QAction:
    action = QAction(command.text, parent)
    action.setObjectName(command.key)
    if command.shortcut:
        action.setShortcut(QKeySequence(command.shortcut))
    if command.icon:
        action.setIcon(icon(command.icon))
    if command.key == "quit":
        action.setMenuRole(QAction.MenuRole.QuitRole)
    elif command.key == "about":
        action.setMenuRole(QAction.MenuRole.AboutRole)
    return action
