"""Bytes of unknown encoding to lines of text, a piece at a time.

A byte order mark decides; then UTF-8; then charset-normalizer's word on the bytes around the
first one that is no UTF-8. Bytes that do not fit are replaced by U+FFFD, which the report names.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TextIO

from core.documents.libraries import require
from core.documents.records import LONGEST, Unreadable

CHUNK = 1 << 20
SAMPLE = 1 << 15
MARKS = (  # UTF-32's mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MOST_STRAY = 3
CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"})


def open_text(path: Path, newline: str | None = None) -> TextIO:
    """Open a file as text; `newline` as in `open`.

    Raises:
        Unreadable: for a binary file.
        OSError: if it cannot be opened.
    """
    return path.open(encoding=_encoding_of(path), errors="replace", newline=newline)


def lines(file: TextIO) -> Iterator[str]:
    """Lines with their ends, none of them longer than memory allows.

    Raises:
        Unreadable: for a line of more than `LONGEST` characters.
    """
    while line := file.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise Unreadable(f"a line has more than {LONGEST:,} characters")
        yield line


def _encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(SAMPLE)
        for mark, encoding in MARKS:
            if head.startswith(mark):
                return encoding
        # A stray control character happens in old text files; binary files are full of them.
        stray = len(head) - len(head.translate(None, CONTROLS))
        if b"\0" in head or stray > MOST_STRAY + len(head) // 50:
            raise Unreadable("it is a binary file, not text")
        file.seek(0)
        sample = _around_first_bad_byte(file)
    return "utf-8" if sample is None or _is_mostly_utf8(sample) else _detected(sample)


def _around_first_bad_byte(file: IO[bytes]) -> bytes | None:
    """Bytes on both sides of the first that is no UTF-8; None if all are."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    while True:
        at = file.tell()
        chunk = file.read(CHUNK)
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            file.seek(max(0, at + error.start - SAMPLE))
            return file.read(2 * SAMPLE)
        if not chunk:
            return None


def _is_mostly_utf8(sample: bytes) -> bool:
    """Whether a few foreign bytes fell among UTF-8, rather than the whole being foreign."""
    decoded = sample.decode("utf-8", "replace")
    bad = decoded.count("\ufffd")
    return sum(not char.isascii() for char in decoded) - bad > bad


def _detected(sample: bytes) -> str:
    best = require("charset_normalizer").from_bytes(sample).best()
    if best is None:
        raise Unreadable("its encoding is unknown")
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=best.encoding)
    except LookupError as error:
        raise Unreadable(f"its encoding {best.encoding} is not known here") from error
    return str(best.encoding)
