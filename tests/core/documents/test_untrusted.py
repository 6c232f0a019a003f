"""Hostile, broken and vanishing files: each gives a line in the report, none raises."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import zipfile
from pathlib import Path

import psutil
import pytest

from core.documents import child
from core.documents.child import Place, Task
from core.documents.limits import Limits
from core.documents.process import _Process, read_documents
from core.documents.records import FileStarted, Source
from core.documents.report import Report
from tests.core.documents.reading import read_all, whys
from tests.core.documents.samples import write_samples, write_xlsx

OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
EMPTY = (".txt", ".pdf", ".docx", ".xlsx", ".parquet", ".zip", ".tar.gz", ".csv.gz")
LOCKED = (
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n"
    b"<</Type/Pages/Kids[]/Count 0>>\nendobj\n3 0 obj\n<</Filter/Standard/V 1/R 2/P -4/O<"
    + b"41" * 32 + b">/U<" + b"42" * 32
    + b">>>\nendobj\ntrailer\n<</Size 4/Root 1 0 R/Encrypt 3 0 R/ID[<41><41>]>>\n%%EOF\n"
)  # fmt: skip


def bad_files(folder: Path) -> dict[str, str]:
    """Writes one file for each kind of harm; what is to be said of each."""
    folder.mkdir()
    made = {
        "broken.pdf": (b"%PDF-1.4\nnothing", "it is broken"),
        "locked.pdf": (LOCKED, "password"),
        "locked.docx": (OLD_OFFICE, "encrypted"),
        "locked.xlsx": (OLD_OFFICE, "encrypted"),
        "broken.docx": (b"PK\x03\x04 and no more", "broken"),
        "broken.zip": (b"PK\x03\x04 and no more", "broken archive"),
        "broken.tar.gz": (b"\x1f\x8b\x08 and no more", "broken"),
        "broken.parquet": (b"PAR1 and no more", "broken"),
        "binary.txt": (random.Random(1).randbytes(5000), "binary"),
        "mixed.txt": ("Größe und Maß\n".encode() + b"stra\xdfe\n", "could not be decoded"),
        "名前-Ünï.csv": ("text\nなまえ\n".encode(), ""),
        "fields.csv": (b"text,id\na,1\nb\n", "has 1 fields"),
        "quote.csv": (b'text\n"never ends\nb\n', "no row of a table"),
        "names.csv": (b"Frage;Antwort\na;b\n", "choose the columns"),
        "nested.json": (b"[" * 100_000, "stops being JSON"),
        "no-kind.xyz": (b"text", "no known kind: read are .txt, "),
        "old.doc": (OLD_OFFICE, "no known kind: save it as .docx"),
        "packed.7z": (b"7z", "no known kind: unpack it first"),
        **{f"empty{kind}": (b"", "it is empty") for kind in EMPTY},
    }
    for name, (content, _) in made.items():
        (folder / name).write_bytes(content)
    return {name: said for name, (_, said) in made.items()}


def test_every_bad_file_has_its_line(tmp_path) -> None:
    said = bad_files(tmp_path / "bad")
    _, report = read_all(tmp_path / "bad")
    told = whys(report)
    assert told.keys() == {f"bad/{name}" for name in said}
    assert {name for name, why in said.items() if why not in told[f"bad/{name}"]} == set()
    states = {file.file[4:]: file.state for file in report.files}
    assert {states.pop(f"empty{kind}") for kind in EMPTY} == {"empty"}
    read = {name for name, state in states.items() if state == "read"}
    assert read == {"mixed.txt", "名前-Ünï.csv", "fields.csv", "quote.csv"}
    [asks] = [file.columns for file in report.files if file.columns]
    assert asks == ("Frage", "Antwort")


@pytest.mark.skipif(sys.platform == "win32", reason="no links or pipes without rights")
def test_links_pipes_and_hidden_folders_are_told_and_left(tmp_path) -> None:
    docs = tmp_path / "docs"
    (docs / ".git").mkdir(parents=True)
    (docs / "nothing").mkdir()
    (docs / "link.txt").symlink_to("/etc/hostname")
    (docs / "loop").symlink_to(docs)
    os.mkfifo(docs / "pipe.txt")
    (tmp_path / "docs" / "line\n\x1b[31m.txt").write_text("text")
    records, report = read_all(docs, tmp_path / "gone.txt")
    assert [one.file for one in records] == ["docs/line\ufffd\ufffd[31m.txt"]
    told = {name.removeprefix("docs/"): why for name, why in whys(report).items() if why}
    assert "a link" in told.pop("link.txt")
    assert "a link" in told.pop("loop")
    assert "hidden" in told.pop(".git")
    assert "no regular file" in told.pop("pipe.txt")
    assert "empty folder" in told.pop("nothing")
    assert "does not exist" in told.pop("gone.txt")
    assert told == {}


def test_a_file_that_disappears_is_told(tmp_path) -> None:
    paths = [tmp_path / f"{n}.txt" for n in range(3)]
    for path in paths:
        path.write_text("text")
    task = Task(tuple((str(path), path.name) for path in paths), Place(), None, "", 0)
    paths[1].unlink()
    told = [getattr(one, "why", "") for one in child.run(task)]
    assert told.count("it has disappeared") == 1
    assert sum(isinstance(one, FileStarted) for one in child.run(task)) == 3


def test_a_file_that_disappears_while_another_is_read_is_told(tmp_path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    # More than a pipe holds: its reader is still in it when the first row comes.
    (docs / "a.jsonl").write_text('{"text": "a row of many"}\n' * 40_000)
    (docs / "b.txt").write_text("gone before it is read")
    (docs / "c.txt").write_text("still there")
    report = Report()
    records = report.follow(read_documents([str(docs)]))
    next(records)
    (docs / "b.txt").unlink()
    assert [one.file for one in records][-2:] == ["docs/a.jsonl", "docs/c.txt"]
    assert whys(report)["docs/b.txt"] == ": it has disappeared"
    assert [file.state for file in report.files] == ["read", "skipped", "read"]


def test_an_error_of_a_library_stays_on_its_line(tmp_path, monkeypatch) -> None:
    def broken(_source):
        yield from ()
        raise RuntimeError("a name\n\nwith \x1b[31m signs")

    monkeypatch.setattr(child, "read_file", broken)
    (tmp_path / "a.txt").write_text("text")
    task = Task(((str(tmp_path / "a.txt"), "a.txt"),), Place(), None, "", 0)
    why = list(child.run(task))[-1].why
    assert why == "it is broken (RuntimeError: a name with \ufffd[31m signs)"


def test_no_path_is_not_the_folder_one_stands_in(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.txt").write_text("text")
    monkeypatch.chdir(tmp_path)
    report = Report()
    assert list(report.follow(read_documents([""]))) == []
    assert whys(report) == {'""': ": no path was given"}


def test_a_missing_library_is_named(tmp_path, monkeypatch) -> None:
    write_xlsx(tmp_path / "a.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    task = Task(((str(tmp_path / "a.xlsx"), "a.xlsx"),), Place(), None, "", 0)
    assert "`pip install openpyxl`" in list(child.run(task))[-1].why


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory as Linux has them")
def test_a_parser_without_measure_is_ended_and_reading_goes_on(tmp_path) -> None:
    (tmp_path / "a.html").write_text("<p>" + "x" * 1000)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("big.jsonl", '{"text": "' + "x" * (14 << 20) + '"}')
        packed.writestr("small.txt", "small")
    (tmp_path / "c.txt").write_text("text")
    files = [tmp_path / name for name in ("a.html", "b.zip", "c.txt")]
    records, report = read_all(*files, limits=Limits(memory_bytes=40 << 20))
    assert [one.file for one in records] == ["a.html", "b.zip/small.txt", "c.txt"]
    assert "too much memory" in whys(report)["b.zip/big.jsonl"]


class Killed(_Process):
    """A reading process that dies at every file named crash."""

    def found(self):
        for one in super().found():
            yield one
            if isinstance(one, FileStarted) and "crash" in one.file:
                os.kill(self._popen.pid, signal.SIGKILL)
                break
        self._popen.wait()


def test_a_reader_that_breaks_down_is_replaced(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("core.documents.process._Process", Killed)
    for name in ("1.txt", "2-crash.txt", "4.txt"):
        (tmp_path / name).write_text("text " * 40_000)
    with zipfile.ZipFile(tmp_path / "3.zip", "w") as packed:
        for name in ("a.txt", "crash.txt", "z.txt"):
            packed.writestr(name, "text " * 40_000)
    files = [tmp_path / name for name in ("1.txt", "2-crash.txt", "3.zip", "4.txt")]
    records, report = read_all(*files)
    names = list(dict.fromkeys(one.file for one in records))
    assert names == ["1.txt", "3.zip/a.txt", "3.zip/z.txt", "4.txt"]
    for name in ("2-crash.txt", "3.zip/crash.txt"):
        assert "the reader broke down at it (exit code -9)" in whys(report)[name]


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_a_reader_that_says_nothing_is_ended(tmp_path, monkeypatch) -> None:
    os.mkfifo(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("text")
    names = ("a.txt", "b.txt")
    monkeypatch.setattr(
        "core.documents.process.files_of",
        lambda paths: [Source(tmp_path / name, name) for name in names],
    )
    records, report = read_all(limits=Limits(silent_seconds=2.5))
    assert [one.file for one in records] == ["b.txt"]
    assert "took too long" in whys(report)["a.txt"]


def test_closing_ends_the_process(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("text\n" * 400_000)
    me = psutil.Process()
    before = set(me.children())
    found = read_documents([str(tmp_path)])
    next(found)
    [reader] = set(me.children()) - before
    found.close()
    assert not reader.is_running()


def mutate(data: bytes, draw: random.Random) -> bytes:
    """A few bytes changed, a part cut out, or the end cut off."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 4, 30))):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    if draw.random() < 0.3:
        start = draw.randrange(len(changed))
        del changed[start : start + draw.randrange(1, 200)]
    return bytes(changed[: draw.randrange(len(changed) + 1)] if draw.random() < 0.1 else changed)


def read_mutated(tmp_path: Path, count: int, seed: int) -> None:
    write_samples(tmp_path / "good")
    samples = sorted((tmp_path / "good").iterdir())
    folder = tmp_path / "mutated"
    folder.mkdir()
    draw = random.Random(seed)
    names = set()
    for n in range(count):
        sample = samples[n % len(samples)]
        names.add(f"mutated/{n}-{sample.name}")
        (folder / f"{n}-{sample.name}").write_bytes(mutate(sample.read_bytes(), draw))
    _, report = read_all(folder, limits=Limits(silent_seconds=120))
    whole = {name for name in names if not name.endswith((".zip", ".tar.gz"))}
    told = {file.file for file in report.files}
    assert whole <= told
    assert {"/".join(name.split("/")[:2]) for name in told} == names
    json.dumps([file.to_dict() for file in report.files], ensure_ascii=False).encode()


def test_2_000_mutated_files_each_have_their_line(tmp_path) -> None:
    read_mutated(tmp_path, 2000, seed=1)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.timeout(900)
def test_20_000_mutated_files_each_have_their_line(tmp_path, seed) -> None:
    read_mutated(tmp_path, 500, seed=100 + seed)
