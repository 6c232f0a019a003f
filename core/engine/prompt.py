"""From the turns of a chat to the text and tokens that the model reads."""

from __future__ import annotations

from typing import Any

from core.engine.request import Message
from core.errors import KnownError


def render(tokenizer: Any, messages: tuple[Message, ...]) -> tuple[str, list[int]]:
    """The exact prompt text and its token ids.

    A template writes its own begin-of-text token, so none is added to its text; a model
    without a template reads the contents joined by blank lines.

    Raises:
        KnownError: if the prompt is empty or no text, or the template refuses these turns.
    """
    if not messages or not messages[-1].content.strip():
        raise KnownError("The prompt is empty.", "Type something for the model to answer.")
    _refuse_bytes(messages)
    if tokenizer.chat_template is None:
        text = "\n\n".join(message.content for message in messages)
        return text, list(tokenizer(text)["input_ids"])
    text = _apply_template(tokenizer, messages)
    return text, list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _refuse_bytes(messages: tuple[Message, ...]) -> None:
    """Bytes of another encoding on a command line become lone surrogates, which are no text."""
    try:
        for message in messages:
            message.content.encode()
    except UnicodeEncodeError as error:
        raise KnownError(
            f"The prompt is no text in UTF-8 (place {error.start + 1}).", "Save or type it anew."
        ) from error


def _apply_template(tokenizer: Any, messages: tuple[Message, ...]) -> str:
    from jinja2 import TemplateError

    turns = [{"role": message.role, "content": message.content} for message in messages]
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    except TemplateError as error:
        raise KnownError(
            f"The model's chat template refuses this conversation: {error}.",
            "Leave out the system prompt, or begin a new chat.",
        ) from error
