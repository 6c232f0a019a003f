"""What a session keeps between answers, how it reads prompts, and text of its answers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine.prompt import render
from core.engine.request import Message
from core.errors import KnownError
from tests.core.engine.harness import (
    decode,
    ended,
    generated,
    passes,
    started,
    token_ids,
    toy_session,
    user,
)
from tests.core.toy import START, toy_model, toy_tokenizer

MODEL = toy_model()


def fresh_and_cached(messages, *earlier):
    """The same answer from a session that has answered before, and from a fresh one."""
    cached = toy_session(MODEL, scale=0.2)
    for before in earlier:
        decode(cached, messages=before, max_new_tokens=12)
    used = decode(cached, messages=messages, max_new_tokens=12)
    alone = decode(toy_session(MODEL, scale=0.2), messages=messages, max_new_tokens=12)
    assert token_ids(used) == token_ids(alone)
    assert [one.proposed_ids for one in passes(used)] == [o.proposed_ids for o in passes(alone)]
    return started(used)


def test_the_next_turn_reuses_the_last():
    session = toy_session(MODEL)
    first = decode(session, messages=user("hello"), max_new_tokens=6)
    answer = Message("assistant", ended(first).text)
    second = started(decode(session, messages=user("more", user("hello")[0], answer)))
    assert second.reused_tokens >= started(first).prompt_tokens


def test_regenerating_reuses_all_but_the_last_token():
    again = fresh_and_cached(user("hello"), user("hello"))
    assert again.reused_tokens == again.prompt_tokens - 1


def test_an_edited_turn_reuses_up_to_the_edit():
    edited = fresh_and_cached(user("hello you"), user("hello there"))
    assert 0 < edited.reused_tokens < edited.prompt_tokens - 2


def test_a_trimmed_tail_is_cropped():
    long = user("and more of it", *user("hello"), Message("assistant", "well"))
    trimmed = fresh_and_cached(user("hello"), long)
    assert trimmed.reused_tokens > 0


def test_a_template_that_renders_old_turns_anew():
    session = toy_session(MODEL, scale=0.2)
    session.loaded.tokenizer.chat_template = (
        "{% for message in messages %}{% if not loop.last and message['role'] == 'assistant' %}"
        "[{{ message['content'] | upper }}]{% else %}({{ message['content'] }}){% endif %}"
        "{% endfor %}"
    )
    decode(session, messages=user("a"), max_new_tokens=8)
    turns = user("b", *user("a"), Message("assistant", "shout"))
    events = decode(session, messages=turns, strategy="next_token", max_new_tokens=8)
    assert started(events).prompt_text == "(a)[SHOUT](b)"
    assert token_ids(events) == generated(session, events, 8)


def test_another_chat_shares_the_system_prompt_only():
    other = fresh_and_cached(user("zzz"), user("hello"))
    assert 0 < other.reused_tokens < other.prompt_tokens - 3


def test_a_system_message_replaces_the_templates_own():
    text, _ = render(toy_tokenizer(), (Message("system", "Be brief."), *user("hi")))
    assert "Be brief." in text
    assert "You are a toy." not in text
    assert text.endswith("assistant\n")


def test_a_prompt_begins_with_one_begin_token_only():
    tokenizer = toy_tokenizer()
    _, ids = render(tokenizer, user("hi"))
    text = tokenizer.decode(ids)
    assert text.startswith(START)
    assert not text.startswith(START + START)


def test_without_a_template_the_contents_are_joined():
    tokenizer = toy_tokenizer()
    tokenizer.chat_template = None
    text, ids = render(tokenizer, (Message("system", "One."), *user("Two.")))
    assert text == "One.\n\nTwo."
    assert tokenizer.decode(ids) == text


def test_a_template_may_refuse_a_conversation():
    tokenizer = toy_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('System role not supported') }}"
    with pytest.raises(KnownError, match="System role not supported"):
        render(tokenizer, user("hi"))


@pytest.mark.parametrize("messages", [(), user(""), user("  \n")])
def test_an_empty_prompt_gets_a_sentence(messages):
    with pytest.raises(KnownError, match="empty"):
        render(toy_tokenizer(), messages)


SESSION = toy_session(MODEL, scale=0.2)
SESSION.end_ids = frozenset()
PLAIN = decode(SESSION, strategy="next_token", max_new_tokens=30)
TEXT = ended(PLAIN).text


@given(start=st.integers(0, 20), length=st.integers(1, 5), threshold=st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_stop_strings_trim_the_answer(start, length, threshold):
    plain = decode(SESSION, threshold=threshold, max_new_tokens=30)
    text = ended(plain).text
    stop = text[start % len(text) :][:length]
    events = decode(SESSION, threshold=threshold, max_new_tokens=30, stop=(stop,))
    assert ended(events).text == text[: text.find(stop)]
    assert ended(events).stop_reason == "stop_string"
    assert token_ids(events) == token_ids(plain)[: len(token_ids(events))]


@given(threshold=st.floats(0, 1), limit=st.integers(1, 30), stop=st.text(max_size=2))
@settings(max_examples=15, deadline=None)
def test_passes_add_up_to_the_answer(threshold, limit, stop):
    events = decode(SESSION, threshold=threshold, max_new_tokens=limit, stop=(stop,))
    assert "".join(one.text for one in passes(events)) == ended(events).text
    for one in passes(events):
        assert "".join(one.pieces) == one.text
        proposed = (SESSION.loaded.tokenizer.decode([token_id]) for token_id in one.proposed_ids)
        assert one.proposed_texts == tuple(proposed)
        assert len(one.pieces) == len(one.token_ids)
    if ended(events).stop_reason == "max_new_tokens":
        whole = SESSION.loaded.tokenizer.decode(token_ids(events), skip_special_tokens=True)
        assert ended(events).text == whole.rstrip("\ufffd")


def test_the_figures_of_the_end_are_those_of_the_passes():
    assert ended(PLAIN).passes == len(passes(PLAIN)) == ended(PLAIN).tokens == 30
    assert ended(PLAIN).seconds == pytest.approx(sum(one.seconds for one in passes(PLAIN)))


def test_a_session_says_what_it_is():
    info = toy_session(MODEL, k_max=5).info
    assert (info.k_max, info.context_length, info.dtype) == (5, 256, "float64")
    assert info.mtp_off_reason == ""
    assert info.memory_bytes == sum(p.nbytes for p in MODEL.parameters()) + sum(
        b.nbytes for b in MODEL.buffers()
    )
    assert "No adapter" in toy_session(MODEL, adapter=False).info.mtp_off_reason


def test_a_closed_session_lets_go_of_its_model():
    session = toy_session(MODEL)
    session.close()
    with pytest.raises(AttributeError):
        _ = session.loaded
