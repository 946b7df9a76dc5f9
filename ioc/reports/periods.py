"""Months, quarters and years as first and last day."""

from __future__ import annotations

from datetime import date, timedelta

from ioc.reports.model import Every

MONTHS = {"month": 1, "quarter": 3, "year": 12}


def around(every: Every, day: date) -> tuple[date, date]:
    """The period of a kind that a day lies in: first and last day."""
    months = MONTHS[every]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    index = first.year * 12 + first.month - 1 + months
    return first, date(index // 12, index % 12 + 1, 1) - timedelta(days=1)


def before(every: Every, day: date) -> tuple[date, date]:
    """The period that ended last before a day."""
    return around(every, around(every, day)[0] - timedelta(days=1))
