"""The training process: `python -m core.train.child RUN_DIR` (under `accelerate launch` too).

It reads `spec.json`, writes `events.jsonl`, and ends at a STOP file or SIGTERM with a
checkpoint and the adapter as it then is. Exit codes: 0 completed or stopped, 1 failed.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from core.device import peak_memory
from core.errors import Cancelled, KnownError
from core.events import RunEnded, RunState
from core.history.training import SPEC_FILE
from core.paths import user_paths
from core.train.reporter import Reporter
from core.train.spec import read_spec
from core.train.wishes import Wishes

if TYPE_CHECKING:
    from core.train.loop import Training


def train(run_dir: Path) -> RunState:
    """Run or resume the training of a folder; its end is the last event.

    Raises:
        KnownError: with a sentence; the run is marked failed.
    """
    began = time.monotonic()
    # Another rank's output would only repeat the first one's.
    report = Reporter(run_dir, os.environ.get("RANK", "0") == "0")
    state: RunState = "failed"
    adapter, training = None, None
    try:
        from core.train.afterwards import INSTEAD
        from core.train.loop import Training

        wishes = Wishes(run_dir)
        wishes.heed_signals()
        spec = read_spec(run_dir / SPEC_FILE)
        training = Training(spec, run_dir, user_paths(), wishes)
        finished = training.run()
        adapter = str(training.write_adapter())
        state = "completed" if finished else "stopped"
        if finished:
            _compare(training, spec.shard)
        else:
            report.say("compare", f"Stopped, so before and after were not compared. {INSTEAD}")
    except Cancelled:
        state = "stopped"
    except KnownError as error:
        report.say("error", str(error))
        raise
    except Exception as error:
        report.say("error", f"{type(error).__name__}: {error}")
        raise
    finally:
        seconds = training.seconds if training else time.monotonic() - began
        peak = peak_memory(training.device) if training else 0
        step, supervised = (training.step, training.supervised) if training else (0, 0)
        report(RunEnded(state, step, adapter, round(seconds, 2), supervised, peak))
    return state


def _compare(training: Training, shared: bool) -> None:
    """What the adapter is worth; it is written already, so a failure here loses nothing.

    Where ranks share the work one of them must not go on without the others.
    """
    if shared:
        training.compare()
        return
    try:
        training.compare()
    except KnownError as error:
        training.report.say("compare", f"Before and after were not compared. {error}")
    except RuntimeError as error:
        from core.train.memory import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        training.report.say("compare", "Before and after were not compared: memory ran out.")


def main() -> int:
    """Entry of the process."""
    run_dir = Path(sys.argv[1]).absolute()
    try:
        train(run_dir)
    except KnownError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception:  # noqa: BLE001  (the edge of the process: the log keeps the traceback)
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
