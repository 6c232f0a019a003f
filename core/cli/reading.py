"""What commands share that read documents, and `stride data check`, which only does that."""

from __future__ import annotations

import argparse

from core.cli.output import note, print_json
from core.documents.process import read_documents
from core.documents.records import ColumnMap
from core.documents.report import FileReport, Report
from core.errors import KnownError


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add how documents are to be read."""
    parser.add_argument(
        "--columns",
        metavar="prompt=A,response=B",
        help="columns of tables that hold the prompt and response, or text=A; "
        "default: recognised by their names",
    )
    parser.add_argument(
        "--leave-out-secrets",
        action="store_true",
        help="leave out rows that seem to hold keys, passwords, e-mail addresses or card numbers",
    )


def add_check(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `check` to `stride data`."""
    parser = parts.add_parser(
        "check",
        help="what of your documents can be read",
        description="Read files, folders and archives as a training would, and tell of each file "
        "what was found: rows, words, duplicates, suspected secrets, and what was skipped and why.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file or folder")
    add_reading_options(parser)
    parser.add_argument("--json", action="store_true", help="one object a file")
    parser.set_defaults(run=check)


def check(args: argparse.Namespace) -> int:
    """Read everything and print the report; returns the exit code.

    Raises:
        KnownError: if nothing could be read.
    """
    columns = ColumnMap.parse(args.columns) if args.columns else None
    report = Report(args.leave_out_secrets)
    for _ in report.follow(read_documents(args.paths, columns)):
        pass
    for file in report.files:
        if args.json:
            print_json(file.to_dict())
        else:
            _print(file)
    note(report.summary())
    if not report.count("read"):
        raise KnownError("Nothing could be read.")
    return 0


def _print(file: FileReport) -> None:
    amount = f", {file.rows} rows, {file.words:,} words" if file.rows else ""
    print(f"{file.file}: {file.state}{amount}")
    for one in file.findings:
        print(f"  {one.place + ': ' if one.place else ''}{one.why}")
    if more := file.counts.total() - len(file.findings):
        print(f"  ... and {more} more")
    if file.columns:
        print(f"  columns: {', '.join(file.columns)} (choose with --columns)")
