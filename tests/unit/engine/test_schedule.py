from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ioc.engine.schedule import FIRST_SWEEP, Schedule, next_due, phase

names = st.text(min_size=1, max_size=30)
intervals = st.floats(min_value=0.5, max_value=86_400)
times = st.floats(min_value=0, max_value=1e8)


@given(names, intervals, times)
def test_next_due_is_later_and_within_one_interval(
    name: str, interval: float, after: float
) -> None:
    due = next_due(name, interval, after)
    assert after < due <= after + interval * 1.000001 + 1e-6


@given(names, intervals, times)
def test_due_times_stay_on_one_grid_for_ever(name: str, interval: float, after: float) -> None:
    first = next_due(name, interval, after)
    second = next_due(name, interval, first)
    assert abs(second - first - interval) < interval * 1e-6 + 1e-6


def test_phases_spread_the_load_evenly() -> None:
    phases = sorted(phase(f"xa-{i}.router.icmp") for i in range(5000))
    per_tenth = [sum(i / 10 <= p < (i + 1) / 10 for p in phases) for i in range(10)]
    assert min(per_tenth) > 400
    assert max(per_tenth) < 600


def test_every_check_is_polled_within_the_first_sweep() -> None:
    schedule = Schedule()
    schedule.replace([(f"c{i}", 3600.0) for i in range(100)], now=500.0)
    assert len(schedule.pop_due(500.0 + FIRST_SWEEP)) == 100


def test_each_grid_point_comes_once() -> None:
    schedule = Schedule()
    schedule.replace([("c", 10.0)], now=0.0)
    seen = [at for second in range(100) for _, at in schedule.pop_due(float(second))]
    gaps = {round(b - a, 6) for a, b in itertools.pairwise(seen[1:])}
    assert gaps == {10.0}
    assert 10 <= len(seen) <= 11


def test_a_stall_is_one_poll_and_is_counted() -> None:
    schedule = Schedule()
    schedule.replace([("c", 10.0)], now=0.0)
    schedule.pop_due(20.0)
    assert len(schedule.pop_due(1000.0)) == 1
    assert schedule.missed >= 90
    assert schedule.next() is not None
    assert schedule.next() > 1000.0


def test_a_reload_keeps_the_due_time_of_what_did_not_change() -> None:
    schedule = Schedule()
    schedule.replace([("keep", 10.0), ("slower", 10.0), ("gone", 10.0)], now=0.0)
    schedule.pop_due(30.0)
    schedule.replace([("keep", 10.0), ("slower", 20.0), ("new", 10.0)], now=31.0)
    due = dict(schedule.pop_due(31.0 + FIRST_SWEEP + 10.0))
    assert due["keep"] == next_due("keep", 10.0, 30.0) or due["keep"] == next_due(
        "keep", 10.0, 40.0
    )
    assert {"keep", "slower", "new"} == set(due)


def test_a_removed_check_is_never_due_again_even_when_it_comes_back() -> None:
    schedule = Schedule()
    schedule.replace([("c", 10.0)], now=0.0)
    schedule.replace([], now=1.0)
    assert schedule.pop_due(100.0) == []
    schedule.replace([("c", 10.0)], now=100.0)
    assert len(schedule.pop_due(105.0)) == 1


def test_an_extra_poll_does_not_move_the_grid() -> None:
    schedule = Schedule()
    schedule.replace([("c", 10.0)], now=0.0)
    schedule.pop_due(10.0)
    grid = schedule.next()
    assert grid is not None
    schedule.once("c", grid - 0.2)
    assert schedule.pop_due(grid - 0.1) == [("c", grid - 0.2)]
    assert schedule.next() == grid


def test_many_wishes_for_an_extra_poll_are_one_poll() -> None:
    schedule = Schedule()
    schedule.replace([("c", 1000.0)], now=0.0)
    schedule.pop_due(10.0)
    for due in (12.0, 11.0, 13.0, 11.0):
        schedule.once("c", due)
    assert schedule.pop_due(20.0) == [("c", 11.0)]
