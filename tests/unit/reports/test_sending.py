"""Which reports go out by themselves, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from parts import district, wanted

from ioc.inventory.topology import ReportLayout, SendReport, Topology
from ioc.reports.kept import Job
from ioc.reports.model import Wanted
from ioc.reports.sending import due, file_name


def sending(*some: SendReport) -> Topology:
    return replace(district(), reports=ReportLayout(send=some))


MONTHLY = SendReport("lanh-dao")
FOUND = Wanted(
    every="month", since=date(2026, 1, 1), until=date(2026, 1, 31), channel="lanh-dao"
)  # fmt: skip


def job(state: str, of: Wanted = FOUND) -> Job:
    return Job("1-a", of, "lịch", 0, state)


@pytest.mark.parametrize(
    ("today", "wanted"),
    [
        (date(2026, 2, 1), [FOUND]),
        (date(2026, 2, 7), [FOUND]),  # we did not run before
        (date(2026, 2, 8), []),  # too late: whoever adds it in the middle of a month gets no flood
        (date(2026, 1, 31), []),
    ],
)
def test_a_monthly_report_is_due_in_the_week_after_the_month(
    today: date, wanted: list[Wanted]
) -> None:
    assert due(sending(MONTHLY), [], today) == wanted


def test_quarters_and_years_are_due_when_they_are_over() -> None:
    some = [SendReport("a", "quarter", ("xlsx",)), SendReport("a", "year", language="en")]
    found = due(sending(*some), [], date(2026, 1, 1))
    assert [(w.every, w.since, w.formats, w.language) for w in found] == [
        ("quarter", date(2025, 10, 1), ("xlsx",), "vi"),
        ("year", date(2025, 1, 1), ("pdf", "xlsx"), "en"),
    ]
    assert due(sending(*some), [], date(2026, 2, 1)) == []


@pytest.mark.parametrize(
    ("states", "again"),
    [
        (["waiting"], False), (["running"], False), (["ready"], False), (["cancelled"], False),
        (["failed"], True), (["failed", "failed"], True), (["failed"] * 3, False),
        (["failed", "ready"], False),
    ],
)  # fmt: skip
def test_what_was_begun_is_not_begun_again_unless_it_failed(states: list[str], again: bool) -> None:
    found = due(sending(MONTHLY), [job(state) for state in states], date(2026, 2, 2))
    assert found == ([FOUND] if again else [])


def test_said_twice_it_is_sent_once_and_one_made_by_hand_does_not_count() -> None:
    by_hand = job("ready", FOUND.model_copy(update={"channel": None}))
    assert due(sending(MONTHLY, MONTHLY), [by_hand], date(2026, 2, 2)) == [FOUND]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"every": "month"}, "bao-cao-2026-09.pdf"),
        ({"every": "quarter", "until": "2026-11-30"}, "bao-cao-2026-q3.pdf"),
        ({"every": "year"}, "bao-cao-2026.pdf"),
        ({"every": "range"}, "bao-cao-2026-09-01--2026-09-30.pdf"),
        ({"every": "month", "place": "yen-thinh", "language": "en"},
         "bao-cao-yen-thinh-2026-09-en.pdf"),
    ],
)  # fmt: skip
def test_files_are_named_after_what_is_in_them(asked: dict[str, Any], name: str) -> None:
    until = asked.pop("until", "2026-09-30")
    assert file_name(wanted("2026-09-01", until, **asked), "pdf") == name
