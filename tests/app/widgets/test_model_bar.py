from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFileDialog
from pytestqt.qtbot import QtBot

from app.context import AppContext, History, SettingsHolder
from app.widgets import model_bar
from app.widgets.model_bar import ModelBar
from app.widgets.model_choices import ADD_FOLDER, CHOOSE_FOLDER
from app.workers.engine import EngineController
from app.workers.inventory import AdapterChoice, Inventory, ModelChoice, _adapter
from app.workers.jobs import Jobs
from core.control import Cancel
from core.device import Device
from core.engine.request import LoadSpec
from core.errors import KnownError
from core.model import adapter_info
from core.model.adapter_info import WEIGHTS_FILE, AdapterInfo, adapter_draft
from core.model.starter import NAME as STARTER
from core.model.store import ModelEntry
from core.paths import Paths
from core.settings import load_settings
from tests.fakes import FakeOpener, make_context

GB = 10**9


def model(name: str, need: int = GB, problem: str = "") -> ModelChoice:
    entry = ModelEntry(name, Path("/models") / name, "folder", GB, "apache-2.0", problem)
    return ModelChoice(entry, name, need)


INVENTORY = Inventory(
    models=(
        model(STARTER),
        model("large", 40 * GB),
        model("tight", 9 * GB),
        model("half", problem="incomplete: model-2.safetensors is missing"),
    ),
    adapters=(
        AdapterChoice("mine", "/adapters/mine", "gated", STARTER, "hash of " + STARTER, 8),
        AdapterChoice("other", "/adapters/other", "gated", "large", "hash of large", 8),
    ),
    devices=(
        Device("cpu", "A processor", "cpu", 16 * GB, 10 * GB),
        Device("GPU-1", "A GPU", "cuda", 80 * GB, 70 * GB),
    ),
)


@dataclass
class Stage:
    bar: ModelBar
    engine: EngineController
    opener: FakeOpener
    context: AppContext


@pytest.fixture
def stage(qtbot: QtBot, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(model_bar, "take_inventory", lambda *_: INVENTORY)
    monkeypatch.setattr(model_bar, "weights_of", lambda one, *_: f"hash of {one.wish}")
    jobs = Jobs()
    opener = FakeOpener()
    engine = EngineController(opener)
    holder = SettingsHolder(paths.settings_file)
    holder.update(device="cpu")
    context = make_context(paths, holder, History(paths, jobs), engine, jobs)
    bar = ModelBar(context)
    qtbot.addWidget(bar)
    bar.show()
    with qtbot.waitSignal(bar.inventory_changed):
        bar.refresh()
    qtbot.waitUntil(lambda: jobs.is_idle)
    yield Stage(bar, engine, opener, context)
    bar.hide()
    assert engine.close()
    assert jobs.close()


def choose(combo: QComboBox, wish: str) -> None:
    combo.setCurrentIndex(combo.findData(wish))
    combo.activated.emit(combo.currentIndex())


def test_the_starter_is_picked_first_and_fits(stage: Stage) -> None:
    assert stage.bar._models.currentData() == STARTER
    assert "fits" in stage.bar._panel._fit.text()
    assert "10.0 GB free" in stage.bar._devices.currentText()


@pytest.mark.parametrize(
    ("name", "device", "fit"),
    [("large", "cpu", "does not fit"), ("tight", "cpu", "tight"), ("large", "GPU-1", "fits")],
)
def test_fit_is_judged_from_free_memory(stage: Stage, name: str, device: str, fit: str) -> None:
    choose(stage.bar._models, name)
    choose(stage.bar._devices, device)
    stage.bar.show_settings()
    assert f" {fit}<" in stage.bar._panel._fit.text()
    assert stage.bar._panel._load_button.isEnabled()


def test_a_broken_model_is_shown_with_its_reason_but_cannot_be_picked(stage: Stage) -> None:
    row = stage.bar._models.findData("half")
    model = stage.bar._models.model()
    assert isinstance(model, QStandardItemModel)
    item = model.item(row)
    assert not item.isEnabled()
    assert "model-2.safetensors is missing" in item.toolTip()


def test_loading_names_model_adapter_and_device(qtbot: QtBot, stage: Stage, paths: Paths) -> None:
    choose(stage.bar._adapters, "/adapters/mine")
    with qtbot.waitSignal(stage.engine.loaded):
        stage.bar.load()
    assert stage.opener.specs == [LoadSpec(STARTER, "/adapters/mine", "cpu", "auto")]
    assert stage.bar.is_loaded(STARTER)
    assert stage.bar._panel._load_button.text() == "Loaded"
    settings = load_settings(paths.settings_file)
    assert settings.last_model == STARTER
    assert settings.last_adapter == {STARTER: "/adapters/mine"}
    choose(stage.bar._adapters, "auto")
    assert stage.bar._panel._load_button.text() == "Load"
    with qtbot.waitSignal(stage.engine.loaded):
        stage.bar.load()
    assert load_settings(paths.settings_file).last_adapter == {}


def test_only_adapters_of_these_weights_are_offered(qtbot: QtBot, stage: Stage) -> None:
    def wishes() -> list[str]:
        box = stage.bar._adapters
        return [box.itemData(row) for row in range(box.count())]

    assert wishes() == ["auto", "/adapters/mine", "none", CHOOSE_FOLDER]
    choose(stage.bar._models, "large")
    expected = ["auto", "/adapters/other", "none", CHOOSE_FOLDER]
    qtbot.waitUntil(lambda: wishes() == expected)


def test_an_adapter_from_elsewhere_is_shown_by_its_name(stage: Stage) -> None:
    stage.context.settings.update(last_adapter={"large": "/elsewhere/kept"})
    choose(stage.bar._models, "large")
    assert stage.bar._adapters.currentText() == "kept"
    assert stage.bar._adapters.currentData() == "/elsewhere/kept"


def write_adapter(folder: Path, base: str) -> Path:
    info = AdapterInfo("gated", 6, base, f"hash of {base}", "apache-2.0", "", rank=4)
    with adapter_draft(folder, info) as draft:
        (draft / WEIGHTS_FILE).touch()
    return folder


def test_an_adapter_that_changes_the_model_says_so(stage: Stage, tmp_path: Path) -> None:
    info = AdapterInfo("heads", 3, STARTER, f"hash of {STARTER}", "", "", heads=2, joint=True)
    with adapter_draft(tmp_path / "joint", info) as draft:
        (draft / WEIGHTS_FILE).touch()
    choice = _adapter(tmp_path / "joint")
    assert choice.changes_base
    box = stage.bar._adapters
    box.show_adapters([choice, *INVENTORY.adapters], "auto")
    tips = [box.itemData(row, Qt.ItemDataRole.ToolTipRole) for row in (1, 2)]
    assert tips == [
        f"heads adapter of {STARTER}, with weights of its own",
        f"gated adapter of {STARTER}",
    ]


@pytest.fixture
def choose_folder(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | str], None]:
    """Picks the list's last entry and then this folder; "" closes the dialog."""

    def known(model: Path, *_: object) -> str:
        return f"hash of {model.name}"

    monkeypatch.setattr(adapter_info, "cached_weights_hash", known)

    def choose_it(folder: Path | str) -> None:
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
        choose(stage.bar._adapters, CHOOSE_FOLDER)

    return choose_it


def test_an_adapter_from_any_folder_is_picked_and_remembered(
    qtbot: QtBot, stage: Stage, choose_folder: Callable[[Path | str], None], tmp_path: Path
) -> None:
    folder = write_adapter(tmp_path / "trained", STARTER)
    box = stage.bar._adapters
    assert box.itemData(box.count() - 1) == CHOOSE_FOLDER
    choose_folder(folder)
    qtbot.waitUntil(lambda: box.currentData() == str(folder))
    assert box.itemData(box.count() - 1) == CHOOSE_FOLDER
    with qtbot.waitSignal(stage.engine.loaded):
        stage.bar.load()
    assert stage.opener.specs[0].adapter == str(folder)
    assert stage.context.settings.value.last_adapter == {STARTER: str(folder)}


@pytest.mark.parametrize(
    ("base", "sentence"), [("", "holds no Stride adapter"), ("large", "belongs to large")]
)
def test_a_folder_without_a_fitting_adapter_says_so(
    qtbot: QtBot,
    stage: Stage,
    choose_folder: Callable[[Path | str], None],
    tmp_path: Path,
    base: str,
    sentence: str,
) -> None:
    if base:
        write_adapter(tmp_path, base)
    with qtbot.waitSignal(stage.context.jobs.failed) as failed:
        choose_folder(tmp_path)
    assert sentence in failed.args[0].sentence
    assert stage.bar._adapters.currentData() == "auto"


def test_no_folder_chosen_leaves_the_adapter_as_it_was(
    stage: Stage, choose_folder: Callable[[Path | str], None]
) -> None:
    choose(stage.bar._adapters, "/adapters/mine")
    choose_folder("")
    assert stage.bar._adapters.currentData() == "/adapters/mine"
    assert stage.context.jobs.is_idle


def test_closing_does_not_wait_for_weights_being_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_for_minutes(_model: ModelChoice, _paths: Paths, cancel: Cancel) -> str:
        cancel.wait(60)
        return ""

    monkeypatch.setattr(model_bar, "weights_of", read_for_minutes)
    choose(stage.bar._models, "large")
    assert not stage.context.jobs.is_idle
    assert stage.context.jobs.close()


def test_a_failed_load_leaves_the_bar_ready_for_another(qtbot: QtBot, stage: Stage) -> None:
    stage.opener.error = KnownError("The weights are truncated.")
    with qtbot.waitSignals([stage.engine.failed, stage.engine.unloaded]):
        stage.bar.load()
    assert not stage.bar.is_loading
    assert stage.bar._panel._load_button.isEnabled()
    stage.opener.error = None
    with qtbot.waitSignal(stage.engine.loaded):
        stage.bar.load()


def test_a_folder_can_be_added_from_the_list(qtbot: QtBot, stage: Stage) -> None:
    with qtbot.waitSignal(stage.bar.add_folder_requested):
        choose(stage.bar._models, ADD_FOLDER)
    assert stage.bar._models.currentData() == STARTER


def test_a_machine_without_models_says_so(stage: Stage) -> None:
    stage.bar._on_inventory(replace(INVENTORY, models=()))
    assert stage.bar._models.currentText() == "No model on this machine yet"
    assert not stage.bar._panel._load_button.isEnabled()
    assert not stage.bar._adapters.isEnabled()
