"""Starts the app from a checkout, with a word first where it could not start or would be slow."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Start the app in the place of this process; returns only where that makes no sense."""
    sys.path.insert(0, str(ROOT))
    from core.cli.doctor import torch_build
    from core.system import has_display

    torch = torch_build()
    if torch.state == "problem":
        print(f"{torch.text}\n  {torch.fix}", file=sys.stderr)
    if has_display():
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "app"])
    print(
        "There is no display here for a window: `make demo` shows the main job in the terminal.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
