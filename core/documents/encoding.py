"""Bytes of unknown encoding to lines of text, a piece at a time.

A byte order mark decides; then zeros in every other byte (UTF-16); then UTF-8; then the bytes
around the first one that is no UTF-8: whether nearly all words look as they do in an encoding of
`WORDS`, else charset-normalizer's word on which of the `OTHERS` it is. Such a guess is told.

It is good for some sentences of Western languages, Polish, Czech, Hungarian, Turkish, Russian,
Ukrainian, Greek, Japanese, Chinese or Korean. A few words of the last three, one word with a lone
accent (Polish ę is French ê), Russian in capitals alone, Hebrew, Icelandic and Baltic languages may
be taken for another. Bytes that do not fit are replaced by U+FFFD, which the report names.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TextIO

from core.documents.libraries import require
from core.documents.records import LONGEST, Found, Source, Unreadable

CHUNK = 1 << 20
SAMPLE = 1 << 15
MARKS = (  # UTF-32's mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CERTAIN = {"utf-8", *(encoding for _, encoding in MARKS)}
MOST_STRAY = 3
CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"})

START, SIGNS = "(\"'«“„¿¡±£", "\x00-\x7f€…‘’“”„•–—™\xa0§©«»ª®°²µ·º½"
WESTERN = (  # letters that one language has
    "äöüßé", "àâçéèêëîïôœùûü", "áéíóúñü", "ãâêôáéíóúàç", "àèéìòù", "æøåäöéü"
)  # fmt: skip
CENTRAL = f"[{SIGNS}ąćęłńóśźżáčďéěíňřšťúůýžöőüűĄĆĘŁŃÓŚŹŻÁČĎÉĚÍŇŘŠŤÚŮÝŽÖŐÜŰ]*"
CYRILLIC = (
    # A capital stands first, and not where koi8_r and cp1251 have each other's small letters.
    f"(?:[{SIGNS}№]|(?<![A-Za-z])(?:[а-яёєіїґў]|(?<![А-яё])[А-ЯЁЄІЇҐЎ])(?![A-Za-z]))*"
)
WORDS = {
    # Portuguese has õ before e only; elsewhere it is Hungarian ő, read wrongly.
    "cp1252": "|".join(f"(?:[{SIGNS}{one}{one.upper()}]|[õÕ][eE])*" for one in WESTERN),
    "cp1254": f"[{SIGNS}çğıöşüâîûÇĞİÖŞÜÂÎÛ]*",
    "cp1250": CENTRAL,
    "iso8859_2": CENTRAL,
    "cp1251": CYRILLIC,
    "koi8_r": CYRILLIC,
}
"""How words look in an encoding, the first that fits."""
MOST_ODD = 10
"""One word in so many may look otherwise."""
OTHERS = (
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "iso8859_2", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
)  # fmt: skip


def open_text(path: Path, newline: str | None = None) -> TextIO:
    """Open a file as text; `newline` as in `open`.

    Raises:
        Unreadable: for a binary file.
        OSError: if it cannot be opened.
    """
    return path.open(encoding=_encoding_of(path), errors="replace", newline=newline)


def told_guess(source: Source, file: TextIO) -> Iterator[Found]:
    """What is to be said of a file that was opened with a guessed encoding."""
    if file.encoding not in CERTAIN:
        why = f"it is no UTF-8 and was read as {file.encoding}, which is a guess"
        yield source.finding("", "note", why)


def lines(file: TextIO) -> Iterator[str]:
    """Lines with their ends, none of them longer than memory allows.

    Raises:
        Unreadable: for a line of more than `LONGEST` characters.
    """
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise Unreadable(
                f"line {number} has more than {LONGEST:,} characters: reading stopped there"
            )
        yield line


def _encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(SAMPLE)
        for mark, encoding in MARKS:
            if head.startswith(mark):
                return encoding
        if encoding := _utf_16(head):
            return encoding
        if _is_binary(head):
            raise Unreadable("it is a binary file, not text")
        file.seek(0)
        sample = _around_first_bad_byte(file)
    return "utf-8" if sample is None or _is_mostly_utf8(sample) else _guessed(sample)


def _is_binary(text: bytes) -> bool:
    # A stray control character happens in old text files; binary files are full of them.
    stray = len(text) - len(text.translate(None, CONTROLS))
    return b"\0" in text or stray > MOST_STRAY + len(text) // 50


def _utf_16(head: bytes) -> str:
    """Which UTF-16 without a mark it is, by the zeros in every other byte; empty if none."""
    zeros = head[::2].count(0), head[1::2].count(0)
    if min(zeros) or max(zeros) <= len(head) // 20:
        return ""
    encoding = "utf-16-le" if zeros[1] else "utf-16-be"
    return "" if _is_binary(head.decode(encoding, "replace").encode()) else encoding


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


def _guessed(sample: bytes) -> str:
    for encoding, words in WORDS.items():
        if _fits(sample.decode(encoding, "replace"), words):
            return encoding
    best = require("charset_normalizer").from_bytes(sample, cp_isolation=OTHERS).best()
    if best is None:
        raise Unreadable("its encoding is unknown")
    return str(best.encoding)


def _fits(text: str, words: str) -> bool:
    """Whether nearly all words that are not ASCII look as they should."""
    foreign = [word for word in text.split() if not word.isascii()]
    odd = sum(not re.fullmatch(words, word.lstrip(START)) for word in foreign)
    return odd * MOST_ODD <= len(foreign)
