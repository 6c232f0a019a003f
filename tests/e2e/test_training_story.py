"""From a dropped folder to a chat with what was learned, through the window, nothing faked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from app.bootstrap import Application, build
from app.navigation import CHAT, RACE, TRAINING
from app.wizard.files_page import DropZone
from core.history.training import is_at_work
from core.paths import Paths
from core.settings import Settings, save_settings
from core.train.draft import MINUTES
from core.train.process import end_run
from core.train.spec import read_spec
from tests.core.documents.samples import write_mixed
from tests.core.toy import save_toy

pytestmark = pytest.mark.e2e
LONG_MS = 120_000
MINUTE = 1
SMALL = {
    "kind": None,
    "start_from": "none",
    "k_max": 3,
    "rank": 2,
    "sequences": 2,
    "context": 64,
    "eval_rows": 4,
    "device": "cpu",
}


@pytest.fixture
def documents(tmp_path) -> Path:
    return write_mixed(tmp_path / "Wartung 2026", chats=40)


@pytest.fixture
def start(qapp, paths: Paths, tmp_path, monkeypatch) -> Iterator[Callable[[], Application]]:
    """Starts the application as it is, but for how quick "Quick" is; ends what was left at work."""
    monkeypatch.setitem(MINUTES, "quick", MINUTE)
    save_toy(tmp_path / "models" / "toy")
    settings = Settings(model_folders=(str(tmp_path / "models"),), max_new_tokens=12)
    save_settings(paths.settings_file, settings)
    built: list[Application] = []

    def make() -> Application:
        stride = build(qapp, paths)
        built.append(stride)
        stride.window.show()
        stride.window.start()
        return stride

    yield make
    for stride in built:
        close(stride)
    for folder in paths.runs.iterdir() if paths.runs.is_dir() else ():
        end_run(folder)
    qapp.setStyleSheet("")


def close(stride: Application) -> None:
    if stride.window.isVisible():
        stride.window.close()
        assert stride.window.has_ended


def click(parent: QWidget, text: str) -> None:
    next(one for one in parent.findChildren(QAbstractButton) if one.text() == text).click()


def drop(zone: DropZone, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    zone.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))


def plan(qtbot: QtBot, stride: Application, documents: Path) -> None:
    """Through the wizard to a started training."""
    window = stride.window
    window.show_page(TRAINING)
    wizard = window.training._wizard
    qtbot.waitUntil(lambda: wizard.state.model is not None)
    window.training._list._empty.action_requested.emit()
    wizard._next.click()
    drop(wizard.findChild(DropZone), documents)
    qtbot.waitUntil(lambda: wizard.state.look is not None, timeout=LONG_MS)
    assert wizard.state.look.report.count("skipped") == 1
    for name, value in SMALL.items():
        wizard.state.set_advanced(name, value)
    # Another context: the rows are read anew.
    qtbot.waitUntil(lambda: wizard.state.look is not None, timeout=LONG_MS)
    qtbot.waitUntil(wizard._next.isEnabled)
    wizard._next.click()
    wizard.state.update(name="wartung", duration="quick")
    wizard._next.click()
    qtbot.waitUntil(lambda: wizard.state.forecast is not None, timeout=LONG_MS)
    assert wizard.page._verdict.text() == "Ready"
    wizard._next.click()


def step(stride: Application) -> int:
    return stride.window.training.run_view._progress.step


def stop_and_resume(qtbot: QtBot, stride: Application) -> None:
    """From the shown run's view over the list back to it."""
    page = stride.window.training
    click(page.run_view, "Stop and save")
    qtbot.waitUntil(lambda: stride.context.training.at_work is None, timeout=LONG_MS)
    stopped_at = step(stride)
    click(page.run_view, "All trainings")
    qtbot.waitUntil(lambda: page._list._stack.currentIndex() == 1)
    qtbot.waitUntil(lambda: any(
        one.text() == "Resume" for one in page._list.findChildren(QAbstractButton)
    ))  # fmt: skip
    click(page._list, "Resume")
    qtbot.waitUntil(lambda: step(stride) > stopped_at, timeout=LONG_MS)


def set_up_race(stride: Application, adapter: Path) -> None:
    """From the shown run's view to a race of what it brought, and back."""
    view = stride.window.training.run_view
    click(view, "Race old against new")
    assert stride.window.pages.currentIndex() == RACE
    setup = stride.window.race._setup
    assert setup.prompt == view._progress.samples[-1].prompt != ""
    assert [side.adapter for side in setup.sides] == ["", str(adapter)]
    stride.window.show_page(TRAINING)


def test_from_documents_over_a_closed_app_to_a_chat(
    qtbot: QtBot, start: Callable[[], Application], documents: Path, paths: Paths
) -> None:
    stride = start()
    plan(qtbot, stride, documents)
    qtbot.waitUntil(lambda: step(stride) >= 3, timeout=LONG_MS)
    folder = stride.context.training.at_work
    assert folder is not None
    close(stride)
    assert is_at_work(folder)

    stride = start()
    stride.window.show_page(TRAINING)
    page = stride.window.training
    qtbot.waitUntil(lambda: stride.context.training.at_work == folder)
    qtbot.waitUntil(lambda: page._list._stack.currentIndex() == 1)
    click(page._list, "Open")
    qtbot.waitUntil(lambda: step(stride) >= 3, timeout=LONG_MS)
    stop_and_resume(qtbot, stride)
    adapter = paths.adapters / "wartung"
    assert (adapter / "stride-adapter.json").is_file()

    # It comes to its end by itself, the comparison with it.
    qtbot.waitUntil(lambda: stride.context.training.at_work is None, timeout=LONG_MS)
    qtbot.waitUntil(page.run_view._before_after.isVisible)
    spec = read_spec(folder / "spec.json")
    assert (spec.minutes, spec.passages) == (MINUTE, "chats")
    compared = [found.label for found in page.run_view._before_after._shown]
    assert compared[0] == "One token a pass"
    assert {"Threshold 0.99", "Threshold 0.95", "Threshold 0.9", "Threshold 0.8"} <= {*compared}
    set_up_race(stride, adapter)

    with qtbot.waitSignal(stride.context.engine.loaded, timeout=LONG_MS) as loaded:
        click(page.run_view, "Chat with it")
    assert loaded.args[0].adapter == "wartung"
    assert stride.window.pages.currentIndex() == CHAT
    with qtbot.waitSignal(stride.context.engine.finished, timeout=LONG_MS):
        stride.window.chat.send("Pump 3?")
    [training] = [run for run in stride.context.history.store.list_runs() if run.kind == "training"]
    assert (training.state, training.adapter) == ("completed", "wartung")
