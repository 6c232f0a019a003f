"""Two kinds of failure: the world is at fault, or we are.

`KnownError` carries a sentence and a next step for the user. Anything else that
reaches a thread's or process's edge is a bug and is shown with "copy details".
"""

from __future__ import annotations


class KnownError(Exception):
    """A failure outside Stride: disk full, bad file, no such model.

    Args:
        sentence: What happened, one plain sentence.
        next_step: What the user can do about it, one plain sentence or empty.
    """

    def __init__(self, sentence: str, next_step: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.next_step = next_step

    def __str__(self) -> str:
        """The sentence, followed by the next step if there is one."""
        return f"{self.sentence} {self.next_step}".strip()


class Cancelled(Exception):  # noqa: N818  (a wish of the user's, not an error)
    """Raised inside long work when its `Cancel` was set."""
