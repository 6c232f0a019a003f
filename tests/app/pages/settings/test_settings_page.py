from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QPlainTextEdit, QPushButton, QSpinBox
from pytestqt.qtbot import QtBot

from app.context import History, SettingsHolder
from app.pages.settings.page import SettingsPage
from app.workers.engine import EngineController
from app.workers.inventory import Inventory
from app.workers.jobs import Jobs
from core.device import Device
from core.paths import Paths
from core.settings import Settings, load_settings
from tests.fakes import FakeOpener, make_context


@pytest.fixture
def page(qtbot: QtBot, paths: Paths) -> Iterator[SettingsPage]:
    jobs = Jobs()
    engine = EngineController(FakeOpener())
    holder = SettingsHolder(paths.settings_file)
    page = SettingsPage(make_context(paths, holder, History(paths, jobs), engine, jobs))
    qtbot.addWidget(page)
    page.show()
    yield page
    assert engine.close()
    assert jobs.close()


def saved(paths: Paths) -> Settings:
    return load_settings(paths.settings_file)


def button(page: SettingsPage, name: str) -> QPushButton:
    found = page.findChildren(QPushButton)
    return next(one for one in found if name in (one.accessibleName(), one.text()))


def test_every_change_is_saved_at_once(qtbot: QtBot, page: SettingsPage, paths: Paths) -> None:
    page.findChild(QCheckBox).setChecked(True)
    page.findChild(QSpinBox).setValue(64)
    page._theme.setCurrentIndex(page._theme.findData("dark"))
    page._theme.activated.emit(page._theme.currentIndex())
    page.findChild(QPlainTextEdit).setPlainText("Be brief.")
    qtbot.waitUntil(lambda: saved(paths).system_prompt == "Be brief.")
    assert saved(paths) == Settings(
        theme="dark", offline=True, max_new_tokens=64, system_prompt="Be brief."
    )


def test_devices_are_offered_by_name_and_remembered_by_uuid(
    page: SettingsPage, paths: Paths
) -> None:
    gpu = Device("GPU-12", "A GPU", "cuda", 10, 5)
    page.show_inventory(Inventory(devices=(Device("cpu", "A CPU", "cpu", 10, 5), gpu)))
    page._device.setCurrentIndex(page._device.findText("A GPU"))
    page._device.activated.emit(page._device.currentIndex())
    assert saved(paths).device == "GPU-12"
    page.show_inventory(Inventory())
    assert page._device.currentText() == "A GPU that is not there now"


def test_model_folders_come_and_go(
    qtbot: QtBot, page: SettingsPage, paths: Paths, tmp_path: Path
) -> None:
    folder = tmp_path / "Ünï 测试 x"
    folder.mkdir()
    with qtbot.waitSignal(page.folders_changed):
        page.add_model_folder(str(folder))
    assert saved(paths).model_folders == (str(folder),)
    with qtbot.waitSignal(page.status_message):
        page.add_model_folder(str(folder))
    button(page, f"Remove {folder}").click()
    assert saved(paths).model_folders == ()


def test_a_folder_can_be_copied(page: SettingsPage, paths: Paths) -> None:
    button(page, f"Copy {paths.data}").click()
    assert QGuiApplication.clipboard().text() == str(paths.data)


def test_every_control_has_a_name_for_screen_readers(page: SettingsPage) -> None:
    kinds = (QPushButton, QCheckBox, QSpinBox, QPlainTextEdit)
    controls = [one for kind in kinds for one in page.findChildren(kind)]
    assert controls
    for control in controls:
        words = control.accessibleName() or getattr(control, "text", str)()
        assert words, control
