"""The simulated district's inventory and its two weeks of past data."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

import pytest

from collectors.base import Result, Verdict
from ioc.clock import SystemClock
from ioc.db import StateDatabase
from ioc.demo.inventory import simulated
from ioc.demo.past import COMPUTER_STEP, DAYS, Past
from ioc.demo.scenario import DAY, Scenario
from ioc.engine.hub import Hub
from ioc.engine.model import State
from ioc.engine.pipeline import Pipeline
from ioc.inventory.loader import load
from ioc.inventory.topology import Topology
from ioc.ledger.coverage import evaluate
from ioc.store import open_store
from ioc.store.base import Point, SeriesQuery, Store

SHIPPED = Path(__file__).parents[2] / "inventory.yaml"


@pytest.fixture(scope="module")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "inventory.yaml"
    path.write_text(simulated(load(SHIPPED).inventory), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def district(demo_file: Path) -> Topology:
    return load(demo_file).topology


@pytest.fixture(scope="module")
def started() -> int:
    return SystemClock().now()


@pytest.fixture(scope="module")
def past(district: Topology, started: int) -> Past:
    return Past(district, Scenario(district, started), started)


class At(SystemClock):
    """The machine's clock, but for the wall time, which stands at a moment."""

    def __init__(self, moment: int) -> None:
        self._moment = moment

    def now(self) -> int:
        return self._moment


def running(district: Topology, recorded: list[Point], moment: int | None = None) -> Pipeline:
    return Pipeline(
        SystemClock() if moment is None else At(moment),
        district,
        record=recorded.extend,
        persist=lambda changes: list(changes) and None,
        hub=Hub(),
    )


def test_the_district_is_the_shipped_one_measured_in_another_way(district: Topology) -> None:
    shipped = load(SHIPPED).topology
    assert district.sites == shipped.sites
    assert district.calendars == shipped.calendars
    assert district.targets == shipped.targets
    for name, asset in shipped.assets.items():
        simulated_asset = district.assets[name]
        assert (simulated_asset.name, simulated_asset.address, simulated_asset.parents) == (
            asset.name,
            asset.address,
            asset.parents,
        )
    assert {c.kind for c in district.checks.values()} == {"tcp", "http", "dns"}
    assert max(c.interval for c in district.checks.values()) <= 15


def test_what_citizens_use_is_asked_as_a_telephone_does(district: Topology) -> None:
    asked = {
        asset.id
        for asset in district.assets.values()
        for name in asset.checks
        if getattr(district.checks[name].settings, "mobile", False)
    }
    assert asked == {a.id for a in district.assets.values() if a.kind in ("portal", "one-stop")}
    assert asked


def test_everything_simulated_is_on_loopback(demo_file: Path, district: Topology) -> None:
    assert all(ip_address(a.address).is_loopback for a in district.assets.values() if a.address)
    assert "https://" not in demo_file.read_text(encoding="utf-8")


def test_no_two_listeners_share_an_address(district: Topology) -> None:
    settings = [check.settings.model_dump_json() for check in district.checks.values()]
    assert len(settings) == len(set(settings))


def test_the_past_is_made_of_the_series_that_the_program_goes_on_writing(
    district: Topology, past: Past, started: int
) -> None:
    live: list[Point] = []
    pipeline = running(district, live)
    for check in district.checks:
        pipeline.accept(Result(check, started, Verdict.OK, {"connect_ms": 0.2}))
    pipeline.settle()
    pipeline.checkpoint()
    made = {(p.measurement, p.tags) for p in past.points() if p.measurement != "coverage"}
    assert made == {(p.measurement, p.tags) for p in live}


def test_the_past_covers_two_weeks_and_ends_at_the_start(past: Past, started: int) -> None:
    times = [point.time for point in past.points()]
    assert DAYS * DAY - COMPUTER_STEP < started - min(times) <= DAYS * DAY + COMPUTER_STEP * 2
    assert started - COMPUTER_STEP <= max(times) < started


def test_the_past_holds_cuts_and_dark_communes_and_empty_offices(past: Past) -> None:
    states = {moment.state for track in past.tracks.values() for moment in track.moments}
    assert states == {State.UP, State.DOWN, State.UNREACHABLE, State.OFF}
    links = [t for t in past.tracks.values() if t.asset.kind == "fiber"]
    down = sum(m.state is State.DOWN for t in links for m in t.moments)
    assert 0 < down < 0.05 * sum(len(t.moments) for t in links), "outages are the exception"


@pytest.fixture(scope="module")
def written(past: Past, tmp_path_factory: pytest.TempPathFactory) -> Iterable[tuple[Store, Path]]:
    folder = tmp_path_factory.mktemp("past")
    store = open_store("memory://")
    database = StateDatabase.open(f"sqlite:///{folder / 'state.db'}")
    past.write(store, database)
    database.close()
    yield store, folder
    store.close()


def test_yesterday_can_be_read_back(written: tuple[Store, Path], started: int) -> None:
    store, _ = written
    tags = {"asset": ("yen-thinh.cap-quang",)}
    [series] = store.read(SeriesQuery("check", "up", started - DAY, started, tags))
    assert len(series.times) == 144  # every ten minutes
    assert set(series.values) <= {0.0, 1.0}
    [coverage] = store.read(
        SeriesQuery(
            "coverage",
            "value",
            started - DAY,
            started,
            {"target": ("fiber-communes",), "site": ("yen-thinh",)},
        )
    )
    assert set(coverage.values) == {100.0}


def test_the_first_page_is_not_empty(
    district: Topology, written: tuple[Store, Path], past: Past
) -> None:
    _, folder = written
    database = StateDatabase.open(f"sqlite:///{folder / 'state.db'}")
    saved = database.load()
    moves = database.transitions(limit=10_000)
    database.close()
    pipeline = running(district, [], past.started)  # however slow the machine was since then
    since = {k: v[:2] for table in (saved.assets, saved.sites) for k, v in table.items()}
    pipeline.restore(saved.checks, since)
    pipeline.settle()
    view = pipeline.view()
    assert not saved.skipped
    assert all(asset.state is not State.UNKNOWN for asset in view.assets.values())
    assert moves
    assert all(move.at <= past.started for move in moves)
    ledger = evaluate(district, view, pipeline.calendars, view.at)
    computers = ledger.area("networked-computers").chosen
    assert computers.evidence_value == 100.0
    assert computers.value is not None
    assert 90 < computers.value < 100, "a few computers have been missing for days"


def test_every_fault_of_the_past_is_an_incident_that_ended(
    district: Topology, written: tuple[Store, Path], past: Past
) -> None:
    _, folder = written
    database = StateDatabase.open(f"sqlite:///{folder / 'state.db'}")
    known = database.load_incidents(past.begin)
    database.close()
    assert len(known.recent) > 5
    for incident in known.recent:
        assert incident.resolved_at is not None
        assert past.begin - DAY < incident.since < incident.resolved_at < past.started
        middle = (max(incident.since, past.begin) + incident.resolved_at) // 2
        states = past.view_at(middle).assets
        assert any(states[name].state is State.DOWN for name in incident.affected), incident
        assert incident.acknowledged_at is None or incident.cause
