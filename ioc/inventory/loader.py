"""Loading: file → documents → models → topology, with every mistake at once.

inventory.yaml + includes ─▶ Document (values, lines) ─▶ Inventory (pydantic) ─▶ Topology
                                  └── Mistakes ──────────────┴── Mistakes ─────────┘
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ioc.i18n import translate as _
from ioc.inventory.compile import compile_topology
from ioc.inventory.document import Document, Path_, read_document
from ioc.inventory.mistakes import InventoryError, Mistake
from ioc.inventory.models import Inventory, Part
from ioc.inventory.topology import Topology
from ioc.inventory.words import words

__all__ = ["InventoryError", "Loaded", "Mistake", "load"]

PARTS = ("sites", "services")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A usable inventory. files: it and its includes, absolute."""

    topology: Topology
    inventory: Inventory
    files: tuple[Path, ...]


@dataclass(slots=True)
class Sources:
    """Documents merged into one tree, which still knows where each part stands."""

    main: Document
    parts: list[Document]
    origins: dict[tuple[str, int], tuple[Document, int]]  # (list, index) -> file, index there

    def place(self, path: Path_) -> tuple[Document, Path_]:
        """The document and the path inside it of a path of the merged tree."""
        if len(path) >= 2 and isinstance(path[1], int) and path[0] in PARTS:
            found = self.origins.get((str(path[0]), path[1]))
            if found is not None:
                return found[0], (path[0], found[1], *path[2:])
        return self.main, path

    def wrong(self, path: Path_, message: str) -> None:
        document, inside = self.place(path)
        document.wrong(document.line(inside), inside, message)

    def where(self, path: Path_) -> str:
        """`file:line` of a path, to name the other of two places."""
        document, inside = self.place(path)
        return f"{document.name}:{document.line(inside)}"

    @property
    def mistakes(self) -> list[Mistake]:
        return [m for document in (self.main, *self.parts) for m in document.mistakes]


def load(path: Path | str) -> Loaded:
    """Read, check and compile an inventory. Raises InventoryError with every mistake found."""
    path = Path(path)
    main = read_document(path, path.name)
    sources = Sources(main, [], {})
    if main.mistakes:
        raise InventoryError(sources.mistakes)
    if not isinstance(main.values, dict):
        main.wrong(1, (), _("must hold keys such as area: and sites:, not a single value"))
        raise InventoryError(sources.mistakes)
    files = _include(path, sources)
    inventory = _validate(sources)
    if inventory is None:
        raise InventoryError(sources.mistakes)
    digest = hashlib.sha256(b"".join(d.raw for d in (main, *sources.parts))).hexdigest()
    topology = compile_topology(inventory, sources, digest)
    if sources.mistakes or topology is None:
        raise InventoryError(sources.mistakes)
    return Loaded(topology, inventory, tuple(files))


def _include(path: Path, sources: Sources) -> list[Path]:
    """Append the lists of included files to those of the main one. The files, main one first."""
    main = sources.main
    folder = path.resolve().parent
    files = [path.resolve()]
    for name in PARTS:
        items = main.values.get(name)
        if isinstance(items, list):
            main.values[name] = items = list(items)
            sources.origins.update({(name, i): (main, i) for i in range(len(items))})
    patterns = main.values.get("include")
    for index, pattern in enumerate(patterns if isinstance(patterns, list) else []):
        found = included(folder, [str(pattern)])
        if not found:
            sources.wrong(("include", index), _("no file of this name in the inventory's folder"))
        for file in found:
            if file not in files:
                files.append(file)
                _merge(read_document(file, str(file.relative_to(folder))), sources)
    return files


def included(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """Files the include patterns name, inside the inventory's folder only."""
    folder = folder.resolve()
    found: list[Path] = []
    for pattern in patterns:
        try:
            matches = sorted(p.resolve() for p in folder.glob(pattern))
        except (ValueError, NotImplementedError, OSError, IndexError):
            continue
        found += [p for p in matches if p.is_relative_to(folder) and p.is_file()]
    return found


def _merge(part: Document, sources: Sources) -> None:
    sources.parts.append(part)
    if part.mistakes or part.values is None:
        return
    if not isinstance(part.values, dict):
        part.wrong(1, (), _("an included file holds sites: or services:"))
        return
    try:
        Part.model_validate({k: [] if k in PARTS else v for k, v in part.values.items()})
    except ValidationError as error:
        for problem in error.errors():
            part.wrong(part.line(problem["loc"]), problem["loc"], words(problem, Part))
    for name in PARTS:
        items = part.values.get(name)
        if items is None:
            continue
        if not isinstance(items, list):
            part.wrong(part.line((name,)), (name,), _("must be a list"))
            continue
        merged = sources.main.values.setdefault(name, [])
        if isinstance(merged, list):
            for index, item in enumerate(items):
                sources.origins[(name, len(merged))] = (part, index)
                merged.append(item)


def _validate(sources: Sources) -> Inventory | None:
    try:
        return Inventory.model_validate(sources.main.values)
    except ValidationError as error:
        for problem in error.errors():
            path = tuple(part for part in problem["loc"] if part != "[key]")
            sources.wrong(path, words(problem, Inventory))
        return None
