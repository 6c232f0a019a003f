"""What the wizard's pages share: the draft, what reading its files found, what a probe measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.context import AppContext
from app.workers.inventory import Inventory, ModelChoice
from app.workers.jobs import Job, Progress
from app.workers.preload import import_models
from core.control import Cancel
from core.errors import KnownError
from core.paths import Paths, free_disk_bytes
from core.settings import Settings
from core.train.draft import (
    Draft,
    draft_file,
    load_draft,
    name_problem,
    save_draft,
    suggest_name,
)
from core.train.forecast import Forecast, RowLengths, forecast, run_probe, writing_share
from core.train.preview import Look, Preview, look_at_documents, new_preview
from core.train.spec import TrainSpec

NO_MODEL = "There is no model on this machine yet. Home fetches the starter."
NO_ROWS = "The files hold no rows to train on."
TOO_LONG = "Every prompt is longer than the context: allow a larger one under Advanced."
READING = "The files are still being read."
NOT_READ = "The files could not be read: choose them again."


@dataclass(frozen=True)
class Plan:
    """What the draft came to: a spec, or why there is none."""

    spec: TrainSpec | None = None
    refusal: str = ""


class WizardState(QObject):
    """The draft and what was found out about it; all that takes time is done in the pool.

    Attributes:
        draft: The answers so far, kept on disk.
        inventory: Models, adapters and devices.
        look: What reading the files found; None while that is not known.
        unread: Why the files could not be read, else "".
        plan: What the draft asks for; None while that is worked out.
        forecast: What the run will take; None while that is not known.
        unprobed: Why the probe failed, else "".

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
        self._planner: Job | None = None
        self._prober: Job | None = None
        self.draft = load_draft(draft_file(context.paths))
        self.inventory = Inventory()
        self.look: Look | None = None
        self.unread = ""
        self.plan: Plan | None = None
        self.forecast: Forecast | None = None
        self.unprobed = ""

    # What the pages ask

    @property
    def model(self) -> ModelChoice | None:
        """The model to train, if it is there."""
        usable = [one for one in self.inventory.models if not one.entry.problem]
        chosen = [one for one in usable if one.wish == self.draft.model]
        return next(iter(chosen or usable), None)

    @property
    def is_reading(self) -> bool:
        """Whether the files are being read."""
        return self._reader is not None

    @property
    def is_probing(self) -> bool:
        """Whether a probe is under way."""
        return self._prober is not None

    @property
    def name_problem(self) -> str:
        """Why the adapter's name will not do, else ""."""
        return name_problem(self.draft.name, self._context.paths)

    @property
    def files_problem(self) -> str:
        """Why the files will not do as they were read, else ""."""
        if self.unread or self.look is None:
            return self.unread
        undecided = "" if self.draft.columns_confirmed else self.look.report.undecided
        if undecided or self.look.preview.longest:
            return undecided
        return TOO_LONG if self.look.preview.rows else NO_ROWS

    def problems(self) -> list[str]:
        """Why the training cannot begin; empty if it can."""
        found = []
        if self.model is None:
            found.append(NO_MODEL)
        if not self.draft.data:
            found.append("No files were chosen.")
        elif self.files_problem:
            found.append(self.files_problem)
        if unfit := self.name_problem:
            found.append(unfit)
        if not found and self.plan is not None and self.plan.refusal:
            found.append(self.plan.refusal)
        return found

    # What the pages change

    def update(self, **changes: Any) -> None:
        """Change answers of the draft and keep it."""
        self._put(self.draft.changed(**changes))

    def set_advanced(self, name: str, value: Any) -> None:
        """Change one advanced setting; None takes it back."""
        self._put(self.draft.with_advanced(name, value))
        if name in ("context", "passages"):
            self.read_files()

    def begin_anew(self) -> None:
        """Forget all answers but the model."""
        self.stop()
        self.look, self.unread = None, ""
        self._put(Draft(model=self.draft.model))

    def show_inventory(self, inventory: Inventory) -> None:
        """Take in what is on this machine now."""
        self.inventory = inventory
        if self.model is not None and self.model.wish != self.draft.model:
            self._put(self.draft.changed(model=self.model.wish))
        else:
            self.changed.emit()

    def set_files(self, data: tuple[str, ...]) -> None:
        """Choose other files and read them."""
        name, before = self.draft.name, self.draft.data
        if not name or (before and name == suggest_name(before, self._context.paths)):
            name = suggest_name(data, self._context.paths) if data else ""
        self.update(data=data, name=name, columns_confirmed=False)
        self.read_files()

    def choose_columns(self, columns: str) -> None:
        """Have the files read by other columns, whose rows are yet to be confirmed."""
        if columns != self.draft.columns:
            self.update(columns=columns, columns_confirmed=False)
            self.read_files()

    # What takes time

    def read_files(self) -> None:
        """Read the files as a training would; the outcome is in `look`."""
        _cancel(self._reader)
        self._reader = None
        self.look, self.unread = None, ""
        model, draft = self.model, self.draft
        if model is not None and draft.data:
            self._reader = self._context.jobs.start(
                lambda cancel, progress: _read(model, draft, cancel, progress),
                self._on_look,
                self._on_unread,
                self._on_rows,
                self._on_read,
            )
        self.changed.emit()

    def make_plan(self) -> None:
        """Work out the spec and, where there is one, measure a few steps of it."""
        if self.plan is not None and (self.forecast is not None or self.is_probing):
            return
        self.stop_planning()
        draft, paths, settings = self.draft, self._context.paths, self._context.settings.value
        if self.look is not None and not self.look.report.mapped:
            draft = draft.changed(columns="")  # they were chosen for other files
        self._planner = self._context.jobs.start(
            lambda _cancel, _progress: _plan(draft, paths, settings), self._on_plan
        )

    def stop_planning(self) -> None:
        """Give up spec and forecast: they were those of another draft."""
        _cancel(self._planner, self._prober)
        self._planner = self._prober = None
        self.plan, self.forecast, self.unprobed = None, None, ""

    def stop(self) -> None:
        """Let nothing go on in the pool; the wizard is left."""
        _cancel(self._reader)
        self._reader = None
        self.stop_planning()

    def _put(self, draft: Draft) -> None:
        if draft == self.draft:
            return
        if draft.changed(page=0) != self.draft.changed(page=0):
            self.stop_planning()
        self.draft = draft
        try:
            save_draft(draft_file(self._context.paths), draft)
        except OSError as error:
            sentence = f"The draft could not be saved: {error.strerror or error}."
            self.failed.emit(KnownError(sentence, "It holds until Stride is closed."))
        self.changed.emit()

    @Slot(str, object, object)
    def _on_rows(self, _phase: str, rows: int, _total: int) -> None:
        if self.sender() is self._reader:
            self.reading.emit(rows)

    @Slot(object)
    def _on_look(self, look: Look) -> None:
        self.look = look

    @Slot(object)
    def _on_unread(self, error: KnownError) -> None:
        self.unread = str(error)

    @Slot()
    def _on_read(self) -> None:
        if self.sender() is self._reader:
            self._reader = None
            self.changed.emit()

    @Slot(object)
    def _on_plan(self, plan: Plan) -> None:
        self.plan = plan
        spec, look, paths = plan.spec, self.look, self._context.paths
        if spec is not None and look is not None:
            self._prober = self._context.jobs.start(
                lambda cancel, _progress: _forecast(spec, look.preview, paths, cancel),
                self._on_forecast,
                self._on_unprobed,
                finished=self._on_probed,
            )
        self.changed.emit()

    @Slot(object)
    def _on_forecast(self, found: Forecast) -> None:
        self.forecast = found

    @Slot(object)
    def _on_unprobed(self, error: KnownError) -> None:
        self.unprobed = str(error)

    @Slot()
    def _on_probed(self) -> None:
        if self.sender() is self._prober:
            self._prober = None
            self.changed.emit()


def _cancel(*jobs: Job | None) -> None:
    """Cancel jobs for which nobody waits any more."""
    for job in jobs:
        if job is not None:
            job.cancel()


def _read(model: ModelChoice, draft: Draft, cancel: Cancel, progress: Progress) -> Look:
    import_models()
    context = int(draft.advanced.get("context", TrainSpec.context))
    passages = draft.advanced.get("passages", TrainSpec.passages)
    preview = new_preview(model.entry.path, context, passages)

    def advance(rows: int) -> None:
        cancel.check()
        progress("Reading", rows, 0)

    return look_at_documents(draft.data, draft.columns, draft.leave_out_secrets, preview, advance)


def _plan(draft: Draft, paths: Paths, settings: Settings) -> Plan:
    """Reads every byte of a model that was never hashed."""
    try:
        return Plan(draft.spec(paths, settings))
    except KnownError as error:
        return Plan(refusal=str(error))


def _forecast(spec: TrainSpec, preview: Preview, paths: Paths, cancel: Cancel) -> Forecast:
    """By a probe on rows as long as those of the files."""
    measured = run_probe(spec, cancel, RowLengths.of(preview))
    free_bytes = free_disk_bytes(paths.data)
    return forecast(spec, measured, writing_share(preview), preview.tokens, free_bytes)
