"""The inventory's file and its includes as one tree, which still knows where each part stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ioc.i18n import translate as _
from ioc.inventory.document import Document, Path_, read_document, shown
from ioc.inventory.mistakes import Mistake
from ioc.inventory.salvage import Remains

PARTS = ("sites", "services")
MAX_FILES = 200
MAX_TOTAL = 16 * 2**20  # bytes of all files together


@dataclass(slots=True)
class Sources:
    """Documents merged into the values of the main one.

    origins: (list, index) in the merged tree -> document, index there. remains: what of the tree
    is being checked now; paths given to `wrong`, `warn` and `where` are paths in it.
    """

    main: Document
    files: list[Path]
    parts: list[Document] = field(default_factory=list)
    origins: dict[tuple[str, int], tuple[Document, int]] = field(default_factory=dict)
    remains: Remains = field(default_factory=Remains)
    warnings: list[Mistake] = field(default_factory=list)
    skipped: set[Path] = field(default_factory=set)  # one file too many, or more
    incomplete: bool = False  # an include is missing or cannot be read: much may be in it

    def wrong(self, path: Path_, message: str) -> None:
        """A mistake, unless it only follows from one that was told before."""
        whole = self.remains.origin(path)
        if not self.remains.wounded(whole):
            self.tell(whole, message)

    def tell(self, whole: Path_, message: str) -> None:
        """A mistake at a path of the whole tree."""
        document, inside = self._place(whole)
        document.wrong(document.line(inside), inside, message)

    def warn(self, path: Path_, message: str) -> None:
        """Something that works, but hardly as it is meant."""
        document, inside = self._place(self.remains.origin(path))
        line = document.line(inside)
        self.warnings.append(Mistake(document.name, line, shown(inside), message))

    def where(self, path: Path_) -> str:
        """`file:line` of a path, to name the other of two places."""
        document, inside = self._place(self.remains.origin(path))
        return f"{document.name}:{document.line(inside)}"

    def hides(self, name: str) -> bool:
        """Whether a reference may lead to a part that could not be checked."""
        missing = self.incomplete or bool(self.skipped)
        return missing or any(map(self.remains.may_hold, name.split(".")))

    @property
    def mistakes(self) -> list[Mistake]:
        return [m for document in (self.main, *self.parts) for m in document.mistakes]

    @property
    def read(self) -> dict[Path, str | None]:
        """File, absolute -> SHA-256 of its content, empty when it could not be read.

        None: it was not read at all, because there are too many.
        """
        documents = zip(self.files, (self.main, *self.parts), strict=True)
        return dict.fromkeys(self.skipped) | {
            file: "" if d.raw is None else hashlib.sha256(d.raw).hexdigest()
            for file, d in documents
        }

    @property
    def full(self) -> bool:
        """Whether one of the documents has so many mistakes that more are not worth finding."""
        return any(document.full for document in (self.main, *self.parts))

    @property
    def patterns(self) -> tuple[str, ...]:
        """The include list as far as it is usable."""
        values = self.main.values
        listed = values.get("include") if isinstance(values, dict) else None
        return tuple(p for p in listed if isinstance(p, str)) if isinstance(listed, list) else ()

    def _place(self, whole: Path_) -> tuple[Document, Path_]:
        if len(whole) >= 2 and isinstance(whole[1], int) and whole[0] in PARTS:
            found = self.origins.get((str(whole[0]), whole[1]))
            if found is not None:
                return found[0], (whole[0], found[1], *whole[2:])
        return self.main, whole


def read_sources(path: Path) -> Sources:
    """The inventory and what it includes; what is wrong with the files is told in it."""
    path = path.absolute()
    sources = Sources(read_document(path, path.name), [path])
    if isinstance(sources.main.values, dict):
        _include(path.parent, sources)
    elif not sources.main.mistakes:
        sources.main.wrong(1, (), _("must hold keys such as area: and sites:"))
    return sources


def included(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """Files that include patterns name inside the inventory's folder; each once, in order."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        found.update(dict.fromkeys(_matches(folder, pattern)))
    return list(found)


def _matches(folder: Path, pattern: str) -> list[Path]:
    if _outside(pattern):
        return []
    try:
        inside = folder.resolve()
        paths = sorted(folder.glob(pattern))
        return [p for p in paths if p.is_file() and p.resolve().is_relative_to(inside)]
    except (OSError, ValueError, NotImplementedError, IndexError, RuntimeError):
        return []  # no pattern, or one that leads nowhere


def _outside(pattern: str) -> bool:
    """`**` counts, too: it would search folders without end."""
    parts = Path(pattern).parts
    return not parts or Path(pattern).is_absolute() or ".." in parts or "**" in pattern


def _include(folder: Path, sources: Sources) -> None:
    """Append the lists of the included files to those of the main one."""
    values = sources.main.values
    for name in PARTS:
        if isinstance(values.get(name), list):
            values[name] = list(values[name])
            count = len(values[name])
            sources.origins.update({(name, i): (sources.main, i) for i in range(count)})
    patterns = values.get("include")
    for index, pattern in enumerate(patterns if isinstance(patterns, list) else []):
        if isinstance(pattern, str):
            _include_pattern(folder, pattern, ("include", index), sources)


def _include_pattern(folder: Path, pattern: str, path: Path_, sources: Sources) -> None:
    files = _matches(folder, pattern)
    if not files:
        sources.incomplete = True
        sources.tell(path, _unmatched(pattern))
    for file in files:
        if file in sources.files:
            continue
        if sources.skipped or _too_many(sources):
            limits = {"files": MAX_FILES, "limit": MAX_TOTAL // 2**20}
            sources.tell(path, _("more than {files} files or {limit} MB are included", **limits))
            sources.skipped.add(file)
            continue
        sources.files.append(file)
        part = read_document(file, file.relative_to(folder).as_posix())
        sources.parts.append(part)
        _merge(part, sources)


def _too_many(sources: Sources) -> bool:
    total = sum(len(d.raw or b"") for d in (sources.main, *sources.parts))
    return len(sources.files) >= MAX_FILES or total > MAX_TOTAL


def _unmatched(pattern: str) -> str:
    if _outside(pattern):
        return _("must name files in the inventory's folder or below, without .. and **")
    return _("there is no such file in the inventory's folder")


def _merge(part: Document, sources: Sources) -> None:
    if not isinstance(part.values, dict):
        if part.mistakes or part.values is not None:
            sources.incomplete = True
            part.wrong(1, (), _("an included file holds sites: or services:"))
        return
    for key in part.values:
        if key not in PARTS:
            message = _("an included file holds sites: or services: only; move it")
            part.wrong(part.line((key,)), (key,), message)
    for name in PARTS:
        items = part.values.get(name)
        if isinstance(items, list):
            _append(name, items, part, sources)
        elif items is not None:
            part.wrong(part.line((name,)), (name,), _("must be a list"))


def _append(name: str, items: list[object], part: Document, sources: Sources) -> None:
    values = sources.main.values
    if values.get(name) is None:
        values[name] = []
    merged = values[name]
    if isinstance(merged, list):
        for index, item in enumerate(items):
            sources.origins[name, len(merged)] = (part, index)
            merged.append(item)
