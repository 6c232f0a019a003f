"""Takes the README's screenshots: real answers of the starter model in a real window.

Run `.venv/bin/python packaging/screenshots.py FOLDER [light|dark]` on a display (Xvfb will do);
QT_SCALE_FACTOR=1.5 takes them at 150 %. The starter model and its adapter must be there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import bootstrap
from app.navigation import CHAT, HISTORY
from core.engine.request import LoadSpec
from core.evaluate.prompts import demo_prompts
from core.paths import user_paths

MOST = 4


class Photographer(QObject):
    """Loads the starter, asks the demo prompts, keeps a picture of each page."""

    def __init__(self, parts: bootstrap.Application, folder: Path, theme: str) -> None:
        super().__init__(parts.window)
        self._parts, self._folder, self._theme = parts, folder, theme
        self._prompts = [one.prompt for one in demo_prompts() if one.level != "hard"][:MOST]
        parts.theme.apply(theme)
        parts.window.resize(1180, 780)
        parts.window.show()
        QTimer.singleShot(0, parts.window.start)
        engine = parts.context.engine
        engine.loaded.connect(self._on_loaded)
        engine.finished.connect(self._on_finished)
        QTimer.singleShot(1500, self._start)

    @Slot()
    def _start(self) -> None:
        self._keep("home")
        self._parts.context.engine.load(LoadSpec("starter", "starter"))

    @Slot(object)
    def _on_loaded(self, _info: object) -> None:
        self._parts.window.show_page(CHAT)
        self._ask()

    def _ask(self) -> None:
        self._parts.window.chat.new_chat()
        self._parts.window.chat.send(self._prompts.pop(0))

    @Slot()
    def _on_finished(self) -> None:
        if self._prompts:
            QTimer.singleShot(300, self._ask)
            return
        QTimer.singleShot(1000, self._end)

    @Slot()
    def _end(self) -> None:
        self._keep("chat")
        self._parts.window.show_page(HISTORY)
        QTimer.singleShot(1500, self._keep_history)

    @Slot()
    def _keep_history(self) -> None:
        self._keep("history")
        self._parts.window.close()

    def _keep(self, page: str) -> None:
        self._parts.window.grab().save(str(self._folder / f"{page}-{self._theme}.png"))


def main() -> int:
    """Take the pictures."""
    folder, theme = Path(sys.argv[1]), (sys.argv[2:] or ["light"])[0]
    folder.mkdir(parents=True, exist_ok=True)
    app = bootstrap.make_qt_application(sys.argv[:1])
    parts = bootstrap.build(app, user_paths())
    photographer = Photographer(parts, folder, theme)
    code = app.exec()
    del photographer
    return code


if __name__ == "__main__":
    sys.exit(main())
