"""The timetable of the simulated district: what a visitor sees, and that it is always the same."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ioc.demo.scenario import CYCLE, DAY, MINUTE, SECOND, Mode, Scenario
from ioc.inventory.topology import Asset, AssetType, CalendarRule, Topology
from tests.unit.engine.district import commune, topology

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE = CalendarRule("office", frozenset(range(5)), ((450, 690), (810, 1020)), holidays="VN")


def moment(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=VIETNAM).timestamp() * 1000)


MONDAY = moment("2026-03-02 10:00")
NIGHT = moment("2026-03-02 22:30")


@pytest.fixture(scope="module")
def district() -> Topology:
    communes = [commune(f"xa-{n}", computers=20, calendar="office") for n in range(8)]
    services = [Asset(f"portal-{n}", AssetType.SERVICE, "portal", "Cổng") for n in range(3)]
    return topology(communes, services, [OFFICE])


def failing(scenario: Scenario, at: int, kind: str) -> set[str]:
    return {name for name in scenario.modes(at) if name.rpartition(".")[2] == kind}


def computers(scenario: Scenario, at: int) -> int:
    """How many are switched off, whatever else is going on."""
    pcs = (a for a in scenario.topology.assets.values() if a.kind == "computer")
    return sum(not scenario.switched_on(pc, at) for pc in pcs)


def test_within_three_minutes_a_fiber_a_portal_and_a_whole_commune_fail(district: Topology) -> None:
    scenario = Scenario(district, NIGHT)
    seen = Counter[str]()
    for second in range(180):
        modes = scenario.modes(NIGHT + second * SECOND)
        seen["fiber alone"] += any(
            name.endswith(".fiber") and name.replace("fiber", "4g") not in modes for name in modes
        )
        seen["portal says 503"] += any(mode is Mode.ERROR for mode in modes.values())
        seen["commune dark"] += any(name.endswith(".router") for name in modes)
    assert min(seen[what] for what in ("fiber alone", "portal says 503", "commune dark")) > 30


def test_the_first_seconds_are_quiet_so_that_a_visitor_sees_a_change(district: Topology) -> None:
    scenario = Scenario(district, MONDAY)
    assert not failing(scenario, MONDAY, "fiber")
    assert not failing(scenario, MONDAY, "router")


def test_a_power_cut_silences_everything_of_one_commune_and_nothing_else(
    district: Topology,
) -> None:
    scenario = Scenario(district, MONDAY)
    cut = next(f for f in scenario.faults(MONDAY, MONDAY + CYCLE) if len(f.assets) > 1)
    sites = {name.partition(".")[0] for name in cut.assets}
    assert len(sites) == 1
    site = district.sites[sites.pop()]
    assert cut.assets == {*site.links, *site.devices}
    assert cut.mode is Mode.SILENT


def test_a_line_flaps_and_a_portal_hangs_in_every_cycle(district: Topology) -> None:
    scenario = Scenario(district, MONDAY)
    for cycle in (0, 7):
        begin = MONDAY + cycle * CYCLE
        faults = [f for f in scenario.faults(begin, begin + CYCLE) if f.start >= begin]
        assert max(Counter(f.assets for f in faults).values()) >= 4
        assert any(f.mode is Mode.HANG for f in faults)


def test_the_next_cycle_plays_in_other_communes(district: Topology) -> None:
    scenario = Scenario(district, NIGHT)
    at = 60 * SECOND
    first, second = (failing(scenario, NIGHT + n * CYCLE + at, "fiber") for n in (0, 1))
    assert first
    assert second
    assert first != second


def test_the_same_seed_tells_the_same_story_and_another_one_another(district: Topology) -> None:
    stories = [
        [Scenario(district, MONDAY, seed).modes(MONDAY + m * MINUTE) for m in range(0, 60, 3)]
        for seed in (1, 1, 2)
    ]
    assert stories[0] == stories[1]
    assert stories[0] != stories[2]


def test_computers_come_between_seven_and_a_quarter_to_eight(district: Topology) -> None:
    scenario = Scenario(district, NIGHT)
    early, later, work = (
        computers(scenario, moment(f"2026-03-03 {clock}")) for clock in ("06:59", "07:20", "07:45")
    )
    total = 8 * 20
    assert early >= 0.85 * total  # a few were left on
    assert early > later > work
    assert work <= 0.12 * total  # a few are absent, a few have been missing for days


def test_computers_go_home_at_five_and_a_few_stay_on(district: Topology) -> None:
    scenario = Scenario(district, NIGHT)
    before = computers(scenario, moment("2026-03-03 16:59"))
    after = computers(scenario, moment("2026-03-03 17:21"))
    assert after > before + 100
    assert after < 8 * 20


def test_at_weekends_and_on_holidays_the_office_is_empty(district: Topology) -> None:
    scenario = Scenario(district, NIGHT)
    sunday, liberation_day = moment("2026-03-08 10:00"), moment("2026-04-30 10:00")
    assert computers(scenario, sunday) == computers(scenario, liberation_day) == 8 * 20


def test_some_computers_have_been_missing_for_days(district: Topology) -> None:
    scenario = Scenario(district, moment("2026-03-13 10:00"))
    days = [moment(f"2026-03-{day:02} 10:00") for day in (9, 10, 11, 12, 13)]
    missing = set.intersection(
        *({name for name in scenario.modes(day) if ".pc-" in name} for day in days)
    )
    assert missing
    assert all(name not in scenario.modes(moment("2026-02-26 10:00")) for name in missing)


def test_the_past_ends_where_the_demo_starts(district: Topology) -> None:
    scenario = Scenario(district, MONDAY)
    past = scenario.faults(MONDAY - 14 * DAY, MONDAY)
    assert len(past) >= 10
    assert all(f.start < f.end <= MONDAY for f in past)
    assert all(f.start >= MONDAY for f in scenario.faults(MONDAY, MONDAY + CYCLE))


def test_a_district_without_services_and_links_still_has_a_timetable() -> None:
    empty = topology([], calendars=[OFFICE])
    scenario = Scenario(empty, MONDAY)
    assert scenario.modes(MONDAY + 60 * SECOND) == {}
    assert scenario.faults(MONDAY - 14 * DAY, MONDAY + DAY) == []
