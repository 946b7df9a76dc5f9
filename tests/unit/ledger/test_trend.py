"""How a target moves, and what may honestly be said of when it is reached."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.inventory.topology import Target
from ioc.ledger.model import Source, TargetState
from ioc.ledger.records import PastFigure
from ioc.ledger.trend import HORIZON, MONTHS, T90, across, forecast, joined, trend

TODAY = date(2026, 9, 30)


def months(count: int, last: date = TODAY) -> list[date]:
    """Ends of so many months up to one, oldest first."""
    found, day = [], last
    for _ in range(count):
        found.append(day.replace(day=monthrange(day.year, day.month)[1]))
        day = day.replace(day=1) - timedelta(days=1)
    return found[::-1]


def series(*values: float) -> list[tuple[date, float]]:
    return list(zip(months(len(values)), values, strict=True))


def said(values: Sequence[float], goal: float = 90, comparator: str = ">=") -> object:
    return forecast(series(*values), values[-1] if values else None, goal, TODAY, comparator)


def figure(day: str, numerator: int, denominator: int | None = 100, **more: object) -> PastFigure:
    whole = denominator or 0
    usual = PastFigure(
        "t", None, day, numerator, denominator, whole,
        100 * numerator / whole if whole else None, 100.0 if whole else None,
        TargetState.PARTLY, Source.DECLARED,
    )  # fmt: skip
    return replace(usual, **more)  # type: ignore[arg-type]


# --- the line


def test_a_straight_line_is_followed_to_the_day() -> None:
    days = months(12)
    values = [50 + 0.05 * (day - days[0]).days for day in days]  # 0.05 points a day
    found = forecast(list(zip(days, values, strict=True)), values[-1], 80, TODAY)
    assert found.verdict == "date"
    assert found.on == days[0] + timedelta(days=600)
    assert found.on is not None
    assert found.earliest in (found.on, found.on - timedelta(days=1))
    assert found.latest in (found.on, found.on + timedelta(days=1))
    assert found.rate == pytest.approx(0.05 * 30.4375)
    assert found.figures == 12


@pytest.mark.parametrize(
    ("values", "verdict", "figures"),
    [
        ([], "unknown", 0),
        ([50], "unknown", 1),
        ([50, 60], "unknown", 2),
        ([50, 60, 70], "unknown", 3),
        ([50, 50, 50, 50, 50, 50], "never", 6),
        ([70, 65, 60, 55], "never", 4),
        ([0, 0, 0, 0, 0, 0], "never", 6),
        ([50, 50.01, 50.02, 50.03, 50.04, 50.05], "never", 6),  # not within ten years
        ([70, 75, 80, 90], "reached", 4),
        ([95, 94, 93, 92], "reached", 4),  # falling, and still reached
    ],
)
def test_cases_in_which_no_line_is_needed(values: list[float], verdict: str, figures: int) -> None:
    found = said(values)
    assert (found.verdict, found.figures) == (verdict, figures)  # type: ignore[attr-defined]
    assert (found.on, found.earliest, found.latest) == (None,) * 3  # type: ignore[attr-defined]


def test_nothing_to_hold_it_against() -> None:
    assert forecast(series(1, 2, 3, 4), 4, None, TODAY).verdict == "unknown"
    assert forecast(series(1, 2, 3, 4), None, 90, TODAY).verdict == "unknown"


def test_more_than_a_goal_is_more_than_it() -> None:
    exactly = series(60, 65, 70, 75, 80)
    assert forecast(exactly, 80, 80, TODAY, ">=").verdict == "reached"
    assert forecast(exactly, 80, 80, TODAY, ">").verdict == "date"
    assert forecast(exactly, 80, 100, TODAY, ">=").verdict == "date"
    assert forecast(exactly, 80, 100, TODAY, ">").verdict == "never", "nothing is above 100 %"


def test_a_rise_that_may_be_none_has_no_last_date() -> None:
    found = said([60, 66, 58, 67, 61, 64], 90)
    assert found.verdict == "date"  # type: ignore[attr-defined]
    assert found.latest is None  # type: ignore[attr-defined]
    assert TODAY <= found.earliest <= found.on  # type: ignore[attr-defined]


def test_a_goal_that_the_line_has_passed_already_is_due_today() -> None:
    rising = said([88, 95, 93, 97, 99, 89], 90)
    assert rising.verdict == "date"  # type: ignore[attr-defined]
    assert (rising.earliest, rising.on) == (TODAY, TODAY)  # type: ignore[attr-defined]


def test_the_newest_year_is_what_counts() -> None:
    old = [10.0] * 24
    found = said([*old, *(50 + n for n in range(MONTHS))], 90)
    assert found.rate == pytest.approx(1.0, abs=0.02)  # type: ignore[attr-defined]
    assert found.figures == MONTHS  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [4, 6, 12])
@pytest.mark.parametrize("noise", [0.5, 2.0, 6.0])
def test_four_in_five_intervals_hold_the_true_date(count: int, noise: float) -> None:
    """A line of one point a month with noise around it, 2,000 times; the goal is 30 months ahead.
    Without a last date the interval has no end; "never" names none, and so misses."""
    random = Random(f"{count} {noise}")
    days = months(count)
    truth = days[-1] + timedelta(days=900)
    slope = 1 / 30.4375
    goal = 50 + slope * (truth - days[0]).days
    held = dates = 0
    for _ in range(2000):
        values = [50 + slope * (day - days[0]).days + random.gauss(0, noise) for day in days]
        if values[-1] >= goal:
            continue
        found = forecast(list(zip(days, values, strict=True)), values[-1], goal, TODAY)
        if found.verdict == "date":
            dates += 1
            assert found.earliest is not None
            held += found.earliest <= truth and (found.latest is None or truth <= found.latest)
    share = held / 2000
    if noise == 0.5 or (noise == 2.0 and count == 12):  # the direction is not in doubt
        assert dates > 1950
        assert 0.77 < share < 0.83
    assert held / dates > 0.77, "where a date is named, it is not named more surely than that"


def test_the_quantiles_are_those_of_student() -> None:
    """Of the mean of normal figures, half of the 80 % interval: by simulation, df 2 and 10."""
    random = Random("t")
    for df in (2, 10):
        within = 0
        for _ in range(20_000):
            sample = [random.gauss(0, 1) for _ in range(df + 1)]
            mean = sum(sample) / (df + 1)
            error = (sum((x - mean) ** 2 for x in sample) / df / (df + 1)) ** 0.5
            within += abs(mean) <= T90[df - 1] * error
        assert within / 20_000 == pytest.approx(0.8, abs=0.01)


@given(
    st.lists(st.floats(0, 100), min_size=0, max_size=30),
    st.floats(0, 100),
    st.sampled_from([">=", ">"]),
)
def test_whatever_the_figures_the_answer_is_in_order(
    values: list[float], goal: float, comparator: str
) -> None:
    found = said(values, goal, comparator)
    assert found.verdict in ("reached", "date", "never", "unknown")  # type: ignore[attr-defined]
    if found.verdict == "date":  # type: ignore[attr-defined]
        assert found.rate > 0  # type: ignore[attr-defined]
        first, on, last = found.earliest, found.on, found.latest  # type: ignore[attr-defined]
        assert TODAY <= first <= on <= TODAY + timedelta(days=HORIZON)
        assert last is None or on <= last
    else:
        assert found.on is None  # type: ignore[attr-defined]


# --- change


def test_change_over_a_month_and_a_year() -> None:
    past = [figure("2025-09-30", 40), figure("2026-08-31", 70), figure("2026-09-29", 71)]
    found = trend(past, 75.0, 90, TODAY)
    assert (found.month, found.year) == (75.0 - 70, 75.0 - 40)
    assert [point.day for point in found.points] == ["2025-09-30", "2026-08-31", "2026-09-29"]
    assert trend(past[2:], 75.0, 90, TODAY).month is None, "no figure then"
    assert trend(past, None, 90, TODAY).month is None
    assert trend([], 75.0, 90, TODAY).points == ()


def test_a_month_before_the_31st() -> None:
    past = [figure("2026-02-28", 60)]
    assert trend(past, 61.0, 90, date(2026, 3, 31)).month == 1.0
    assert trend([figure("2024-02-29", 60)], 61.0, 90, date(2025, 2, 28)).year == 1.0
    ends = [figure("2026-07-31", 50), figure("2026-08-31", 60)]
    assert trend(ends, 61.0, 90, TODAY).month == 1.0, "September against August, not July"


def test_figures_without_evidence_are_no_points() -> None:
    stale = figure("2026-07-31", 50, known=0, evidence=0.0, state=TargetState.UNKNOWN)
    empty = figure("2026-08-31", 0, 0)
    found = trend([stale, empty], 60.0, 90, TODAY)
    assert found.points == ()
    assert found.month is None


def test_late_figures_replace_and_are_shown() -> None:
    past = [
        figure("2026-07-31", 50), figure("2026-07-31", 55, version=2),
        figure("2026-07-31", 56, version=3), figure("2026-08-31", 60),
    ]  # fmt: skip
    found = trend(past, 61.0, 90, TODAY)
    assert [point.value for point in found.points] == [56.0, 60.0]
    assert [(a.value, b.value) for a, b in found.restated] == [(50.0, 55.0), (55.0, 56.0)]


# --- mergers

GOAL = Target("t", "T", 80)


def of(place: str, *figures: tuple[str, int, int]) -> list[PastFigure]:
    return [figure(day, n, d, place=place) for day, n, d in figures]


def test_a_trend_goes_on_across_a_merger() -> None:
    members = {
        "a": ("2025-06-30", of("a", ("2025-05-31", 10, 20), ("2025-06-30", 12, 20))),
        "b": ("2025-06-30", of("b", ("2025-05-31", 30, 30), ("2025-06-30", 30, 30))),
    }
    own = of("ab", ("2025-07-31", 45, 50))
    found = across(own, "2025-07-01", members, GOAL)
    assert [(f.day, f.numerator, f.denominator) for f in found] == [
        ("2025-05-31", 40, 50), ("2025-06-30", 42, 50), ("2025-07-31", 45, 50)]  # fmt: skip
    assert [f.state for f in found[:2]] == [TargetState.MET, TargetState.MET]
    assert {f.place for f in found} == {"ab"}


def test_a_unit_that_takes_another_in_was_smaller_before() -> None:
    own = of("b", ("2025-05-31", 30, 30), ("2025-07-31", 45, 50))
    members = {"a": ("2025-06-30", of("a", ("2025-05-31", 10, 20)))}
    found = across(own, None, members, GOAL)
    assert [(f.day, f.numerator, f.denominator) for f in found] == [
        ("2025-05-31", 40, 50), ("2025-07-31", 45, 50)]  # fmt: skip


def test_mergers_one_after_the_other() -> None:
    own = of("c", ("2024-12-31", 1, 10), ("2025-12-31", 12, 20), ("2026-12-31", 25, 30))
    members = {
        "a": ("2025-06-30", of("a", ("2024-12-31", 2, 10))),
        "b": ("2026-06-30", of("b", ("2024-12-31", 3, 10), ("2025-12-31", 4, 10))),
    }
    found = across(own, None, members, GOAL)
    assert [(f.day, f.numerator, f.denominator) for f in found] == [
        ("2024-12-31", 6, 30), ("2025-12-31", 16, 30), ("2026-12-31", 25, 30)]  # fmt: skip


def test_a_sum_needs_a_figure_of_every_part() -> None:
    one = of("a", ("2025-05-31", 10, 20), ("2025-06-15", 11, 20))
    assert joined({"a": one, "b": []}, "ab") == []
    assert joined({}, "ab") == []
    late = of("b", ("2025-06-10", 5, 5))
    assert [f.day for f in joined({"a": one, "b": late}, "ab")] == ["2025-06-10", "2025-06-15"]
    long_ago = of("b", ("2025-01-31", 5, 5))
    assert [f.day for f in joined({"a": one, "b": long_ago}, "ab")] == [], "not held for ever"
    nothing = [figure("2025-05-31", 0, None, place="b")]
    assert joined({"a": one, "b": nothing}, "ab") == []


def test_the_state_of_a_sum_is_its_own() -> None:
    parts = {"a": of("a", ("2025-05-31", 95, 100)), "b": of("b", ("2025-05-31", 70, 100))}
    [found] = joined(parts, "ab", GOAL)
    assert found.state is TargetState.MET  # 82.5 %
    [found] = joined(parts, "ab", replace(GOAL, goal=85.0))
    assert found.state is TargetState.PARTLY
