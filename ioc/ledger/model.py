"""The words of the ledger: figures of a target, with the evidence and the source behind each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from collectors.base import Reason


class TargetState(StrEnum):
    MET = "met"
    PARTLY = "partly"  # below the goal
    NOT_MET = "not_met"  # nothing counts
    TRACKED = "tracked"  # a figure, and no goal to hold it against
    UNKNOWN = "unknown"  # not enough evidence to say


class Source(StrEnum):
    """Where a figure comes from. Never mixed silently: a sum of several says MIXED and of what."""

    MEASURED = "measured"
    EXPORTED = "exported"
    DECLARED = "declared"
    MIXED = "mixed"


Key = tuple[str, str | None, Source, str, str]
"""Of a reading: target, place, source, origin, as of."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing of the denominator. counts: True it counts, False it does not, None no evidence.

    id: asset or place. observed_at: ms UTC of the newest measurement behind it, None = never.
    """

    id: str
    counts: bool | None
    reason: Reason | None = None
    observed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a target that people or another system gave, for the area or one place.

    place: None = the area. source: EXPORTED or DECLARED. as_of: ISO date the figures are of.
    origin: who or which system says so. document: number of the paper. links: where the
    attachments lie. entered_at: ms UTC. version: 1, 2, … of the same (target, place, source,
    origin, as_of); the newest is in force, none is ever overwritten. withdrawn: says that the
    versions before were wrong altogether.
    """

    target: str
    place: str | None
    source: Source
    as_of: str
    numerator: int
    denominator: int
    origin: str = ""
    document: str = ""
    note: str = ""
    links: tuple[str, ...] = ()
    author: str = ""
    entered_at: int = 0
    version: int = 1
    withdrawn: bool = False
    id: int = 0

    @property
    def key(self) -> Key:
        """What its versions share."""
        return (self.target, self.place, self.source, self.origin, self.as_of)

    @property
    def said(self) -> tuple[object, ...]:
        """What makes two versions different."""
        return (
            self.numerator, self.denominator, self.document, self.note, self.links, self.withdrawn
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coverage:
    """One figure of one target, of the area (site None) or one place.

    numerator of denominator count; `known` of the denominator have evidence; denominator None:
    nobody gave one. value, evidence_value: percent; None when the denominator is 0 or unknown,
    value also when nothing is known. goal: percent, None = tracked. rule: how it was measured, in
    words; None = as the target says. as_of: ms UTC of the oldest measurement or reading that
    counted, None = none. stale: too old to be evidence. note: what must be said of the figure.
    reading: what it rests on, if it rests on one. parts: source -> how many places of a sum have
    their figure from it. supporting: only supports what is reported. proxy: counts other things
    than what is reported (measuring points, not villages), so it is never added to that.
    """

    target: str
    site: str | None
    numerator: int
    denominator: int | None
    known: int
    value: float | None
    evidence_value: float | None
    goal: float | None
    state: TargetState
    rule: Reason | None
    as_of: int | None
    evidence: tuple[Evidence, ...] = ()
    source: Source = Source.MEASURED
    stale: bool = False
    note: Reason | None = None
    reading: Reading | None = None
    parts: Mapping[Source, int] = field(default_factory=dict)
    supporting: bool = False
    proxy: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one target stands at one place (site None: the area).

    chosen: the figure that counts; others: every other figure there is, none dropped. conflict:
    two of them cannot both be right, in words.
    """

    target: str
    site: str | None
    chosen: Coverage
    others: tuple[Coverage, ...] = ()
    conflict: Reason | None = None

    @property
    def figures(self) -> tuple[Coverage, ...]:
        return (self.chosen, *self.others)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every target at one moment, ms UTC. standings: (target, place or None) -> where it stands.

    places: the units that are counted at that moment, id -> name.
    """

    at: int
    standings: Mapping[tuple[str, str | None], Standing]
    places: Mapping[str, str] = field(default_factory=dict)

    def area(self, target: str) -> Standing:
        return self.standings[target, None]

    def of(self, target: str) -> Iterator[Standing]:
        """Of the places that the target is asked of, in the inventory's order."""
        for (name, place), standing in self.standings.items():
            if name == target and place is not None:
                yield standing

    def chosen(self) -> Iterator[Coverage]:
        """The figures that count: of each target the area's, then each place's."""
        return (standing.chosen for standing in self.standings.values())
