"""Prompt files of a bench: what is read, and how a bad line is named."""

from __future__ import annotations

import json

import pytest

from core.engine.request import Message
from core.errors import KnownError
from core.evaluate.prompts import BenchPrompt, prompts_to_jsonl, read_prompts

CHECK = {"kind": "equals", "answers": ["1"]}


def test_family_and_check_are_optional(tmp_path):
    file = tmp_path / "prompts.jsonl"
    rows = [{"prompt": "a"}, {"prompt": "b", "family": "letters", "check": CHECK, "more": 1}]
    file.write_text("\n\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    assert read_prompts(file) == (BenchPrompt("a"), BenchPrompt("b", "letters", CHECK))


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[]",
        '{"prompt": ""}',
        '{"prompt": 5}',
        '{"text": "a"}',
        '{"prompt": "a", "family": 5}',
        '{"prompt": "a", "turns": 5}',
        '{"prompt": "a", "turns": ["a"]}',
        '{"prompt": "a", "turns": [{"role": "user"}]}',
        '{"prompt": "a", "turns": [{"role": "friend", "content": "a"}]}',
        '{"prompt": "a", "turns": [{"role": "user", "content": "b"}]}',
        '{"prompt": "a", "check": "yes"}',
        '{"prompt": "a", "check": {"kind": "magic"}}',
        '{"prompt": "a", "check": {"kind": "equals"}}',
        '{"prompt": "a", "check": {"kind": "json"}}',
        '{"prompt": "a", "check": {"kind": "lines", "lines": [1]}}',
        '{"prompt": "a", "check": {"kind": "table", "header": []}}',
        '{"prompt": "a", "check": {"kind": "python", "names": 5}}',
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, row):
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "good"}\n\n' + row + "\n", encoding="utf-8")
    with pytest.raises(KnownError, match="Line 3 of"):
        read_prompts(file)


def test_a_file_without_prompts_is_refused(tmp_path):
    file = tmp_path / "prompts.jsonl"
    with pytest.raises(KnownError, match="cannot be read"):
        read_prompts(file)
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(KnownError, match="holds no prompts"):
        read_prompts(file)


def test_what_is_written_is_read_again(tmp_path):
    turns = (Message("system", "Be brief."), Message("user", "a\u2028b"))
    prompts = (
        BenchPrompt("a\u2028b", turns=turns),
        BenchPrompt("b", "letters", CHECK, "an answer"),
    )
    file = tmp_path / "prompts.jsonl"
    file.write_text(prompts_to_jsonl(prompts), encoding="utf-8")
    assert read_prompts(file) == prompts
