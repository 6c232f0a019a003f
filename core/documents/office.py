"""Readers of word processors' documents: DOCX, streamed, and the door to all Office files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from core.documents.limits import unpacked_allowance
from core.documents.records import Found, Source, Unreadable
from core.documents.texts import pieces

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BODY = "word/document.xml"
PARTS = {
    BODY: "paragraph",
    "word/footnotes.xml": "paragraph of footnotes",
    "word/endnotes.xml": "paragraph of endnotes",
}
PARAGRAPH, ROW, CELL = f"{WORD}p", f"{WORD}tr", f"{WORD}tc"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"
SPACES = {f"{WORD}tab": "\t", f"{WORD}br": "\n", f"{WORD}cr": "\n"}


def open_office(path: Path) -> zipfile.ZipFile:
    """An Office file as the archive it is.

    Raises:
        Unreadable: if it is encrypted, of the old kind, no such file, or would unpack to too much.
    """
    with path.open("rb") as file:
        if file.read(4) == OLD_OFFICE:
            raise Unreadable("it is encrypted, or of the old Office format: save it anew")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise Unreadable("it is broken, or no Office file") from error
    # `zipfile` never unpacks more of a member than these sizes say.
    if sum(one.file_size for one in archive.infolist()) > unpacked_allowance(path.stat().st_size):
        archive.close()
        raise Unreadable("it would unpack to far more than a document needs")
    return archive


def read_docx(source: Source) -> Iterator[Found]:
    """Pieces of a document, by the number of their first paragraph; its notes stand at its end."""
    with open_office(source.path) as archive:
        if BODY not in archive.namelist():
            raise Unreadable("it holds no document")
        yield from pieces(source, _parts(archive))


def _parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    for part, called in PARTS.items():
        if part in archive.namelist():
            with archive.open(part) as file:
                yield from _paragraphs(file, called)


def _paragraphs(part: IO[bytes], called: str) -> Iterator[tuple[str, str]]:
    """Paragraphs, and rows of tables as one each."""
    number, row = 0, _TableRow()
    try:
        # That entities do not grow without measure expat itself sees to.
        for event, element in ElementTree.iterparse(part, ("start", "end")):
            if event == "start":
                row.depth += element.tag == ROW
            elif element.tag == PARAGRAPH:
                number += 1
                text = _text_of(element)
                element.clear()
                if row.depth:
                    row.add(text)
                else:
                    yield f"{called} {number}", text + "\n"
            elif element.tag == CELL and row.depth == 1:
                row.end_cell()
            elif element.tag == ROW:
                row.depth -= 1
                if not row.depth and (text := row.take()):
                    yield f"{called} {number}", text + "\n"
    except ElementTree.ParseError as error:
        raise Unreadable(f"it is broken after {called} {number} ({error})") from error


class _TableRow:
    """Collects a row of a table on one line, with what is nested in it."""

    def __init__(self) -> None:
        self.depth = 0
        self._cells: list[str] = []
        self._cell: list[str] = []

    def add(self, text: str) -> None:
        """A paragraph of a cell."""
        self._cell += text.split()

    def end_cell(self) -> None:
        """The next paragraph is another cell's."""
        self._cells.append(" ".join(self._cell))
        self._cell = []

    def take(self) -> str:
        """The cells that say something; the next row is another one."""
        text = " | ".join(filter(None, self._cells))
        self._cells = []
        return text


def _text_of(paragraph: ElementTree.Element) -> str:
    said = []
    for element in paragraph.iter():
        if element.tag == f"{WORD}t":
            said.append(element.text or "")
        else:
            said.append(SPACES.get(element.tag, ""))
    return "".join(said)
