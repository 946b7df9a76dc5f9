from __future__ import annotations

import pytest
from district import T0, commune, topology
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Reason
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView, AssetView, State
from ioc.inventory.topology import CalendarRule, Target, Topology
from ioc.ledger.coverage import cover, evaluate
from ioc.ledger.model import Coverage, Evidence, TargetState

DAY = 86_400_000
OFFICE = CalendarRule("office", frozenset(range(5)), ((450, 690), (810, 1020)))
RULE = Reason("rule")


def readings(
    found: Topology, seen: dict[str, int | None], now: int = T0
) -> dict[tuple[str, str | None], Coverage]:
    """seen: asset -> days since it answered; None = asked in vain; absent = never asked."""
    views = {}
    for name in found.assets:
        view = AssetView(name, State.UP, now)
        if name in seen:
            days = seen[name]
            at = None if days is None else now - days * DAY
            view = AssetView(name, State.UP, now, observed_at=now, seen_at=at)
        views[name] = view
    view = AreaView(now, 1, False, {}, views, found)
    calendars = {"office": Calendar(OFFICE, found.timezone)}
    return {(c.target, c.site): c for c in evaluate(found, view, calendars, now).chosen()}


def test_fiber_of_two_communes_one_silent_for_a_week() -> None:
    found = topology([commune("a"), commune("b")])
    area = readings(found, {"a.fiber": 0, "b.fiber": 8})[("fiber-communes", None)]
    assert (area.numerator, area.denominator, area.known, area.value) == (1, 2, 2, 50.0)
    assert area.state is TargetState.PARTLY
    assert [e.counts for e in area.evidence] == [True, False]


def test_a_short_outage_does_not_take_the_fiber_away() -> None:
    found = topology([commune("a")])
    area = readings(found, {"a.fiber": 3})[("fiber-communes", None)]
    assert (area.value, area.state, area.as_of) == (100.0, TargetState.MET, T0 - 3 * DAY)


def test_nothing_measured_is_unknown_not_zero_and_not_full() -> None:
    found = topology([commune("a")])
    area = readings(found, {})[("fiber-communes", None)]
    assert (area.value, area.evidence_value, area.state) == (None, 0.0, TargetState.UNKNOWN)


def test_what_is_not_known_keeps_the_answer_open() -> None:
    found = topology([commune("a"), commune("b")])
    area = readings(found, {"a.fiber": 0})[("fiber-communes", None)]
    assert (area.numerator, area.known, area.value) == (1, 1, 50.0)
    assert area.state is TargetState.UNKNOWN


def test_no_answer_at_all_is_not_met() -> None:
    found = topology([commune("a")])
    area = readings(found, {"a.4g": None})[("mobile-4g", None)]
    assert (area.value, area.state) == (0.0, TargetState.NOT_MET)


def test_staff_without_a_computer_do_not_count() -> None:
    found = topology([commune("a", computers=2, staff=5)])
    area = readings(found, {"a.pc-1": 0, "a.pc-2": 0})[("networked-computers", None)]
    assert (area.numerator, area.denominator, area.known) == (2, 5, 5)
    assert area.state is TargetState.PARTLY


def test_more_computers_than_staff_never_gives_more_than_a_hundred_percent() -> None:
    found = topology([commune("a", computers=4, staff=2)])
    seen: dict[str, int | None] = {f"a.pc-{i}": 0 for i in (2, 3, 4)} | {"a.pc-1": 30}
    area = readings(found, seen)[("networked-computers", None)]
    assert (area.numerator, area.denominator, area.value) == (2, 2, 100.0)


def test_a_computer_is_missing_after_its_working_days_not_after_a_holiday_weekend() -> None:
    found = topology([commune("a", computers=1, staff=1, calendar="office")], calendars=[OFFICE])
    seven_days = readings(found, {"a.pc-1": 7})[("networked-computers", None)]
    assert seven_days.numerator == 1  # four complete working days
    twelve_days = readings(found, {"a.pc-1": 12})[("networked-computers", None)]
    assert twelve_days.numerator == 0
    assert "working days" in str(twelve_days.evidence[0].reason)


def test_each_site_has_its_own_figure() -> None:
    found = topology([commune("a"), commune("b")])
    table = readings(found, {"a.fiber": 0, "b.fiber": None})
    assert table[("fiber-communes", "a")].value == 100.0
    assert table[("fiber-communes", "b")].value == 0.0


@pytest.mark.parametrize(
    ("goal", "comparator", "state"),
    [
        (80, ">=", TargetState.MET),
        (80, ">", TargetState.PARTLY),
        (80.1, ">=", TargetState.PARTLY),
        (0, ">=", TargetState.MET),
    ],
)
def test_goal_and_comparator_decide(goal: float, comparator: str, state: TargetState) -> None:
    evidence = [Evidence(str(i), i < 4) for i in range(5)]
    assert cover(Target("t", "T", goal, comparator), None, evidence, RULE).state is state


def test_an_empty_denominator_is_unknown() -> None:
    empty = cover(Target("t", "T", 100), None, [], RULE)
    assert (empty.value, empty.evidence_value, empty.state) == (None, None, TargetState.UNKNOWN)


@given(
    st.lists(st.sampled_from([True, False, None])), st.floats(0, 100), st.sampled_from([">=", ">"])
)
def test_figures_are_bounded_and_more_evidence_never_contradicts(
    counts: list[bool | None], goal: float, comparator: str
) -> None:
    target = Target("t", "T", goal, comparator)
    now = cover(target, None, [Evidence(str(i), c) for i, c in enumerate(counts)], RULE)
    assert now.value is None or 0 <= now.value <= 100
    for fill in (True, False):
        later = [Evidence(str(i), fill if c is None else c) for i, c in enumerate(counts)]
        decided = cover(target, None, later, RULE)
        if now.state is TargetState.MET:
            assert decided.state is TargetState.MET
        if now.state in (TargetState.PARTLY, TargetState.NOT_MET):
            assert decided.state is not TargetState.MET
