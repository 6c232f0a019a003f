"""The line at the bottom: passing messages on the left, device, model, adapter, memory right."""

from __future__ import annotations

import psutil
from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget
from typing_extensions import override

from app.context import AppContext
from app.widgets.units import size_text
from core.engine.request import SessionInfo

REFRESH_MS = 2000
MESSAGE_MS = 6000
NO_MODEL = "No model loaded"


class StatusBar(QStatusBar):
    """What is loaded, where, and how much memory it takes."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._process = psutil.Process()
        self.setSizeGripEnabled(False)
        self._device = _part("Device")
        self._model = _part("Model")
        self._adapter = _part("Adapter")
        self._memory = _part("Memory")
        for part in (self._device, self._model, self._adapter, self._memory):
            self.addPermanentWidget(part)
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._timer.timeout.connect(self._show_memory)
        context.engine.loaded.connect(self._on_loaded)
        context.engine.unloaded.connect(self._on_unloaded)
        self._on_unloaded()

    @Slot(str)
    def show_message(self, sentence: str) -> None:
        """Say something for a few seconds."""
        self.showMessage(sentence, MESSAGE_MS)

    @Slot(object)
    def _on_loaded(self, info: SessionInfo) -> None:
        self._device.setText(f"{info.device} · {info.dtype}")
        self._model.setText(info.model)
        most = max(info.k_max, 1 + info.heads)
        adapter = f"Adapter {info.adapter}, up to {most} a pass"
        self._adapter.setText(adapter if info.adapter else "No adapter")
        self._adapter.setToolTip(info.mtp_off_reason)
        self.show_message("The model is ready.")
        self._show_memory()

    @Slot()
    def _on_unloaded(self) -> None:
        self._device.setText("")
        self._model.setText(NO_MODEL)
        self._adapter.setText("")
        self._show_memory()

    @Slot()
    def _show_memory(self) -> None:
        used = size_text(self._process.memory_info().rss)
        info = self._context.engine.info
        text = f"{used} memory"
        if info is not None and "cpu" not in info.device.lower():
            text = f"{size_text(info.memory_bytes)} on GPU, {used} memory"
        self._memory.setText(text)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()


def _part(name: str) -> QLabel:
    label = QLabel()
    label.setAccessibleName(name)
    label.setContentsMargins(8, 4, 8, 4)
    return label
