"""The series that dashboards draw: places, incidents, computers, targets, the whole."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import pytest

from ioc.engine.board import Board
from ioc.engine.calendars import Calendar
from ioc.engine.incident import Incident, open_counts
from ioc.engine.incident_points import TITLES, Trail
from ioc.engine.model import AreaView, AssetView, ComputerCounts, Expectation, SiteView, State
from ioc.engine.points import asset_tags, check_tags, place_points
from ioc.i18n import use_language
from ioc.inventory.alerting import Kind
from ioc.inventory.loader import load
from ioc.inventory.topology import Severity, Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.coverage import evaluate
from ioc.ledger.points import computer_points, coverage_point
from ioc.recall import usual_latency
from ioc.series import Drawn, Stopwatch, level, outbox_points
from ioc.store.base import Backlog, Point
from ioc.store.memory import MemoryStore

INVENTORY = Path(__file__).parents[2] / "inventory.yaml"
NOW = 1_790_000_000_000
MINUTE, DAY = 60_000, 86_400_000
SITE = "bang-lung"
FIBER = "bang-lung.cap-quang"


@pytest.fixture(autouse=True)
def _in_vietnamese() -> None:
    """Other tests of this process may have spoken English."""
    use_language("vi")


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load(INVENTORY).topology


@pytest.fixture
def view(topology: Topology) -> AreaView:
    """Nothing measured yet."""
    expected = {None: Expectation(on=True, settled=True)}
    expected |= {name: Expectation(on=False, settled=False) for name in topology.calendars}
    board = Board(topology, expected, NOW)
    board.settle(NOW)
    return AreaView(NOW, 1, False, board.sites, board.views, topology)


def place(view: AreaView, shown: SiteView | None = None) -> Point:
    sites = {**view.sites, SITE: shown or view.sites[SITE]}
    found = place_points(replace(view, sites=sites))
    return next(p for p in found if dict(p.tags)["site"] == SITE)


def incident(number: int = 1, **words: object) -> Incident:
    usual = Incident(number, "k", Kind.ON_BACKUP, Severity.CRITICAL, FIBER, SITE, NOW, NOW + 5_000)
    return replace(usual, **words)


# --- places


def test_every_place_is_there_under_its_name_with_its_point_on_the_map(view: AreaView) -> None:
    points = list(place_points(view))
    assert len(points) == len(view.topology.sites)
    tags = dict(place(view).tags)
    assert tags == {
        "area": "cho-don", "choice": "Thị trấn Bằng Lũng|bang-lung", "kind": "township",
        "place": "Thị trấn Bằng Lũng", "site": SITE,
    }  # fmt: skip
    fields = place(view).fields
    assert (fields["lat"], fields["lon"]) == (22.1623, 105.6002)
    assert fields["links"] == 2
    assert all(isinstance(value, float) for point in points for value in point.fields.values())


def test_a_place_of_which_nothing_is_known_is_neither_up_nor_down(view: AreaView) -> None:
    fields = place(view).fields
    assert fields["state"] == 6
    assert fields["is_unknown"] == 1
    assert fields["is_up"] == fields["is_down"] == fields["is_degraded"] == 0
    assert "up" not in fields
    assert "age_s" not in fields


@pytest.mark.parametrize(
    ("state", "column", "up"),
    [
        (State.UP, "is_up", 1.0),
        (State.DEGRADED, "is_degraded", 1.0),
        (State.DOWN, "is_down", 0.0),
        (State.UNREACHABLE, "is_unknown", None),
        (State.MAINTENANCE, "is_unknown", None),
    ],
)
def test_a_place_counts_in_exactly_one_column(
    view: AreaView, state: State, column: str, up: float | None
) -> None:
    shown = SiteView(SITE, state, NOW, oldest_at=NOW - 42_000, on_backup=True,
                     computers=ComputerCounts(total=24, expected=20, up=18, down=2))  # fmt: skip
    fields = place(view, shown).fields
    columns = ("is_up", "is_degraded", "is_down", "is_unknown")
    assert {name for name in columns if fields[name]} == {column}
    assert fields.get("up") == up
    assert fields["age_s"] == 42
    assert (fields["computers"], fields["computers_on"], fields["computers_absent"]) == (24, 18, 2)


def test_things_carry_their_names_and_computers_do_not(topology: Topology) -> None:
    fiber = dict(asset_tags(topology, topology.assets[FIBER]))
    assert (fiber["name"], fiber["place"]) == (topology.assets[FIBER].name, "Thị trấn Bằng Lũng")
    computer = next(a for a in topology.assets.values() if a.kind == "computer")
    assert {"name", "place"}.isdisjoint(dict(asset_tags(topology, computer)))
    check = dict(check_tags(topology, topology.assets[FIBER].checks[0]))
    assert (check["asset_type"], check["asset_kind"], check["name"]) == (
        "link", "fiber", topology.assets[FIBER].name,
    )  # fmt: skip


async def test_a_place_with_a_new_name_keeps_what_is_usual_there() -> None:
    store = MemoryStore()
    hour = 3_600_000
    now = NOW // hour * hour
    for place, ago, rtt in (("Xã Cũ", 3, 20.0), ("Xã Mới", 2, 30.0), ("Xã Cũ", 5, 10.0)):
        tags = (("asset", "a.fiber"), ("check", "icmp"), ("place", place))
        store.write([Point("check", tags, {"rtt_ms": rtt}, now - ago * hour)])
    assert await usual_latency(store, now) == {"a.fiber.icmp": [10.0, 20.0, 30.0]}


# --- incidents


def written(
    trail: Trail,
    topology: Topology,
    *open_: Incident,
    now: int = NOW,
    ended: Incident | None = None,
) -> list[Point]:
    return trail.points(topology, open_, lambda number: ended, now)


def test_an_open_incident_is_there_every_time_with_its_beginning(topology: Topology) -> None:
    trail = Trail()
    now, beginning = written(trail, topology, incident(affected=("a", "b")), now=NOW + MINUTE)
    tags = dict(now.tags)
    assert tags["incident"] == "1"
    assert tags["kind"] == "on-backup"
    assert tags["place"] == "Thị trấn Bằng Lũng"
    assert tags["what"] == "đang chạy bằng đường dự phòng"
    assert now.fields == {
        "open": 1, "severity": 2, "affected": 2, "acknowledged": 0, "age_s": 60,
    }  # fmt: skip
    assert (beginning.time, beginning.fields) == (NOW, {"until": NOW + MINUTE})
    assert len(written(trail, topology, incident(), now=NOW + 2 * MINUTE)) == 2


def test_an_end_is_written_once_with_how_long_it_took(topology: Topology) -> None:
    trail = Trail()
    written(trail, topology, incident())
    over = incident(resolved_at=NOW + 10 * MINUTE, acknowledged_at=NOW + 65_000)
    points = written(trail, topology, now=NOW + 11 * MINUTE, ended=over)
    assert [(p.time, dict(p.fields)) for p in points] == [
        (NOW + 11 * MINUTE, {"open": 0}),
        (NOW, {"until": NOW + 10 * MINUTE}),
        (NOW + 10 * MINUTE, {
            "began": NOW, "ended": NOW + 10 * MINUTE, "repair_s": 600, "ack_s": 60,
        }),
    ]  # fmt: skip
    assert written(trail, topology, now=NOW + 12 * MINUTE, ended=over) == []


def test_nobody_took_it_on_is_no_time_to_take_it_on(topology: Topology) -> None:
    trail = Trail()
    written(trail, topology, incident())
    points = written(trail, topology, ended=incident(resolved_at=NOW + MINUTE))
    assert "ack_s" not in points[-1].fields


def test_what_changes_its_kind_is_not_open_twice(topology: Topology) -> None:
    trail = Trail()
    written(trail, topology, incident())
    points = written(trail, topology, incident(kind=Kind.SITE_DARK, subject=SITE), now=NOW + MINUTE)
    opened = {dict(p.tags)["kind"]: p.fields["open"] for p in points if "open" in p.fields}
    assert opened == {"on-backup": 0, "site-dark": 1}
    assert not any("repair_s" in p.fields for p in points)


def test_what_became_part_of_a_wider_one_has_no_end_of_its_own(topology: Topology) -> None:
    trail = Trail()
    written(trail, topology, incident())
    merged = incident(resolved_at=NOW + MINUTE, merged_into=2)
    points = written(trail, topology, now=NOW + MINUTE, ended=merged)
    assert [dict(p.fields) for p in points] == [{"open": 0}]


def test_trouble_without_a_place_is_of_the_whole_area(topology: Topology) -> None:
    [now, _] = written(Trail(), topology, incident(kind=Kind.UPLINK_LOST, subject="x", site=None))
    tags = dict(now.tags)
    assert tags["place"] == "Huyện Chợ Đồn"
    assert "site" not in tags


def test_a_clock_that_went_back_makes_no_negative_time(topology: Topology) -> None:
    trail = Trail()
    [now, beginning] = written(trail, topology, incident(), now=NOW - MINUTE)
    assert now.fields["age_s"] == 0
    assert beginning.fields["until"] >= beginning.time


def test_every_kind_of_incident_has_words() -> None:
    assert set(TITLES) == set(Kind)


@pytest.mark.parametrize(
    ("severities", "uplink_lost", "expected"),
    [
        ([], False, 0),
        ([Severity.INFO], False, 1),
        ([Severity.WARNING], False, 1),
        ([Severity.WARNING, Severity.CRITICAL], False, 2),
        ([Severity.CRITICAL], True, 3),
        ([], True, 3),
    ],
)
def test_the_whole_in_one_figure(
    severities: list[Severity], uplink_lost: bool, expected: float
) -> None:
    counts = open_counts(incident(severity=severity) for severity in severities)
    assert level(counts, uplink_lost) == expected


# --- targets and computers


def calendars(topology: Topology) -> dict[str, Calendar]:
    return {r.id: Calendar(r, topology.timezone) for r in topology.calendars.values()}


def test_a_target_carries_names_and_how_far_it_is_from_its_goal(view: AreaView) -> None:
    topology = view.topology
    assets = dict(view.assets)
    links = [a.id for a in topology.assets.values() if a.kind == "fiber"]
    for name in links[:5]:
        assets[name] = AssetView(name, State.UP, NOW, observed_at=NOW, seen_at=NOW)
    seen = replace(view, assets=assets)
    ledger = evaluate(topology, seen, calendars(topology), NOW)
    whole = coverage_point("cho-don", ledger.area("fiber-communes").chosen, NOW, topology)
    tags = dict(whole.tags)
    assert tags["name"] == "Cáp quang phủ đơn vị hành chính cấp xã"
    assert (tags["scope"], tags["place"]) == ("area", "Huyện Chợ Đồn")
    assert whole.fields["value"] + whole.fields["gap"] == whole.fields["goal"] == 100
    assert "met" not in whole.fields  # the other communes have not been measured yet
    one = next(s.chosen for s in ledger.of("fiber-communes") if s.chosen.value == 100)
    point = coverage_point("cho-don", one, NOW, topology)
    assert point.fields["met"] == 1
    assert dict(point.tags)["scope"] == "place"


def test_a_target_without_a_figure_has_no_value_and_counts_nothing(view: AreaView) -> None:
    topology = view.topology
    ledger = evaluate(topology, view, calendars(topology), NOW)
    fields = coverage_point("x", ledger.area("files-district").chosen, NOW, topology).fields
    assert fields["goal"] == 100
    assert {"value", "gap", "met", "numerator"}.isdisjoint(fields)


def test_computers_are_counted_by_grade_and_never_named(view: AreaView) -> None:
    topology = view.topology
    names = [d for d in topology.sites[SITE].devices if topology.assets[d].kind == "computer"]
    assets = dict(view.assets)
    assets[names[0]] = replace(assets[names[0]], seen_at=NOW - MINUTE)
    old = NOW - 60 * DAY
    assets[names[1]] = replace(assets[names[1]], state=State.OFF, seen_at=old, observed_at=NOW)
    machines = {
        names[0]: MachineReport(names[0], NOW, "Windows 11 Pro", 16_000, "ssd", True, NOW),
        names[1]: MachineReport(names[1], NOW, "Windows 7", 3_900, "hdd", False, NOW),
        names[2]: MachineReport(names[2], NOW, "Haiku", 16_000, "ssd", True, NOW),
    }
    points = [
        p
        for p in computer_points(replace(view, assets=assets), machines, calendars(topology))
        if dict(p.tags)["site"] == SITE
    ]
    counts = points[0].fields
    assert (counts["total"], counts["staff"], counts["reported"]) == (24, 24, 3)
    assert (counts["seen"], counts["missing"], counts["unmeasured"]) == (1, 1, 22)
    assert (counts["adequate"], counts["inadequate"], counts["unknown"]) == (1, 1, 22)
    assert (counts["memory_low"], counts["hard_disk"], counts["antivirus_off"]) == (1, 1, 1)
    systems = {dict(p.tags)["system"]: p.fields for p in points[1:]}
    assert systems["Windows 7"] == {"computers": 1, "unsupported": 1}
    assert systems["Windows 11"]["unsupported"] == 0
    assert systems["Chưa rõ"]["computers"] == 1
    assert not any(names[0] in str(p.tags) for p in points)


# --- the monitor itself


def test_what_waits_is_told_for_people_and_for_the_store() -> None:
    nothing = Backlog(*[cast("Any", None)] * len(fields(Backlog)))
    backlog = replace(
        nothing, away_since=NOW - 90_000, rows=7, size=50, limit=200, refused=1, dropped=3
    )
    people, store = outbox_points("a", {"waiting": 2, "sent": 9}, backlog, NOW)
    assert people.fields == {"waiting": 2, "dead": 0}
    assert dict(store.tags) == {"area": "a", "queue": "store"}
    assert store.fields == {
        "waiting": 7, "dropped": 3, "refused": 1, "full_percent": 25, "away_s": 90,
    }  # fmt: skip
    assert len(outbox_points("a", {}, None, NOW)) == 1


def test_places_are_written_when_they_change_and_every_five_minutes() -> None:
    drawn = Drawn(*[cast("Any", None)] * 6)

    def place_at(time: int, **fields: float) -> list[str]:
        [point] = drawn._news([Point("place", (("site", "a"),), fields, time)])
        assert point.fields["age_s"] == fields["age_s"]
        return sorted(point.fields)

    whole, older = ["age_s", "state"], ["age_s"]
    assert place_at(0, state=0.0, age_s=1.0) == whole
    assert place_at(60_000, state=0.0, age_s=61.0) == older, "only older"
    assert place_at(120_000, state=2.0, age_s=2.0) == whole, "another state"
    assert place_at(180_000, state=2.0, age_s=2.0) == older
    assert place_at(420_000, state=2.0, age_s=2.0) == whole, "long ago"
    assert place_at(300_000, state=2.0, age_s=2.0) == whole, "the clock went back"
    assert list(drawn._news([Point("place", (("site", "b"),), {"state": 6.0}, 0)]))
    assert not list(drawn._news([Point("place", (("site", "b"),), {"state": 6.0}, 60_000)]))


# --- the time it takes to write


def test_the_longest_write_is_told_once_and_failures_count() -> None:
    class Slow(MemoryStore):
        def write(self, points: object) -> None:
            if not points:
                raise OSError

    watch = Stopwatch(Slow())
    watch.write([Point("x", (), {"a": 1.0}, 1)])
    with pytest.raises(OSError):
        watch.write([])
    assert watch.take() > 0
    assert watch.take() == 0
