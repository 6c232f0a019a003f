"""What the commands share on a terminal: JSON lines, coloured blocks, a progress bar.

Results go to stdout; progress and figures go to stderr, so that a pipe gets results only.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, TextIO

from core import jsonl
from core.errors import KnownError
from core.events import Event, PassDone
from core.metrics import pieces_of

RESET = "\x1b[0m"
# Light hues of the 256-colour table that stay apart for colour-blind eyes, under black text.
BLOCK_COLOURS = tuple(f"\x1b[30;48;5;{code}m" for code in (153, 222, 115, 218, 187, 146))
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
BAR_WIDTH = 30
C1 = range(0x80, 0xA0)
SIGNS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
SIGNS |= {0x7F: "\u2421", **{code: f"\\x{code:02x}" for code in C1}}
"""What a terminal would obey, as it is shown instead."""
JSON_ESCAPES = {code: f"\\u{code:04x}" for code in (0x7F, *C1)}
"""What JSON itself lets stand of it."""


def visible(text: str) -> str:
    """Foreign text for a terminal, its control characters shown rather than obeyed."""
    return text.translate(SIGNS)


def print_json(value: Any) -> None:
    """Print one JSON object on one line of stdout."""
    print(json.dumps(value, ensure_ascii=False).translate(JSON_ESCAPES), flush=True)


def print_event(event: Event) -> None:
    """Print one event on one line of stdout."""
    print(jsonl.dumps(event), flush=True)


def note(sentence: str) -> None:
    """Print a sentence on stderr."""
    print(visible(sentence), file=sys.stderr, flush=True)


def agreed(question: str) -> bool:
    """Whether the user says yes to what cannot be undone.

    Raises:
        KnownError: if nobody can answer.
    """
    if not sys.stdin.isatty():
        raise KnownError("Removing asks first, and here nobody can answer.", "Add --yes.")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def has_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal whose user has not declined colours (NO_COLOR)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class BlockPrinter:
    """Prints an answer pass by pass: coloured blocks with their size, or plain text.

    The size stands beside the colour, so that colour alone never carries it.
    """

    def __init__(self, stream: TextIO, blocks: bool | None = None) -> None:
        self._stream = stream
        self._blocks = has_colour(stream) if blocks is None else blocks
        self._ends_line = True
        self._open = 0  # tokens of the last block while the next pass may add to it
        self._last = 0

    def show(self, done: PassDone) -> None:
        """Print what a pass added, at once."""
        self._write(self._coloured(done) if self._blocks else done.text)
        if done.text:
            self._ends_line = done.text.endswith("\n")

    def end(self) -> None:
        """Make sure that what follows starts on a line of its own."""
        self._write(_painted(_figure(self._open), self._last))
        if not self._ends_line:
            self._write("\n")
        self._ends_line, self._open = True, 0

    def _coloured(self, done: PassDone) -> str:
        """The rest of the block before, then this pass's own, whose size may be yet to come."""
        pieces, size = pieces_of(done), done.kept
        rest, own = "".join(pieces[: done.confirmed]), "".join(pieces[done.confirmed :])
        total = self._open + done.confirmed if self._open else 0
        before = _painted(rest + _figure(total), self._last)
        self._open, self._last = size if done.provisional else 0, done.index
        return before + _painted(own + _figure(0 if self._open else size), done.index)

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, errors="replace").decode(encoding))
        self._stream.flush()


def _figure(size: int) -> str:
    """A block's size, small; nothing for none."""
    return str(size).translate(SUPERSCRIPTS) if size else ""


def _painted(text: str, index: int) -> str:
    """Text in the colour of a pass."""
    if not text:
        return ""
    colour = BLOCK_COLOURS[index % len(BLOCK_COLOURS)]
    # A terminal would paint the rest of the line if a colour were on at its end.
    text = text.replace("\n", f"{RESET}\n{colour}")
    return f"{colour}{text}{RESET}"


class ProgressBar:
    """A `Progress` for terminals: one line that is drawn anew, or a line a phase in a pipe.

    Args:
        unit: "B" shows done and total in megabytes, but steps (totals under 1000) as they are.
    """

    def __init__(self, stream: TextIO | None = None, unit: str = "") -> None:
        self._stream = stream or sys.stderr
        self._unit = unit
        self._phase = ""
        self._started = self._drawn = 0.0
        self._width = 0

    def __call__(self, phase: str, done: int, total: int, figures: str = "") -> None:
        """Show how far a phase is; a total of 0 means that it is not known."""
        now = time.monotonic()
        if phase != self._phase:
            self.close()
            self._phase, self._started, self._drawn = phase, now, 0.0
            if not self._stream.isatty():
                print(phase, file=self._stream, flush=True)
        if self._stream.isatty() and (now - self._drawn > 0.1 or done == total):
            self._drawn = now
            self._draw(f"{self._line(done, total, now - self._started)} {figures}".rstrip())

    def close(self) -> None:
        """Take away the line that was drawn last."""
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=self._stream, flush=True)
        self._width, self._phase = 0, ""

    def _line(self, done: int, total: int, seconds: float) -> str:
        if total <= 0:
            return f"{self._phase} {self._amount(done, done)}" if done else f"{self._phase} ..."
        share = min(1.0, done / total)
        filled = round(share * BAR_WIDTH)
        bar = "#" * filled + "-" * (BAR_WIDTH - filled)
        left = f", {time_left(seconds * (1 - share) / share)} left" if 0 < share < 1 else ""
        amount = f"{self._amount(done, total)} of {self._amount(total, total)}"
        return f"{self._phase} [{bar}] {share:4.0%} {amount}{left}"

    def _amount(self, count: int, total: int) -> str:
        as_bytes = self._unit == "B" and total >= 1000
        return f"{count / 1e6:.1f} MB" if as_bytes else str(count)

    def _draw(self, line: str) -> None:
        print("\r" + line.ljust(self._width), end="", file=self._stream, flush=True)
        self._width = len(line)


def time_left(seconds: float) -> str:
    """A duration for people: "8 s", "3 min", "1 h 20 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
