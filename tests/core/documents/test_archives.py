"""Archives: nothing in them is written where they say, or unpacked without measure."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from core.documents import limits
from core.documents.archives import Archive
from core.documents.records import Source, Unreadable
from tests.core.documents.reading import read_all, whys


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../out.txt", "out")
        packed.writestr("C:\\out.txt", "out")
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
        packed.writestr("inner.zip", "PK")
        packed.writestr("größe/a.txt", "fine")


def write_tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, kind in (
            ("../../out.txt", tarfile.REGTYPE),
            ("/out.txt", tarfile.REGTYPE),
            ("link.txt", tarfile.SYMTYPE),
            ("pipe.txt", tarfile.FIFOTYPE),
            ("größe/a.txt", tarfile.REGTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            info.size = 4 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"fine"))


def test_archives_cannot_reach_out(tmp_path) -> None:
    write_zip(tmp_path / "a.zip")
    write_tar(tmp_path / "a.tgz")
    before = set(tmp_path.rglob("*"))
    records, report = read_all(tmp_path / "a.zip", tmp_path / "a.tgz")
    assert [one.file for one in records] == ["a.zip/größe/a.txt", "a.tgz/größe/a.txt"]
    told = [file.findings[0].why for file in report.files if file.findings]
    assert [why.split()[-3:] for why in told].count(["of", "the", "archive"]) == 4
    assert told.count("it is a link") == 2
    assert "it is no regular file" in told
    assert "it is an archive inside an archive: unpack it first" in told
    assert len(report.files) == 10
    assert set(tmp_path.rglob("*")) == before


def test_a_locked_archive_is_told(tmp_path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.txt", "secret")
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    path.write_bytes(data)
    assert whys(read_all(path)[1]) == {"a.zip/a.txt": ": it is locked by a password"}


def test_files_packed_alone_are_read_within_the_allowance(tmp_path) -> None:
    for name in ("a.jsonl.gz", "b.txt.GZ", "c.zip.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b'{"text": "T"}'))
    (tmp_path / "d.log.gz").write_bytes(gzip.compress(bytes(80 << 20)))
    (tmp_path / "e.txt.gz").write_bytes(b"\x1f\x8b\x08 and no more")
    (tmp_path / "f.csv.gz").write_bytes(b"text\nT\n")
    records, report = read_all(tmp_path)
    folder = tmp_path.name
    assert [(one.file, one.row.text) for one in records] == [
        (f"{folder}/a.jsonl.gz/a.jsonl", "T"),
        (f"{folder}/b.txt.GZ/b.txt", '{"text": "T"}'),
    ]
    told = whys(report)
    assert "archive inside an archive" in told[f"{folder}/c.zip.gz/c.zip"]
    assert "far more than its own size" in told[f"{folder}/d.log.gz/d.log"]
    assert "broken in its archive" in told[f"{folder}/e.txt.gz/e.txt"]
    assert "Not a gzipped file" in told[f"{folder}/f.csv.gz/f.csv"]


def test_bombs_are_not_unpacked(tmp_path) -> None:
    zeros = bytes(30 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in ("a.txt", "b.txt", "c.txt"):
            packed.writestr(name, zeros)
    with zipfile.ZipFile(tmp_path / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in ("word/document.xml", "b", "c"):
            packed.writestr(name, zeros)
    told = whys(read_all(tmp_path / "bomb.zip", tmp_path / "bomb.docx")[1])
    assert "far more than its own size" in told["bomb.zip/c.txt"]
    assert "far more than a document needs" in told["bomb.docx"]


def test_endless_archives_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("core.documents.archives.MOST_MEMBERS", 3)
    write_zip(tmp_path / "a.zip")
    with pytest.raises(Unreadable, match="more than 3 members"):
        list(Archive(Source(tmp_path / "a.zip", "a.zip"), tmp_path).members())
    assert limits.unpacked_allowance(1 << 50) == limits.MOST_UNPACKED
