"""What was read and what was not, file by file, kept while the records stream past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from core.documents.duplicates import Duplicates, words_of
from core.documents.personal import secrets_in
from core.documents.records import FileStarted, Finding, FindingKind, Found, Record
from core.wording import many

OVER_LONG = 32_000
"""Characters; a training cuts such a row to its context."""
MOST_FINDINGS = 20
"""Findings a file kept word for word; all are counted."""
MOST_NAMES = 3
"""Files that a sentence names."""
State = Literal["read", "empty", "skipped"]


@dataclass
class FileReport:
    """One file.

    Attributes:
        rows: Rows given on, without those left out.
        counts: How many findings of each kind there were, also those no longer in `findings`.
        mapped: Columns of the table whose rows a chosen `ColumnMap` made.
    """

    file: str
    rows: int = 0
    characters: int = 0
    words: int = 0
    counts: Counter[FindingKind] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    mapped: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """Read if it gave a row, even one left out; else skipped for a reason, or empty."""
        if self.rows or self.counts["secret"]:
            return "read"
        return "skipped" if self.counts["skipped"] else "empty"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns to choose from, if nothing could be read without a choice."""
        if self.state == "read":
            return ()
        return next((one.columns for one in self.findings if one.columns), ())

    def note(self, finding: Finding) -> None:
        """Count a finding, and keep it if there are not too many."""
        self.counts[finding.kind] += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        findings = [{"place": one.place, "kind": one.kind, "why": one.why} for one in self.findings]
        about = {"rows": self.rows, "characters": self.characters, "words": self.words}
        more = {"counts": dict(self.counts), "findings": findings, "columns": list(self.columns)}
        return {"file": self.file, "state": self.state, **about, **more}


class Report:
    """Follows a reading and keeps a line for every file.

    Args:
        leave_out_secrets: Do not give on rows that seem to hold secrets or personal data.
    """

    def __init__(self, leave_out_secrets: bool = False) -> None:
        self.files: list[FileReport] = []
        self._leave_out_secrets = leave_out_secrets
        self._duplicates = Duplicates()

    def follow(self, found: Iterable[Found]) -> Iterator[Record]:
        """Pass the records on, with a look at each."""
        for one in found:
            match one:
                case FileStarted():
                    self.files.append(FileReport(one.file))
                case Finding():
                    self._line_of(one.file).note(one)
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
        return [file for file in self.files if file.mapped]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

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
        told = [f", {count} {kind}" for kind, count in counts.items() if kind != "empty"]
        return f"{many(self.rows, 'row')} of {files}; findings: {''.join(told)[2:] or 'none'}."

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
        if len(text) > OVER_LONG:
            line.note(_about(record, "over-long", f"it has {len(text):,} characters"))
        line.rows += 1
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
