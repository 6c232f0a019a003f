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
    """Pieces of a document, tables included, by the number of their first paragraph."""
    with open_office(source.path) as archive:
        try:
            body = archive.open(BODY)
        except KeyError as error:
            raise Unreadable("it holds no document") from error
        with body:
            yield from pieces(source, _paragraphs(body))


def _paragraphs(body: IO[bytes]) -> Iterator[tuple[str, str]]:
    number = 0
    try:
        for _, element in ElementTree.iterparse(body):  # expat itself limits entities
            if element.tag == f"{WORD}p":
                number += 1
                yield f"paragraph {number}", _text_of(element) + "\n"
                element.clear()
    except ElementTree.ParseError as error:
        raise Unreadable(f"it is broken after paragraph {number} ({error})") from error


def _text_of(paragraph: ElementTree.Element) -> str:
    said = []
    for element in paragraph.iter():
        if element.tag == f"{WORD}t":
            said.append(element.text or "")
        else:
            said.append(SPACES.get(element.tag, ""))
    return "".join(said)
