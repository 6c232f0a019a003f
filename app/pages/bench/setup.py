"""What a benchmark measures: prompts, thresholds, widths, how often."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QLineEdit, QSpinBox

from app.widgets.card import FormCard
from app.workers.run_lines import RunLine
from core.engine.offers import why_not
from core.engine.request import SessionInfo, Strategy
from core.evaluate.bench.bench import BenchPlan
from core.evaluate.bench.grid import grid
from core.evaluate.measure import NEXT_TOKEN
from core.evaluate.prompts import read_prompts, some_built_in_prompts
from core.train.samples import SAMPLE_DOMAINS

BUILT_IN = "Built-in families, held out from the starter's training"
OF_A_RUN = "{}: the rows held out from its training"
A_FILE = "A file…"
FILE_FILTER = "Prompts (*.jsonl)"
PROMPTS, MOST_PROMPTS = 24, 900
TOKENS, MOST_TOKENS = 64, 2048
RUNS, MOST_RUNS = 1, 9
EXACT: tuple[Strategy, ...] = ("verified", "heads", "prompt_lookup")
THRESHOLDS = "0.99, 0.95, 0.9, 0.8"


class BenchSetup(FormCard):
    """The fields."""

    def __init__(self) -> None:
        super().__init__("What is measured")
        self._offered: dict[str, Path] = {}
        self._source = QComboBox()
        self._source.addItem(BUILT_IN, None)
        for domain in SAMPLE_DOMAINS:
            self._source.addItem(f"{domain.title}, held out", domain.held_out)
        self._source.addItem(A_FILE, Path())
        self._source.activated.connect(self._on_source)
        self._thresholds = QLineEdit(THRESHOLDS)
        self._widths = QLineEdit()
        self._widths.setPlaceholderText("the adapter's own")
        self._most = QSpinBox(minimum=1, maximum=MOST_PROMPTS, value=PROMPTS)
        self._tokens = QSpinBox(minimum=2, maximum=MOST_TOKENS, value=TOKENS)
        self._runs = QSpinBox(minimum=1, maximum=MOST_RUNS, value=RUNS)
        self._exact = QCheckBox("Exact ways, too")
        self._exact.setToolTip("Verified, heads, prompt lookup: whatever the model offers.")
        self.add_row("Prompts", self._source)
        self.add_row("Thresholds", self._thresholds)
        self.add_row("k_max", self._widths)
        self.body.addWidget(self._exact)
        self._thresholds.setToolTip("Separated by commas.")
        self._widths.setToolTip("Most tokens kept of one pass, separated by commas.")
        self.add_numbers(
            {"At most prompts": self._most, "Most tokens": self._tokens, "Runs": self._runs}
        )

    @property
    def title(self) -> str:
        """What the prompts are."""
        return self._source.currentText()

    def planner(self, info: SessionInfo) -> Callable[[], BenchPlan]:
        """What makes the plan of these fields for a model that offers so much.

        It reads the prompts, so not in the window's thread.

        Raises:
            KnownError: for what is no number; the planner itself, for prompts that cannot be read.
        """
        is_fast = not why_not("confadapt", info)
        exact = [] if is_fast and not self._exact.isChecked() else EXACT
        offered = [one for one in exact if not why_not(one, info)]
        strategies = [*(["confadapt"] if is_fast else []), *offered]
        ways = grid(strategies, self._thresholds.text(), self._widths.text())
        path: Path | None = self._source.currentData()
        most, tokens, runs = self._most.value(), self._tokens.value(), self._runs.value()

        def plan() -> BenchPlan:
            prompts = read_prompts(path, most) if path else some_built_in_prompts(most)
            return BenchPlan(prompts, ways, tokens, runs, baselines=(NEXT_TOKEN,))

        return plan

    @Slot(list)
    def show_runs(self, lines: list[RunLine]) -> None:
        """Offer the held-out rows of other trainings; of one name those of the newest.

        What was chosen stays if it can, and so does an opened list.
        """
        found: dict[str, Path] = {}
        for line in lines:
            if line.held_out is not None:
                found.setdefault(OF_A_RUN.format(line.name), line.held_out)
        if found == self._offered or self._source.view().isVisible():
            return
        chosen = self._source.currentText()
        first = 1 + len(SAMPLE_DOMAINS)
        with QSignalBlocker(self._source):
            for _ in self._offered:
                self._source.removeItem(first)
            for text, path in found.items():
                self._source.insertItem(first, text, path)
            self._source.setCurrentIndex(max(0, self._source.findText(chosen)))
        self._offered = found

    def choose(self, path: Path) -> None:
        """Take the prompts of a file."""
        place = self._source.count() - 1
        self._source.insertItem(place, str(path), path)
        self._source.setCurrentIndex(place)

    @Slot()
    def _on_source(self) -> None:
        if self._source.currentText() != A_FILE:
            return
        name, _ = QFileDialog.getOpenFileName(self, "Choose prompts", "", FILE_FILTER)
        if name:
            self.choose(Path(name))
        else:
            self._source.setCurrentIndex(0)
