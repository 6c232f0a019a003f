"""Settings: everything the user can choose; each change is in force and saved at once."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)

from app.context import AppContext
from app.pages.settings.folders import FoldersCard, ModelFoldersCard
from app.widgets.card import Card, FormCard, ScrollPage
from app.widgets.text import muted, pad_number, title
from app.workers.inventory import Inventory
from core.settings import Settings

THEMES = {"system": "Like the system", "light": "Light", "dark": "Dark"}
DTYPES = {
    "auto": "Automatic (what the hardware computes natively)",
    "float32": "float32",
    "bfloat16": "bfloat16",
}
TYPING_PAUSE_MS = 400
MOST_TOKENS = 131_072
NUMBER_WIDTH = 160


class SettingsPage(ScrollPage):
    """One card to a subject.

    Signals:
        folders_changed: The folders in which models are looked for are others now.
        status_message: A sentence for the status bar.
    """

    folders_changed = Signal()
    status_message = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Settings")
        self._context = context
        value = context.settings.value
        self._theme = _choice(THEMES, value.theme)
        self._device = QComboBox()
        self._dtype = _choice(DTYPES, value.dtype)
        self._system = QPlainTextEdit(value.system_prompt)
        self._max_new = QSpinBox(minimum=1, maximum=MOST_TOKENS, value=value.max_new_tokens)
        self._offline = QCheckBox("Stay offline: nothing touches the network, not even a download")
        self._folders = ModelFoldersCard()
        self._pause = QTimer(self, singleShot=True, interval=TYPING_PAUSE_MS)
        self._build()
        self._connect()
        self._show(value)

    def _build(self) -> None:
        self.column.addWidget(title("Settings"))
        self.column.addWidget(muted("Every change is in force and saved at once."))
        look = FormCard("Appearance")
        look.add_row("Theme", self._theme)
        answers = FormCard("Answers")
        self._system.setFixedHeight(84)
        self._system.setTabChangesFocus(True)
        self._system.setPlaceholderText("What the model is told before every chat; may be empty")
        self._max_new.setSuffix(" tokens")
        self._max_new.setKeyboardTracking(False)
        self._max_new.setMaximumWidth(NUMBER_WIDTH)
        pad_number(self._max_new)
        answers.add_row("System prompt", self._system)
        answers.add_row("Longest answer", self._max_new)
        hardware = FormCard("Hardware")
        hardware.add_row("Device", self._device)
        hardware.add_row("Number format", self._dtype)
        network = Card("Network", "Stride sends nothing about you or your chats anywhere.")
        network.body.addWidget(self._offline)
        for card in (look, answers, hardware, network, self._folders):
            self.column.addWidget(card)
        self.column.addWidget(FoldersCard(self._context.paths))

    def _connect(self) -> None:
        self._theme.activated.connect(self._on_theme)
        self._device.activated.connect(self._on_device)
        self._dtype.activated.connect(self._on_dtype)
        self._system.textChanged.connect(self._pause.start)
        self._pause.timeout.connect(self._on_system_prompt)
        self._max_new.valueChanged.connect(self._on_max_new)
        self._offline.toggled.connect(self._on_offline)
        self._folders.add_requested.connect(self.add_model_folder)
        self._folders.remove_requested.connect(self._on_remove_folder)
        self._context.settings.changed.connect(self._show)

    def show_inventory(self, inventory: Inventory) -> None:
        """Offer the devices that are there."""
        chosen = self._context.settings.value.device
        self._device.clear()
        self._device.addItem("Automatic (the GPU with most free memory, else the CPU)", "auto")
        for device in inventory.devices:
            self._device.addItem(device.name, device.uuid)
        if self._device.findData(chosen) < 0:
            self._device.addItem("A GPU that is not there now", chosen)
        self._device.setCurrentIndex(self._device.findData(chosen))

    @Slot(str)
    def add_model_folder(self, folder: str) -> None:
        """Look for models in one more folder."""
        path = str(Path(folder).expanduser().absolute())
        known = self._context.settings.value.model_folders
        if path in known:
            self.status_message.emit("This folder is in the list already.")
            return
        self._context.settings.update(model_folders=(*known, path))
        self.folders_changed.emit()

    @Slot(str)
    def _on_remove_folder(self, folder: str) -> None:
        known = self._context.settings.value.model_folders
        self._context.settings.update(model_folders=tuple(one for one in known if one != folder))
        self.folders_changed.emit()

    @Slot()
    def _on_theme(self) -> None:
        self._context.settings.update(theme=self._theme.currentData())

    @Slot()
    def _on_device(self) -> None:
        self._context.settings.update(device=self._device.currentData())

    @Slot()
    def _on_dtype(self) -> None:
        self._context.settings.update(dtype=self._dtype.currentData())

    @Slot()
    def _on_system_prompt(self) -> None:
        self._context.settings.update(system_prompt=self._system.toPlainText())

    @Slot(int)
    def _on_max_new(self, count: int) -> None:
        self._context.settings.update(max_new_tokens=count)

    @Slot(bool)
    def _on_offline(self, is_offline: bool) -> None:
        self._context.settings.update(offline=is_offline)

    @Slot(object)
    def _show(self, settings: Settings) -> None:
        """Follow changes made elsewhere, in the header for example."""
        for combo, value in (
            (self._theme, settings.theme),
            (self._device, settings.device),
            (self._dtype, settings.dtype),
        ):
            combo.setCurrentIndex(combo.findData(value))
        self._offline.setChecked(settings.offline)
        self._folders.show_folders(settings.model_folders)


def _choice(entries: dict[str, str], chosen: str) -> QComboBox:
    combo = QComboBox()
    for value, word in entries.items():
        combo.addItem(word, value)
    combo.setCurrentIndex(combo.findData(chosen))
    return combo
