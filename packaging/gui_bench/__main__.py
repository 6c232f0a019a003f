"""How smooth the window is: `python packaging/gui_bench [--only NAME] [--out FILE]`.

A desktop session or Xvfb is needed, and a machine with nothing else at work; `overhead` needs the
starter model, too. What is measured stands in each file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import charts
import chat
import overhead
import runs

from app.bootstrap import make_qt_application
from core.device import machine_record

MEASURES = {
    "charts_ms": charts.measure,
    "history_ms": runs.measure,
    "scrolling_ms": chat.scrolling,
    "ticks_ms": chat.ticks,
    "overhead_times": overhead.measure,
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="How smooth the window is")
    parser.add_argument("--only", choices=MEASURES, help="one of them")
    parser.add_argument("--out", help="file for the figures as JSON")
    args = parser.parse_args()
    if args.only:
        found = {args.only: MEASURES[args.only](make_qt_application(sys.argv[:1]))}
    else:
        found = {"machine": machine_record()}
        for name in MEASURES:
            found |= _apart(name)
    text = json.dumps(found, indent=2)
    print(text)
    if args.out:
        Path(args.out).write_text(text + "\n", encoding="utf-8")


def _apart(name: str) -> dict[str, Any]:
    """One of them in a process of its own: what a window leaves behind disturbs no other."""
    command = [sys.executable, sys.argv[0], "--only", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
