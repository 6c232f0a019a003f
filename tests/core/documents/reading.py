"""A whole reading in one call."""

from __future__ import annotations

from pathlib import Path

from core.documents.formats import read_file
from core.documents.limits import Limits
from core.documents.process import read_documents
from core.documents.records import ColumnMap, Record, Source
from core.documents.report import Report


def read_all(
    *paths: Path,
    columns: ColumnMap | None = None,
    limits: Limits | None = None,
    leave_out_secrets: bool = False,
) -> tuple[list[Record], Report]:
    """All records of paths, and the report on them."""
    report = Report(leave_out_secrets)
    found = read_documents([str(path) for path in paths], columns, limits)
    return list(report.follow(found)), report


def whys(report: Report) -> dict[str, str]:
    """The findings of each file, joined."""
    return {
        file.file: "; ".join(f"{one.place}: {one.why}" for one in file.findings)
        for file in report.files
    }


def read(path: Path) -> list[Record]:
    """The records of a file, read in this process, for formats that need no guard."""
    return [one for one in read_file(Source(path, path.name)) if isinstance(one, Record)]
