"""What commands share that read documents, and `stride data check`, which only does that."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, get_args

from core.cli.output import ProgressBar, note, print_json, visible
from core.documents.process import read_documents
from core.documents.records import ColumnMap, Found, Record
from core.documents.report import FileReport, Report
from core.errors import KnownError
from core.model.store import resolve_model
from core.paths import user_paths
from core.settings import load_settings
from core.train.spec import Passages, TrainSpec
from core.wording import many

if TYPE_CHECKING:
    from core.train.preview import Preview
    from core.train.rendered import RenderedRow

BAR_WIDTH = 30
MOST_NAME = 40
"""Characters of a file's name beside the progress: it must fit on one line."""


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add how documents are to be read."""
    parser.add_argument(
        "--columns",
        metavar="prompt=A,response=B",
        help="columns of tables that hold the prompt and response, or text=A; "
        "default: recognised by their names, as in all tables that lack these",
    )
    parser.add_argument(
        "--leave-out-secrets",
        action="store_true",
        help="leave out rows that seem to hold keys, passwords, e-mail addresses or card numbers",
    )
    parser.add_argument(
        "--passages",
        choices=get_args(Passages),
        help="what plain texts become: text to continue, chats about their passages, or both",
    )


def add_check(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `check` to `stride data`."""
    parser = parts.add_parser(
        "check",
        help="what of your documents can be read",
        description="Read files, folders and archives as a training would, and tell of each file "
        "what was found: rows, words, duplicates, suspected secrets, and what was skipped and why. "
        "Then some rows as the model will read them, and the lengths of all in tokens. Ctrl+C "
        "ends it with a report on what was read.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file or folder")
    add_reading_options(parser)
    parser.add_argument("--model", help="name or folder; default: last used, else the starter")
    parser.add_argument("--context", type=int, default=384, help="tokens a row is cut to")
    parser.add_argument("--json", action="store_true", help="one object a file, then the rows")
    parser.set_defaults(run=check)


def check(args: argparse.Namespace) -> int:
    """Read everything and print the report; returns the exit code.

    Raises:
        KnownError: if nothing could be read, or the context is none.
    """
    if args.context < 1:
        raise KnownError("The context must be at least 1 token.")
    columns = ColumnMap.parse(args.columns) if args.columns else None
    report = Report(args.leave_out_secrets)
    preview = _new_preview(args)
    is_whole = _read(args.paths, columns, report, preview)
    (_print_json if args.json else _print)(report, preview)
    note(report.summary())
    if not is_whole:
        note("It was interrupted: this is what was read until then.")
        return 130
    if columns and all(columns.missing(file.mapped or file.columns) for file in report.files):
        note(f"No table has the columns {args.columns}.")
    if not report.count("read"):
        raise KnownError("Nothing could be read.")
    return 0


def _read(
    paths: list[str], columns: ColumnMap | None, report: Report, preview: Preview | None
) -> bool:
    """Read everything into report and preview; False if Ctrl+C ended it."""
    bar = ProgressBar()
    try:
        with closing(read_documents(paths, columns)) as found:
            for record in report.follow(_watched(found, bar)):
                for finding in preview.add(record) if preview else ():
                    report.note(finding)
    except KeyboardInterrupt:
        return False
    finally:
        bar.close()
    return True


def _watched(found: Iterable[Found], bar: ProgressBar) -> Iterator[Found]:
    """The same, while a bar tells how many rows there are so far, and of which file."""
    rows = 0
    for one in found:
        rows += isinstance(one, Record)
        if rows:
            bar("Reading rows", rows, 0, f"({one.file[-MOST_NAME:]})")
        yield one


def _print(report: Report, preview: Preview | None) -> None:
    for file in report.files:
        _print_file(file, preview)
    if preview:
        _print_preview(preview)


def _print_file(file: FileReport, preview: Preview | None) -> None:
    amounts: list[str] = [file.state]
    if file.rows:
        amounts += [many(file.rows, "row"), many(file.words, "word")]
        amounts += [many(preview.tokens_of(file), "token")] if preview else []
    print(f"{visible(file.file)}: {', '.join(amounts)}")
    for line in file.told:
        print(f"  {visible(line)}")
    if file.columns:
        print(f"  columns: {', '.join(file.columns)} (choose with --columns)")


def _print_json(report: Report, preview: Preview | None) -> None:
    for file in report.files:
        tokens = {"tokens": preview.tokens_of(file)} if preview else {}
        print_json(file.to_dict() | tokens)
    if preview:
        print_json(_preview_dict(preview))


def _new_preview(args: argparse.Namespace) -> Preview | None:
    """A look through the model's tokenizer, if the model is there."""
    paths = user_paths()
    settings = load_settings(paths.settings_file)
    try:
        folder = resolve_model(args.model or settings.last_model or "starter", paths, settings)
    except KnownError as error:
        if args.model:
            raise
        note(f"Rows are not shown as a model reads them. {error}")
        return None
    from core.train.preview import new_preview

    return new_preview(folder, args.context, args.passages or TrainSpec.passages)


def _print_preview(preview: Preview) -> None:
    for number, row in enumerate(preview.rendered, 1):
        print(f"\nRow {number} as the model reads it ({row.about}); learned: \u2039these\u203a")
        print(visible(f"{row.source}:\n{_marked(row)}"))
    if counts := preview.histogram:
        print("\nTokens of each chat and passage, with the model's template")
        most = max(count for _, count in counts)
        for name, count in counts:
            print(f"  {name:>10}  {'#' * -(-count * BAR_WIDTH // most)} {count:,}")
        print(preview.about_lengths)


def _marked(row: RenderedRow) -> str:
    if row.becomes == "answered":
        return f"{row.given}\u2039the model's own answer\u203a"
    return f"{row.given}\u2039{row.learned}\u203a" if row.learned else row.given


def _preview_dict(preview: Preview) -> dict[str, object]:
    return {
        "rows": preview.rows,
        "unanswered": preview.unanswered,
        "rendered": [dataclasses.asdict(row) for row in preview.rendered],
        "tokens": dict(preview.histogram),
        "counted": len(preview.lengths),
        "cut": preview.cut,
        "left_out": preview.left_out,
    }
