"""Markdown with positions: every visible character knows its place in the source."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.markdown.blocks import Block, Run
from app.markdown.parser import parse

SAMPLE = (
    "# Title *it*\n\nA **bold** `code` \\* &amp; [li nk](http://x.y) end  \nbreak\nsoft\n\n"
    "1. one $x^2$\n   - deep **er**\n2. two\n\n> quote\n> more\n\n"
    "| a | **b** |\n|---|:-:|\n| c | `d` |\n\n```py\nif x:\n\n    y = '🙂'\n```\n\n"
    "\\[\n\\frac{1}{2}\n\\]\n\n---\n\nlast 🙂 one"
)


def runs_of(source: str, start: int = 0) -> list[Run]:
    runs: list[Run] = []
    for chunk in parse(source, start):
        for block in chunk.blocks:
            runs += block.runs
            runs += [run for row in block.rows for cell in row for run in cell.runs]
    return runs


def blocks_of(source: str) -> list[Block]:
    return [block for chunk in parse(source) for block in chunk.blocks]


def test_characters_that_stand_for_themselves_are_those_of_the_source() -> None:
    shown = 0
    for run in runs_of(SAMPLE):
        if run.end - run.start == len(run.text) and run.text.strip(" \t\u2028•◦▪"):
            source = SAMPLE[run.start : run.end]
            assert source.replace("\n", " ") == run.text.replace("\t", " ")
            shown += len(run.text)
    assert shown > 80


def test_runs_come_in_source_order() -> None:
    ends = 0
    for run in runs_of(SAMPLE):
        assert run.start >= ends
        ends = run.end


def test_kinds_of_blocks() -> None:
    kinds = [block.kind for block in blocks_of(SAMPLE)]
    assert kinds[:2] == ["heading", "paragraph"]
    assert "table" in kinds
    assert "rule" in kinds
    assert "maths" in kinds
    assert kinds.count("code") == 4  # the caption and three lines


def test_code_keeps_its_lines_and_blanks() -> None:
    lines = ["".join(run.text for run in block.runs) for block in blocks_of(SAMPLE)[-8:]]
    assert "    y = '🙂'" in lines
    assert "" in lines


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("costs $5 and $6", "costs $5 and $6"),
        ("so $x_1$ is", "so x₁ is"),
        (r"so \(\alpha\) is", "so α is"),
        (r"odd \(\nosuch{x}\) is", r"odd \nosuch{x} is"),
        ("<b>no html</b>", "<b>no html</b>"),
        ("![alt](http://x/y.png)", "!alt"),
    ],
)
def test_inline(source: str, shown: str) -> None:
    assert "".join(run.text for run in runs_of(source)) == shown


WORDS = st.sampled_from(
    ["word ", "**", "*", "`", "\n", "\n\n", "- ", "1. ", "# ", "> ", "```\n", "| a | b |\n",
     "|---|---|\n", "$", "\\(", "\\)", "[x](y)", "🙂", "\\", "&amp;", "    ", "\t", "\r", "$$\n",
     "<think>", "~~", "---\n", "\0", "]", "_"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=30).map("".join))
@example("| a | b |\n|---|---|\n| c\\|d | e |")
@example("- \n- x\n\n  y")
def test_any_text_is_laid_out_in_order_and_within_bounds(source: str) -> None:
    ends = 0
    for run in runs_of(source):
        assert 0 <= run.start <= run.end <= len(source)
        assert run.end >= ends
        ends = max(ends, run.end)


def test_a_tail_is_parsed_with_offsets_of_the_whole() -> None:
    chunks = parse(SAMPLE)
    tail = parse(SAMPLE, chunks[3].start)
    assert tail == chunks[3:]
