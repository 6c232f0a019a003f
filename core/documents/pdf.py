"""Reader of PDF: the text of each page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.documents.libraries import require
from core.documents.records import Found, Row, Source, Unreadable

HYPHENATED = re.compile("[\ufffe\x02\xad]\n?")
"""What PDFium puts where a word was divided at a line's end."""


def read_pdf(source: Source) -> Iterator[Found]:
    """A row a page; a page without text is told, as it may be a picture of one.

    Raises:
        Unreadable: if it is encrypted or broken.
    """
    pdfium = require("pypdfium2")
    try:
        document = pdfium.PdfDocument(source.path)
    except pdfium.PdfiumError as error:
        locked = "assword" in str(error)
        raise Unreadable("it is locked by a password" if locked else "it is broken") from error
    try:
        for index in range(len(document)):
            yield _page(source, f"page {index + 1}", document, index)
    finally:
        document.close()


def _page(source: Source, place: str, document: Any, index: int) -> Found:
    try:
        page = document[index]
        text_page = page.get_textpage()
        text = text_page.get_text_range().replace("\r\n", "\n")
        text_page.close()
        page.close()
    except require("pypdfium2").PdfiumError as error:
        return source.finding(place, "skipped", f"it is broken ({error})")
    text = HYPHENATED.sub("", text).replace("\0", "").strip()
    if not text:
        return source.finding(place, "empty", "it has no text: perhaps it was scanned")
    return source.record(place, Row(text=text.encode("utf-8", "replace").decode("utf-8")))
