"""The boxes of the header: which model, with which adapter, on which device."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QPaintEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QStylePainter,
)
from typing_extensions import override

from app.assets import icon
from app.widgets.text import SPACE
from app.widgets.units import size_text
from app.workers.inventory import AdapterChoice, Inventory, ModelChoice
from core.wording import many

ADD_FOLDER = "add folder"
CHOOSE_FOLDER = "choose folder"
LIST_WIDTH = 640
NOTE_ROLE = Qt.ItemDataRole.UserRole + 1


class ElidingComboBox(QComboBox):
    """Shortens a text that does not fit with an ellipsis instead of cutting it.

    Args:
        name: What a screen reader calls it.
        tip: What hovering says.
        characters: How many of them fit at least.
    """

    def __init__(self, name: str, tip: str, characters: int) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setIconSize(QSize(16, 16))
        self.setMinimumContentsLength(characters)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox,
            option,
            QStyle.SubControl.SC_ComboBoxEditField,
            self,
        )
        room = field.width() - self.iconSize().width() - SPACE
        text = option.fontMetrics.elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room)
        option.currentText = text
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def _say(self, row: int, tip: str) -> None:
        self.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)

    def _widen_list(self) -> None:
        """Let the opened list be wider than the box."""
        self.view().setMinimumWidth(min(self.view().sizeHintForColumn(0) + 24, LIST_WIDTH))


class NoteDelegate(QStyledItemDelegate):
    """Shows in the opened list what the closed box has no room for."""

    @override
    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        if note := index.data(NOTE_ROLE):
            option.text = f"{option.text}   ·   {note}"


class ModelBox(ElidingComboBox):
    """Every model on this machine; the broken ones with their reason, not to be picked."""

    def __init__(self) -> None:
        super().__init__("Model", "Which model answers", 22)
        self.setItemDelegate(NoteDelegate(self))

    def show_models(self, inventory: Inventory, wish: str, device: str) -> None:
        """Fill the list; `device` is where each model must fit."""
        self.clear()
        for choice in inventory.models:
            fit = inventory.fit(choice, device)
            self._add(choice, fit or "no such device")
        if not inventory.models:
            self.addItem("No model on this machine yet", "")
        self.addItem(icon("folder"), "Add a folder with models…", ADD_FOLDER)
        self.setCurrentIndex(max(self.findData(wish), 0))
        self._widen_list()

    def _add(self, choice: ModelChoice, fit: str) -> None:
        entry = choice.entry
        self.addItem(icon("model"), entry.name, choice.wish)
        row = self.count() - 1
        note = entry.problem or f"{size_text(entry.size_bytes)}, {fit}"
        self.setItemData(row, note, NOTE_ROLE)
        licence = f"licence {entry.licence}" if entry.licence else "licence not stated"
        self._say(row, f"{entry.path}\n{licence}\n{note}")
        if entry.problem:
            model = self.model()
            assert isinstance(model, QStandardItemModel)
            model.item(row).setEnabled(False)


class AdapterBox(ElidingComboBox):
    """The adapters of one model: by itself, one by name, none, or one from elsewhere."""

    def __init__(self) -> None:
        super().__init__("Adapter", "What lets it predict several tokens a pass", 13)

    def show_adapters(self, choices: Iterable[AdapterChoice], wish: str) -> None:
        """Fill the list; a wish that is not among the choices is shown as it is."""
        self.clear()
        self.addItem(icon("adapter"), "Adapter: auto", "auto")
        self._say(0, "The one last used with this model, else the shipped one if it fits")
        for choice in choices:
            self.addItem(icon("adapter"), f"{choice.name}  ·  {_yield_text(choice)}", choice.wish)
            changes = ", with weights of its own" if choice.changes_base else ""
            self._say(self.count() - 1, f"{choice.kind} adapter of {choice.base_model}{changes}")
        self.addItem(icon("adapter"), "No adapter", "none")
        if self.findData(wish) < 0:
            self.addItem(icon("adapter"), Path(wish).name, wish)
            self._say(self.count() - 1, wish)
        self.addItem(icon("folder"), "Choose an adapter folder…", CHOOSE_FOLDER)
        self.setCurrentIndex(self.findData(wish))
        self._widen_list()


def _yield_text(choice: AdapterChoice) -> str:
    if choice.kind == "heads":
        return many(choice.k_max - 1, "head")
    return f"up to {choice.k_max} a pass"


class DeviceBox(ElidingComboBox):
    """Every device with the memory free on it now."""

    def __init__(self) -> None:
        super().__init__("Device", "Where it computes, with the memory free now", 16)

    def show_devices(self, inventory: Inventory, wish: str) -> None:
        """Fill the list; a device that was chosen and is not there stays in it."""
        self.clear()
        best = inventory.device("auto")
        free = f"  ·  {size_text(best.free_bytes)} free" if best else ""
        self.addItem(icon("cpu"), f"Automatic{free}", "auto")
        for device in inventory.devices:
            name = "CPU" if device.kind == "cpu" else device.name
            label = f"{name}  ·  {size_text(device.free_bytes)} free"
            self.addItem(icon("cpu"), label, device.uuid)
            self._say(self.count() - 1, f"{device.name}\n{size_text(device.total_bytes)} in all")
        if self.findData(wish) < 0:
            self.addItem(icon("warning"), "Chosen GPU is not there", wish)
        self.setCurrentIndex(self.findData(wish))
