from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.context import History, SettingsHolder
from app.workers.jobs import Jobs
from core.errors import KnownError
from core.paths import Paths
from core.settings import load_settings


def test_a_change_is_in_force_and_on_disk_at_once(qtbot: QtBot, paths: Paths) -> None:
    holder = SettingsHolder(paths.settings_file)
    with qtbot.waitSignal(holder.changed) as changed:
        holder.update(theme="dark", offline=True)
    assert changed.args[0] == holder.value == load_settings(paths.settings_file)
    with qtbot.assertNotEmitted(holder.changed):
        holder.update(theme="dark")


def test_a_broken_settings_file_is_left_and_said(qtbot: QtBot, paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text("theme = [", encoding="utf-8")
    holder = SettingsHolder(paths.settings_file)
    assert holder.value.theme == "system"
    assert holder.problem is not None
    with qtbot.waitSignal(holder.failed):
        holder.update(theme="dark")
    assert holder.value.theme == "dark"
    assert paths.settings_file.read_text(encoding="utf-8") == "theme = ["


def test_a_full_disk_is_a_sentence(
    qtbot: QtBot, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.context.save_settings", fail)
    holder = SettingsHolder(paths.settings_file)
    with qtbot.waitSignal(holder.failed) as failed:
        holder.update(offline=True)
    assert "No space left on device" in str(failed.args[0])


def test_history_opens_in_a_pool_thread(qtbot: QtBot, paths: Paths) -> None:
    jobs = Jobs()
    history = History(paths, jobs)
    with qtbot.waitSignal(history.opened):
        history.open()
    assert history.store is not None
    assert history.store.count_runs() == 0
    assert jobs.close()
    history.close()
    assert history.get_store() is None


def test_a_foreign_file_in_its_place_is_a_known_problem(qtbot: QtBot, paths: Paths) -> None:
    paths.database.mkdir(parents=True)  # a folder where the file should be
    jobs = Jobs()
    history = History(paths, jobs)
    with qtbot.waitSignal(history.failed) as failed:
        history.open()
    assert isinstance(failed.args[0], KnownError)
    assert history.problem is failed.args[0]
    assert jobs.close()
