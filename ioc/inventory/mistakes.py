"""What is wrong with an inventory: every mistake with its place, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """file as the user named it; line from 1; path like `sites[1].links[0].address`."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: "
        return f"{where}{self.path}: {self.message}" if self.path else where + self.message


class InventoryError(Exception):
    """The inventory cannot be used. mistakes: all of them, by file and line.

    read: file, absolute -> SHA-256 of its content, empty when it could not be read, None
    when it was one too many to be read. patterns: the inventory's include list. Both tell which
    change may mend it (see ioc.inventory.watch).
    """

    def __init__(
        self,
        mistakes: Iterable[Mistake],
        read: Mapping[Path, str | None] = MappingProxyType({}),
        patterns: tuple[str, ...] = (),
    ) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        self.read = read
        self.patterns = patterns
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
