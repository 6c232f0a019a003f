"""The header: which model, with which adapter, on which device, and the button that loads it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QWidget
from typing_extensions import override

from app.context import AppContext
from app.widgets.load_panel import LoadPanel
from app.widgets.model_choices import (
    ADD_FOLDER,
    CHOOSE_FOLDER,
    AdapterBox,
    DeviceBox,
    ModelBox,
)
from app.widgets.text import SPACE
from app.workers.inventory import (
    Inventory,
    ModelChoice,
    adapter_in,
    take_inventory,
    weights_of,
)
from app.workers.jobs import Progress
from core.control import Cancel
from core.engine.request import LoadSpec, SessionInfo
from core.model.starter import NAME as STARTER_NAME

REFRESH_MS = 5000
"""How often free memory is read again while the window is shown."""


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
        self._weights: dict[str, str] = {}
        self.setProperty("role", "header")
        self.setAccessibleName("Model")
        self._models = ModelBox()
        self._adapters = AdapterBox()
        self._devices = DeviceBox()
        self._panel = LoadPanel()
        self._refresh_timer = QTimer(self, interval=REFRESH_MS)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
        layout.setSpacing(SPACE)
        for widget, stretch in self._parts():
            layout.addWidget(widget, stretch)
        self._connect()
        self._show_choices()

    def _parts(self) -> tuple[tuple[QWidget, int], ...]:
        return (self._models, 5), (self._adapters, 3), (self._devices, 4), (self._panel, 4)

    def _connect(self) -> None:
        engine = self._context.engine
        engine.loading.connect(self._on_loading)
        engine.loaded.connect(self._on_loaded)
        engine.unloaded.connect(self._on_unloaded)
        self._models.activated.connect(self._on_model_chosen)
        self._adapters.activated.connect(self._on_adapter_chosen)
        self._devices.activated.connect(self._on_device_chosen)
        self._panel.load_requested.connect(self.load)
        self._panel.cancel_requested.connect(engine.cancel)
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
        if model is None:
            return
        settings = self._context.settings.value
        spec = LoadSpec(model.wish, self._adapter_wish, settings.device, settings.dtype)
        if spec == self._loading:
            return
        self._loading = spec
        self._remember_adapter(model)
        self._panel.show_progress(f"Loading {model.entry.name}", 0, 0)
        self._context.engine.load(spec)

    def pick(self, wish: str) -> None:
        """Pick a model by what a `LoadSpec` calls it, with the adapter last used with it."""
        self._wish = wish
        self._recall_adapter()
        self._show_choices()

    def load_with(self, folder: str, adapter: str) -> None:
        """Load the model of a folder with an adapter."""
        found = [one for one in self._inventory.models if str(one.entry.path) == folder]
        self._wish = found[0].wish if found else self._wish
        self._adapter_wish = adapter
        self._show_choices()
        self.load()

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
        device = self._context.settings.value.device
        self._models.show_models(self._inventory, self._wish, device)
        self._devices.show_devices(self._inventory, device)
        self._show_adapters()
        self._show_fit()

    def _show_adapters(self) -> None:
        """Those trained on exactly the picked model's weights, once these have been read."""
        model = self._model()
        if model is not None and self._inventory.adapters:
            self._weigh(model)
        self._adapters.setEnabled(model is not None)
        weights = self._weights.get(self._wish, "")
        self._adapters.show_adapters(self._inventory.adapters_for(weights), self._adapter_wish)

    def _weigh(self, model: ModelChoice) -> None:
        if model.wish not in self._weights:
            self._weights[model.wish] = ""
            paths = self._context.paths
            self._context.jobs.start(
                lambda cancel, _progress: (model.wish, weights_of(model, paths, cancel)),
                self._on_weighed,
            )

    @Slot(object)
    def _on_weighed(self, weighed: tuple[str, str]) -> None:
        wish, weights = weighed
        self._weights[wish] = weights
        if not self._adapters.view().isVisible():
            self._show_adapters()

    def _show_fit(self) -> None:
        model = self._model()
        device = self._context.settings.value.device
        fit = self._inventory.fit(model, device) if model else None
        self._panel.show_choice(fit, model.need_bytes if model else 0)
        self._panel.show_button(can_load=model is not None, is_loaded=self._is_current())

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
        wish = self._adapters.itemData(index)
        if wish == CHOOSE_FOLDER:
            self._show_adapters()
            self._choose_adapter_folder()
        else:
            self._adapter_wish = wish
            self._show_fit()

    def _choose_adapter_folder(self) -> None:
        """Pick an adapter from anywhere, once it is known to fit the picked model."""
        folder = QFileDialog.getExistingDirectory(self, "A folder with an adapter")
        model, paths = self._model(), self._context.paths
        if not folder or model is None:
            return

        def read(cancel: Cancel, _progress: Progress) -> tuple[str, str]:
            return model.wish, adapter_in(Path(folder), model, paths, cancel).wish

        self._context.jobs.start(read, self._on_adapter_found)

    @Slot(object)
    def _on_adapter_found(self, found: tuple[str, str]) -> None:
        model_wish, adapter_wish = found
        if model_wish == self._wish:
            self._adapter_wish = adapter_wish
            self._show_adapters()
            self._show_fit()

    @Slot(int)
    def _on_device_chosen(self, index: int) -> None:
        self._context.settings.update(device=self._devices.itemData(index))

    def _remember_adapter(self, model: ModelChoice) -> None:
        """Keep an adapter picked by name for this model; "auto" forgets it again."""
        adapters = dict(self._context.settings.value.last_adapter)
        adapters.pop(model.entry.path.name, None)
        if self._adapter_wish != "auto":
            adapters[model.entry.path.name] = self._adapter_wish
        self._context.settings.update(last_adapter=adapters)

    # Loading

    @Slot(str, int, int)
    def _on_loading(self, phase: str, done: int, total: int) -> None:
        self._panel.show_progress(phase, done, total)

    @Slot(object)
    def _on_loaded(self, _info: SessionInfo) -> None:
        self._loaded, self._loading = self._loading, None
        self._panel.show_idle()
        if self._loaded is not None:
            self._context.settings.update(last_model=self._loaded.model)
        self._show_fit()
        self.refresh()

    @Slot()
    def _on_unloaded(self) -> None:
        self._loaded = None
        if not self._context.engine.is_loading:
            self._loading = None
            self._panel.show_idle()
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
