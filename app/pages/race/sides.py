"""Who can race: the adapters that fit a model, and one token a pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from app.workers.inventory import AdapterChoice, Inventory
from core.engine.request import LoadSpec, Strategy
from core.errors import KnownError
from core.evaluate.measure import HEADS, NEXT_TOKEN, way_of
from core.evaluate.race.lineup import ONE_TOKEN, Entry
from core.model.adapter_info import SHIPPED, adapter_name, read_adapter_info, shipped_adapter
from core.settings import Settings

LOOKUP = "Prompt lookup, exact"


@dataclass(frozen=True)
class Subject:
    """What a race is about.

    Attributes:
        model: Folder of the model; empty while there is none.
        adapters: Folders of adapters that are known to fit it.
        weights: Hash of its weights, "" while that is not known.
    """

    model: str = ""
    adapters: tuple[str, ...] = ()
    weights: str = ""


@dataclass(frozen=True)
class Side:
    """One side: a strategy, and the adapter it decodes with where it needs one."""

    label: str
    adapter: str = ""
    strategy: Strategy = "next_token"


def sides_of(subject: Subject, inventory: Inventory) -> list[Side]:
    """One token a pass, and whatever else the model can do with all adapters that fit."""
    known = _by_folder(inventory)
    hashes = {known[folder].base_hash for folder in subject.adapters if folder in known}
    hashes |= {subject.weights} - {""}
    fitting = [folder for folder, one in known.items() if one.base_hash in hashes]
    folders = dict.fromkeys((*fitting, *subject.adapters))
    names = {folder: one.name for folder, one in known.items()}
    sides = [Side(ONE_TOKEN), Side(LOOKUP, strategy="prompt_lookup")]
    for folder in folders:
        name = names.get(folder) or adapter_name(Path(folder))
        if _kind(folder, known) == "heads":
            sides.append(Side(f"{name}, exact", folder, "heads"))
        else:
            sides += [Side(name, folder, "confadapt"), Side(f"{name}, exact", folder, "verified")]
    return sides


def entries_of(
    subject: Subject,
    sides: tuple[Side, Side],
    threshold: float,
    settings: Settings,
    inventory: Inventory,
) -> list[Entry]:
    """Who is measured for two sides.

    A side without adapter shares the other side's weights, so that both take turns. A full adapter
    has changed the weights: against one it is that of the base model, and the adapter's own
    one-token decoding runs, too, as it may differ.
    """
    known = _by_folder(inventory)
    entries, between = [], []
    for side, other in (sides, sides[::-1]):
        adapter = side.adapter or other.adapter
        changed = not side.adapter and adapter in known and known[adapter].changes_base
        load = LoadSpec(
            subject.model,
            "none" if changed or not adapter else adapter,
            settings.device,
            settings.dtype,
        )
        way = HEADS if side.strategy == "heads" else way_of(side.strategy, threshold)
        entries.append(Entry(side.label, load, way))
        if changed:
            own = f"{other.label}, {ONE_TOKEN.lower()}"
            between = [Entry(own, replace(load, adapter=adapter), NEXT_TOKEN)]
    return [entries[0], *between, entries[1]]


def _kind(folder: str, known: dict[str, AdapterChoice]) -> str:
    """The kind of an adapter, which may lie where the inventory does not look."""
    if folder in known:
        return known[folder].kind
    try:
        return read_adapter_info(Path(folder)).kind
    except KnownError:
        return "gated"


def _by_folder(inventory: Inventory) -> dict[str, AdapterChoice]:
    shipped = {name: str(shipped_adapter(name)) for name in SHIPPED}
    return {shipped.get(one.wish, one.wish): one for one in inventory.adapters}
