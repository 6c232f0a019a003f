"""`stride`: parses the command, runs it, turns failures into a sentence and an exit code.

Exit codes: 0 done, 1 a failure outside Stride (one sentence on stderr), 2 wrong usage,
3 a bug in Stride (with traceback), 130 interrupted by Ctrl+C.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from core import __version__
from core.cli.output import note
from core.errors import Cancelled, KnownError

COMMANDS = (
    "generate",
    "race",
    "report",
    "bench",
    "tasks",
    "train",
    "heads",
    "data",
    "models",
    "runs",
    "doctor",
    "demo",
)
"""Each is a module of core.cli with `add(subparsers)`; it sets `run(args) -> int`."""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; the command modules import nothing heavy at their top."""
    parser = argparse.ArgumentParser(
        prog="stride", description="Several tokens a forward pass, made visible and trainable."
    )
    parser.add_argument("--version", action="version", version=f"stride {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"core.cli.{name}").add(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = build_parser().parse_args(argv)
    try:
        return int(args.run(args))
    except KnownError as error:
        note(f"stride: {error}")
        return 1
    except (KeyboardInterrupt, Cancelled):
        print("stride: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader went away (`stride ... | head`): point stdout elsewhere so that the
        # interpreter's own flush at exit stays quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001  (the edge of the process: show it as a bug)
        traceback.print_exc()
        print("stride: this is a bug in Stride; please report the lines above.", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
