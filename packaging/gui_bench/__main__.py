"""How smooth the window is: `python packaging/gui_bench [--only NAME] [--out FILE]`.

A desktop session or Xvfb is needed, and a machine with nothing else at work; `overhead` needs the
starter model, too. What is measured stands in each file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

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
    app = make_qt_application(sys.argv[:1])
    names = [args.only] if args.only else list(MEASURES)
    found = {"machine": machine_record(), **{name: MEASURES[name](app) for name in names}}
    text = json.dumps(found, indent=2)
    print(text)
    if args.out:
        Path(args.out).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
