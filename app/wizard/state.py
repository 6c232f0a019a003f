"""What the wizard's pages share: the draft, what reading its files found, what a probe measured."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.context import AppContext
from app.workers.inventory import Inventory, ModelChoice
from app.workers.jobs import Job, Progress
from core.control import Cancel
from core.errors import KnownError
from core.train.draft import (
    Draft,
    draft_file,
    load_draft,
    name_problem,
    save_draft,
    suggest_name,
)
from core.train.forecast import Forecast, forecast, run_probe
from core.train.preview import Look, look_at_documents, new_preview
from core.train.spec import TrainSpec


class WizardState(QObject):
    """The draft and what was found out about it.

    Attributes:
        draft: The answers so far, kept on disk.
        inventory: Models, adapters and devices.
        look: What reading the files found; None while that is not known.
        forecast: What the run will take; None while that is not known.
        problem: Why the files could not be read, or the probe failed.

    Signals:
        changed: Any of it is new.
        reading: Rows read so far.
        failed: The `KnownError` that kept the draft from being saved.
    """

    changed = Signal()
    reading = Signal(int)
    failed = Signal(object)

    def __init__(self, context: AppContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._reader: Job | None = None
        self._prober: Job | None = None
        self.draft = load_draft(draft_file(context.paths))
        self.inventory = Inventory()
        self.look: Look | None = None
        self.forecast: Forecast | None = None
        self.problem: KnownError | None = None

    # What the pages ask

    @property
    def model(self) -> ModelChoice | None:
        """The model to train, if it is there."""
        usable = [one for one in self.inventory.models if not one.entry.problem]
        chosen = [one for one in usable if one.wish == self.draft.model]
        return (chosen or usable or [None])[0]

    @property
    def is_reading(self) -> bool:
        """Whether the files are being read."""
        return self._reader is not None

    @property
    def is_probing(self) -> bool:
        """Whether a probe is under way."""
        return self._prober is not None

    def spec(self) -> TrainSpec:
        """What the draft asks for.

        Raises:
            KnownError: for what is missing, or does not go together.
        """
        return self.draft.spec(self._context.paths, self._context.settings.value)

    def problems(self) -> list[str]:
        """Why the training cannot begin; empty if it can."""
        found = []
        if self.model is None:
            found.append("There is no model on this machine yet. Home fetches the starter.")
        if not self.draft.data:
            found.append("No files were chosen.")
        elif self.look is not None and not self.look.preview.rows:
            found.append("The files hold no rows to train on.")
        if taken := name_problem(self.draft.name, self._context.paths):
            found.append(taken)
        if not found:
            try:
                self.spec()
            except KnownError as error:
                found.append(str(error))
        return found

    # What the pages change

    def update(self, **changes: Any) -> None:
        """Change answers of the draft and keep it."""
        self._put(self.draft.changed(**changes))

    def set_advanced(self, name: str, value: Any) -> None:
        """Change one advanced setting; None takes it back."""
        self._put(self.draft.with_advanced(name, value))

    def begin_anew(self) -> None:
        """Forget all answers but the model."""
        self.look, self.forecast = None, None
        self._put(Draft(model=self.draft.model))

    def show_inventory(self, inventory: Inventory) -> None:
        """Take in what is on this machine now."""
        self.inventory = inventory
        if self.model is not None and not self.draft.model:
            self.update(model=self.model.wish)
        else:
            self.changed.emit()

    def set_files(self, data: tuple[str, ...]) -> None:
        """Choose other files and read them."""
        name = self.draft.name or (suggest_name(data, self._context.paths) if data else "")
        self.update(data=data, name=name)
        self.read_files()

    def read_files(self) -> None:
        """Read the files as a training would; the outcome is in `look`."""
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None
        self.look, self.problem = None, None
        model, draft = self.model, self.draft
        if model is not None and draft.data:
            self._reader = self._context.jobs.start(
                lambda cancel, progress: _read(model, draft, cancel, progress),
                self._on_look,
                self._on_unread,
                self._on_rows,
            )
        self.changed.emit()

    def probe(self) -> None:
        """Measure a few steps of the training; the outcome is in `forecast`."""
        try:
            spec = self.spec()
        except KnownError:
            return
        if self._prober is not None:
            self._prober.cancel()
        self.forecast = None
        self._prober = self._context.jobs.start(
            lambda cancel, _progress: (spec, run_probe(spec, cancel)),
            self._on_measured,
            self._on_not_measured,
        )
        self.changed.emit()

    def _put(self, draft: Draft) -> None:
        if draft == self.draft:
            return
        self.draft = draft
        try:
            save_draft(draft_file(self._context.paths), draft)
        except OSError as error:
            sentence = f"The draft could not be saved: {error.strerror or error}."
            self.failed.emit(KnownError(sentence, "It holds until Stride is closed."))
        self.changed.emit()

    @Slot(str, object, object)
    def _on_rows(self, _phase: str, rows: int, _total: int) -> None:
        self.reading.emit(rows)

    @Slot(object)
    def _on_look(self, found: tuple[Draft, Look]) -> None:
        self._reader = None
        self.look = found[1]
        self.changed.emit()

    @Slot(object)
    def _on_unread(self, error: KnownError) -> None:
        self._reader = None
        self.problem = error
        self.changed.emit()

    @Slot(object)
    def _on_measured(self, measured: Any) -> None:
        self._prober = None
        self.forecast = forecast(*measured)
        self.changed.emit()

    @Slot(object)
    def _on_not_measured(self, error: KnownError) -> None:
        self._prober = None
        self.problem = error
        self.changed.emit()


def _read(
    model: ModelChoice, draft: Draft, cancel: Cancel, progress: Progress
) -> tuple[Draft, Look]:
    context = int(draft.advanced.get("context", TrainSpec.context))
    preview = new_preview(model.entry.path, context)

    def advance(rows: int) -> None:
        cancel.check()
        progress("Reading", rows, 0)

    return draft, look_at_documents(
        draft.data, draft.columns, draft.leave_out_secrets, preview, advance
    )
