"""What is left of a tree when its wrong parts are cut out, so that the rest is checked, too.

A user wants every mistake at once. References, ids and addresses can be checked only on valid
models, so one wrong value would hide all of those. The wrong parts are therefore cut out, what
is left is checked, and nothing is told of what only follows from a cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ioc.inventory.document import Path_
from ioc.inventory.ranges import PREFIXES

ROUNDS = 8  # a cut may take the enclosing part with it; the models are not nested deeper

T = TypeVar("T", bound=BaseModel)


@dataclass(slots=True)
class Remains:
    """A tree without its wounds. Paths of what is left lead back to the whole by `origin`.

    kept: list in the whole -> indexes there of the items that are left. names: every id and key
    of the whole, cut out or not.
    """

    wounds: frozenset[Path_] = frozenset()
    kept: dict[Path_, list[int]] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    _enclosing: frozenset[Path_] = field(init=False)

    def __post_init__(self) -> None:
        self._enclosing = frozenset(w[:length] for w in self.wounds for length in range(len(w)))

    def origin(self, path: Path_) -> Path_:
        """The path in the whole of a path in what is left."""
        whole: Path_ = ()
        for part in path:
            indexes = self.kept.get(whole, ())
            moved = isinstance(part, int) and part < len(indexes)
            whole = (*whole, indexes[int(part)] if moved else part)
        return whole

    def may_hold(self, name: str) -> bool:
        """Whether a name may be one that was cut out, or was to be made of a range."""
        if not self.wounds:
            return False
        parts = name.split("-")
        begins = {"-".join(parts[:count]) for count in range(1, len(parts) + 1)}
        return parts[0] in PREFIXES.values() or not self.names.isdisjoint(begins)

    def wounded(self, path: Path_) -> bool:
        """Whether something at, above or below a path of the whole was cut out."""
        above = (path[:length] for length in range(len(path) + 1))
        return path in self._enclosing or any(part in self.wounds for part in above)


def salvage(
    tree: Mapping[str, Any], wounds: Iterable[Path_], model: type[T], without: Mapping[str, Any]
) -> tuple[T | None, Remains]:
    """The model of what is left of a tree; None when nothing usable is.

    without: what stands in at the top for required keys that are cut out.
    """
    cuts, names = set(wounds), frozenset(_names(tree))
    for _round in range(ROUNDS):
        remains = Remains(frozenset(cuts), {}, names)
        left = {**without, **_without_wounds(tree, (), remains)}
        try:
            return model.model_validate(left), remains
        except ValidationError as error:
            found = {remains.origin(wound(p, left)) for p in error.errors(include_url=False)}
        if () in found or found <= cuts:
            break
        cuts |= found
    return None, Remains(frozenset(cuts), {}, names)


def place(problem: Any, tree: Any) -> Path_:
    """Where a pydantic problem is in a tree: its path without the names of validators in it."""
    path: list[str | int] = []
    for part in problem["loc"]:
        if not _holds(tree, part):
            break
        tree = tree[part]
        path.append(part)
    if problem["type"] == "missing" and len(path) < len(problem["loc"]):
        path.append(problem["loc"][-1])
    return tuple(path)


def _holds(tree: Any, part: Any) -> bool:
    if isinstance(tree, list):
        return isinstance(part, int) and part < len(tree)
    return isinstance(tree, dict) and part in tree


def wound(problem: Any, tree: Any) -> Path_:
    """What to cut out of a tree for a problem: the value; what lacks a value, as a whole."""
    path = place(problem, tree)
    return path[:-1] if problem["type"] == "missing" else path


def _without_wounds(tree: Any, path: Path_, remains: Remains) -> Any:
    if isinstance(tree, dict):
        return {
            key: _without_wounds(value, (*path, key), remains)
            for key, value in tree.items()
            if (*path, key) not in remains.wounds
        }
    if isinstance(tree, list):
        kept = [i for i in range(len(tree)) if (*path, i) not in remains.wounds]
        if len(kept) < len(tree):
            remains.kept[path] = kept
        return [_without_wounds(tree[i], (*path, i), remains) for i in kept]
    return tree


def _names(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from (key for key in tree if isinstance(key, str))
        yield from (str(tree[key]) for key in ("id", "kind") if isinstance(tree.get(key), str))
        for value in tree.values():
            yield from _names(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _names(item)
