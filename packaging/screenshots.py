"""Takes pictures of every page: real answers of the starter model in a real window.

Run `.venv/bin/python packaging/screenshots.py FOLDER [light|dark]` on a display (Xvfb will do);
QT_SCALE_FACTOR=1.5 takes them at 150 %. The starter model and its adapter must be there; of a
training that has been done the newest one is shown. A draft in the wizard is lost.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QDeadlineTimer, QEventLoop, QTimer
from PySide6.QtWidgets import QAbstractButton, QWidget

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import bootstrap
from app.navigation import BENCH, CHAT, HISTORY, HOME, INSPECT, RACE, SETTINGS, TRAINING
from app.wizard.files_page import DropZone
from app.wizard.wizard import Wizard
from core.engine.request import LoadSpec
from core.evaluate.prompts import demo_prompts
from core.paths import user_paths
from core.train.samples import SAMPLE_DOMAINS

MOST = 4
SETTLED_MS = 800
LONGEST_MS = 300_000
OTHERS = {"race": RACE, "bench": BENCH, "inspect": INSPECT, "settings": SETTINGS}


class Photographer:
    """Goes through the pages as a user would and keeps a picture of each."""

    def __init__(self, parts: bootstrap.Application, folder: Path, theme: str) -> None:
        self._parts, self._folder, self._theme = parts, folder, theme
        self._window = parts.window
        parts.theme.apply(theme)
        self._window.resize(1180, 780)
        self._window.show()
        self._window.start()

    def take_all(self) -> None:
        """Take every picture, then close the window."""
        self._show("home", HOME)
        self._chat()
        for name, page in OTHERS.items():
            self._show(name, page)
        self._show("history", HISTORY)
        self._train()
        self._window.close()

    def _chat(self) -> None:
        engine, chat = self._parts.context.engine, self._window.chat
        engine.load(LoadSpec("starter", "starter"))
        wait(lambda: engine.info is not None)
        self._window.show_page(CHAT)
        for prompt in [one.prompt for one in demo_prompts() if one.level != "hard"][:MOST]:
            chat.new_chat()
            chat.send(prompt)
            wait(lambda: not engine.is_answering)
        self._show("chat", CHAT)

    def _train(self) -> None:
        """The list, the newest run, then the wizard over a sample; nothing is trained."""
        self._show("training", TRAINING)
        if opened := buttons(self._window.training, "Open"):
            opened[0].click()
            self._show("training-run", TRAINING)
            click(self._window.training, "All trainings")
        click(self._window.training, "Clean up…")
        self._show("training-clean-up", TRAINING)
        click(self._window.training, "All trainings")
        click(self._window.training, "New training")
        wizard = self._window.training.findChild(Wizard)
        wizard.begin_anew()
        self._show("training-1-model", TRAINING)
        click(wizard, "Next")
        wizard.findChild(DropZone).dropped.emit((str(SAMPLE_DOMAINS[0].train),))
        wait(lambda: wizard.state.look is not None)
        for name in ("training-2-files", "training-3-recipe", "training-4-review"):
            wait(lambda: not wizard.state.is_probing)
            self._show(name, TRAINING)
            if name != "training-4-review":
                click(wizard, "Next")
                wait(lambda: wizard.page.name != "Review" or wizard.state.forecast is not None)
        wizard.begin_anew()

    def _show(self, name: str, page: int) -> None:
        self._window.show_page(page)
        settle()
        self._window.grab().save(str(self._folder / f"{name}-{self._theme}.png"))


def buttons(parent: QWidget, text: str) -> list[QAbstractButton]:
    """The buttons that can be seen and say this."""
    found = parent.findChildren(QAbstractButton)
    return [one for one in found if one.text() == text and one.isVisible()]


def click(parent: QWidget, text: str) -> None:
    """Press the button that says this."""
    buttons(parent, text)[0].click()


def wait(is_so: Callable[[], bool]) -> None:
    """Let the window work until something is so.

    Raises:
        TimeoutError: if that takes too long.
    """
    deadline, loop = QDeadlineTimer(LONGEST_MS), QEventLoop()
    while not is_so():
        if deadline.hasExpired():
            raise TimeoutError
        loop.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)


def settle() -> None:
    """Let what is on its way to the screen arrive."""
    loop = QEventLoop()
    QTimer.singleShot(SETTLED_MS, loop.quit)
    loop.exec()


def main() -> int:
    """Take the pictures."""
    folder, theme = Path(sys.argv[1]), (sys.argv[2:] or ["light"])[0]
    folder.mkdir(parents=True, exist_ok=True)
    app = bootstrap.make_qt_application(sys.argv[:1])
    Photographer(bootstrap.build(app, user_paths()), folder, theme).take_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
