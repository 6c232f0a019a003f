"""Models' libraries come into the process whole, whoever asks for them at the same time."""

from __future__ import annotations

import subprocess
import sys

from core.paths import resources

THREADS = """
import threading

def work():
    together.wait()
    import_models()
    from core.engine.session import open_session
    from core.model.loading import load_tokenizer
    done.append(open_session and load_tokenizer)

from app.workers.preload import import_models
together, done = threading.Barrier(3), []
threads = [threading.Thread(target=work) for _ in range(3)]
for one in threads:
    one.start()
for one in threads:
    one.join()
print(len(done))
"""


def test_threads_that_need_models_at_once_all_get_them() -> None:
    # In a process of its own: here they have long been imported.
    words = [sys.executable, "-c", THREADS]
    ran = subprocess.run(words, cwd=resources().parent, capture_output=True, text=True, check=True)
    assert ran.stdout == "3\n", ran.stderr
