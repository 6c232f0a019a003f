"""Write the sample domains of `resources/samples`: prompts of three made-up trades.

Every prompt is drawn from the lists in `samples.toml`, so it is nobody's data. Held-out prompts
have the same form, but are about other things: machines and faults, clinics, conditions and names,
clauses that no training prompt mentions. The answers are the model's own, which a training writes.

    .venv/bin/python packaging/make_samples.py
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from core.evaluate.tasks import Split, split_of  # noqa: E402  (found by the line above)

COUNTS: dict[Split, int] = {"train": 600, "held_out": 60}
FOLDER = HERE.parent / "resources" / "samples"
FOLDERS: dict[Split, Path] = {"train": FOLDER, "held_out": FOLDER / "held_out"}


def drawn(text: str, lists: dict[str, Any], rng: Random) -> str:
    """A text with every word in braces replaced by one of its kind."""

    def choose(match: re.Match[str]) -> str:
        name = match[1]
        if name in lists["numbers"]:
            return str(rng.randint(*lists["numbers"][name]))
        return drawn(rng.choice(lists["words"][name]), lists, rng)

    return re.sub(r"\{(\w+)\}", choose, text)


def prompts(domain: str, lists: dict[str, Any], split: Split) -> list[str]:
    """Different prompts of one split."""
    if split == "held_out":
        lists = {**lists, "words": lists["words"] | lists["held_out"]}
    rng = Random(f"{domain} {split}")
    found: dict[str, None] = {}
    while len(found) < COUNTS[split]:
        prompt = drawn(lists["prompts"][domain].strip(), lists, rng)
        if split_of(prompt) == split:  # so that no other training of ours sees it either
            found[prompt] = None
    return list(found)


def main() -> None:
    """Write all files."""
    lists = tomllib.loads((HERE / "samples.toml").read_text(encoding="utf-8"))
    for domain in lists["prompts"]:
        for split, folder in FOLDERS.items():
            folder.mkdir(parents=True, exist_ok=True)
            rows = [json.dumps({"prompt": one}) for one in prompts(domain, lists, split)]
            path = folder / f"{domain}.jsonl"
            path.write_text("\n".join(rows) + "\n", encoding="utf-8")
            print(f"{path}: {len(rows)} prompts")


if __name__ == "__main__":
    main()
