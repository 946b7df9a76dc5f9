"""The ledger of the running program: the newest standings, what is declared, the days behind.

view, reports, readings ─▶ evaluate ─▶ Ledger (kept until one of them changes)
declared ─▶ records ─▶ memory ─▶ the next Ledger, and the months that it restates
every night: standings and availability of the day, late samples of the days before
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Protocol

from ioc.clock import Clock
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView
from ioc.inventory.topology import Target, Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.availability import Span
from ioc.ledger.coverage import Given, evaluate
from ioc.ledger.goals import targets_at
from ioc.ledger.model import Coverage, Ledger, Reading, Source, TargetState
from ioc.ledger.places import first_day, last_day, members_of
from ioc.ledger.records import Goal, Kept, Outcome, PastFigure, Records
from ioc.ledger.sla import (
    RESTATED_FOR,
    RESTATED_MONDAYS,
    Agreements,
    day_span,
    work_out,
    working_calendar,
)
from ioc.ledger.stored import measured_figures
from ioc.ledger.trend import Forecast, Trend, across, trend
from ioc.store.base import Store

log = logging.getLogger(__name__)

QUICK = 0.02  # seconds: what takes longer to work out is not worked out anew at every change
SHARE = 20  # times its own cost that such a ledger is kept
LATELY = 2 * 86_400_000  # ms
NIGHT = 15 * 60_000  # ms after midnight: when the day before is closed
CAUGHT_UP = 7  # days
HOUR, DRAWN = 3_600_000, 300_000  # ms: between two notes of availability, two points of a figure
RESTATE_YEARS = 5  # how far back a late reading may change the past


class Monitor(Protocol):
    """What the ledger sees of the engine."""

    @property
    def topology(self) -> Topology: ...

    @property
    def calendars(self) -> Mapping[str, Calendar]: ...

    def view(self) -> AreaView: ...


class Keeper:
    """Thread-safe; what touches the database blocks and belongs into a thread."""

    def __init__(
        self,
        clock: Clock,
        monitor: Monitor,
        store: Store,
        records: Records,
        agreements: Agreements,
    ) -> None:
        self._clock = clock
        self._monitor = monitor
        self._store = store
        self.records = records
        self.agreements = agreements
        self._given = Given()
        self._alive: int | None = None  # ms UTC, when the program before this one ended
        self._closed: date | None = None
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._made: tuple[object, Ledger] | None = None
        self._cost = 0.0
        self._made_at = 0.0

    def load(self) -> None:
        """Read what was declared and reported before. Raises StateDatabaseError."""
        self._given = self._said(self.records.machines())
        self._alive = self.agreements.newest()
        self.note_goals()

    def note_goals(self) -> None:
        """Write down goals that the inventory changed."""
        topology = self._monitor.topology
        self.records.note_goals({**topology.targets, **topology.retired}, self._clock.now())

    def topology_at(self, at: int) -> Topology:
        """The inventory with the goals, comparators and due dates in force at a moment, ms UTC."""
        return _with_goals(self._monitor.topology, self.records.goals(), at)

    @property
    def given(self) -> Given:
        return self._given

    # --- now

    def ledger(self) -> Ledger:
        """Where every target stands. In a large area at most some seconds old."""
        view, given = self._monitor.view(), self._given
        now = self._clock.now()
        key = (view.version, view.topology.digest, given, self._local(now))
        made = self._made
        if made is not None and (made[0] == key or self._recent(made[0], given)):
            return made[1]
        with self._lock:
            made = self._made
            if made is not None and made[0] == key:
                return made[1]
            began = time.monotonic()
            found = evaluate(view.topology, view, self._monitor.calendars, now, given)
            self._made_at = time.monotonic()
            self._cost = self._made_at - began
            self._made = (key, found)
            return found

    def _recent(self, key: object, given: Given) -> bool:
        """Whether a costly ledger of the same inventory and readings may still be shown."""
        assert isinstance(key, tuple)
        topology = self._monitor.topology
        same = key[1:3] == (topology.digest, given)
        young = time.monotonic() - self._made_at < SHARE * self._cost
        return self._cost > QUICK and same and young

    # --- what people and machines say

    def declare(self, readings: Sequence[Reading], author: str) -> list[Kept]:
        """Keep readings; what they change in months that are over becomes a new version there."""
        with self._writing:
            kept = self.records.add(readings, author, self._clock.now())
            changed = [one.reading for one in kept if one.outcome is not Outcome.UNCHANGED]
            if changed:
                self._given = self._said(self._given.machines)
                self._restate(changed)
        return kept

    def take_machines(self, reports: Iterable[MachineReport]) -> int:
        """Keep machine reports; how many said something new."""
        with self._writing:
            changed = self.records.put_machines(reports)
            if changed:
                machines = {**self._given.machines, **changed}
                self._given = replace(self._given, machines=machines)
        return len(changed)

    def _said(self, machines: Mapping[str, MachineReport]) -> Given:
        newest = self.records.newest()
        return Given(
            tuple(reading for reading in newest if not reading.withdrawn),
            machines,
            frozenset(reading.key for reading in newest if reading.withdrawn),
        )

    # --- the past

    def trend(self, target: Target, chosen: Coverage) -> Trend:
        """How a target moved at one place; across mergers the sum of what became part of it."""
        past = self.past(target.id, chosen.site)
        today = self._local(self._clock.now())
        found = trend(past, chosen.value, target.goal, today, target.comparator)
        if chosen.state is TargetState.UNKNOWN:
            return replace(found, forecast=Forecast("unknown"))
        return found

    def past(self, target: str, place: str | None) -> list[PastFigure]:
        """Every version of a target's figures; of a unit, those of what became part of it first."""
        if place is None:
            return self.records.figures(target, area=True)
        own = self.records.figures(target, place)
        topology = self._monitor.topology
        members = {
            name: (last_day(topology, name), self.past(target, name))
            for name in members_of(topology, place)
        }
        if not members:
            return own
        return across(own, first_day(topology, place), members, topology.targets.get(target))

    def close_day(self, day: date) -> None:
        """Write down where targets stood at the end of a local day, by the units of that day."""
        view = self._monitor.view()
        at = day_span(day, view.topology).end - 1
        then = _with_goals(view.topology, self.records.goals(), at)
        with self._writing:
            found = evaluate(then, view, self._monitor.calendars, at, self._given)
            self.records.record(day.isoformat(), self._written(found.chosen()), self._now())

    def measure_days(self, days: Iterable[date]) -> None:
        """Availability of local days, from the samples. Raises StoreError, StateDatabaseError."""
        topology, now = self._monitor.topology, self._now()
        calendar = working_calendar(topology, self._monitor.calendars)
        for day in days:
            found = work_out(self._store, topology, calendar, day, now)
            over = day_span(day, topology).end <= now
            restated = self.agreements.put(day, found, now, over=over)
            if restated:
                log.info("availability of %s restated for %d assets", day, restated)

    def hourly(self) -> None:
        """Availability of today and yesterday."""
        today = self._local(self._now())
        self.measure_days([today - timedelta(days=1), today])

    def nightly(self) -> None:
        """Close yesterday; restate once more what was said lately, should that have broken off;
        look again at the days for which late samples may have come: every night a week of them,
        on Mondays more than a month. What broke off is called again: a day is closed once, with
        what was seen soonest after it. Raises StoreError, StateDatabaseError."""
        now = self._now()
        today = self._local(now)
        yesterday = today - timedelta(days=1)
        if self._closed != yesterday:
            self.close_day(yesterday)
            self._closed = yesterday
        with self._writing:
            self._restate([r for r in self.records.readings() if r.entered_at > now - LATELY])
        days = RESTATED_MONDAYS if today.weekday() == 0 else RESTATED_FOR
        self.measure_days(today - timedelta(days=n) for n in range(days, -1, -1))

    def catch_up(self) -> None:
        """The nightly work of the days whose night passed while the program did not run: the last
        few, and the ends of months. What people reported is written as it was known. What was
        measured is known of the first day only, up to the end of the program; of the days on
        which nobody looked it stays a gap. What broke off is called again. Raises StoreError,
        StateDatabaseError."""
        alive, today = self._alive, self._local(self._now() - NIGHT)
        if alive is None:
            return
        since = max(self._local(alive - NIGHT), self._oldest(today))
        missed = [since + timedelta(days=n) for n in range((today - since).days)]
        if not missed:
            return
        log.info("%d nights were missed; their days are made up for", len(missed))
        with self._writing:
            everything = {*self._monitor.topology.targets, *self._monitor.topology.retired}
            self._rework(everything, since, {*month_ends(since, today), *missed[-CAUGHT_UP:]})
            self._record_stored(since, alive)
        self.measure_days(missed[-CAUGHT_UP:])

    def _record_stored(self, day: date, alive: int) -> None:
        """Close a day with the last figures of what was measured in it and never reported. alive:
        ms UTC when the program was last known to run; it tells so every hour."""
        whole = day_span(day, self._monitor.topology)
        then = self.topology_at(whole.end - 1)
        reported = {reading.target for reading in self._given.readings}
        targets = {
            name: target
            for name, target in then.targets.items()
            if not _reported_first(target) and name not in reported
        }
        span = Span(min(alive, whole.end) - 2 * DRAWN, min(alive + HOUR + DRAWN, whole.end))
        known = self._known(targets, day, day + timedelta(days=1)).get(day, {})
        found = measured_figures(self._store, then.area_id, targets, span)
        some = [figure for figure in found if (figure.target, figure.site) not in known]
        self.records.record(day.isoformat(), some, self._now())

    def _restate(self, changed: Sequence[Reading]) -> None:
        """Days of the past that readings change: month ends, and days written down before."""
        if not changed:
            return
        today = self._local(self._now())
        first = date.fromisoformat(min(reading.as_of for reading in changed))
        since = max(first, self._oldest(today))
        names = {reading.target for reading in changed}
        self._rework(names, since, set(month_ends(since, today)))

    def _oldest(self, today: date) -> date:
        return today.replace(day=1) - timedelta(days=366 * RESTATE_YEARS)

    def _rework(self, names: Collection[str], since: date, days: Collection[date]) -> None:
        """Work some days out anew, and those since one that were written down before. Only of
        targets for which what is reported comes first; what was measured cannot be repeated."""
        topology, now = self._monitor.topology, self._now()
        targets = {
            name: replace(target, measure=None)
            for name, target in {**topology.targets, **topology.retired}.items()
            if name in names and _reported_first(target)
        }
        if not targets:
            return
        known, goals = self._known(targets, since, self._local(now)), self.records.goals()
        only = replace(topology, targets=targets)
        view = AreaView(now, 0, False, {}, {}, only)
        for day in sorted({*days, *known}):
            at = day_span(day, topology).end - 1
            then = _with_goals(only, goals, at)
            found = evaluate(then, view, self._monitor.calendars, at, self._given)
            some = [c for c in found.chosen() if _says_more(c, known.get(day, {}))]
            self.records.record(day.isoformat(), some, now)

    def _known(
        self, targets: Iterable[str], since: date, before: date
    ) -> dict[date, dict[tuple[str, str | None], PastFigure]]:
        """The newest figures written down for each day, by target and place."""
        found: dict[date, dict[tuple[str, str | None], PastFigure]] = {}
        until = (before - timedelta(days=1)).isoformat()
        for name in targets:
            for figure in self.records.figures(name, since=since.isoformat(), until=until):
                day = date.fromisoformat(figure.day)
                found.setdefault(day, {})[figure.target, figure.place] = figure
        return found

    def _written(self, chosen: Iterable[Coverage]) -> Iterator[Coverage]:
        return (c for c in chosen if c.denominator is not None)

    # --- time

    def _now(self) -> int:
        return self._clock.now()

    def _local(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, self._monitor.topology.timezone).date()


def month_ends(since: date, before: date) -> Iterator[date]:
    """Last days of months from the one of `since` on, all before a day."""
    day = since
    while True:
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        end = following - timedelta(days=1)
        if end >= before:
            return
        yield end
        day = following


def _with_goals(topology: Topology, goals: Sequence[Goal], at: int) -> Topology:
    return replace(
        topology,
        targets=targets_at(topology.targets, goals, at),
        retired=targets_at(topology.retired, goals, at),
    )


def _reported_first(target: Target) -> bool:
    measured = target.measure is not None and not target.supporting
    return not measured or target.sources[:1] != (Source.MEASURED,)


def _says_more(figure: Coverage, known: Mapping[tuple[str, str | None], PastFigure]) -> bool:
    """Whether a figure worked out anew belongs into the past: there is one, or one that was
    reported has been withdrawn since."""
    if figure.value is not None:
        return True
    before = known.get((figure.target, figure.site))
    return before is not None and before.source is not Source.MEASURED
