"""Text as it comes: whole characters, whole stop strings."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from core.engine.detokenize import Detokenizer, StopStrings, TokenTexts
from tests.core.toy import END_ID, toy_tokenizer

BYTE_LEVEL = toy_tokenizer()
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


def sentencepiece_like() -> PreTrainedTokenizerFast:
    """Words with a mark for the blank before them, and bytes for all that is not a word."""
    words = ["<unk>", "\u2581the", "\u2581cat", "s", "\u2581", "!", "\n"]
    vocab = [(word, 0.0) for word in words] + [(f"<0x{byte:02X}>", 0.0) for byte in range(256)]
    core = Tokenizer(models.Unigram(vocab, unk_id=0, byte_fallback=True))
    core.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")


SENTENCEPIECE = sentencepiece_like()
WORD_IDS = st.integers(1, 6).map(lambda i: [i])
CHARACTERS = st.characters(codec="utf-8").map(lambda c: [7 + byte for byte in c.encode()])


def pieces(tokenizer, ids):
    detokenizer = Detokenizer(tokenizer)
    return [detokenizer.feed(token_id) for token_id in ids]


@given(text=TEXTS)
def test_byte_level_pieces_are_the_text(text):
    ids = BYTE_LEVEL(text, add_special_tokens=False)["input_ids"]
    got = pieces(BYTE_LEVEL, ids)
    assert "".join(got).rstrip("\ufffd") == text.rstrip("\ufffd")
    if "\ufffd" not in text:
        assert not any("\ufffd" in piece for piece in got)


@given(ids=st.lists(st.integers(0, 264), max_size=60))
def test_any_tokens_give_the_text_of_all_less_an_unfinished_end(ids):
    whole = BYTE_LEVEL.decode(ids, skip_special_tokens=True)
    assert "".join(pieces(BYTE_LEVEL, ids)) == whole.rstrip("\ufffd")


@given(groups=st.lists(WORD_IDS | CHARACTERS, max_size=60))
@settings(max_examples=60)
def test_sentencepiece_keeps_its_blanks(groups):
    ids = [token_id for group in groups for token_id in group]
    whole = SENTENCEPIECE.decode(ids)
    assert "".join(pieces(SENTENCEPIECE, ids)) == whole.rstrip("\ufffd")


def test_a_character_of_several_tokens_comes_with_its_last():
    ids = BYTE_LEVEL("a😀", add_special_tokens=False)["input_ids"]
    assert pieces(BYTE_LEVEL, ids) == ["a", "", "", "", "😀"]


def test_an_unfinished_character_never_shows():
    ids = BYTE_LEVEL("a😀", add_special_tokens=False)["input_ids"][:-1]
    assert "".join(pieces(BYTE_LEVEL, ids)) == "a"


def test_special_tokens_have_no_text():
    assert pieces(BYTE_LEVEL, [END_ID, 256]) == ["", ""]


def test_long_texts_forget_old_tokens():
    detokenizer = Detokenizer(BYTE_LEVEL)
    ids = BYTE_LEVEL("the thing é" * 30, add_special_tokens=False)["input_ids"]
    assert "".join(detokenizer.feed(i) for i in ids) == "the thing é" * 30
    assert len(detokenizer._window) < 40


@given(
    chunks=st.lists(st.text("abc", max_size=4), max_size=12),
    stops=st.lists(st.text("abc", min_size=1, max_size=4), max_size=3),
)
def test_stop_strings_cut_wherever_the_chunks_break(chunks, stops):
    watch, shown, stopped = StopStrings(tuple(stops)), "", False
    read = ""
    for chunk in chunks:
        for letter in chunk:  # letter by letter: the first stop string to be complete cuts
            read += letter
            piece, stopped = watch.feed(letter)
            shown += piece
            if stopped:
                break
        if stopped:
            break
    shown += watch.rest()
    hits = [stop for stop in stops if stop in read]
    assert stopped == bool(hits)
    if stopped:
        assert shown == read[: min(read.find(stop) for stop in hits)]
    else:
        assert shown == read


@given(text=st.text("ab", max_size=12), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_nothing_of_a_stop_string_ever_shows(text, cuts):
    watch, shown = StopStrings(("abba",)), ""
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for start, end in itertools.pairwise(places):
        piece, stopped = watch.feed(text[start:end])
        shown += piece
        if stopped:
            break
    at = text.find("abba")
    assert (shown + watch.rest()) == (text if at < 0 else text[:at])


@pytest.mark.parametrize("text", ["x", "é", " the"])
def test_texts_of_single_tokens(text):
    token_id = BYTE_LEVEL(text, add_special_tokens=False)["input_ids"][0]
    texts = TokenTexts(BYTE_LEVEL)
    assert texts[token_id] == texts[token_id] == BYTE_LEVEL.decode([token_id])
