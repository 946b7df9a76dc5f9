"""Two weeks that never were: what the store and the state database would hold, had the demo run.

The same scenario that drives the listeners tells the past; the same functions as in the pipeline
name the measurements, tags and states. So a screen cannot tell where the past ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from collectors.base import Check, Reason, Result, Verdict
from ioc.db import StateDatabase
from ioc.demo.incidents import incidents_of
from ioc.demo.ledger import LedgerPast
from ioc.demo.scenario import DAY, MINUTE, Fault, Scenario, by_asset
from ioc.engine import reachability as reach
from ioc.engine.calendars import Calendar
from ioc.engine.incident_points import ended_points
from ioc.engine.model import AreaView, AssetView, CheckStatus, SiteView, State, Transition
from ioc.engine.points import asset_tags, check_tags, result_point, state_point
from ioc.inventory.topology import Asset, Topology
from ioc.ledger.coverage import evaluate
from ioc.ledger.points import coverage_point
from ioc.ledger.sla import COUNTED
from ioc.store.base import Point, Store

DAYS = 14
STEP = 10 * MINUTE  # between two samples of a link, router or service
HELD_STEP = 5 * MINUTE  # between two states whose availability is counted: one holds six minutes
COMPUTER_STEP = 30 * MINUTE
COVERAGE_STEP = 60 * MINUTE
BATCH = 50_000  # points a transaction: few of them, each a few megabytes

SILENT = Reason("no connection within {timeout} s", {"timeout": 1.0})


@dataclass(frozen=True, slots=True)
class Moment:
    """What an asset was at one step. seen_at: ms UTC of its newest success."""

    state: State
    cause: str | None
    seen_at: int | None


@dataclass(frozen=True, slots=True)
class Track:
    """An asset's past. times: ms UTC, one for each moment."""

    asset: Asset
    times: range
    moments: Sequence[Moment]

    def at(self, time: int) -> AssetView:
        """What the screens showed then."""
        index = min((time - self.times.start) // self.times.step, len(self.times) - 1)
        return _view(self.asset.id, self.moments[index], self.times[index])

    def changes(self) -> Iterator[Transition]:
        for time, before, after in zip(
            self.times[1:], self.moments, self.moments[1:], strict=False
        ):
            if before.state is not after.state:
                yield Transition(
                    "asset",
                    self.asset.id,
                    before.state,
                    after.state,
                    time,
                    after.cause,
                    _reason(after.state),
                )


class Past:
    """The past of a district, ending when the demo starts (ms UTC)."""

    def __init__(self, topology: Topology, scenario: Scenario, started: int) -> None:
        self.topology = topology
        self.started = started
        self.begin = (started - DAYS * DAY) // COVERAGE_STEP * COVERAGE_STEP
        self._scenario = scenario
        self._random = Random("past")  # noqa: S311 - figures of a story, not a secret
        self._calendars = {
            rule.id: Calendar(rule, topology.timezone) for rule in topology.calendars.values()
        }
        faults = by_asset(scenario.faults(self.begin, started))
        self.tracks = {
            asset.id: self._track(asset, faults.get(asset.id, ()))
            for asset in topology.assets.values()
        }

    def write(self, store: Store, database: StateDatabase) -> None:
        """Everything into an empty store and an empty state database. Raises their errors."""
        points = self.points()
        while batch := list(islice(points, BATCH)):
            store.write(batch)
        sites, moves = self._sites()
        changes = [change for track in self.tracks.values() for change in track.changes()]
        assets = [self._last_view(track) for track in self.tracks.values()]
        faults = self._scenario.faults(self.begin, self.started)
        incidents, events = incidents_of(self.topology, faults, self.started)
        store.write([p for one in incidents for p in ended_points(self.topology, one)])
        database.save(
            self._statuses(),
            assets,
            sites,
            sorted(changes + moves, key=lambda c: c.at),
            incidents=incidents,
            events=events,
        )
        ledger = LedgerPast(self.topology, self._calendars, self.view_at, self.started)
        ledger.write(store, database, self.begin)

    def points(self) -> Iterator[Point]:
        """Samples of every measurement that the running program writes about the district."""
        for track in self.tracks.values():
            for name in track.asset.checks:
                yield from self._samples(track, self.topology.checks[name])
            tags = asset_tags(self.topology, track.asset)
            for time, moment in zip(track.times, track.moments, strict=True):
                yield state_point(track.asset, tags, _view(track.asset.id, moment, time), time)
        yield from self._coverage()

    # --- one asset

    def _track(self, asset: Asset, faults: Sequence[Fault]) -> Track:
        step = _step(asset)
        times = range(self.begin, self.started, step)
        moments = []
        seen: int | None = self.begin
        for time in times:
            state, cause = self._state(asset, faults, time)
            seen = time if state is State.UP else seen
            moments.append(Moment(state, cause, seen))
        return Track(asset, times, moments)

    def _state(self, asset: Asset, faults: Sequence[Fault], time: int) -> tuple[State, str | None]:
        for fault in faults:
            if fault.start <= time < fault.end:
                links = self.topology.sites[asset.site].links if asset.site else ()
                if asset.id not in links and fault.assets.issuperset(links) and links:
                    return State.UNREACHABLE, links[0]
                return State.DOWN, None
        if asset.kind == "computer" and not self._scenario.switched_on(asset, time):
            expected = asset.calendar is None or self._calendars[asset.calendar].settled_on(time)
            return (State.DOWN if expected else State.OFF), None
        return State.UP, None

    def _samples(self, track: Track, check: Check) -> Iterator[Point]:
        tags = check_tags(self.topology, check.id)
        every = max(1, STEP // track.times.step)
        for time, moment in islice(zip(track.times, track.moments, strict=True), 0, None, every):
            point = result_point(tags, self._result(check, moment.state, time))
            if point is not None:
                yield point

    def _result(self, check: Check, state: State, time: int) -> Result:
        if state is not State.UP:
            return Result(check.id, time, Verdict.FAILED, reason=SILENT, attempts=4)
        values = self._values(check.kind)
        if getattr(check.settings, "mobile", False):
            values["mobile"] = 1.0
        return Result(check.id, time, Verdict.OK, values)

    def _values(self, kind: str) -> dict[str, float]:
        """Plausible for listeners on loopback, as the live ones are. Milliseconds."""
        quick = round(self._random.uniform(0.15, 0.5), 3)
        if kind == "dns":
            return {"query_ms": quick + 0.3, "answers": 1.0, "ttl": 300.0}
        if kind != "http":
            return {"connect_ms": quick}
        first = round(self._random.uniform(0.4, 1.2), 3)
        return {
            "connect_ms": quick,
            "first_byte_ms": first,
            "total_ms": quick + first,
            "status": 200.0,
        }

    # --- the whole

    def view_at(self, time: int) -> AreaView:
        """What the screens showed at a moment of the past, ms UTC."""
        views = {name: track.at(time) for name, track in self.tracks.items()}
        return AreaView(time, 0, False, {}, views, self.topology)

    def _coverage(self) -> Iterator[Point]:
        for time in range(self.begin, self.started, COVERAGE_STEP):
            view = self.view_at(time)
            for reading in evaluate(self.topology, view, self._calendars, time).chosen():
                if reading.value is not None:
                    yield coverage_point(self.topology.area_id, reading, time, self.topology)

    def _sites(self) -> tuple[list[SiteView], list[Transition]]:
        """Each site as it was last, and every change on the way."""
        last: list[SiteView] = []
        moves: list[Transition] = []
        for site in self.topology.sites.values():
            members = [self.tracks[name] for name in (*site.links, *site.devices)]
            state, since = State.UP, self.begin
            for time in sorted({change.at for track in members for change in track.changes()}):
                views = {track.asset.id: track.at(time) for track in members}
                shown = reach.resolve_site(site, self.topology.assets, views)
                if shown.state is not state:
                    moves.append(
                        Transition(
                            "site", site.id, state, shown.state, time, shown.cause, shown.reason
                        )
                    )
                    state, since = shown.state, time
            last.append(SiteView(site.id, state, since))
        return last, moves

    def _statuses(self) -> list[CheckStatus]:
        """What the checks knew at the end; fresh, so that the first page is not empty."""
        found = []
        for track in self.tracks.values():
            moment = track.moments[-1]
            up = moment.state is State.UP
            for name in track.asset.checks:
                result = self._result(self.topology.checks[name], moment.state, self.started)
                state = State.UP if up else State.DOWN
                found.append(CheckStatus(name, state, self._since(track), result, moment.seen_at))
        return found

    def _last_view(self, track: Track) -> AssetView:
        moment = track.moments[-1]
        return AssetView(track.asset.id, moment.state, self._since(track), moment.cause)

    def _since(self, track: Track) -> int:
        return max((change.at for change in track.changes()), default=self.begin)


def _step(asset: Asset) -> int:
    if asset.type in COUNTED:
        return HELD_STEP
    return COMPUTER_STEP if asset.kind == "computer" else STEP


def _view(name: str, moment: Moment, time: int) -> AssetView:
    return AssetView(
        name,
        moment.state,
        time,
        moment.cause,
        _reason(moment.state),
        observed_at=time,
        seen_at=moment.seen_at,
    )


def _reason(state: State) -> Reason | None:
    if state is State.UNREACHABLE:
        return reach.BEHIND
    if state is State.OFF:
        return reach.NOT_EXPECTED
    return SILENT if state is State.DOWN else None
