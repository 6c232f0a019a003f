"""The sample domains that are shipped: prompts of three made-up trades, to try a training with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.paths import resources


@dataclass(frozen=True)
class SampleDomain:
    """Prompts that are trained on, and others of the same kind that never are.

    Attributes:
        name: Of its files.
        title: What it is, for the user.
    """

    name: str
    title: str

    @property
    def train(self) -> Path:
        """File of the prompts to train on."""
        return resources() / "samples" / f"{self.name}.jsonl"

    @property
    def held_out(self) -> Path:
        """File of the prompts to measure on."""
        return resources() / "samples" / "held_out" / f"{self.name}.jsonl"


SAMPLE_DOMAINS = (
    SampleDomain("maintenance", "Maintenance instructions"),
    SampleDomain("clinic", "Clinic letters"),
    SampleDomain("contracts", "Contract clauses"),
)
