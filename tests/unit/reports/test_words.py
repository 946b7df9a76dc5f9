"""Numbers, days and names as a report writes them."""

from __future__ import annotations

from datetime import date

import pytest
from parts import report, wanted

from ioc.ledger.trend import Forecast
from ioc.reports import words


@pytest.mark.parametrize(
    ("value", "vietnamese", "english"),
    [
        (None, "–", "–"),
        (0.0, "0 %", "0 %"),
        (100.0, "100 %", "100 %"),
        (99.99, "99,9 %", "99.9 %"),  # never rounded up to what was not reached
        (33.3333, "33,3 %", "33.3 %"),
        (120.0, "120 %", "120 %"),
        (0.29, "0,3 %", "0.3 %"),
        (66.6667, "66,7 %", "66.7 %"),
        (0.04, "0,1 %", "0.1 %"),  # never rounded down to nothing
    ],
)
def test_percent(value: float | None, vietnamese: str, english: str) -> None:
    assert words.percent(value, "vi") == vietnamese
    assert words.percent(value, "en") == english


def test_percent_with_two_digits_is_not_rounded_up_either() -> None:
    assert words.percent(99.9999, "vi", 2) == "99,99 %"
    assert words.percent(99.5, "vi", 2) == "99,5 %"


def test_thousands() -> None:
    assert words.count(9_765_000, "vi") == "9.765.000"
    assert words.count(9_765_000, "en") == "9,765,000"
    assert words.count(None, "vi") == "–"


@pytest.mark.parametrize(
    ("change", "text"),
    [(None, "–"), (3.04, "+3,0"), (-0.5, "−0,5"), (0.0, "±0,0"), (0.04, "±0,0")],
)
def test_points(change: float | None, text: str) -> None:
    assert words.points(change, "vi") == text


@pytest.mark.parametrize(
    ("every", "since", "until", "vietnamese", "english"),
    [
        ("month", "2026-09-01", "2026-09-30", "tháng 9 năm 2026", "September 2026"),
        ("quarter", "2026-07-01", "2026-09-30", "quý III năm 2026", "quarter III of 2026"),
        ("year", "2026-01-01", "2026-12-31", "năm 2026", "year 2026"),
        ("range", "2026-01-05", "2026-02-01", "từ 05/01/2026 đến 01/02/2026",
         "from 05/01/2026 to 01/02/2026"),
    ],
)  # fmt: skip
def test_periods(every: str, since: str, until: str, vietnamese: str, english: str) -> None:
    asked = wanted(since, until, every=every)
    assert words.period(asked, "vi") == vietnamese
    assert words.period(asked, "en") == english


@pytest.mark.parametrize(
    ("made", "text"),
    [
        ("2026-02-05", "Thử, ngày 05 tháng 02 năm 2026"),
        ("2026-03-15", "Thử, ngày 15 tháng 3 năm 2026"),
        ("2026-11-09", "Thử, ngày 09 tháng 11 năm 2026"),
    ],
)
def test_the_date_has_a_zero_before_small_days_and_the_first_two_months_only(
    made: str, text: str
) -> None:
    assert words.signed_on(report(made_at=f"{made}T08:00:00+07:00")) == text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0 phút"), (59, "59 phút"), (61, "1 giờ 1 phút"), (1440, "1 ngày 0 giờ"),
     (2 * 1440 + 180, "2 ngày 3 giờ")],
)  # fmt: skip
def test_lengths(minutes: int, text: str) -> None:
    assert words.length(minutes * 60_000, "vi") == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Forecast("unknown"), ""),
        (Forecast("reached"), ""),
        (Forecast("never", -1.0), "không đạt với tốc độ này"),
        (Forecast("date", 1.0, date(2027, 3, 1)), "khoảng 03/2027, có thể không đạt"),
        (Forecast("date", 1.0, date(2027, 3, 1), None, date(2027, 3, 20)), "khoảng 03/2027"),
        (Forecast("date", 1.0, date(2027, 3, 1), None, date(2027, 9, 1)),
         "khoảng 03/2027, muộn nhất 09/2027"),
    ],
)  # fmt: skip
def test_forecasts(found: Forecast, text: str) -> None:
    assert words.forecast_words(found, "vi") == text


def test_long_words_may_break_and_vietnamese_ones_stay_whole() -> None:
    text = "Trung tâm Nghiễm Ngưỡng tháng\u00a011\u00a0năm\u00a02026"
    assert words.breakable(text) == text
    broken = words.breakable("a" * 40)
    assert broken.replace("\u200b", "") == "a" * 40
    assert max(len(piece) for piece in broken.split("\u200b")) <= words.PIECE
    assert words.breakable("100 %") == "100\u00a0%"


def test_a_unit_within_a_sentence() -> None:
    assert words.running("Huyện Chợ Đồn", "vi") == "huyện Chợ Đồn"
    assert words.running("UBND huyện Chợ Đồn", "vi") == "UBND huyện Chợ Đồn"
    assert words.running("Huyện Chợ Đồn", "en") == "Huyện Chợ Đồn"
