"""Which report is meant, and what is said of one that cannot be made."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import TODAY, district

from ioc.i18n import render
from ioc.reports.asked import Asked, WrongReport, wanted_of
from ioc.reports.periods import around, before


@pytest.mark.parametrize(
    ("every", "since", "until"),
    [
        ("month", "2026-01-01", "2026-01-31"),
        ("quarter", "2025-10-01", "2025-12-31"),
        ("year", "2025-01-01", "2025-12-31"),
    ],
)
def test_without_a_day_it_is_the_last_period_that_is_over(
    every: Any, since: str, until: str
) -> None:
    found = wanted_of(district(), Asked(every), TODAY)
    assert (found.since.isoformat(), found.until.isoformat()) == (since, until)


def test_a_day_stands_for_its_period() -> None:
    found = wanted_of(district(), Asked("quarter", date(2025, 5, 9)), TODAY)
    assert (found.since, found.until) == (date(2025, 4, 1), date(2025, 6, 30))


def test_the_running_period_may_be_asked_for() -> None:
    assert wanted_of(district(), Asked("year", TODAY), TODAY).until == date(2026, 12, 31)


D = date
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"every": "range", "since": D(2026, 1, 1)},
     "chọn từ ngày đến ngày thì phải có ngày đầu và ngày cuối"),
    ({"every": "range", "since": D(2026, 1, 9), "until": D(2026, 1, 1)},
     "ngày cuối sớm hơn ngày đầu"),
    ({"every": "range", "since": D(2001, 1, 1), "until": D(2026, 1, 1)},
     "một báo cáo dài nhất 2196 ngày"),
    ({"every": "range", "since": D(2026, 3, 1), "until": D(2026, 3, 2)},
     "01/03/2026 là ngày chưa tới"),
    ({"every": "month", "day": D(2026, 3, 15)}, "01/03/2026 là ngày chưa tới"),
    ({"every": "year", "day": D(9999, 12, 31)}, "31/12/9999 là ngày chưa tới"),
    ({"every": "month", "day": D(1, 1, 1)}, "01/01/1 quá xa trong quá khứ"),
    ({"every": "month", "place": "khong-co"}, "không có đơn vị khong-co"),
    ({"every": "month", "place": "#set page(fill: red)"}, "không có đơn vị #set page(fill: red)"),
    ({"every": "month", "place": "a"},
     "đến ngày 31/01/2026, Xã a không phải là một đơn vị riêng; "
     "hãy chọn đơn vị như trước khi sáp nhập"),
    ({"every": "month", "day": D(2025, 6, 1), "place": "moi"},
     "đến ngày 30/06/2025, Xã mới không phải là một đơn vị riêng; "
     "hãy chọn đơn vị như trước khi sáp nhập"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "said"), WRONG, ids=[said[:30] for _asked, said in WRONG])
def test_what_cannot_be_made_is_refused_in_words(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongReport) as found:
        wanted_of(district(), Asked(**asked), TODAY)
    assert render(found.value.reason, "vi").replace("01/01/0001", "01/01/1") == said


def test_an_old_unit_may_be_asked_for_by_old_units() -> None:
    assert wanted_of(district(), Asked("month", place="a", units="before"), TODAY).place == "a"
    assert wanted_of(district(), Asked("month", D(2025, 6, 1), place="a"), TODAY).place == "a"


@given(st.dates(D(2000, 1, 1), D(2100, 12, 31)), st.sampled_from(["month", "quarter", "year"]))
def test_periods_hold_their_day_and_follow_one_another(day: date, every: Any) -> None:
    since, until = around(every, day)
    assert since <= day <= until
    assert around(every, until) == around(every, since) == (since, until)
    earlier = before(every, day)
    assert (since - earlier[1]).days == 1
