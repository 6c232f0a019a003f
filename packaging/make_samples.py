"""Write the sample domains of `resources/samples`: prompts of three trades, all made up here.

Every prompt is drawn from word lists in this file, so nothing is anybody's data; who and what is
named exists only here. One prompt in five is held out, by a hash of its words, as with the
built-in families: a held-out prompt never stands in the training file, and no prompt contains the
text that answers it. The answers are the base model's own (`stride data`, `stride train`).

    .venv/bin/python packaging/make_samples.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.evaluate.tasks import split_of

TRAIN, HELD_OUT = 400, 60
FOLDER = Path(__file__).resolve().parent.parent / "resources" / "samples"

FIRST = [
    "Lena",
    "Iwan",
    "Mara",
    "Tomas",
    "Aisha",
    "Jonas",
    "Petra",
    "Silas",
    "Nora",
    "Emil",
    "Rosa",
    "Kaan",
    "Ida",
    "Felix",
    "Yara",
    "Oskar",
    "Tilda",
    "Marek",
    "Selma",
    "Hugo",
]
LAST = [
    "Ortiz",
    "Brandt",
    "Keller",
    "Novak",
    "Haddad",
    "Lindqvist",
    "Moreau",
    "Sato",
    "Okafor",
    "Fischer",
    "Rossi",
    "Petrov",
    "Jensen",
    "Duarte",
    "Walsh",
    "Kowalski",
]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def name(rng: Random) -> str:
    """A made-up person."""
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def date(rng: Random) -> str:
    """Some day."""
    return f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(2022, 2026)}"


MACHINES = {
    "pump": ("leaking seal", "noisy bearing", "low pressure", "worn coupling"),
    "conveyor": ("torn belt", "slipping belt", "seized roller", "loose chain"),
    "compressor": ("oil leak", "blocked filter", "high temperature", "worn valve"),
    "press": ("slow stroke", "cracked guard", "hydraulic leak", "faulty switch"),
    "fan": ("unbalanced rotor", "loose mounting", "dusty blades", "broken belt"),
    "mixer": ("bent shaft", "worn paddle", "loose lid", "overheating motor"),
}
WORK = ("replaced", "cleaned", "adjusted", "repaired", "tightened", "inspected")


def maintenance(rng: Random) -> str:
    """A job in a workshop that is to become a record."""
    machine = rng.choice(list(MACHINES))
    fault = rng.choice(MACHINES[machine])
    return (
        f"Write a maintenance record as JSON with the keys machine, date, fault, work, technician "
        f"and hours. Job: {machine} {rng.choice('ABCDEF')}{rng.randint(1, 40)}, {date(rng)}, "
        f"{fault}, {rng.choice(WORK)} by {name(rng)} in {rng.randint(1, 8)} hours."
    )


CONDITIONS = (
    "a sprained ankle",
    "high blood pressure",
    "a persistent cough",
    "lower back pain",
    "migraine",
    "a fractured wrist",
    "asthma",
    "a knee injury",
    "eczema",
    "shoulder pain",
)
PLANS = (
    "physiotherapy",
    "a course of tablets",
    "an X-ray",
    "a blood test",
    "rest and ice",
    "a review in clinic",
    "an inhaler",
    "a change of diet",
)
CLINICS = (
    "Harbour Street Clinic",
    "Hillside Medical Centre",
    "Linden Practice",
    "Riverside Health Centre",
    "Northgate Surgery",
)


def clinic(rng: Random) -> str:
    """A letter after a visit."""
    return (
        f"Write a short clinic letter to Dr {rng.choice(LAST)} about the patient {name(rng)}, aged "
        f"{rng.randint(18, 88)}, seen at {rng.choice(CLINICS)} on {date(rng)} with "
        f"{rng.choice(CONDITIONS)}. Plan: {rng.choice(PLANS)}. Begin with Dear Dr."
    )


CLAUSES = (
    "Confidentiality",
    "Termination",
    "Payment Terms",
    "Governing Law",
    "Force Majeure",
    "Limitation of Liability",
    "Intellectual Property",
    "Dispute Resolution",
    "Indemnification",
    "Assignment",
)
BUSINESS = (
    "Bakery",
    "Software",
    "Logistics",
    "Design",
    "Consulting",
    "Printing",
    "Catering",
    "Engineering",
)
FORM = ("Ltd", "Inc", "LLC", "GmbH")


def company(rng: Random) -> str:
    """A made-up company."""
    return f"{rng.choice(LAST)} {rng.choice(BUSINESS)} {rng.choice(FORM)}"


def contracts(rng: Random) -> str:
    """A clause of a contract."""
    return (
        f"Write the {rng.choice(CLAUSES)} clause of a service contract between {company(rng)} "
        f"(the Provider) and {company(rng)} (the Client), dated {date(rng)}."
    )


DOMAINS: dict[str, Callable[[Random], str]] = {
    "maintenance": maintenance,
    "clinic": clinic,
    "contracts": contracts,
}


def prompts(make: Callable[[Random], str], split: str, count: int) -> list[str]:
    """Different prompts of one split."""
    rng = Random(f"{make.__name__} {split}")
    found: dict[str, None] = {}
    while len(found) < count:
        prompt = make(rng)
        if split_of(prompt) == split:
            found[prompt] = None
    return list(found)


def main() -> None:
    """Write all files."""
    for domain, make in DOMAINS.items():
        folder = FOLDER / domain
        folder.mkdir(parents=True, exist_ok=True)
        for split, count in (("train", TRAIN), ("held_out", HELD_OUT)):
            rows = [
                json.dumps({"prompt": one, "family": domain}) for one in prompts(make, split, count)
            ]
            (folder / f"{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
            print(f"{folder / split}.jsonl: {len(rows)} prompts")


if __name__ == "__main__":
    main()
