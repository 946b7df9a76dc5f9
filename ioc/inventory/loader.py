"""Loading: files → documents → models → topology, with every mistake at once.

inventory.yaml + includes ─▶ Sources (values, lines) ─▶ Inventory (pydantic) ─▶ Topology
                                  └── Mistakes ──────────────┴── Mistakes ─────────┘
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from ioc.inventory.compile import compile_topology
from ioc.inventory.mistakes import InventoryError, Mistake
from ioc.inventory.models import Inventory
from ioc.inventory.salvage import place, salvage, wound
from ioc.inventory.sources import Sources, included, read_sources
from ioc.inventory.topology import Topology
from ioc.inventory.words import words

__all__ = ["InventoryError", "Loaded", "Mistake", "included", "load"]

WITHOUT = {"area": {"id": "area", "name": "area"}}  # stands in for one that is wrong


@dataclass(frozen=True, slots=True)
class Loaded:
    """A usable inventory. files: it and its includes, absolute, the inventory first.

    read: as in InventoryError.
    warnings: what is allowed, but will hardly work as it is meant; by file and line.
    """

    topology: Topology
    inventory: Inventory
    files: tuple[Path, ...]
    warnings: tuple[Mistake, ...] = ()
    read: Mapping[Path, str | None] = field(default_factory=dict)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The include list."""
        return tuple(self.inventory.include)


def load(path: Path | str) -> Loaded:
    """Read, check and compile an inventory. Raises InventoryError with every mistake found."""
    sources = read_sources(Path(path))
    if isinstance(sources.main.values, dict):
        inventory = _validated(sources)
        topology = compile_topology(inventory, sources, _digest(sources)) if inventory else None
        if inventory and topology and not sources.mistakes:
            warnings = tuple(sorted(set(sources.warnings)))
            files = tuple(sources.files)
            return Loaded(topology, inventory, files, warnings, sources.read)
    raise InventoryError(sources.mistakes, sources.read, sources.patterns)


def _validated(sources: Sources) -> Inventory | None:
    """The models; of what is left when something is wrong."""
    tree = sources.main.values
    try:
        return Inventory.model_validate(tree)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    for problem in problems:
        if sources.full:
            return None
        sources.tell(place(problem, tree), words(problem, Inventory))
    wounds = {wound(problem, tree) for problem in problems}
    inventory, sources.remains = salvage(tree, wounds - {()}, Inventory, WITHOUT)
    return inventory


def _digest(sources: Sources) -> str:
    """SHA-256 of all files, hex."""
    whole = hashlib.sha256()
    for document in (sources.main, *sources.parts):
        raw = document.raw or b""
        whole.update(f"{document.name}:{len(raw)}\n".encode())
        whole.update(raw)
    return whole.hexdigest()
