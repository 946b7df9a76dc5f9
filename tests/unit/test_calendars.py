"""Calendars: office hours, Tết, closed and make-up days, time zones with daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.engine.calendars import EPOCH, Calendar
from ioc.inventory.topology import CalendarRule

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NEW_YORK = ZoneInfo("America/New_York")
WEEK = frozenset(range(5))
ALL_DAYS = frozenset(range(7))
OFFICE = ((450, 690), (810, 1020))  # 07:30-11:30, 13:30-17:00
DAY = 86_400_000


def calendar(
    zone: ZoneInfo = HANOI,
    *,
    days: frozenset[int] = WEEK,
    hours: tuple[tuple[int, int], ...] = OFFICE,
    holidays: str | None = "VN",
    closed: tuple[str, ...] = (),
    make_up: tuple[str, ...] = (),
    grace: int = 60,
) -> Calendar:
    rule = CalendarRule(
        "office", days, hours, holidays, frozenset(closed), frozenset(make_up), grace
    )
    return Calendar(rule, zone)


def at(text: str, zone: ZoneInfo = HANOI, fold: int = 0) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)
    return (moment - EPOCH) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-02T07:29:59.999", False),
        ("2026-03-02T07:30", True),
        ("2026-03-02T11:29:59.999", True),
        ("2026-03-02T11:30", False),
        ("2026-03-02T13:30", True),
        ("2026-03-02T17:00", False),
        ("2026-03-07T09:00", False),  # Saturday
    ],
)
def test_expected_hours_include_their_start_and_not_their_end(moment: str, expected: bool) -> None:
    assert calendar().expected_on(at(moment)) is expected


@pytest.mark.parametrize("day", [16, 17, 18, 19, 20])
def test_tet_2026_is_off(day: int) -> None:
    assert not calendar().working_day(date(2026, 2, day))


def test_hung_kings_day_on_a_sunday_moves_to_monday() -> None:
    assert not calendar().working_day(date(2026, 4, 27))
    assert calendar(holidays=None).working_day(date(2026, 4, 27))


def test_official_exchange_makes_the_bridge_day_off_and_the_saturday_worked() -> None:
    assert not calendar().working_day(date(2026, 8, 31))
    assert calendar().working_day(date(2026, 8, 22))
    assert not calendar(holidays=None).working_day(date(2026, 8, 22))


def test_exchange_says_nothing_to_those_who_do_not_work_monday_to_friday() -> None:
    assert not calendar(days=frozenset({0, 2})).working_day(date(2026, 8, 22))


def test_new_years_day_that_is_a_saturday_is_made_up_in_the_same_year() -> None:
    assert not calendar().working_day(date(2028, 1, 3))


def test_make_up_saturday_is_worked_with_the_weekday_hours() -> None:
    office = calendar(make_up=("2026-03-07",))
    assert office.expected_on(at("2026-03-07T09:00"))
    assert not office.expected_on(at("2026-03-07T12:00"))


def test_make_up_date_wins_over_a_public_holiday() -> None:
    assert calendar(make_up=("2026-04-30",)).working_day(date(2026, 4, 30))


def test_closed_date_wins_over_weekday_exchange_and_make_up() -> None:
    office = calendar(closed=("2026-03-02", "2026-08-22"), make_up=("2026-03-02",))
    assert not office.working_day(date(2026, 3, 2))
    assert not office.working_day(date(2026, 8, 22))


def test_settled_only_after_the_grace_and_again_after_lunch() -> None:
    office = calendar(grace=60)
    assert not office.settled_on(at("2026-03-02T08:29:59.999"))
    assert office.settled_on(at("2026-03-02T08:30"))
    assert not office.settled_on(at("2026-03-02T11:30"))
    assert not office.settled_on(at("2026-03-02T14:00"))
    assert office.settled_on(at("2026-03-02T14:30"))


def test_hours_shorter_than_the_grace_never_settle() -> None:
    office = calendar(hours=((480, 510),), grace=60)
    assert not any(office.settled_on(at("2026-03-02T00:00") + m * 60_000) for m in range(1440))


def test_night_shift_belongs_to_the_day_on_which_it_starts() -> None:
    night = calendar(days=frozenset({4}), hours=((22 * 60, 6 * 60),))  # Friday night
    assert night.expected_on(at("2026-03-06T23:00"))
    assert night.expected_on(at("2026-03-07T05:59"))
    assert not night.expected_on(at("2026-03-07T06:00"))
    assert not night.expected_on(at("2026-03-06T05:00"))
    assert night.next_change(at("2026-03-06T23:00")) == at("2026-03-07T06:00")


def test_night_shift_may_also_be_written_past_24_hours() -> None:
    both = [calendar(hours=(hours,)) for hours in ((1320, 360), (1320, 1800))]
    moments = [at("2026-03-06T12:00") + hour * 3_600_000 for hour in range(72)]
    assert len({tuple(map(c.expected_on, moments)) for c in both}) == 1


def test_round_the_clock_is_one_stretch_across_midnight() -> None:
    always = calendar(days=ALL_DAYS, hours=((0, 1440),), holidays=None, grace=120)
    for minute in (0, 1, 719, 1439):
        assert always.settled_on(at("2026-03-02T00:00") + minute * 60_000)


def test_round_the_clock_on_weekdays_settles_once_on_monday() -> None:
    weekdays = calendar(hours=((0, 1440),), grace=24 * 60)
    assert not weekdays.settled_on(at("2026-03-02T23:59"))
    assert weekdays.settled_on(at("2026-03-03T00:00"))


def test_next_change_crosses_the_weekend_and_tet() -> None:
    assert calendar().next_change(at("2026-03-06T17:00")) == at("2026-03-09T07:30")
    assert calendar().next_change(at("2026-02-13T17:00")) == at("2026-02-23T07:30")


@pytest.mark.parametrize(
    "never", [calendar(days=frozenset()), calendar(hours=()), calendar(days=ALL_DAYS, hours=())]
)
def test_calendar_without_days_or_hours_is_never_on_and_asks_again_much_later(
    never: Calendar,
) -> None:
    now = at("2026-03-02T09:00")
    assert not never.expected_on(now)
    assert never.working_days_since(now - 100 * DAY, now) == 0
    assert 300 * DAY < never.next_change(now) - now < 500 * DAY


@pytest.mark.parametrize(
    ("seen", "now", "days"),
    [
        ("2026-03-02T16:59", "2026-03-02T17:00", 0),  # seen during that day
        ("2026-03-02T16:59", "2026-03-03T16:59:59", 0),  # the day after is not over
        ("2026-03-02T16:59", "2026-03-03T17:00", 1),
        ("2026-03-03T07:30", "2026-03-03T17:00", 1),
        ("2026-03-03T07:30:00.001", "2026-03-03T17:00", 0),
        ("2026-03-06T12:00", "2026-03-09T12:00", 0),  # a weekend between
        ("2026-02-13T17:00", "2026-02-23T17:00", 1),  # Tết between
        ("2026-03-02T17:00", "2026-03-16T17:00", 10),
        ("2026-03-03T17:00", "2026-03-02T17:00", 0),  # the clock was set back
    ],
)
def test_working_days_since_counts_days_wholly_between(seen: str, now: str, days: int) -> None:
    assert calendar().working_days_since(at(seen), at(now)) == days


def test_a_night_shift_counts_once_it_is_over_on_the_day_after() -> None:
    night = calendar(hours=((1320, 360),))
    seen = at("2026-03-02T12:00")
    assert night.working_days_since(seen, at("2026-03-03T05:59")) == 0
    assert night.working_days_since(seen, at("2026-03-03T06:00")) == 1


def test_repeated_hour_in_autumn_counts_in_its_first_passing() -> None:
    office = calendar(NEW_YORK, days=ALL_DAYS, hours=((60, 90),), holidays=None)
    assert office.expected_on(at("2026-11-01T01:15", NEW_YORK))
    assert not office.expected_on(at("2026-11-01T01:15", NEW_YORK, fold=1))


def test_office_hours_stay_at_the_same_wall_time_after_a_clock_change() -> None:
    office = calendar(NEW_YORK, holidays="US")
    for day in ("2026-03-06", "2026-03-09", "2026-10-30", "2026-11-02"):
        assert office.next_change(at(f"{day}T06:00", NEW_YORK)) == at(f"{day}T07:30", NEW_YORK)


def test_hours_that_the_clock_skips_do_not_exist() -> None:
    office = calendar(NEW_YORK, days=ALL_DAYS, hours=((130, 170),), holidays=None)
    assert office.next_change(at("2026-03-07T03:00", NEW_YORK)) == at("2026-03-09T02:10", NEW_YORK)


def test_hours_that_reach_out_of_the_skipped_hour_start_where_the_clock_lands() -> None:
    office = calendar(NEW_YORK, days=ALL_DAYS, hours=((150, 240),), holidays=None)
    assert office.next_change(at("2026-03-08T01:00", NEW_YORK)) == at("2026-03-08T03:00", NEW_YORK)


def test_years_without_holiday_data_keep_the_weekly_pattern() -> None:
    office = calendar(closed=("2150-01-05",))
    assert office.working_day(date(2150, 1, 1))
    assert not office.working_day(date(2150, 1, 5))
    assert not office.working_day(date(2150, 1, 3))  # Saturday


@pytest.mark.parametrize("moment", [-(10**18), -1, 0, 10**14, 10**18])
def test_absurd_moments_get_an_answer(moment: int) -> None:
    office = calendar(holidays=None)
    assert office.settled_on(moment) in (True, False)
    assert office.next_change(moment) > moment
    assert office.working_days_since(moment, moment) == 0


def test_country_without_data_is_refused() -> None:
    with pytest.raises(ValueError, match="no public holidays are known for country 'XX'"):
        calendar(holidays="XX")


@pytest.mark.parametrize("hours", [(-1, 60), (1440, 1500), (60, 1501), (0, 3000)])
def test_hours_outside_a_day_are_refused(hours: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="hours from minute"):
        calendar(hours=(hours,))


def test_grace_of_centuries_is_survived() -> None:
    always = calendar(days=ALL_DAYS, hours=((0, 1440),), holidays=None, grace=10**9)
    assert not always.settled_on(at("2026-03-02T09:00"))


def test_a_clock_that_steps_back_is_answered_from_the_calendar_not_from_memory() -> None:
    office = calendar(days=frozenset({0, 1, 2, 3}), hours=((0, 481),), grace=0)
    assert not office.expected_on(at("2026-03-08T12:00"))  # Sunday: off since Thursday
    assert office.expected_on(at("2026-03-05T08:00"))


# --- properties

zones = st.sampled_from([HANOI, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])
moments = st.integers(at("1970-01-01T00:00"), at("2090-01-01T00:00"))
dates = st.dates(date(2025, 12, 1), date(2027, 1, 31)).map(date.isoformat)


@st.composite
def rules(draw: st.DrawFn) -> CalendarRule:
    edges = sorted(draw(st.sets(st.integers(0, 1440), max_size=6)))
    hours = tuple(zip(edges[::2], edges[1::2], strict=False))
    if hours and draw(st.booleans()):
        hours = (*hours[:-1], (hours[-1][0], draw(st.integers(0, hours[0][0]))))
    return CalendarRule(
        id="any",
        days=draw(st.frozensets(st.integers(0, 6))),
        hours=tuple(h for h in hours if h[0] < 1440),
        holidays=draw(st.sampled_from([None, "VN"])),
        closed=draw(st.frozensets(dates, max_size=3)),
        make_up=draw(st.frozensets(dates, max_size=3)),
        grace=draw(st.integers(0, 600)),
    )


@given(rules(), zones, moments)
def test_settled_implies_expected_and_a_change_changes(
    rule: CalendarRule, zone: ZoneInfo, now: int
) -> None:
    c = Calendar(rule, zone)
    assert not c.settled_on(now) or c.expected_on(now)
    change = c.next_change(now)
    assert change > now
    assert c.expected_on(change - 1) is c.expected_on(now)
    if change - now < 300 * DAY:
        assert c.expected_on(change) is not c.expected_on(now)


@given(rules(), zones, moments, st.integers(0, 40 * DAY), st.integers(0, 40 * DAY))
def test_working_days_never_fall_while_time_goes_on_and_count_at_most_once(
    rule: CalendarRule, zone: ZoneInfo, seen: int, first: int, more: int
) -> None:
    c = Calendar(rule, zone)
    before, after = (c.working_days_since(seen, seen + t) for t in (first, first + more))
    assert 0 <= before <= after <= (first + more) // DAY + 2
    rest = c.working_days_since(seen + first, seen + first + more)
    assert before + rest <= after


@given(rules(), moments)
def test_answers_do_not_depend_on_what_was_asked_before(rule: CalendarRule, now: int) -> None:
    used = Calendar(rule, HANOI)
    for other in (now - DAY, now + 3 * DAY, now - 1, now + 1):
        used.settled_on(other)
        used.working_days_since(other, now)
    fresh = Calendar(rule, HANOI)
    assert used.settled_on(now) is fresh.settled_on(now)
    changes = {min(c.next_change(now), now + 300 * DAY) for c in (used, fresh)}
    assert len(changes) == 1
    assert used.working_days_since(now - 9 * DAY, now) == fresh.working_days_since(
        now - 9 * DAY, now
    )


@given(rules(), st.datetimes(datetime(2000, 1, 3), datetime(2090, 1, 1)))
def test_without_clock_changes_expected_is_what_the_wall_clock_reads(
    rule: CalendarRule, wall: datetime
) -> None:
    c = Calendar(rule, ZoneInfo("UTC"))
    now = (wall.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
    minute = wall.hour * 60 + wall.minute
    today, yesterday = wall.date(), wall.date() - timedelta(days=1)
    on = any(
        (start <= minute < (end if end > start else end + 1440) and c.working_day(today))
        or (end <= start and minute < end and c.working_day(yesterday))
        for start, end in rule.hours
    )
    assert c.expected_on(now) is on
