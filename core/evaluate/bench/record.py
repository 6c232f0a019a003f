"""A bench as a file (docs/bench-file.md): what was planned, where, and every round as it comes.

So a bench that was broken off can go on, and its report can be made without a model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.engine.request import Message, SessionInfo
from core.errors import KnownError
from core.evaluate.bench.bench import Bench, BenchPlan
from core.evaluate.bench.judged import BaseView, Judged, Likeness, Round, Row, Runs
from core.evaluate.measure import Measured, Way
from core.evaluate.origin import session_record
from core.evaluate.prompts import BenchPrompt
from core.lock import WriteLock
from core.model.fingerprint import cached_weights_hash, weights_hash
from core.rule import Rule

if TYPE_CHECKING:
    from core.engine.session import Session

FORMAT, VERSION = "stride-bench", 1
SAME = {
    "plan": "the plan",
    "model": "the model",
    "model_hash": "the base model's weights",
    "adapter": "the adapter",
    "adapter_hash": "the adapter's weights",
    "machine": "the machine",
    "stride": "Stride's version",
}
"""What must be alike for a bench to go on where another one stopped, and what to call it."""


@dataclass(frozen=True, slots=True)
class BenchRecord:
    """A bench that was measured, perhaps elsewhere, perhaps not to its end.

    Attributes:
        facts: What else the file says of it: model, machine, `day`, `title`.
        runs: See `Bench.runs`.
    """

    plan: BenchPlan
    facts: Mapping[str, Any]
    runs: Runs

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to measure."""
        return sum(map(len, self.runs)) == self.plan.runs * len(self.plan.prompts)

    def report(self) -> Row:
        """All figures; see `core.evaluate.bench.figures.report`.

        Raises:
            KnownError: if not even one prompt is done.
        """
        # It brings NumPy, which most commands do without.
        from core.evaluate.bench.figures import report

        if not any(self.runs):
            raise KnownError("Not even one prompt is measured yet.", "Let the benchmark go on.")
        return report(self.plan, self.runs) | dict(self.facts)


class BenchRecorder:
    """A bench that is written down while it is measured; until `close` by this process alone.

    Args:
        session: The loaded model.
        title: What the prompts are.
        cache: The user's folder, where the hashes of weights are known.
        path: Where to; a record of the same bench goes on. None keeps it in memory.

    Raises:
        KnownError: if the file cannot be written, is of another bench, or another process is
            writing it; see also `Bench`.
    """

    def __init__(
        self,
        session: Session,
        plan: BenchPlan,
        title: str,
        cache: Path,
        path: Path | None = None,
    ) -> None:
        from core.evaluate.agreement import base_model_of

        plan = plan.narrowed(session.info)
        head = _plain(
            {
                "format": FORMAT,
                "version": VERSION,
                "title": title,
                "day": date.today().isoformat(),
                **session_record(session.info),
                "model_hash": cached_weights_hash(Path(session.info.model_path), cache),
                "adapter_hash": _adapter_hash(session.info),
                "plan": _plan_to_dict(plan),
            }
        )
        # First of all, for it refuses what cannot be measured: no file is begun then.
        self.bench = Bench(session, plan, base_model_of(session))
        self._file = None if path is None else _RecordFile(path, head)
        if self._file is not None:
            head = self._file.head
            self.bench.go_on(self._file.runs, self._file.keep)
        self._facts = _facts(head)

    @property
    def record(self) -> BenchRecord:
        """What has been measured so far."""
        return BenchRecord(self.bench.plan, self._facts, self.bench.runs)

    def close(self) -> None:
        """Let other processes have the file."""
        if self._file is not None:
            self._file.close()


def _adapter_hash(info: SessionInfo) -> str:
    return weights_hash(Path(info.adapter_path)) if info.adapter_path else ""


def _facts(head: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in head.items() if name != "plan"}


class _RecordFile:
    """The file of a bench: begun anew, or gone on with.

    Attributes:
        head: Its first line.
        runs: What it held already.
    """

    def __init__(self, path: Path, head: dict[str, Any]) -> None:
        self._path = path
        self.head = head
        self.runs: Runs = []
        self._write(lambda: path.parent.mkdir(parents=True, exist_ok=True))
        self._lock = WriteLock(path)
        try:
            if path.exists():
                self._go_on_after(head)
            else:
                self._add(head)
        except KnownError:
            self.close()
            raise

    def close(self) -> None:
        """Write no more."""
        self._lock.release()

    def _go_on_after(self, head: Mapping[str, Any]) -> None:
        self.head, self.runs = _read(self._path)
        # Files of earlier versions do not know the weights of their base model.
        known = [name for name in SAME if name != "model_hash" or name in self.head]
        differs = [SAME[name] for name in known if self.head.get(name) != head[name]]
        if differs:
            raise KnownError(
                f"{self._path} is of another benchmark. What differs: {', '.join(differs)}.",
                "Choose a new file for this one.",
            )
        self._cut_torn_line()

    def keep(self, run: int, answers: Round) -> None:
        """Add a round."""
        kept = [{"way": asdict(way), **asdict(one)} for way, one in answers.items()]
        self._add({"run": run, "answers": kept})

    def _add(self, data: Mapping[str, Any]) -> None:
        line = json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"

        def add() -> None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)

        self._write(add)

    def _cut_torn_line(self) -> None:
        def cut() -> None:
            with self._path.open("r+b") as file:
                file.truncate(file.read().rfind(b"\n") + 1)

        self._write(cut)

    def _write(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError as error:
            raise KnownError(
                f"{self._path} cannot be written: {error.strerror or error}.",
                "Choose another place, or free some space.",
            ) from error


def read_bench(path: Path) -> BenchRecord:
    """A bench from its file.

    Raises:
        KnownError: if it cannot be read, or is of another format or a newer version.
    """
    head, runs = _read(path)
    try:
        return BenchRecord(_plan_from_dict(head["plan"]), _facts(head), runs)
    except (LookupError, TypeError, ValueError) as error:
        raise KnownError(f"The benchmark {path} cannot be read: {error!r}.") from error


def _read(path: Path) -> tuple[dict[str, Any], Runs]:
    """The head and the rounds; a torn last line, even within a character, is left out."""
    try:
        *lines, _torn = path.read_bytes().split(b"\n")
        head, *rounds = map(json.loads, lines)
        found = head["format"], head["version"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise KnownError(
            f"{path} is no benchmark: {error}.", "Choose a file that `stride bench --record` wrote."
        ) from error
    if found != (FORMAT, VERSION):
        raise KnownError(
            f"{path} holds a {found[0]} of version {found[1]}.",
            f"This Stride reads {FORMAT} of version {VERSION}.",
        )
    if isinstance(plan := head.get("plan"), dict):
        plan.setdefault("checks", False)  # earlier versions had none
    try:
        return head, _runs(rounds)
    except (LookupError, TypeError, AttributeError) as error:
        raise KnownError(f"The benchmark {path} cannot be read: {error!r}.") from error


def _plain(value: Any) -> Any:
    """As it comes back from the file."""
    return json.loads(json.dumps(value))


def _plan_to_dict(plan: BenchPlan) -> dict[str, Any]:
    data = asdict(plan)
    rule: dict[str, Any] = data.pop("rule")
    return data | rule


def _plan_from_dict(data: dict[str, Any]) -> BenchPlan:
    prompts = tuple(
        BenchPrompt(**{**one, "turns": tuple(Message(**turn) for turn in one["turns"])})
        for one in data["prompts"]
    )
    ways, baselines = (tuple(Way(**one) for one in data[name]) for name in ("ways", "baselines"))
    parts = {"prompts": prompts, "ways": ways, "baselines": baselines}
    plain = {**data, **parts}
    rule = Rule(plain.pop("count_from_slot"), plain.pop("checks"))
    return BenchPlan(**plain, rule=rule)


def _runs(rounds: list[dict[str, Any]]) -> Runs:
    runs: Runs = []
    for one in rounds:
        if one["run"] == len(runs):
            runs.append([])
        runs[one["run"]].append(
            {Way(**answer.pop("way")): _judged(answer) for answer in map(dict, one["answers"])}
        )
    return runs


def _judged(data: dict[str, Any]) -> Judged:
    tuples = {name: tuple(data["measured"][name]) for name in ("token_ids", "blocks", "sizes")}
    view, alike = data["base_view"], data["likeness"]
    return Judged(
        Measured(**{**data["measured"], **tuples}),
        data["is_right"],
        BaseView(**view) if view else None,
        Likeness(**alike) if alike else None,
    )
