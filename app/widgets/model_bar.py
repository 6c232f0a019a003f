"""The header: which model, with which adapter, on which device, and the button that loads it."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QHideEvent, QPaintEvent, QShowEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QSizePolicy,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.assets import icon
from app.context import AppContext
from app.theme import data_colours, is_dark
from app.widgets.text import SPACE, button, muted
from app.widgets.units import size_text
from app.workers.inventory import Inventory, ModelChoice, take_inventory
from app.workers.jobs import Progress
from core.control import Cancel
from core.engine.request import LoadSpec, SessionInfo
from core.model.starter import NAME as STARTER_NAME

REFRESH_MS = 5000
"""How often free memory is read again while the window is shown."""

ADD_FOLDER = "add folder"
FIT_MARKS = {"fits": "✓", "tight": "!", "does not fit": "✕"}


LIST_WIDTH = 640
NOTE_ROLE = Qt.ItemDataRole.UserRole + 1


class NoteDelegate(QStyledItemDelegate):
    """Shows in the opened list what the closed box has no room for."""

    @override
    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        if note := index.data(NOTE_ROLE):
            option.text = f"{option.text}   ·   {note}"


class ElidingComboBox(QComboBox):
    """Shortens a text that does not fit with an ellipsis instead of cutting it."""

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


class ModelBar(QFrame):
    """Picks and loads a model; remembers what was loaded last.

    Signals:
        add_folder_requested: The user wants to name a folder with models.
        inventory_changed: A new `Inventory` is shown.
    """

    add_folder_requested = Signal()
    inventory_changed = Signal(object)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._inventory = Inventory()
        self._wish = context.settings.value.last_model or STARTER_NAME
        self._adapter_wish = "auto"
        self._loaded: LoadSpec | None = None
        self._loading: LoadSpec | None = None
        self._is_looking = False
        self.setProperty("role", "header")
        self.setAccessibleName("Model")
        self._models = _combo("Model", "Which model answers", 22)
        self._adapters = _combo("Adapter", "What lets it predict several tokens a pass", 13)
        self._devices = _combo("Device", "Where it computes, with the memory free now", 16)
        self._models.setItemDelegate(NoteDelegate(self._models))
        self._fit = muted()
        self._fit.setWordWrap(False)
        self._load_button = button("Load", "power", "primary")
        self._load_button.setToolTip("Load this model (Ctrl+L)")
        self._phase = muted()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Loading progress")
        self._cancel_button = button("Cancel")
        self._refresh_timer = QTimer(self, interval=REFRESH_MS)
        self._build()
        self._connect()
        self._show_choices()

    def _build(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
        layout.setSpacing(SPACE)
        for combo, stretch in ((self._models, 5), (self._adapters, 3), (self._devices, 4)):
            layout.addWidget(combo, stretch)
        idle = QWidget()
        idle_row = QHBoxLayout(idle)
        busy = QWidget()
        busy_row = QHBoxLayout(busy)
        for row in (idle_row, busy_row):
            row.setContentsMargins(SPACE, 0, 0, 0)
        idle_row.addWidget(self._fit, 1)
        idle_row.addWidget(self._load_button)
        column = QVBoxLayout()
        column.setSpacing(3)
        column.addStretch(1)
        column.addWidget(self._phase)
        column.addWidget(self._bar)
        column.addStretch(1)
        busy_row.addLayout(column, 1)
        busy_row.addWidget(self._cancel_button)
        side = QWidget()
        self._side = QStackedLayout(side)
        self._side.addWidget(idle)
        self._side.addWidget(busy)
        side.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout.addWidget(side, 4)

    def _connect(self) -> None:
        engine = self._context.engine
        engine.loading.connect(self._on_loading)
        engine.loaded.connect(self._on_loaded)
        engine.unloaded.connect(self._on_unloaded)
        self._models.activated.connect(self._on_model_chosen)
        self._adapters.activated.connect(self._on_adapter_chosen)
        self._devices.activated.connect(self._on_device_chosen)
        self._load_button.clicked.connect(self.load)
        self._cancel_button.clicked.connect(engine.cancel)
        self._refresh_timer.timeout.connect(self.refresh)

    # What others ask for

    @Slot()
    def refresh(self) -> None:
        """Look again at disk and devices, in a pool thread."""
        if not self._is_looking:
            self._is_looking = True
            self._context.jobs.start(self._look, self._on_inventory, finished=self._on_looked)

    @Slot()
    def load(self) -> None:
        """Load what is picked."""
        model = self._model()
        if model is None or self._loading is not None:
            return
        settings = self._context.settings.value
        spec = LoadSpec(model.wish, self._adapter_wish, settings.device, settings.dtype)
        self._loading = spec
        self._remember_adapter(model)
        self._show_loading(f"Loading {model.entry.name}", 0, 0)
        self._context.engine.load(spec)

    def pick(self, wish: str) -> None:
        """Pick a model by what a `LoadSpec` calls it, with the adapter last used with it."""
        self._wish = wish
        self._recall_adapter()
        self._show_choices()

    def show_settings(self) -> None:
        """Follow a device or number format chosen elsewhere."""
        self._show_choices()

    @property
    def is_loading(self) -> bool:
        """Whether a model is being loaded."""
        return self._loading is not None

    def is_loaded(self, wish: str) -> bool:
        """Whether a model is loaded and ready."""
        return self._loaded is not None and self._loaded.model == wish

    # Choices

    def _look(self, _cancel: Cancel, _progress: Progress) -> Inventory:
        return take_inventory(self._context.paths, self._context.settings.value)

    @Slot(object)
    def _on_inventory(self, inventory: Inventory) -> None:
        is_first = not self._inventory.devices
        self._inventory = inventory
        if is_first:
            self._recall_adapter()
        combos = (self._models, self._adapters, self._devices)
        if not any(combo.view().isVisible() for combo in combos):
            self._show_choices()
        self.inventory_changed.emit(inventory)

    @Slot()
    def _on_looked(self) -> None:
        self._is_looking = False

    def _recall_adapter(self) -> None:
        model = self._model()
        last = self._context.settings.value.last_adapter
        self._adapter_wish = last.get(model.entry.path.name, "auto") if model else "auto"

    def _model(self) -> ModelChoice | None:
        for choice in self._inventory.models:
            if choice.wish == self._wish and not choice.entry.problem:
                return choice
        return None

    def _show_choices(self) -> None:
        usable = [one for one in self._inventory.models if not one.entry.problem]
        if self._model() is None and usable and self._loading is None:
            self._wish = usable[0].wish
        self._fill_models()
        self._fill_adapters()
        self._fill_devices()
        self._show_fit()

    def _fill_models(self) -> None:
        self._models.clear()
        device = self._context.settings.value.device
        for choice in self._inventory.models:
            entry = choice.entry
            fit = self._inventory.fit(choice, device)
            note = entry.problem or f"{size_text(entry.size_bytes)}, {fit or 'no such device'}"
            self._models.addItem(icon("model"), entry.name, choice.wish)
            row = self._models.count() - 1
            self._models.setItemData(row, note, NOTE_ROLE)
            licence = f"licence {entry.licence}" if entry.licence else "licence not stated"
            tip = f"{entry.path}\n{licence}\n{note}"
            self._models.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
            if entry.problem:
                _disable(self._models, row)
        if not self._inventory.models:
            self._models.addItem("No model on this machine yet", "")
        self._models.addItem(icon("folder"), "Add a folder with models…", ADD_FOLDER)
        self._models.setCurrentIndex(max(self._models.findData(self._wish), 0))
        view = self._models.view()
        view.setMinimumWidth(min(view.sizeHintForColumn(0) + 24, LIST_WIDTH))

    def _fill_adapters(self) -> None:
        self._adapters.clear()
        self._adapters.addItem(icon("adapter"), "Adapter: auto", "auto")
        model = self._model()
        for choice in self._inventory.adapters_for(model.entry) if model else ():
            label = f"{choice.name}  ·  up to {choice.k_max} a pass"
            self._adapters.addItem(icon("adapter"), label, choice.wish)
        self._adapters.addItem(icon("adapter"), "No adapter", "none")
        self._adapters.setCurrentIndex(max(self._adapters.findData(self._adapter_wish), 0))

    def _fill_devices(self) -> None:
        self._devices.clear()
        chosen = self._context.settings.value.device
        best = self._inventory.device("auto")
        free = f"  ·  {size_text(best.free_bytes)} free" if best else ""
        self._devices.addItem(icon("cpu"), f"Automatic{free}", "auto")
        for device in self._inventory.devices:
            name = "CPU" if device.kind == "cpu" else device.name
            label = f"{name}  ·  {size_text(device.free_bytes)} free"
            self._devices.addItem(icon("cpu"), label, device.uuid)
            tip = f"{device.name}\n{size_text(device.total_bytes)} in all"
            self._devices.setItemData(self._devices.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        if self._devices.findData(chosen) < 0:
            self._devices.addItem(icon("warning"), "Chosen GPU is not there", chosen)
        self._devices.setCurrentIndex(self._devices.findData(chosen))

    def _show_fit(self) -> None:
        model = self._model()
        fit = self._inventory.fit(model, self._context.settings.value.device) if model else None
        self._load_button.setEnabled(model is not None and not self._is_current())
        self._load_button.setText("Loaded" if self._is_current() else "Load")
        if model is None or fit is None:
            self._fit.setText("")
            self._fit.setToolTip("")
            return
        colours = data_colours(is_dark(self.palette()))
        colour = {"fits": colours.good, "tight": colours.warning}.get(fit, colours.bad)
        self._fit.setTextFormat(Qt.TextFormat.RichText)
        self._fit.setText(f'<span style="color:{colour}">{FIT_MARKS[fit]} {fit}</span>')
        self._fit.setToolTip(f"Needs about {size_text(model.need_bytes)} of memory.")
        self._fit.setAccessibleDescription(self._fit.toolTip())

    def _is_current(self) -> bool:
        settings = self._context.settings.value
        wish = LoadSpec(self._wish, self._adapter_wish, settings.device, settings.dtype)
        return self._loaded == wish

    @Slot(int)
    def _on_model_chosen(self, index: int) -> None:
        wish = self._models.itemData(index)
        if wish == ADD_FOLDER:
            self._show_choices()
            self.add_folder_requested.emit()
        elif wish:
            self.pick(wish)

    @Slot(int)
    def _on_adapter_chosen(self, index: int) -> None:
        self._adapter_wish = self._adapters.itemData(index)
        self._show_fit()

    @Slot(int)
    def _on_device_chosen(self, index: int) -> None:
        self._context.settings.update(device=self._devices.itemData(index))

    # Loading

    @Slot(str, int, int)
    def _on_loading(self, phase: str, done: int, total: int) -> None:
        self._show_loading(phase, done, total)

    def _show_loading(self, phase: str, done: int, total: int) -> None:
        self._phase.setText(phase)
        # The first steps take longest and have no inner progress: a moving bar is more honest
        # than one that stands at nought.
        self._bar.setRange(0, total if done else 0)
        self._bar.setValue(done)
        self._side.setCurrentIndex(1)

    @Slot(object)
    def _on_loaded(self, _info: SessionInfo) -> None:
        self._loaded, self._loading = self._loading, None
        self._side.setCurrentIndex(0)
        if self._loaded is not None:
            self._context.settings.update(last_model=self._loaded.model)
        self._show_fit()
        self.refresh()

    def _remember_adapter(self, model: ModelChoice) -> None:
        """Keep an adapter picked by name for this model; "auto" forgets it again."""
        adapters = dict(self._context.settings.value.last_adapter)
        adapters.pop(model.entry.path.name, None)
        if self._adapter_wish != "auto":
            adapters[model.entry.path.name] = self._adapter_wish
        self._context.settings.update(last_adapter=adapters)

    @Slot()
    def _on_unloaded(self) -> None:
        self._loaded = None
        if not self._context.engine.is_loading:
            self._loading = None
            self._side.setCurrentIndex(0)
        self._show_fit()

    # Qt's own

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh_timer.start()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._refresh_timer.stop()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_fit()


def _combo(name: str, tip: str, characters: int) -> QComboBox:
    combo = ElidingComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(tip)
    combo.setIconSize(QSize(16, 16))
    combo.setMinimumContentsLength(characters)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo


def _disable(combo: QComboBox, row: int) -> None:
    model = combo.model()
    assert isinstance(model, QStandardItemModel)
    model.item(row).setEnabled(False)
