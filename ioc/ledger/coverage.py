"""Where every target stands, for the area and each place, with the evidence behind it.

    AreaView + machine reports ─▶ measures ─▶ evidence of each place ─┐
    readings (declared, exported) ─▶ newest of each source ───────────┴▶ Standing of each place
                                                                          └─ summed ─▶ of the area

No clock, no I/O.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction

from collectors.base import Reason
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView
from ioc.inventory.topology import Site, Target, Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.arithmetic import OVER, conflict, cover, weigh
from ioc.ledger.measures import BY_STAFF, MEASURES, PROXIES, Facts
from ioc.ledger.model import (
    Coverage,
    Evidence,
    Key,
    Ledger,
    Reading,
    Source,
    Standing,
    TargetState,
)
from ioc.ledger.places import asked_of, places_on
from ioc.ledger.rounding import shown_day

NO_FIGURE = Reason("no figure yet")
NO_HEAD_COUNT = Reason("no head count declared: computers are counted instead of people")


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What people and machines reported: the newest version of each reading, not withdrawn.

    withdrawn: keys of the readings whose newest version takes back what was said. Compared by
    identity: one object is one state of knowledge.
    """

    readings: tuple[Reading, ...] = ()
    machines: Mapping[str, MachineReport] = field(default_factory=dict)
    withdrawn: Collection[Key] = frozenset()


def evaluate(
    topology: Topology,
    view: AreaView,
    calendars: Mapping[str, Calendar],
    now: int,
    given: Given | None = None,
) -> Ledger:
    """Every target of the inventory: first where the area stands, then each place.

    now: ms UTC. A target without a figure is unknown, never absent.
    """
    given = given or Given()
    today = datetime.fromtimestamp(now / 1000, topology.timezone).date()
    places = places_on(topology, today)
    facts = Facts(topology, view, calendars, now, given.machines)
    said: dict[str, list[Reading]] = defaultdict(list)
    for reading in given.readings:
        if reading.as_of <= today.isoformat():
            said[reading.target].append(reading)
    standings: dict[tuple[str, str | None], Standing] = {}
    for target in topology.targets.values():
        if target.retired is not None and target.retired <= today.isoformat():
            continue
        work = _Target(facts, target, places, said.get(target.id, ()))
        for standing in work.standings():
            standings[standing.target, standing.site] = standing
    return Ledger(now, standings, {place.id: place.name for place in places.values()})


class _Target:
    """One target at one moment."""

    def __init__(
        self,
        facts: Facts,
        target: Target,
        places: Mapping[str, Site],
        readings: Iterable[Reading],
    ) -> None:
        self.facts = facts
        self.target = target
        self.places = places
        self.by_place: dict[str | None, list[Reading]] = defaultdict(list)
        for reading in readings:
            self.by_place[reading.place].append(reading)

    def standings(self) -> list[Standing]:
        measured = self._measured()
        asked = asked_of(self.target.per, self.places)
        names: list[str] = [place.id for place in asked]
        names += [name for name in measured if name is not None and name not in names]
        names += [n for n in self.by_place if n is not None and n in self.places and n not in names]
        found = {name: self._place(name, measured.get(name)) for name in names}
        wanted = [found[place.id] for place in asked]
        return [self._area(measured.get(None), wanted), *found.values()]

    # --- what is measured

    def _measured(self) -> dict[str | None, Coverage]:
        """Of each place where the measure applies, and of the area."""
        if self.target.measure is None:
            return {}
        function, rule = MEASURES[self.target.measure]
        found: dict[str | None, Coverage] = {}
        everything = list(function(self.facts, self.target, None) or ())
        uncounted = 0
        for place in self.places.values():
            evidence = function(self.facts, self.target, place)
            if evidence is not None:
                found[place.id] = self._cover(place.id, evidence, rule, self._uncounted([place]))
                everything += evidence
                uncounted += self._uncounted([place])
        if everything:
            found[None] = self._cover(None, everything, rule, uncounted)
        return found

    def _cover(
        self, name: str | None, evidence: Sequence[Evidence], rule: Reason, uncounted: int
    ) -> Coverage:
        figure = cover(self.target, name, evidence, rule)
        figure = replace(figure, proxy=self.target.measure in PROXIES)
        if not uncounted:
            return figure
        open_ = figure.state is TargetState.MET  # more people than computers may still be there
        return replace(
            figure,
            note=figure.note or NO_HEAD_COUNT,
            state=TargetState.UNKNOWN if open_ else figure.state,
        )

    def _uncounted(self, places: Iterable[Site]) -> int:
        """Places that did not say how many people need a computer."""
        if self.target.measure not in BY_STAFF:
            return 0
        return sum(place.staff is None for place in places)

    # --- one place

    def _place(self, name: str | None, measured: Coverage | None) -> Standing:
        figures = self._reported(name)
        if measured is not None:
            figures.append(measured)
        return self._choose(name, figures)

    def _reported(self, name: str | None) -> list[Coverage]:
        """The newest reading of each source and origin."""
        newest: dict[tuple[Source, str], Reading] = {}
        for reading in self.by_place.get(name, ()):
            key = (reading.source, reading.origin)
            known = newest.get(key)
            if known is None or (known.as_of, known.entered_at) < (
                reading.as_of,
                reading.entered_at,
            ):
                newest[key] = reading
        return [self._figure(reading) for reading in newest.values()]

    def _figure(self, reading: Reading) -> Coverage:
        as_of = _end_of(reading.as_of, self.facts.topology)
        stale = self.facts.now - as_of > self.target.fresh
        figure = weigh(
            self.target,
            reading.place,
            reading.numerator,
            reading.denominator,
            reading.denominator,
        )
        fresh = not stale
        return replace(
            figure,
            source=reading.source,
            reading=reading,
            as_of=min(as_of, self.facts.now),
            stale=stale,
            evidence_value=(100.0 if fresh else 0.0) if reading.denominator else None,
            known=reading.denominator if fresh else 0,
            state=figure.state if fresh else TargetState.UNKNOWN,
            note=figure.note
            if fresh
            else Reason("old figures: of {day}", {"day": shown_day(reading.as_of)}),
        )

    def _choose(
        self, name: str | None, figures: Sequence[Coverage], partial: Collection[int] = ()
    ) -> Standing:
        """The figure that counts: fresh before stale, whole before partial, then by the target's
        order of sources. partial: ids of figures that leave places out."""
        order = [*self.target.sources, *Source]
        standing = [f for f in figures if not f.supporting]
        ranked = sorted(
            standing,
            key=lambda f: (
                f.value is None and f.denominator != 0,
                f.note is OVER,
                f.stale,
                id(f) in partial,
                bool(f.parts) and (f.evidence_value or 0) < 100,
                order.index(f.source),
                -(f.as_of or 0),
            ),
        )
        if not ranked:
            chosen = self._nothing(name)
            return Standing(self.target.id, name, chosen, tuple(figures))
        others = [f for f in (*ranked[1:], *figures) if f is not ranked[0]]
        unique = tuple({id(f): f for f in others}.values())
        return Standing(self.target.id, name, ranked[0], unique, conflict(ranked[0], unique))

    def _nothing(self, name: str | None) -> Coverage:
        sources = self.target.sources or (Source.DECLARED,)
        return Coverage(
            self.target.id, name, 0, None, 0, None, None, self.target.goal, TargetState.UNKNOWN,
            None, None, source=Source(sources[0]), note=NO_FIGURE,
        )  # fmt: skip

    # --- the area

    def _area(self, measured: Coverage | None, asked: Sequence[Standing]) -> Standing:
        figures = self._reported(None)
        if measured is not None:
            figures.append(measured)
        chosen = [standing.chosen for standing in asked]
        if not chosen or all(figure.source is Source.MEASURED for figure in chosen):
            return self._choose(None, figures)
        total = self._sum(chosen)
        if total is None:
            return self._choose(None, figures)
        figures.append(total)
        if (total.evidence_value or 0) < 100:
            # What is measured leaves out the places that report, or counts other things.
            return self._choose(None, figures, {id(measured)} if measured is not None else ())
        rest = self._choose(None, [f for f in figures if f is not total])
        others = tuple(f for f in rest.figures if f.note is not NO_FIGURE)
        return Standing(self.target.id, None, total, others, conflict(total, others))

    def _sum(self, figures: Sequence[Coverage]) -> Coverage | None:
        """All places together. A place without fresh figures counts as an average one of which
        nothing is known: what it may still hold decides whether anything can be said."""
        usable = [f for f in figures if _adds_up(f)]
        if not usable:
            return None
        parts = Counter(f.source for f in usable)
        total = sum(f.denominator or 0 for f in usable)
        missing = Fraction(total, len(usable)) * (len(figures) - len(usable))
        known = sum(f.known for f in usable)
        figure = weigh(self.target, None, sum(f.numerator for f in usable), total, known, missing)
        whole = total + missing
        open_ = figure.state is TargetState.MET and any(f.note is NO_HEAD_COUNT for f in usable)
        return replace(
            figure,
            state=TargetState.UNKNOWN if open_ else figure.state,
            source=next(iter(parts)) if len(parts) == 1 else Source.MIXED,
            parts=dict(parts),
            evidence_value=float(100 * known / whole) if whole else None,
            as_of=min((f.as_of for f in usable if f.as_of is not None), default=None),
            note=figure.note or _missing_note(len(usable), len(figures)),
        )


def _adds_up(figure: Coverage) -> bool:
    """Whether a place's figure may go into a sum: fresh, possible, and of the same things."""
    if figure.stale or figure.proxy or figure.note is OVER or figure.denominator is None:
        return False
    return figure.evidence_value is not None or figure.denominator == 0


def _missing_note(have: int, wanted: int) -> Reason | None:
    if have == wanted:
        return None
    return Reason("{count} of {total} units have reported", {"count": have, "total": wanted})


def _end_of(day: str, topology: Topology) -> int:
    """ms UTC of the end of a local day: figures are of the whole of it."""
    following = date.fromisoformat(day) + timedelta(days=1)
    local = datetime.combine(following, time(), topology.timezone)
    return round(local.timestamp() * 1000) - 1
