"""The demo district over some days, as the running program would have written it.

The same scenario and the same functions that make the points of the program: no figure of a panel
is made up beside them. Only what no collector measures yet (throughput, signal) is given values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from unittest import mock

import psutil

from collectors.base import Check, Result, Verdict
from ioc.clock import SystemClock
from ioc.counters import counters
from ioc.demo import past
from ioc.demo.past import Past
from ioc.demo.scenario import DAY, MINUTE, Fault, Mode, Scenario
from ioc.engine import reachability as reach
from ioc.engine.hub import Hub
from ioc.engine.incident import Incident, open_counts
from ioc.engine.incident_points import Trail
from ioc.engine.model import AreaView, Expectation, SiteView, State
from ioc.engine.pipeline import Pipeline
from ioc.engine.points import asset_tags, check_tags, place_points, result_point, state_point
from ioc.engine.poller import Poller
from ioc.engine.problems import Problems
from ioc.engine.sink import Sink
from ioc.inventory.alerting import Kind
from ioc.inventory.loader import load
from ioc.inventory.topology import Severity, Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.coverage import Given, evaluate
from ioc.ledger.model import Reading, Source
from ioc.ledger.points import computer_points, coverage_point
from ioc.series import level, outbox_points
from ioc.store.base import Backlog, Point, StoreError

INVENTORY = Path(__file__).parents[3] / "inventory.yaml"
STEP = 5 * MINUTE  # the program writes states every five minutes and at every change
GAP = (5 * 60 * MINUTE, 4 * 60 * MINUTE)  # before the end: the monitor was switched off
ANSWERED = "files-commune"  # a target that communes report
SYSTEMS = ("Windows 11 Pro 24H2", "Windows 11 Pro 25H2", "Windows 10 Pro 22H2", "Windows 7")

# Of a store on the network that takes what it is given.
BACKLOG = replace(
    Backlog(*[None] * len(fields(Backlog))),  # type: ignore[arg-type]
    name="a store", error="", rows=120, kept=0, size=4096, limit=10**9, sent=9_000, refused=0,
    dropped=0,
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """started: ms UTC of the end. begin: of the beginning."""

    topology: Topology
    begin: int
    started: int

    @property
    def gap(self) -> tuple[int, int]:
        """ms UTC between which nothing was written."""
        return self.started - GAP[0], self.started - GAP[1]


class Story(Scenario):
    """The demo's scenario with trouble that lasts to the end, so that something is open."""

    def faults(self, start: int, end: int) -> list[Fault]:
        now = self._started
        communes = [s for s in self.topology.sites.values() if len(s.links) == 2]
        service = next(a for a in self.topology.assets.values() if a.kind == "mail")
        extra = [
            Fault(now - 50 * MINUTE, now + DAY, frozenset([communes[3].links[0]]), Mode.SILENT),
            Fault(now - 20 * MINUTE, now + DAY, frozenset(
                (*communes[7].links, *communes[7].devices)), Mode.SILENT),
            Fault(now - 90 * MINUTE, now + DAY, frozenset([service.id]), Mode.SILENT),
        ]  # fmt: skip
        return [*super().faults(start, end), *(f for f in extra if f.start < end and f.end > start)]


class District(Past):
    """points(): everything, in no order. days: how long."""

    def __init__(self, days: int, started: int) -> None:
        topology = load(INVENTORY).topology
        with mock.patch.multiple(past, DAYS=days, STEP=STEP):
            super().__init__(topology, Story(topology, started), started)
        self.days = days
        self.made = Made(topology, self.begin, started)
        self._given = Given(tuple(self._readings()), self._machines())

    def points(self) -> Iterator[Point]:
        """Everything; nothing within the gap."""
        first, last = self.made.gap
        return (p for p in self._points() if not first <= p.time < last)

    def _points(self) -> Iterator[Point]:
        yield from self._assets()
        yield from self._places()
        yield from self._incidents()
        yield from self._coverage()
        yield from self._own()

    # --- links, devices, services

    def _assets(self) -> Iterator[Point]:
        """Of computers only those of one commune: no panel shows the others one by one."""
        shown = next(site.id for site in self.topology.sites.values() if site.links)
        for track in self.tracks.values():
            asset = track.asset
            if asset.kind == "computer" and asset.site != shown:
                continue
            for name in asset.checks:
                yield from self._samples(track, self.topology.checks[name])
            tags = asset_tags(self.topology, asset)
            for time in (*track.times, *self._late(track.times)):
                yield state_point(asset, tags, track.at(time), time)

    def _late(self, times: range) -> Iterator[int]:
        """The last minutes, in which a rare sample would be too old."""
        return iter(range(times[-1] + STEP, self.started, STEP))

    def _samples(self, track: past.Track, check: Check) -> Iterator[Point]:
        yield from super()._samples(track, check)
        if track.asset.kind in ("fiber", "4g"):
            yield from self._from_device(track, check)
        if track.asset.kind == "portal":
            yield from self._certificate(track, check)
            yield from self._pages(track, check)

    def _from_device(self, track: past.Track, check: Check) -> Iterator[Point]:
        """Throughput and signal, as an SNMP or modem collector gives them; a TCP check on one."""
        known = dict(check_tags(self.topology, check.id))
        number = len(track.asset.id) % 7
        for time, moment in zip(track.times, track.moments, strict=True):
            if moment.state is State.UP:
                values = {
                    "in_bps": 1e6 * self._wave(time, number),
                    "out_bps": 2e5 * self._wave(time),
                }
                if track.asset.kind == "4g":
                    values["rsrp_dbm"] = -88.0 - number - 5 * self._random.random()
                tags = tuple(sorted({**known, "check": "modem", "kind": "modem"}.items()))
                yield self._result_point(tags, check, time, values)
                if number in (0, 4):
                    tags = tuple(sorted({**known, "check": "tcp", "kind": "tcp"}.items()))
                    yield self._result_point(tags, check, time, {"connect_ms": 12.0})

    def _certificate(self, track: past.Track, check: Check) -> Iterator[Point]:
        tags = dict(check_tags(self.topology, check.id)) | {"check": "tls", "kind": "tls"}
        for time in track.times[:: 6 * 60 // 5]:  # every six hours
            left = 40.0 - (time - self.begin) / DAY
            yield self._result_point(
                tuple(sorted(tags.items())), check, time, {"days_left": left, "handshake_ms": 21.0}
            )

    def _pages(self, track: past.Track, check: Check) -> Iterator[Point]:
        """An HTTP check, as the comments of the inventory advise for real portals."""
        tags = dict(check_tags(self.topology, check.id)) | {"check": "http", "kind": "http"}
        for time, moment in zip(track.times, track.moments, strict=True):
            if moment.state is State.UP:
                values = self._values("http")
                yield self._result_point(tuple(sorted(tags.items())), check, time, values)

    def _result_point(
        self, tags: tuple[tuple[str, str], ...], check: Check, time: int, values: dict[str, float]
    ) -> Point:
        point = result_point(tags, Result(check.id, time, Verdict.OK, values))
        assert point is not None
        return point

    def _values(self, kind: str) -> dict[str, float]:
        if kind == "icmp":
            rtt = round(self._random.uniform(4, 40), 2)
            return {"rtt_ms": rtt, "loss_pct": 0.0 if rtt < 38 else 20.0, "jitter_ms": rtt / 10}
        quick = round(self._random.uniform(5, 15), 2)
        if kind == "tcp":
            return {"connect_ms": quick}
        return {
            "dns_ms": quick / 2, "connect_ms": quick, "tls_ms": 2 * quick,
            "first_byte_ms": 5 * quick, "total_ms": 9 * quick, "status": 200.0,
        }  # fmt: skip

    def _wave(self, time: int, number: int = 0) -> float:
        """Busy by day, quiet by night."""
        hour = (time / 3_600_000 + 7 + number) % 24
        return 1.5 + math.sin((hour - 6) / 24 * 2 * math.pi)

    # --- places, incidents

    def view(self, time: int) -> AreaView:
        """The district as the screens would have shown it."""
        views = {name: track.at(time) for name, track in self.tracks.items()}
        expected: dict[str | None, Expectation] = {
            name: Expectation(calendar.expected_on(time), calendar.settled_on(time))
            for name, calendar in self._calendars.items()
        }
        expected[None] = Expectation(on=True, settled=True)
        sites = {}
        for site in self.topology.sites.values():
            shown = reach.resolve_site(site, self.topology.assets, views)
            counted = reach.count_computers(site, self.topology.assets, views, expected)
            sites[site.id] = SiteView(
                site.id, shown.state, time, reach.on_backup(shown), reach.dark(shown), shown.cause,
                shown.reason, time, time - 9_000, counted,
            )  # fmt: skip
        return AreaView(time, 0, False, sites, views, self.topology)

    def _places(self) -> Iterator[Point]:
        coarse = STEP if self.days <= 8 else 3 * STEP
        for time in range(self.begin, self.started - 60 * MINUTE, coarse):
            points = list(place_points(self.view(time)))
            for number, point in enumerate(points):  # each place writes at its own moment
                yield replace(point, time=time + number * STEP // len(points))
        for time in range(self.started - 60 * MINUTE, self.started, STEP):
            yield from place_points(self.view(time))
        yield from place_points(self.view(self.started - MINUTE))

    def _stories(self) -> list[Incident]:
        """An incident for each fault of the scenario."""
        found = []
        faults = self._scenario.faults(self.begin, self.started)
        for number, fault in enumerate(sorted(faults, key=lambda f: f.start), start=1):
            names = sorted(fault.assets)
            asset = self.topology.assets[names[0]]
            site = self.topology.sites.get(asset.site or "")
            if site is not None and fault.assets.issuperset(site.links):
                kind, severity, subject = Kind.SITE_DARK, Severity.CRITICAL, site.id
            elif asset.site is None:
                kind, severity, subject = Kind.SERVICE_DOWN, Severity.CRITICAL, asset.id
            elif asset.kind == "4g":
                kind, severity, subject = Kind.LINK_DOWN, Severity.WARNING, asset.id
            else:
                kind, severity, subject = Kind.ON_BACKUP, Severity.CRITICAL, asset.id
            over = fault.end <= self.started
            found.append(
                Incident(
                    number,
                    subject,
                    kind,
                    severity,
                    subject,
                    asset.site,
                    fault.start,
                    fault.start + 15_000,
                    affected=tuple(names),
                    resolved_at=fault.end if over else None,
                    acknowledged_at=fault.start + 4 * MINUTE if number % 3 else None,
                )
            )
        return found

    def _incidents(self) -> Iterator[Point]:
        stories = self._stories()
        ended = {i.id: i for i in stories}
        trail = Trail()
        area = (("area", self.topology.area_id),)
        for time in range(self.begin, self.started, MINUTE):
            open_ = [
                replace(i, resolved_at=None)
                for i in stories
                if i.opened_at <= time and (i.resolved_at is None or i.resolved_at > time)
            ]
            yield from trail.points(self.topology, open_, ended.get, time)
            if time % STEP == 0 or self.started - time < 10 * MINUTE:
                counts = open_counts(open_)
                yield Point("incidents", area, counts | {"level": level(counts, False)}, time)

    # --- ledger

    def _coverage(self) -> Iterator[Point]:
        coarse = 60 * MINUTE if self.days <= 8 else 6 * 60 * MINUTE
        times = [*range(self.begin, self.started - 60 * MINUTE, coarse)]
        times += range(self.started - 30 * MINUTE, self.started, STEP)
        for time in times:
            view = self.view(time)
            ledger = evaluate(self.topology, view, self._calendars, time, self._given)
            for figure in ledger.chosen():
                if figure.value is not None or (figure.site is None and figure.goal is not None):
                    yield coverage_point(self.topology.area_id, figure, time, self.topology)
            yield from computer_points(view, self._given.machines, self._calendars)
            yield from outbox_points(self.topology.area_id, {"waiting": 2}, BACKLOG, time)

    def _readings(self) -> Iterator[Reading]:
        day = datetime.fromtimestamp(self.begin / 1000, UTC).date().isoformat()
        for number, site in enumerate(self.topology.sites.values()):
            if site.links and number % 6:  # some have not reported
                yield Reading(ANSWERED, site.id, Source.DECLARED, day, 60 + 2 * number, 100)
        yield Reading("files-district", None, Source.EXPORTED, day, 940, 1000)
        yield Reading("procedures-national", None, Source.EXPORTED, day, 610, 1000)

    def _machines(self) -> Mapping[str, MachineReport]:
        random = Random("machines")
        found = {}
        for asset in self.topology.assets.values():
            if asset.kind == "computer" and random.random() < 0.8:
                found[asset.id] = MachineReport(
                    asset.id,
                    self.started - 3_600_000,
                    random.choice(SYSTEMS),
                    random.choice((3800, 7900, 16000)),
                    random.choice(("ssd", "ssd", "hdd")),
                    random.random() > 0.1,
                    self.started - DAY,
                )
        return found

    # --- the monitor itself

    def _own(self) -> Iterator[Point]:
        named = _counters(self.topology)
        area = (("area", self.topology.area_id),)
        fine = MINUTE if self.days <= 8 else STEP
        for time in range(self.begin, self.started, fine):
            seconds = (time - self.begin) / 1000
            fields = named | {
                "polls": 8 * seconds, "failures": 0.1 * seconds, "lag_p99_ms": 2 + self._wave(time),
                "rss_mb": 110.0, "cpu_seconds": 0.02 * seconds, "store_write_ms": 8.0,
                "assets_up": 400.0, "store_queue": 12.0, "screens": 2.0,
            }  # fmt: skip
            yield Point("ioc", area, fields, time)


def _counters(topology: Topology) -> dict[str, float]:
    """Every figure that the program has of itself, by the names it really has."""
    clock, hub = SystemClock(), Hub()
    problems = Problems(clock)

    def write(_points: Sequence[object]) -> None: ...

    sinks = [Sink("test", write, StoreError, problems) for _ in range(2)]
    pipeline = Pipeline(clock, topology, record=sinks[0].add, persist=sinks[1].add, hub=hub)
    poller = Poller(clock, pipeline.accept)
    return counters(poller, pipeline, *sinks, hub, psutil.Process()) | {"store_write_ms": 0.0}
