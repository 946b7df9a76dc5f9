"""What goes wrong in the simulated district, and when: a timetable, the same for the same seed.

Two clocks drive it. From the start of the demo an act of twelve minutes repeats, each time in other
communes, so that a visitor soon sees something happen. The time of day of the area drives the
office computers: on between 07:00 and 07:45, home at 17:00. No clock and no I/O in here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from random import Random

from ioc.engine.calendars import Calendar
from ioc.inventory.topology import Asset, AssetType, Site, Topology

SEED = 2021  # the year of the district's targets; another number is another story
SECOND = 1_000  # ms, the unit of every moment in here
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
CYCLE = 12 * MINUTE
COMMUNES_PER_CYCLE = 5  # how many communes one cycle's acts touch

MISSING = 0.025  # of the computers: not seen for days (broken, put away)
MISSING_DAYS = (8, 13)
ABSENT = 0.03  # of a day's computers: the official is away
LEFT_ON = 0.04  # of a day's computers: nobody switched it off


class Mode(StrEnum):
    """How a simulated thing fails."""

    SILENT = "silent"  # takes no connection, answers nothing
    ERROR = "error"  # answers that it has failed (HTTP 503, DNS SERVFAIL)
    HANG = "hang"  # takes the connection and never answers


@dataclass(frozen=True, slots=True)
class Fault:
    """start, end: ms UTC, end exclusive."""

    start: int
    end: int
    assets: frozenset[str]
    mode: Mode


@dataclass(frozen=True, slots=True)
class _Act:
    """start, length: seconds into the cycle. who: the cycle's n-th commune or service."""

    start: int
    length: int
    what: str  # fiber | 4g | site | service
    who: int
    mode: Mode = Mode.SILENT


ACTS = (
    _Act(25, 110, "fiber", 0),
    _Act(55, 75, "service", 0, Mode.ERROR),
    _Act(80, 150, "site", 1),
    *(_Act(240 + 60 * turn, 22, "fiber", 2) for turn in range(4)),  # a line that flaps
    _Act(300, 90, "service", 1, Mode.HANG),
    _Act(420, 150, "4g", 3),
    _Act(520, 140, "fiber", 4),
)


class Scenario:
    """The story of one district. started: ms UTC when the demo began; before it lies the past."""

    def __init__(self, topology: Topology, started: int, seed: int = SEED) -> None:
        self.topology = topology
        self._started = started
        self._seed = seed
        self._calendars = {
            rule.id: Calendar(rule, topology.timezone) for rule in topology.calendars.values()
        }
        random = Random(f"{seed}|cast")  # noqa: S311 - a story, not a secret
        self._communes = [s for s in topology.sites.values() if s.links]
        random.shuffle(self._communes)
        self._services = _portals(topology)
        random.shuffle(self._services)
        self._at_work: dict[tuple[str, date], tuple[int, int] | None] = {}

    def modes(self, at: int) -> dict[str, Mode]:
        """Assets that fail at a moment (ms UTC), and how. Whoever is absent works."""
        failing = {a.id: Mode.SILENT for a in self._computers() if not self.switched_on(a, at)}
        for fault in self.faults(at, at + 1):
            failing.update(dict.fromkeys(fault.assets, fault.mode))
        return failing

    def faults(self, start: int, end: int) -> list[Fault]:
        """Faults that touch [start, end), ms UTC, in order of their start."""
        found = [*self._past(start, end), *self._live(start, end)]
        return sorted(
            (f for f in found if f.start < end and f.end > start), key=lambda fault: fault.start
        )

    def switched_on(self, computer: Asset, at: int) -> bool:
        """Whether a computer is on at a moment (ms UTC); one without a calendar always is."""
        if computer.calendar is None:
            return True
        today = self._local_day(at)
        for day in (today, today - timedelta(days=1)):  # yesterday's may have been left on
            hours = self.at_work(computer, day)
            if hours is not None and hours[0] <= at < hours[1]:
                return True
        return False

    def at_work(self, computer: Asset, day: date) -> tuple[int, int] | None:
        """From when to when (ms UTC) a computer is on that began on a local date; None: not."""
        key = (computer.id, day)
        if key not in self._at_work:
            self._at_work[key] = self._draw_hours(computer, day)
        return self._at_work[key]

    # --- the office

    def _draw_hours(self, computer: Asset, day: date) -> tuple[int, int] | None:
        calendar = self._calendars[computer.calendar or ""]
        random = self._random(computer.id, day.isoformat())
        if not calendar.working_day(day) or self._gone(computer, day) or random.random() < ABSENT:
            return None
        morning = self._moment(day, time(7))
        evening = self._moment(day, time(17))
        left_on = random.random() < LEFT_ON
        off = morning + DAY if left_on else evening + round(random.uniform(0, 20) * MINUTE)
        return morning + round(random.uniform(0, 45) * MINUTE), off

    def _gone(self, computer: Asset, day: date) -> bool:
        random = self._random(computer.id)
        if random.random() >= MISSING:
            return False
        return day >= self._local_day(self._started) - timedelta(days=random.randint(*MISSING_DAYS))

    def _computers(self) -> Iterator[Asset]:
        return (a for a in self.topology.assets.values() if a.kind == "computer")

    # --- the acts

    def _live(self, start: int, end: int) -> Iterator[Fault]:
        first = max(0, (start - self._started) // CYCLE - 1)
        last = (end - self._started) // CYCLE
        for cycle in range(first, last + 1):
            begin = self._started + cycle * CYCLE
            for act in ACTS:
                assets = self._stage(act.what, cycle * COMMUNES_PER_CYCLE + act.who)
                at = begin + act.start * SECOND
                if assets:
                    yield Fault(at, at + act.length * SECOND, assets, act.mode)

    def _past(self, start: int, end: int) -> Iterator[Fault]:
        """Days that have been; what is still going on when the demo starts ends then."""
        day = self._local_day(start) - timedelta(days=1)
        while self._moment(day, time(0)) < min(end, self._started):
            for fault in self._day(day):
                if fault.start < self._started:
                    until = min(fault.end, self._started)
                    yield Fault(fault.start, until, fault.assets, fault.mode)
            day += timedelta(days=1)

    def _day(self, day: date) -> Iterator[Fault]:
        """An ordinary day: a fiber or two, now and then more. Lengths in minutes."""
        random = self._random("day", day.isoformat())
        story = [("fiber", 15, 240, Mode.SILENT)] * random.randint(0, 2)
        story += [("site", 40, 180, Mode.SILENT)] * (random.random() < 0.5)
        story += [("4g", 20, 120, Mode.SILENT)] * (random.random() < 0.25)
        story += [("service", 10, 45, Mode.ERROR)] * (random.random() < 0.3)
        for what, shortest, longest, mode in story:
            begin = self._moment(day, time(6)) + random.randrange(15 * 60) * MINUTE
            length = random.randint(shortest, longest) * MINUTE
            assets = self._stage(what, random.randrange(1_000))
            if assets:
                yield Fault(begin, begin + length, assets, mode)

    def _stage(self, what: str, number: int) -> frozenset[str]:
        """The assets an act is about; none when the district has no such thing."""
        if what == "service":
            services = self._services
            return frozenset([services[number % len(services)]] if services else ())
        if not self._communes:
            return frozenset()
        site = self._communes[number % len(self._communes)]
        if what == "site":
            return frozenset((*site.links, *site.devices, *site.services))
        return frozenset(self._links(site, what))

    def _links(self, site: Site, kind: str) -> Iterator[str]:
        return (link for link in site.links if self.topology.assets[link].kind == kind)

    # --- time and chance

    def _local_day(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self.topology.timezone).date()

    def _moment(self, day: date, clock: time) -> int:
        local = datetime.combine(day, clock, self.topology.timezone)
        return round(local.timestamp() * 1000)

    def _random(self, *about: str) -> Random:
        return Random("|".join((str(self._seed), *about)))  # noqa: S311 - a story, not a secret


def by_asset(faults: list[Fault]) -> Mapping[str, list[Fault]]:
    """Faults of each asset, in their order."""
    found: dict[str, list[Fault]] = {}
    for fault in faults:
        for asset in fault.assets:
            found.setdefault(asset, []).append(fault)
    return found


def _portals(topology: Topology) -> list[str]:
    """Services that can fail in several ways, all services when there are none such."""
    services = [a for a in topology.assets.values() if a.type is AssetType.SERVICE]
    portals = [a.id for a in services if any(topology.checks[c].kind == "http" for c in a.checks)]
    return portals or [a.id for a in services]
