"""Availability against a count of every second, in whatever order and pieces the samples came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import topology

from ioc.engine.calendars import Calendar
from ioc.engine.model import State
from ioc.engine.points import STATE_CODES, STATE_MEASUREMENTS
from ioc.inventory.topology import AssetType, CalendarRule
from ioc.ledger.availability import (
    Seconds,
    Span,
    Tally,
    intersection,
    length,
    stretches,
    subtract,
    tally,
    together,
    union,
)
from ioc.ledger.sla import day_span, filled, period_of, work_out
from ioc.store import open_store
from ioc.store.base import HOLD, Point

DISTRICT = topology()
FIRST = date(2026, 9, 1)  # a Tuesday
DAYS = [FIRST + timedelta(days=n) for n in range(3)]
BEGIN, END = day_span(DAYS[0], DISTRICT).start, day_span(DAYS[-1], DISTRICT).end
OFFICE = Calendar(CalendarRule("office", frozenset(range(5)), ((450, 690), (810, 1020))),
                  DISTRICT.timezone)  # fmt: skip
SECOND = 1000
CODES = [State.UP, State.DEGRADED, State.DOWN, State.UNREACHABLE, State.OFF, State.MAINTENANCE,
         State.UNKNOWN]  # fmt: skip

Samples = dict[int, State]  # second of the whole stretch of days -> state


def point(asset: str, second: int, state: State) -> Point:
    tags = (("area", DISTRICT.area_id), ("asset", asset), ("kind", "fiber"))
    measurement = STATE_MEASUREMENTS[AssetType.LINK]
    return Point(measurement, tags, {"state": float(STATE_CODES[state])}, BEGIN + second * SECOND)


def tallies(points: Iterable[Sequence[Point]], now: int = END) -> list[dict[str, Tally]]:
    """Batches written in this order; each day worked out on its own."""
    store = open_store("memory://")
    for batch in points:
        store.write(batch)
    return [work_out(store, DISTRICT, OFFICE, day, now) for day in DAYS]


def oracle(samples: Samples) -> dict[str, int]:
    """Every second counted: what the newest sample of at most six minutes ago says."""
    found = dict.fromkeys(("up", "down", "maintenance", "unknown", "work_up", "work_down",
                           "outages"), 0)  # fmt: skip
    times = sorted(samples)
    index, state, until, before = 0, None, -1, ""
    for second in range(-HOLD // SECOND, (END - BEGIN) // SECOND):
        while index < len(times) and times[index] <= second:
            state, until = samples[times[index]], times[index] + HOLD // SECOND
            index += 1
        word = WORDS.get(state, "unknown") if second < until and state else "unknown"
        if second >= 0:
            found[word] += 1
            if word in ("up", "down") and OFFICE.expected_on(BEGIN + second * SECOND):
                found[f"work_{word}"] += 1
            found["outages"] += word == "down" and before != "down"
        before = word
    return found


WORDS = {State.UP: "up", State.DEGRADED: "up", State.DOWN: "down", State.MAINTENANCE: "maintenance"}


def counted(found: Sequence[dict[str, Tally]], asset: str) -> dict[str, int]:
    total = Tally()
    for day in found:
        total += day[asset]
    assert total.all.total == END - BEGIN
    return {
        "up": total.all.up // SECOND,
        "down": total.all.down // SECOND,
        "maintenance": total.all.maintenance // SECOND,
        "unknown": total.all.unknown // SECOND,
        "work_up": total.work.up // SECOND,
        "work_down": total.work.down // SECOND,
        "outages": total.outages,
    }


def histories() -> st.SearchStrategy[Samples]:
    """Bursts of samples as the program writes them, with gaps, and single odd ones."""
    length_ = (END - BEGIN) // SECOND
    burst = st.builds(
        lambda start, count, step, state: {start + n * step: state for n in range(count)},
        st.integers(-400, length_), st.integers(1, 60), st.integers(1, 400), st.sampled_from(CODES),
    )  # fmt: skip
    edges = st.sampled_from([day * 86_400 + n for day in range(4) for n in (-360, -1, 0, 1)])
    single = st.builds(lambda at, state: {at: state}, edges, st.sampled_from(CODES))
    return st.lists(st.one_of(burst, single), max_size=12).map(
        lambda some: {at: state for one in some for at, state in one.items()}
    )


@settings(max_examples=25, deadline=None)
@given(histories())
def test_every_second_is_counted_once_and_as_what_it_was(samples: Samples) -> None:
    found = tallies([[point("a.fiber", at, state) for at, state in samples.items()]])
    assert counted(found, "a.fiber") == oracle(samples)


@settings(max_examples=30, deadline=None)
@given(histories(), st.randoms(use_true_random=False), st.integers(1, 7))
def test_splitting_reordering_and_replaying_changes_nothing(
    samples: Samples, shuffled: object, pieces: int
) -> None:
    points = [point("a.fiber", at, state) for at, state in sorted(samples.items())]
    straight = tallies([points])
    again = [*points, *points[::2]]
    shuffled.shuffle(again)  # type: ignore[attr-defined]
    parts = [again[n::pieces] for n in range(pieces)]
    assert tallies(parts) == straight


@settings(max_examples=25, deadline=None)
@given(histories(), histories())
def test_a_place_over_its_links_second_by_second(fiber: Samples, mobile: Samples) -> None:
    found = tallies(
        [[point("a.fiber", *one) for one in fiber.items()],
         [point("a.4g", *one) for one in mobile.items()]]
    )  # fmt: skip
    place = counted(found, "a")
    both = [_words(fiber), _words(mobile)]
    expected = dict.fromkeys(("up", "down", "maintenance", "unknown"), 0)
    for words in zip(*both, strict=True):
        if "up" in words:
            expected["up"] += 1
        elif set(words) == {"down"}:
            expected["down"] += 1
        elif set(words) <= {"down", "maintenance"}:
            expected["maintenance"] += 1
        else:
            expected["unknown"] += 1
    assert {name: place[name] for name in expected} == expected


def _words(samples: Samples) -> list[str]:
    times = sorted(samples)
    found, index, state, until = [], 0, None, -1
    for second in range((END - BEGIN) // SECOND):
        while index < len(times) and times[index] <= second:
            state, until = samples[times[index]], times[index] + HOLD // SECOND
            index += 1
        found.append(WORDS.get(state, "unknown") if second < until and state else "unknown")
    return found


@given(st.lists(st.tuples(st.integers(0, 99), st.sampled_from(CODES)), max_size=30))
def test_unknown_time_is_never_up(samples: list[tuple[int, State]]) -> None:
    """Taking samples away can only make time unknown, never up or down."""
    span = Span(0, 100 * 60_000)
    whole = {at * 60_000: STATE_CODES[state] for at, state in samples}
    full = _tally(whole, span)
    nothing = _tally({}, span)
    assert (nothing.all.up, nothing.all.unknown) == (0, length([span]))
    assert nothing.all.availability is None
    known = {at for at, code in whole.items() if code in (0, 1)}
    assert full.all.up <= len(known) * HOLD
    assert full.all.total == length([span])
    for value in (full.all.availability, full.all.evidence):
        assert value is None or 0 <= value <= 100


def _tally(samples: dict[int, int], span: Span) -> Tally:
    times = sorted(samples)
    found = stretches(times, [float(samples[at]) for at in times], span)
    return tally(found, span, [span])


def test_maintenance_counts_for_neither_and_is_said() -> None:
    hours = 60 * 60_000
    samples = {n * 300_000: STATE_CODES[State.UP] for n in range(12)}
    samples |= {hours + n * 300_000: STATE_CODES[State.MAINTENANCE] for n in range(12)}
    samples |= {2 * hours + n * 300_000: STATE_CODES[State.DOWN] for n in range(12)}
    found = _tally(samples, Span(0, 4 * hours)).all
    assert (found.up, found.maintenance, found.down) == (hours, hours, hours + 60_000)
    assert found.unknown == hours - 60_000  # nobody looked any more, after six minutes
    assert found.availability == pytest.approx(100 * 60 / 121)
    assert found.evidence == pytest.approx(100 * 121 / 180)


def test_an_outage_at_the_stroke_of_midnight_is_counted_once() -> None:
    day = 86_400
    samples = {day - 300: State.UP, **{day + n * 300: State.DOWN for n in range(12)}}
    found = tallies([[point("a.fiber", *one) for one in samples.items()]])
    assert [one["a.fiber"].outages for one in found] == [0, 1, 0]
    going_on = {day - 600 + n * 300: State.DOWN for n in range(12)}
    found = tallies([[point("a.fiber", *one) for one in going_on.items()]])
    assert [one["a.fiber"].outages for one in found] == [1, 0, 0]


def test_a_day_that_is_not_over_counts_up_to_now() -> None:
    now = BEGIN + 3_600_000
    [first, second, _] = tallies([[point("a.fiber", 0, State.UP)]], now)
    assert first["a.fiber"].all.total == 3_600_000
    assert first["a.fiber"].all.up == HOLD
    assert second == {}


def test_every_link_service_and_place_has_a_row_though_nothing_is_known() -> None:
    [first, *_] = tallies([])
    counted_kinds = (AssetType.LINK, AssetType.SERVICE)
    assets = {a.id for a in DISTRICT.assets.values() if a.type in counted_kinds}
    assert set(first) == assets | {"a", "b"}
    assert all(one.all.unknown == one.all.total == 86_400_000 for one in first.values())
    assert all(one.work.unknown == 27_000_000 for one in first.values())  # 7 h 30


def test_what_has_no_row_is_unknown_in_a_period() -> None:
    now = round(datetime(2026, 9, 3, 12, tzinfo=DISTRICT.timezone).timestamp() * 1000)
    whole, hours = period_of(DAYS[0], DAYS[-1], DISTRICT, OFFICE, now)
    assert (whole, hours) == (60 * 3_600_000, (15 + 4) * 3_600_000)
    assert filled(None, whole, hours) == Tally(Seconds(unknown=whole), Seconds(unknown=hours))


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=8).map(
    lambda some: union(Span(start, start + size) for start, size in some)
)


@given(spans, spans)
def test_spans_are_sets_of_moments(one: list[Span], other: list[Span]) -> None:
    def moments(some: Sequence[Span]) -> set[int]:
        assert all(a.end < b.start for a, b in pairwise(some))
        return {at for span in some for at in range(span.start, span.end)}

    assert moments(union([*one, *other])) == moments(one) | moments(other)
    assert moments(intersection(one, other)) == moments(one) & moments(other)
    assert moments(subtract(one, other)) == moments(one) - moments(other)
    assert length(one) == len(moments(one))


def test_no_links_no_figure() -> None:
    assert together([], Span(0, 9)).up == ()
