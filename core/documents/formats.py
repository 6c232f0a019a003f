"""Which reader a file gets: by its suffix, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.documents.json_files import read_json, read_json_lines
from core.documents.office import read_docx
from core.documents.pdf import read_pdf
from core.documents.records import Found, Source, Unreadable
from core.documents.tables import read_csv, read_parquet
from core.documents.texts import read_html, read_text
from core.documents.workbooks import read_xlsx

READERS: dict[str, Callable[[Source], Iterator[Found]]] = {
    ".txt": read_text,
    ".log": read_text,
    ".md": read_text,
    ".markdown": read_text,
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".xlsx": read_xlsx,
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".parquet": read_parquet,
}
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
ARCHIVES = (".zip", *TARS, ".gz")
WAYS = {
    **dict.fromkeys((".doc", ".odt", ".rtf"), "save it as .docx"),
    **dict.fromkeys((".xls", ".ods"), "save it as .xlsx"),
    **dict.fromkeys((".ppt", ".pptx", ".odp"), "save it as .pdf"),
    **dict.fromkeys((".bz2", ".xz", ".7z", ".rar"), "unpack it first"),
}
"""How to come to a file that is read, from one that is not."""


def is_archive(name: str) -> bool:
    """Whether a file of this name holds other files."""
    return name.casefold().endswith(ARCHIVES)


def suffix_of(name: str) -> str:
    """The suffix of a name that tells its format.

    Raises:
        Unreadable: for a file of no known format.
    """
    lower = name.casefold()
    if suffix := next((one for one in READERS if lower.endswith(one)), ""):
        return suffix
    way = next((way for one, way in WAYS.items() if lower.endswith(one)), "")
    raise Unreadable(f"it is of no known kind: {way or 'read are ' + ', '.join(READERS)}")


def read_file(source: Source) -> Iterator[Found]:
    """The records of one file.

    Raises:
        Unreadable: where it cannot be read any further.
    """
    reader = READERS[suffix_of(source.name)]
    if source.is_empty:
        yield source.finding("", "empty", "it is empty")
    else:
        yield from reader(source)
