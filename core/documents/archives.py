"""Members of archives (zip, tar, gz), each unpacked alone, named by us, within an allowance.

Nothing is ever written where an archive says: a member's own name stands in the report only.
"""

from __future__ import annotations

import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, cast

from core.documents.formats import TARS, is_archive, suffix_of
from core.documents.limits import MOST_MEMBERS, unpacked_allowance
from core.documents.records import Source, Unreadable, speakable

CHUNK = 1 << 20
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError,
    NotImplementedError
)  # fmt: skip
UTF8_FLAG = 0x800
ENCRYPTED_FLAG = 0x1


@dataclass(frozen=True)
class Member:
    """A file of an archive.

    Attributes:
        why_not: Why it is not to be read; empty if it is.
        open: Its bytes; only until the next member is asked for.
    """

    name: str
    why_not: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]


class Archive:
    """An archive whose members are read one after another.

    Args:
        source: The archive.
        folder: Where a member is unpacked to, one at a time.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._source, self._folder = source, folder
        self._left = unpacked_allowance(source.path.stat().st_size)

    def members(self) -> Iterator[Member]:
        """All files in it, links and devices too.

        Raises:
            Unreadable: where it is broken, or after too many members.
        """
        try:
            for number, member in enumerate(_members(self._source)):
                if number == MOST_MEMBERS:
                    raise Unreadable(f"it has more than {MOST_MEMBERS:,} members")
                yield member
        except BROKEN as error:
            raise Unreadable(f"it is a broken archive ({error})") from error

    def unpack(self, member: Member) -> Source:
        """A member as a file of its own.

        Raises:
            Unreadable: if it is not to be read, is broken, or the allowance is used up.
        """
        if member.why_not:
            raise Unreadable(member.why_not)
        if is_archive(member.name):
            raise Unreadable("it is an archive inside an archive: unpack it first")
        path = self._folder / f"member{suffix_of(member.name)}"
        try:
            with member.open() as packed, path.open("wb") as file:
                while chunk := packed.read(CHUNK):
                    self._left -= len(chunk)
                    if self._left < 0:
                        raise Unreadable("the archive unpacks to far more than its own size")
                    file.write(chunk)
        except (*BROKEN, RuntimeError) as error:
            raise Unreadable(f"it is broken in its archive ({error})") from error
        return Source(path, self.name_of(member), self._source.columns)

    def name_of(self, member: Member) -> str:
        """A member's name in reports."""
        return f"{self._source.name}/{speakable(member.name)}"


def _members(archive: Source) -> Iterator[Member]:
    name = archive.name.casefold()
    if name.endswith(".zip"):
        return _zip_members(archive.path)
    if name.endswith(TARS):
        return _tar_members(archive.path)
    # A file packed alone, whose name in it nobody needs to trust.
    inner = PurePosixPath(archive.name).stem
    return iter([Member(inner, "", partial(_open_gz, archive.path))])


def _open_gz(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path))


def _zip_members(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                why_not = _why_not(info.filename, stat.S_ISLNK(info.external_attr >> 16))
                if info.flag_bits & ENCRYPTED_FLAG:
                    why_not = "it is locked by a password"
                yield Member(_zip_name(info), why_not, partial(archive.open, info))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name as UTF-8, which many programs write without saying so."""
    if info.flag_bits & UTF8_FLAG:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _tar_members(path: Path) -> Iterator[Member]:
    # As a stream: no seeking back in what is unpacked only once.
    with tarfile.open(path, "r|*") as archive:
        for info in archive:
            if not info.isdir():
                why_not = _why_not(info.name, info.issym() or info.islnk())
                if not why_not and not info.isfile():
                    why_not = "it is no regular file"
                yield Member(info.name, why_not, partial(_open_tar, archive, info))


def _open_tar(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(info)
    assert file is not None, "it is a regular file"
    return file


def _why_not(name: str, is_link: bool) -> str:
    windows = PureWindowsPath(name)
    if windows.drive or windows.root or ".." in windows.parts or PurePosixPath(name).is_absolute():
        return "its path leads out of the archive"
    return "it is a link" if is_link else ""
