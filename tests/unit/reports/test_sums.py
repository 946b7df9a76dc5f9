"""What a report adds up is what the ledger adds up: its totals are the ledger's figures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from district import T0
from openpyxl import load_workbook
from parts import district, reading, sources, wanted

from ioc.ledger.model import Reading
from ioc.reports.excel import workbook
from ioc.reports.gather import Sources, gather
from ioc.reports.model import Report, TargetPart, Wanted
from ioc.reports.told_targets import details

NOW = wanted("2026-01-01", "2026-02-28")
JANUARY = wanted("2026-01-01", "2026-01-31", every="month")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Sources]:
    """4G in villages is reported; measured is only how it is at one point of each commune."""
    found = district()
    reported = ("exported", "declared", "measured")
    mobile = replace(found.targets["mobile-4g"], sources=reported, fresh=40 * 86_400_000)
    with sources(tmp_path, replace(found, targets={**found.targets, "mobile-4g": mobile})) as some:
        yield some


def villages(place: str, numerator: int, whole: int, day: str = "2026-01-31") -> Reading:
    return replace(reading(place, day, numerator, whole), target="mobile-4g")


def report(found: Sources, asked: Wanted) -> Report:
    return gather(found, asked, lambda _share, _stage: None)


def mobile(found: Sources, asked: Wanted) -> TargetPart:
    return next(t for t in report(found, asked).targets if t.id == "mobile-4g")


def summed(part: TargetPart) -> dict[str, bool]:
    return {place.place: place.summed for place in part.places}


def total(part: TargetPart) -> tuple[str, str]:
    numerator, denominator, _percent = details(1, part, "vi")["total"]
    return numerator, denominator


def of_area(part: TargetPart) -> tuple[str, str]:
    return str(part.area.numerator), str(part.area.denominator)


def in_workbook(made: Report, name: str) -> tuple[int, int]:
    """The sums of the sheet of units, as its formulas add them up."""
    sheet = load_workbook(io.BytesIO(workbook(made)))["Theo đơn vị"]
    number = next(i for i, t in enumerate(made.targets, start=1) if t.id == name)
    rows = [row for row in sheet.iter_rows(min_row=2, values_only=True) if row[0] == number]
    chosen = [row for row in rows if row[8] == "có"]
    return sum(row[3] for row in chosen), sum(row[4] for row in chosen)


def test_measuring_points_are_not_added_to_villages(made: Sources) -> None:
    made.keeper.declare([villages("c", 9, 10)], "an")
    found = report(made, NOW)
    part = mobile(made, NOW)
    assert made.keeper.ledger().area("mobile-4g").chosen.denominator == 10
    assert summed(part) == {"moi": False, "c": True}
    assert total(part) == of_area(part) == ("9", "10"), "not 9 + 1 of 10 + 1"
    assert in_workbook(found, "mobile-4g") == (9, 10)
    said = details(1, part, "vi")["silent"]
    assert said == "1 đơn vị có số liệu của thứ khác hoặc lớn hơn tổng số, không cộng"


def test_measuring_points_alone_are_added_up(made: Sources) -> None:
    part = mobile(made, NOW)
    assert summed(part) == {"moi": True, "c": True}
    assert total(part) == of_area(part)


def test_figures_above_the_whole_and_old_ones_are_not_added(made: Sources) -> None:
    made.keeper.declare([villages("c", 12, 10), villages("moi", 20, 20)], "an")
    part = mobile(made, NOW)
    assert summed(part) == {"moi": True, "c": False}
    assert total(part) == of_area(part)
    made.keeper.declare([villages("c", 5, 10)], "an")
    assert total(mobile(made, NOW)) == ("25", "30")


def test_of_a_past_month_neither(made: Sources) -> None:
    made.keeper.declare([villages("c", 9, 10)], "an")
    ledger = made.keeper.ledger()
    made.keeper.records.record("2026-01-31", list(ledger.chosen()), T0)
    part = mobile(made, JANUARY)
    assert {p.place: p.source for p in part.places} == {"moi": "measured", "c": "exported"}
    assert summed(part) == {"moi": False, "c": True}
    assert total(part) == of_area(part) == ("9", "10")


@pytest.mark.parametrize("asked", [NOW, JANUARY], ids=["now", "a month that is over"])
def test_the_totals_of_every_target_are_the_areas(made: Sources, asked: Wanted) -> None:
    made.keeper.declare([reading("c", "2026-01-31", 1, 4), reading("moi", "2026-01-31", 9, 9)], "a")
    made.keeper.declare([villages("c", 9, 10)], "an")
    made.keeper.records.record("2026-01-31", list(made.keeper.ledger().chosen()), T0)
    compared = 0
    for part in report(made, asked).targets:
        if part.places and any(place.summed for place in part.places):
            assert total(part) == of_area(part), part.id
            compared += 1
    assert compared >= 3
