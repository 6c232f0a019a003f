"""One answer: text and blocks as two layers over the same characters."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QAccessibleTextInterface
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from app.widgets.answer_figures import AnswerFigures
from app.widgets.answer_view import AnswerView
from app.widgets.fold import Fold
from app.widgets.pass_layer import Box, confidence_band
from app.widgets.pass_text import PassText
from app.widgets.pass_tip import tip_text, token_at
from core.metrics import blocks_of
from tests.fakes import (
    ended,
    exact_pass,
    exact_passes,
    make_pass,
    scripted_events,
    scripted_passes,
    started,
    tokens_of,
)

TEXT = "## Head\n\nSome **bold** words and `code` here.\n\n- one\n- two\n\n```py\nx = 1\n```\n"


@pytest.fixture
def view(qtbot: QtBot) -> AnswerView:
    widget = AnswerView()
    qtbot.addWidget(widget)
    widget.resize(700, 400)
    widget.show()
    return widget


def text_of(view: AnswerView) -> PassText:
    found = view.findChild(PassText)
    assert found is not None
    return found


def boxes_of(view: AnswerView) -> list[Box]:
    text = text_of(view)
    text.grab()
    block, boxes = text.document().firstBlock(), []
    while block.isValid():
        boxes += text._layer.boxes(block, 0.0, math.inf)
        block = block.next()
    return boxes


def test_markdown_is_rendered_and_the_blocks_keep_their_sizes(view: AnswerView) -> None:
    view.show_trace(scripted_events(TEXT))
    shown = text_of(view).toPlainText()
    assert "Some bold words and code here." in shown
    assert "**" not in shown
    assert view.block_sizes == tuple(len(one.token_ids) for one in scripted_passes(TEXT))


def test_every_block_has_a_boundary_and_a_figure(view: AnswerView) -> None:
    view.show_trace(scripted_events("one two three four five six seven eight nine ten"))
    boxes = boxes_of(view)
    sizes = [
        len(one.token_ids)
        for one in scripted_passes("one two three four five six seven eight nine ten")
    ]
    assert [box.figure for box in boxes] == [str(size) for size in sizes]
    assert all(box.opens for box in boxes)
    assert [box.ground for box in boxes] == list(range(len(sizes)))
    for left, right in pairwise(boxes):
        assert left.rect.right() <= right.rect.left() + 1


def test_a_block_of_hidden_characters_still_shows(view: AnswerView) -> None:
    tokens = ["**", "bold", "**", " end"]
    view.show_trace([started(), *(make_pass(tokens, at, 1, at) for at in range(4))])
    boxes = boxes_of(view)
    assert [box.rect.width() > 0 for box in boxes] == [False, True, False, True]
    assert [box.figure for box in boxes] == ["1"] * 4


def test_passes_are_drawn_together_and_soon(qtbot: QtBot, view: AnswerView) -> None:
    passes = scripted_passes(TEXT)
    redrawn: list[None] = []
    view.redrawn.connect(lambda: redrawn.append(None))
    view.append(started())
    with qtbot.waitSignal(view.redrawn):
        for one in passes:
            view.append_pass(one)
    assert len(redrawn) == 1
    assert view.text == TEXT
    view.append(ended(passes))
    assert len(redrawn) == 2


def test_by_confidence_and_by_slot_every_token_has_its_box(view: AnswerView) -> None:
    view.show_trace(scripted_events("one two three four five six"))
    view.set_colour_mode("slot")
    slots = boxes_of(view)
    assert [box.figure for box in slots] == ["1", "1", "2", "3", "1", "2"]
    view.set_colour_mode("confidence")
    boxes = boxes_of(view)
    assert len(boxes) == len(slots)
    assert [box.opens for box in boxes] == [True, True, False, False, True, False]
    view.set_colour_mode("off")
    assert boxes_of(view) == []


def test_confidence_bands_end_at_the_named_stops() -> None:
    assert [confidence_band(value) for value in (0.1, 0.8, 0.9, 0.95, 0.99, 1.0)] == [
        0,
        1,
        2,
        3,
        4,
        4,
    ]


def test_an_estimate_recuts_the_blocks_and_can_be_taken_back(view: AnswerView) -> None:
    view.show_trace(scripted_events("one two three four five six"))
    recorded = view.block_sizes
    view.set_estimate(1.0)
    assert set(view.block_sizes) == {1}
    assert [box.figure for box in boxes_of(view)] == ["1"] * 6
    view.set_estimate(None)
    assert view.block_sizes == recorded
    assert [box.figure for box in boxes_of(view)] == [str(size) for size in recorded]


def test_thinking_folds_once_it_is_over(qtbot: QtBot, view: AnswerView) -> None:
    passes = scripted_passes("<think>let me see</think>The answer is 4.")
    view.append(started())
    for one in passes[:2]:
        view.append(one)
    qtbot.waitUntil(lambda: view.findChild(Fold) is not None)
    fold = view.findChild(Fold)
    assert fold.is_open
    for one in passes[2:]:
        view.append(one)
    view.append(ended(passes))
    assert not fold.is_open
    texts = view.findChildren(PassText)
    assert [text.accessibleName() for text in texts] == ["Thinking", "Answer"]
    assert texts[1].toPlainText() == "The answer is 4."
    fold.findChild(QToolButton).click()
    assert fold.is_open


def test_copying_a_selection_gives_text_without_figures(view: AnswerView) -> None:
    view.show_trace(scripted_events("Some **bold** words"))
    text = text_of(view)
    text.selectAll()
    assert text.createMimeDataFromSelection().text() == "Some bold words"


def test_a_selection_stays_while_the_answer_grows(qtbot: QtBot, view: AnswerView) -> None:
    passes = scripted_passes("one two three four\n\nfive six seven eight")
    view.append(started())
    for one in passes[:2]:
        view.append(one)
    qtbot.waitUntil(lambda: view.findChild(PassText) is not None)
    text = text_of(view)
    assert not text.textCursor().hasSelection()
    cursor = text.textCursor()
    cursor.setPosition(4)
    cursor.setPosition(7, cursor.MoveMode.KeepAnchor)
    text.setTextCursor(cursor)
    for one in passes[2:]:
        view.append(one)
    view.append(ended(passes))
    assert text.textCursor().selectedText() == "two"


def test_a_tip_tells_pass_slot_confidence_alternatives_and_time(view: AnswerView) -> None:
    view.show_trace(scripted_events("one two three four"))
    tip = tip_text(view._spans, "one two three four".index("three"))
    assert "Pass 2, slot 2 of" in tip
    assert "Confidence 0.983, threshold 0.9" in tip
    assert "3 final in 20 ms" in tip
    assert "“␣other” 0.003" in tip
    assert tip_text(view._spans, 0).startswith("“one”")


def test_a_token_without_text_is_never_what_a_character_came_from(view: AnswerView) -> None:
    one = dataclasses.replace(make_pass(["a", "", "b"], 0, 3, 0), text="ab", pieces=("a", "", "b"))
    view.show_trace([started(), one])
    found = token_at(view._spans, 1)
    assert found is not None
    assert found.slot == 3


def test_the_keyboard_walks_from_block_to_block(qtbot: QtBot, view: AnswerView) -> None:
    view.show_trace(scripted_events("one two three four five six"))
    text = text_of(view)
    text.setFocus()
    qtbot.keyClick(text, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert text.textCursor().position() == len("one")
    assert not text.textCursor().hasSelection()
    assert "Pass 2" in text.accessibleDescription()


def test_a_screen_reader_gets_the_text(view: AnswerView) -> None:
    view.show_trace(scripted_events("Some **bold** words"))
    interface = QAccessible.queryAccessibleInterface(text_of(view))
    words = interface.textInterface()
    assert isinstance(words, QAccessibleTextInterface)
    assert words.text(0, words.characterCount()) == "Some bold words"


def test_it_is_as_high_as_its_text(view: AnswerView) -> None:
    view.show_trace(scripted_events("\n\n".join(["A paragraph of words."] * 20)))
    text = text_of(view)
    assert text.height() >= text.document().size().height() - 1
    assert text.cursorForPosition(QPoint(20, text.height() - 20)).position() > 300


def test_confirmed_tokens_belong_to_the_block_of_the_pass_that_proposed_them(
    view: AnswerView,
) -> None:
    text = "one two three four five six seven eight"
    passes = exact_passes(text)
    assert sum(one.refused for one in passes) > 0
    view.show_trace([started(strategy="verified"), *passes, ended(passes)])
    assert view.text == text
    assert view.block_sizes == tuple(block.size for block in blocks_of(passes))
    assert max(view.block_sizes) > 1
    spans = view._spans
    assert [text[one.start : one.end] for one in spans.tokens] == tokens_of(text)
    for token in spans.tokens:
        assert token.done.proposed_texts[token.slot - 1] == text[token.start : token.end]


def test_provisional_tokens_stand_faint_behind_a_growing_answer(view: AnswerView) -> None:
    tokens = tokens_of("one two three four")
    view.append(started(strategy="verified"))
    view.append(exact_pass(tokens, 0, 0, 0, 2, 0))
    view.settle()
    text = text_of(view)
    assert view.text == "one"
    assert text.toPlainText() == "one two three"
    [mark] = text.extraSelections()
    assert mark.cursor.selectedText() == " two three"
    view.append(exact_pass(tokens, 1, 1, 1, 0, 1))
    view.settle()
    assert text.toPlainText() == "one two three"  # now the model's own
    assert text.extraSelections() == []
    passes = view.passes
    view.append(ended(passes))
    assert text.toPlainText() == view.text == "one two three"


def test_nothing_of_a_table_is_faint_once_it_is_final(view: AnswerView) -> None:
    table = "| Animal | Count |\n| --- | --- |\n| camel | 29 |\n"
    view.append(started(strategy="verified"))
    passes = exact_passes(table)
    for done in passes:
        view.append(done)
        view.settle()
        text = text_of(view)
        assert bool(text.extraSelections()) == bool(done.provisional)
    view.append(ended(passes))
    assert text_of(view).extraSelections() == []


def test_a_tip_tells_what_was_checked_and_what_fell(view: AnswerView) -> None:
    tokens = tokens_of("one two three four five")
    first = exact_pass(tokens, 0, 0, 0, 2, 0)
    first = dataclasses.replace(first, proposed_texts=("one", " two", " wrong"))
    view.show_trace([started(), first, exact_pass(tokens, 1, 1, 1, 0, 1)])
    assert "confirmed by the next pass" in tip_text(view._spans, 5)
    tip = tip_text(view._spans, len("one two") + 2)
    assert "the model's own next token" in tip
    assert "In its place fell “␣wrong”" in tip


def test_behind_kept_tokens_likely_ones_are_checked(view: AnswerView) -> None:
    tokens = tokens_of("one two three four five")
    first = dataclasses.replace(make_pass(tokens, 0, 2, 0), provisional=2)
    view.append(started())
    view.append(first)
    view.settle()
    assert view.text == "one two"
    assert text_of(view).toPlainText() == "one two three four"  # faint behind the kept ones
    second = dataclasses.replace(exact_pass(tokens, 2, 1, 1, 0, 1), is_exact=False)
    view.append(second)
    view.append(ended((first, second)))
    assert view.block_sizes == (3, 1)
    kept, checked = tip_text(view._spans, 5), tip_text(view._spans, len("one two") + 2)
    assert "threshold 0.9" in kept
    assert "confirmed by the next pass" in checked
    assert "In its place fell “␣four”" in tip_text(view._spans, len("one two three") + 2)


def test_a_block_that_ends_between_two_cells_has_its_figure(view: AnswerView) -> None:
    head = ["|", " Animal", " |", " Count", " |", "\n", "|"]
    rule = [" ---", " |", " ---", " |", "\n", "|", " camel", " |"]
    tokens = [*head, *rule, " ", "2", "9", " |", "\n", "|", " sheep", " |", " ", "1", "9", " |"]
    sizes, at = (8, 8, 8, 3), 0
    passes = []
    for index, size in enumerate(sizes):
        passes.append(make_pass(tokens, at, size, index))
        at += size
    view.show_trace([started(), *passes, ended(tuple(passes))])
    text = text_of(view)
    block = text.document().begin()
    figures = {}
    while block.isValid():
        boxes = text._layer.boxes(block, 0, 1000)
        figures[block.text()] = [box.figure for box in boxes if box.figure]
        block = block.next()
    assert [figures[cell] for cell in ("Count", "camel", "sheep", "19")] == [
        ["8"],
        ["8"],
        ["8"],
        ["3"],
    ]


def test_a_block_that_grows_over_short_lines_is_coloured_on_all_of_them(view: AnswerView) -> None:
    tokens = ["- one", "\n- two", "\n- three", "\n- four", "\n- five", "\n- six"]
    first = dataclasses.replace(make_pass(tokens, 0, 1, 0), provisional=4)

    def coloured() -> list[int]:
        text = text_of(view)
        blocks = [text.document().findBlockByNumber(n) for n in range(text.document().blockCount())]
        boxes = [list(text._layer.boxes(one, 0, 1000)) for one in blocks]
        return [len([box for box in found if box.ground == 0]) for found in boxes]

    view.append(started())
    view.append(first)
    view.settle()
    assert sum(coloured()) == 1
    view.append(dataclasses.replace(exact_pass(tokens, 1, 4, 0, 0, 1), is_exact=False))
    view.settle()
    assert coloured()[:5] == [1] * 5


def test_the_chip_says_exact_and_from_where(qtbot: QtBot) -> None:
    line = AnswerFigures()
    qtbot.addWidget(line)
    exact = tuple(exact_passes("one two three four five six"))
    line.show_figures(started(strategy="verified"), exact, ended(exact))
    assert line.text.startswith("Exact · ")
    held = sum(one.confirmed for one in exact)
    asked = sum(one.provisional for one in exact)
    assert f"{held} of {asked} proposals confirmed" in line.text
    tokens = tokens_of("one two three four five six")
    mixed = (make_pass(tokens, 0, 1, 0), exact_pass(tokens, 1, 0, 0, 2, 1))
    line.show_figures(started(), mixed, None)
    assert line.text.startswith("MTP on · exact from here")
    assert "threshold 0.9" in line.text


def test_figures_say_what_the_passes_came_to(qtbot: QtBot) -> None:
    line = AnswerFigures()
    qtbot.addWidget(line)
    passes = tuple(scripted_passes("one two three four five six"))
    line.show_figures(started(), passes, ended(passes))
    assert line.text == (
        "MTP on · 2.0 tokens per pass 125.0 tokens/s  ·  prefill 0.02 s  ·  "
        "6 tokens in 3 passes  ·  threshold 0.9  ·  the model ended it"
    )


def test_figures_say_why_mtp_was_off_and_how_the_threshold_moved(qtbot: QtBot) -> None:
    line = AnswerFigures()
    qtbot.addWidget(line)
    tokens = tokens_of("one two")
    passes = (make_pass(tokens, 0, 1, 0, 0.9), make_pass(tokens, 1, 1, 1, 0.95))
    line.show_figures(started(mtp_off_reason="No adapter is loaded."), passes, None)
    assert "MTP off: No adapter is loaded" in line.text
    assert "threshold 0.9 to 0.95" in line.text
    assert "1.0 tokens per pass" in line.text
    careful = tuple(dataclasses.replace(one, threshold=1.0) for one in passes)
    line.show_figures(started(), careful, None)
    assert "MTP off: threshold 1.0" in line.text


def test_of_a_long_paragraph_only_what_is_painted_is_measured(view: AnswerView) -> None:
    view.show_trace(scripted_events("word " * 2000))
    text = text_of(view)
    everywhere = boxes_of(view)
    text._layer.clear_boxes()
    above = list(text._layer.boxes(text.document().firstBlock(), 0.0, 400.0))
    assert 0 < len(above) < len(everywhere) / 2
    assert above == everywhere[: len(above)]


def test_a_costly_repaint_is_followed_by_a_longer_rest(view: AnswerView) -> None:
    view.show_trace(scripted_events(TEXT))
    view._layout_seconds, text_of(view).paint_seconds = 0.05, 0.04
    assert view._rest_ms() == 180
