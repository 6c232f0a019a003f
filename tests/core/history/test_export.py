"""Exports hold everything, escape everything and never spoil an older file."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core import jsonl
from core.errors import KnownError
from core.history.export import FORMATS, Format, write_chat, write_export
from core.history.records import ChatDetail, Turn
from core.history.store import HistoryStore
from tests.core.history.runs import a_run
from tests.core.history.test_training import GROWING, start, write
from tests.core.streams import TEXTS, answer

ODD = 'He said "<b>a, b</b>"\n```\n& more; ünï 漢'


@pytest.fixture
def filled(store: HistoryStore) -> HistoryStore:
    store.save_run(a_run("one", answer="".join(TEXTS)), list(answer()))
    store.save_run(a_run("two", kind="bench", title=ODD, prompt=ODD, answer=ODD, adapter=None))
    return store


def export(store: HistoryStore, form: Format, out: Path, *ids: str) -> str:
    write_export(store, ids or ("one", "two"), form, out)
    assert [file.name for file in out.parent.iterdir()] == [out.name]
    with out.open(encoding="utf-8", newline="") as file:
        return file.read()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "runs"


def test_json_holds_the_whole_trace(filled: HistoryStore, out: Path) -> None:
    data = json.loads(export(filled, "json", out))
    assert (data["format"], data["version"]) == ("stride-runs", 1)
    one, two = data["runs"]
    assert tuple(jsonl.from_dict(event) for event in one.pop("trace")) == tuple(answer())
    assert one == asdict(filled.get_run("one"))
    assert (two["trace"], two["answer"]) == ([], ODD)


def test_csv_has_a_row_a_run(filled: HistoryStore, out: Path) -> None:
    one, two = csv.DictReader(export(filled, "csv", out).splitlines(keepends=True))
    assert (one["id"], one["created"]) == ("one", "2023-11-14T22:13:20+00:00")
    assert float(one["tokens_per_pass"]) == pytest.approx(7 / 3)
    assert (two["prompt"], two["answer"], two["adapter"]) == (ODD, ODD, "")


def test_markdown_keeps_texts_apart(filled: HistoryStore, out: Path) -> None:
    text = export(filled, "markdown", out)
    assert "## Tokens of each pass\n\n1 2 4\n" in text
    assert f"````\n{ODD}\n````" in text


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.text = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.opened.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_whole_escaped_and_fetches_nothing(filled: HistoryStore, out: Path) -> None:
    text = export(filled, "html", out)
    page = _Page()
    page.feed(text)
    assert page.opened == []
    assert ODD in page.text
    assert "four <five> & six" in page.text
    assert page.links == []
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert text.count('class="block ') == 3
    assert "http://" not in text
    assert "https://" not in text


def test_a_training_is_exported_with_its_events(
    store: HistoryStore, out: Path, tmp_path: Path
) -> None:
    events = (start(), *GROWING)
    store.track_training(write(tmp_path / "r1", events))
    (run,) = json.loads(export(store, "json", out, "r1"))["runs"]
    assert tuple(jsonl.from_dict(event) for event in run["trace"]) == events
    assert "swift" in export(store, "markdown", out, "r1")


@pytest.mark.parametrize("form", FORMATS)
def test_an_unknown_run_leaves_an_older_file(filled: HistoryStore, out: Path, form: Format) -> None:
    out.write_text("old", encoding="utf-8")
    with pytest.raises(KnownError, match="no run nowhere"):
        write_export(filled, ["one", "nowhere"], form, out)
    assert out.read_text(encoding="utf-8") == "old"
    assert [file.name for file in out.parent.iterdir()] == [out.name]


def test_a_place_that_cannot_be_written_is_a_sentence(filled: HistoryStore, out: Path) -> None:
    with pytest.raises(KnownError, match="cannot be written"):
        write_export(filled, ["one"], "json", out / "missing" / "file.json")


def test_a_whole_chat_is_written_as_markdown(out: Path) -> None:
    turns = (Turn("user", "Hello"), Turn("assistant", "**Hi**", "r"), Turn("user", ODD))
    chat = ChatDetail(
        id="c", title="Talk", created_at=0.0, updated_at=0.0, system="Be brief.", turns=turns
    )
    write_chat(chat, out)
    text = out.read_text(encoding="utf-8")
    assert text.startswith("# Talk\n\n## System prompt\n\nBe brief.\n\n## You\n\nHello\n\n")
    assert "## Answer\n\n**Hi**\n\n## You" in text
    assert text.endswith(f"{ODD}\n")
