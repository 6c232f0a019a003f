"""What was read and what was not, file by file, kept while the records stream past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from core.documents.duplicates import Duplicates, words_of
from core.documents.personal import secrets_in
from core.documents.records import FileStarted, Finding, FindingKind, Found, Record
from core.wording import many

MOST_REASONS = 10
"""Different reasons of one kind that are kept of a file; all findings are counted."""
MOST_PLACES = 3
"""Places that a reason names."""
MOST_NAMES = 3
"""Files that a sentence names."""
ORDER: tuple[FindingKind, ...] = (
    "skipped", "secret", "damaged", "over-long", "duplicate", "near duplicate"
)  # fmt: skip
"""What costs rows comes before what costs none; other kinds come last."""
DUPLICATES = (
    "Of rows that are alike to the letter, a training keeps one; other duplicates and near "
    "duplicates stay."
)
State = Literal["read", "empty", "skipped"]


@dataclass
class Reason:
    """A finding that holds for one place of a file or for many."""

    first: Finding
    places: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, place: str) -> None:
        """Count one more place, and keep it if there are not too many."""
        self.count += 1
        if len(self.places) < MOST_PLACES:
            self.places.append(place)

    @property
    def finding(self) -> Finding:
        """All of it as one finding."""
        return replace(self.first, place=_places_text(self.places, self.count))


@dataclass
class FileReport:
    """One file.

    Attributes:
        rows: Rows given on, without those left out.
        counts: How many findings of each kind there were, also those not in `findings`.
        columns_found: Columns to choose from, as the first finding with some named them.
        mapped: Columns of the table whose rows a chosen `ColumnMap` made.
    """

    file: str
    rows: int = 0
    characters: int = 0
    words: int = 0
    counts: Counter[FindingKind] = field(default_factory=Counter)
    columns_found: tuple[str, ...] = ()
    mapped: tuple[str, ...] = ()
    _reasons: dict[FindingKind, dict[str, Reason]] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """Read if it gave a row, even one left out; else skipped for a reason, or empty."""
        if self.rows or self.counts["secret"]:
            return "read"
        return "skipped" if self.counts["skipped"] else "empty"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns to choose from, if nothing could be read without a choice."""
        return () if self.state == "read" else self.columns_found

    @property
    def reasons(self) -> list[Reason]:
        """What was kept of the findings, by kind."""
        return [one for kind in self._kinds for one in self._reasons[kind].values()]

    @property
    def findings(self) -> list[Finding]:
        """The same, each reason with its places as one finding."""
        return [one.finding for one in self.reasons]

    @property
    def told(self) -> list[str]:
        """A line for each reason, and one for what was not kept of a kind."""
        lines = []
        for kind in self._kinds:
            kept = self._reasons[kind].values()
            lines += [_line(one.finding) for one in kept]
            if more := self.counts[kind] - sum(one.count for one in kept):
                lines.append(f"... and {more:,} more {kind}")
        return lines

    def note(self, finding: Finding) -> None:
        """Count a finding, and keep its reason if there are not too many."""
        self.counts[finding.kind] += 1
        self.columns_found = self.columns_found or finding.columns
        reasons = self._reasons.setdefault(finding.kind, {})
        if finding.why not in reasons and len(reasons) < MOST_REASONS:
            reasons[finding.why] = Reason(finding)
        if finding.why in reasons:
            reasons[finding.why].add(finding.place)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        findings = [_reason_to_dict(one) for one in self.reasons]
        about = {"rows": self.rows, "characters": self.characters, "words": self.words}
        more = {"counts": dict(self.counts), "findings": findings, "columns": list(self.columns)}
        return {"file": self.file, "state": self.state, **about, **more}

    @property
    def _kinds(self) -> list[FindingKind]:
        known = [kind for kind in ORDER if kind in self._reasons]
        return known + [kind for kind in self._reasons if kind not in ORDER]


class Report:
    """Follows a reading and keeps a line for every file.

    Args:
        leave_out_secrets: Do not give on rows that seem to hold secrets or personal data.

    Attributes:
        files: A line for each, in their order.
        rows: Of all files.
    """

    def __init__(self, leave_out_secrets: bool = False) -> None:
        self.files: list[FileReport] = []
        self.rows = 0
        self._leave_out_secrets = leave_out_secrets
        self._duplicates = Duplicates()

    def follow(
        self, found: Iterable[Found], goes_on: Callable[[], bool] = lambda: True
    ) -> Iterator[Record]:
        """Pass the records on, with a look at each.

        Args:
            found: Of the files, in their order.
            goes_on: Asked for each thing found, as a file may hold no record; False ends it.
        """
        for one in found:
            if not goes_on():
                return
            match one:
                case FileStarted():
                    self.files.append(FileReport(one.file))
                case Finding():
                    self.note(one)
                case Record():
                    yield from self._record(one)

    def count(self, state: State) -> int:
        """How many files are in a state."""
        return sum(file.state == state for file in self.files)

    @property
    def asking(self) -> list[FileReport]:
        """Files of which nothing can be read unless their columns are chosen."""
        return [file for file in self.files if file.columns]

    @property
    def mapped(self) -> list[FileReport]:
        """Files with rows of chosen columns."""
        return [file for file in self.files if file.mapped and file.rows]

    @property
    def findings(self) -> list[Finding]:
        """Findings of all files."""
        return [finding for file in self.files for finding in file.findings]

    @property
    def undecided(self) -> str:
        """What the user has to say of tables without known columns, else ""."""
        if self.mapped:
            return f"Confirm that the rows of {names_of(self.mapped)} are right."
        if self.asking:
            tables = names_of(self.asking)
            return f"Choose which columns of {tables} hold what, or leave these tables out."
        return ""

    def summary(self) -> str:
        """One sentence on all files."""
        states = f"{self.count('read')} read, {self.count('skipped')} skipped"
        files = f"{many(len(self.files), 'file')} ({states}, {self.count('empty')} empty)"
        counts = sum((file.counts for file in self.files), Counter[FindingKind]())
        told = [f", {count:,} {kind}" for kind, count in counts.items() if kind != "empty"]
        found = f"{many(self.rows, 'row')} of {files}; findings: {''.join(told)[2:] or 'none'}."
        twice = DUPLICATES if counts["duplicate"] or counts["near duplicate"] else ""
        return " ".join(filter(None, (found, twice, self._duplicates.limit)))

    def note(self, finding: Finding) -> None:
        """Take in one more finding of a file."""
        self._line_of(finding.file).note(finding)

    def _line_of(self, file: str) -> FileReport:
        if not self.files or self.files[-1].file != file:
            self.files.append(FileReport(file))
        return self.files[-1]

    def _record(self, record: Record) -> Iterator[Record]:
        line = self._line_of(record.file)
        text = record.row.content
        line.mapped = line.mapped or record.columns
        if secrets := secrets_in(text):
            out = " and was left out" if self._leave_out_secrets else ""
            line.note(_about(record, "secret", f"it seems to hold {', '.join(secrets)}{out}"))
            if self._leave_out_secrets:
                return
        if seen := self._duplicates.seen(text):
            line.note(_about(record, seen, f"it is a {seen} of an earlier row"))
        if "\ufffd" in text:
            line.note(_about(record, "damaged", "some of its characters could not be decoded"))
        line.rows += 1
        self.rows += 1
        line.characters += len(text)
        line.words += len(words_of(text))
        yield record


def names_of(files: Sequence[FileReport]) -> str:
    """Files by name, for a sentence; of many the first ones and how many more."""
    named = ", ".join(file.file for file in files[:MOST_NAMES])
    more = len(files) - MOST_NAMES
    return f"{named} and {more} more" if more > 0 else named


def _about(record: Record, kind: FindingKind, why: str) -> Finding:
    return Finding(record.file, record.place, kind, why)


def _places_text(places: Sequence[str], count: int) -> str:
    """Places as one: "lines 3, 4 and 7 more", "sheet A, rows 2, 3"."""
    heads = {place.rpartition(" ")[0] for place in places}
    if count == 1 or not all(heads):
        named = ", ".join(filter(None, places))
    elif len(heads) == 1:
        named = f"{heads.pop()}s {', '.join(place.rpartition(' ')[2] for place in places)}"
    else:
        named = "; ".join(places)
    return f"{named} and {count - len(places):,} more" if named and count > len(places) else named


def _line(finding: Finding) -> str:
    """A finding for people."""
    if finding.place:
        return f"{finding.place}: {finding.why}"
    return finding.why[:1].upper() + finding.why[1:]


def _reason_to_dict(reason: Reason) -> dict[str, Any]:
    one = reason.finding
    return {"place": one.place, "kind": one.kind, "why": one.why, "count": reason.count}
