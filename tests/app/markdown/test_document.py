"""A growing document equals one written at once, and its map finds every character."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QTextDocument
from pytestqt.qtbot import QtBot

from app.markdown.document import Ink, MarkdownDocument

TEXT = (
    "# Head\n\nSome **bold** and 🙂 text.\n\n- one\n- two\n  - three\n\n"
    "| a | b |\n|---|---|\n| c | d |\n\n```py\nx = 1\ny = 2\n```\n\n> said\n\n$a^2$ end"
)


@pytest.fixture
def ink(qtbot: QtBot) -> Ink:
    return Ink(QColor("gray"), QColor("blue"), QColor("gray"), {"keyword": QColor("purple")})


def written(ink: Ink, *steps: str) -> tuple[QTextDocument, MarkdownDocument]:
    document = QTextDocument()
    writer = MarkdownDocument(document, ink)
    for step in steps:
        writer.set_source(step)
    return document, writer


@pytest.mark.parametrize("step", [1, 3, 7])
def test_growing_equals_at_once(ink: Ink, step: int) -> None:
    once, at_once = written(ink, TEXT)
    grown, growing = written(ink, *(TEXT[:end] for end in range(step, len(TEXT), step)), TEXT)
    assert grown.toPlainText() == once.toPlainText()
    assert growing.positions == at_once.positions
    assert grown.blockCount() == once.blockCount()


def test_every_visible_character_is_found_where_it_stands(ink: Ink) -> None:
    document, writer = written(ink, TEXT)
    for word in ("Head", "bold", "text", "three", "said", "y = 2"):
        at = writer.positions[TEXT.index(word)]
        found = "".join(document.characterAt(at + offset) for offset in range(len(word)))
        assert found == word
    assert len(writer.positions) == len(TEXT) + 1
    assert writer.positions == sorted(writer.positions)


def test_another_text_replaces_the_first(ink: Ink) -> None:
    document, _writer = written(ink, TEXT, "short")
    assert document.toPlainText() == "short"


def test_only_the_changed_end_is_written_anew(ink: Ink) -> None:
    document, writer = written(ink, "one\n\ntwo\n\nthr")
    assert writer.set_source("one\n\ntwo\n\nthree") == document.toPlainText().index("thr")


def test_a_definition_that_vanishes_leaves_what_was_before(ink: Ink) -> None:
    document, _writer = written(ink, "one\n\n[x]", "one\n\n[x]: /y", "one\n\n[x]: /y\n\ntwo")
    assert document.toPlainText() == "one\ntwo"
