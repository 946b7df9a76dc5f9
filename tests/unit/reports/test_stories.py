"""Incidents and hours of a report: all counted, the worst told, nothing lost at the edges."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from district import T0
from openpyxl import load_workbook
from parts import sources, wanted

from ioc.engine.incident import Incident
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Severity
from ioc.ledger.availability import Seconds, Tally
from ioc.reports import stories
from ioc.reports.excel import workbook
from ioc.reports.gather import Sources, gather
from ioc.reports.model import Report, Wanted
from ioc.reports.told_events import events

HOUR = 3_600_000
DAY = 24 * HOUR
JANUARY = wanted("2026-01-01", "2026-01-31", every="month")
START = 1_767_200_400_000  # 2026-01-01 00:00 in Vietnam
END = START + 31 * DAY


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Sources]:
    with sources(tmp_path) as found:
        yield found


def incident(
    number: int, since: int, until: int | None, site: str | None = "c", **more: object
) -> Incident:
    severity = more.pop("severity", Severity.CRITICAL)
    return Incident(
        number, f"key {number}", Kind.LINK_DOWN, severity, f"{site}.fiber", site, since, since,
        resolved_at=until, **more,
    )  # type: ignore[arg-type]  # fmt: skip


def save(found: Sources, *some: Incident) -> None:
    found.database.save([], [], [], [], incidents=list(some))


def report(found: Sources, asked: Wanted = JANUARY) -> Report:
    return gather(found, asked, lambda _share, _stage: None)


def test_what_touches_the_period_is_in_it_with_its_length_inside(made: Sources) -> None:
    save(
        made,
        incident(1, START - 2 * HOUR, START - HOUR),  # over before
        incident(2, START - HOUR, START + HOUR),
        incident(3, START + DAY, START + DAY + 5 * HOUR),
        incident(4, END - HOUR, END + 9 * HOUR),
        incident(5, END, None),  # after
        incident(6, START + DAY, START + 2 * DAY, merged_into=3),  # a part of another
    )
    found = report(made)
    assert [(event.id, event.length) for event in found.events] == [
        (2, HOUR), (3, 5 * HOUR), (4, HOUR)
    ]  # fmt: skip
    assert found.counted == {"critical": 3}


def test_an_open_incident_lasts_until_now(made: Sources) -> None:
    save(made, incident(1, T0 - 3 * HOUR, None))
    event = report(made, wanted("2026-02-01", "2026-02-28")).events[0]
    assert (event.length, event.until) == (3 * HOUR, None)


def test_all_are_counted_and_the_worst_are_told(
    made: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stories, "EVENTS", 5)
    monkeypatch.setattr(stories, "PAGE", 7)
    ranks = [Severity.INFO, Severity.WARNING, Severity.CRITICAL]
    save(made, *(
        incident(n + 1, START + n * HOUR, START + n * HOUR + 60_000 + n, severity=ranks[n % 3])
        for n in range(30)
    ))  # fmt: skip
    found = report(made)
    assert found.counted == {"critical": 10, "warning": 10, "info": 10}
    assert [event.id for event in found.events] == [18, 21, 24, 27, 30], "longest critical ones"
    assert sum(bar.critical + bar.warning + bar.info for bar in found.bars) == 30


def test_the_chart_has_every_day_of_a_month_and_every_month_of_a_year(made: Sources) -> None:
    save(made, incident(1, START + 3 * DAY, START + 4 * DAY))
    days = report(made).bars
    assert len(days) == 31
    assert [bar.when for bar in days if bar.critical] == ["2026-01-04"]
    months = report(made, wanted("2025-01-01", "2025-12-31", every="year")).bars
    assert [bar.when for bar in months] == [f"2025-{m:02}" for m in range(1, 13)]


def test_the_chart_shows_what_began_in_the_period_and_counts_the_rest_apart(
    made: Sources,
) -> None:
    save(
        made,
        incident(1, START - DAY, START + HOUR),
        incident(2, START - DAY, None, severity=Severity.WARNING),
        incident(3, START + HOUR, START + 2 * HOUR),
    )
    found = report(made)
    assert found.incidents == 3
    assert [(bar.when, bar.critical) for bar in found.bars if bar.critical + bar.warning] == [
        ("2026-01-01", 1)
    ]
    assert events(found, "vi")["began_before"] == "2 sự cố bắt đầu trước kỳ không có trong biểu đồ."
    save(made, incident(1, START, START + HOUR), incident(2, START, START + HOUR))
    assert events(report(made), "vi")["began_before"] == ""


def test_a_workbook_that_does_not_have_all_incidents_says_so(
    made: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stories, "EVENTS", 25)
    save(made, *(incident(n, START + n * HOUR, START + n * HOUR + n) for n in range(1, 26)))
    assert rows_of(report(made))[-1][0] == "Tổng cộng"
    said = events(report(made), "vi")["more"]
    assert said == "và 5 mục nữa, xem trong tệp Excel"
    save(made, *(incident(n, START + n * HOUR, START + n * HOUR + n) for n in range(26, 31)))
    found = report(made)
    assert (found.incidents, len(found.events)) == (30, 25)
    assert rows_of(found)[-1][0] == "Chỉ có 25 sự cố nặng nhất trong số 30 của kỳ này."
    said = events(found, "vi")["more"]
    assert said == "và 10 sự cố nữa; 25 sự cố nặng nhất xem trong tệp Excel"


def rows_of(found: Report) -> list[tuple[object, ...]]:
    sheet = load_workbook(io.BytesIO(workbook(found)))["Sự cố"]
    return list(sheet.iter_rows(values_only=True))


def test_of_one_unit_only_what_happened_there(made: Sources) -> None:
    save(
        made,
        incident(1, START, START + HOUR, "a"),
        incident(2, START, START + HOUR, "c"),
        incident(3, START, START + HOUR, None),
    )
    found = report(made, JANUARY.model_copy(update={"place": "moi"}))
    assert [event.id for event in found.events] == [1], "a is a part of the new unit"


def test_hours_are_the_sums_of_the_days_and_what_no_day_has_is_unknown(made: Sources) -> None:
    put = made.keeper.agreements.put
    one = Tally(Seconds(up=20 * HOUR, down=2 * HOUR, maintenance=HOUR, unknown=HOUR), Seconds(), 3)
    for day in (3, 4):
        put(date(2026, 1, day), {"c.fiber": one, "c": one, "cu.fiber": one}, END, over=True)
    found = report(made)
    line = next(row for row in found.links if row.id == "c.fiber")
    assert (line.day.up, line.day.down, line.day.maintenance) == (40 * HOUR, 4 * HOUR, 2 * HOUR)
    assert line.day.unknown == 31 * DAY - 46 * HOUR
    assert (line.outages, line.place) == (6, "Xã c")
    assert line.day.availability == pytest.approx(100 * 40 / 44)
    silent = next(row for row in found.links if row.id == "a.fiber")
    assert (silent.day.availability, silent.day.up, silent.place) == (None, 0, "Xã mới")
    assert [row.id for row in found.gone] == ["cu.fiber"], "no longer in the inventory, not lost"


def test_a_period_without_measurements_says_so(made: Sources) -> None:
    assert report(made, wanted("2019-01-01", "2019-12-31")).watched is False
    save(made, incident(1, START, START + HOUR))
    assert report(made).watched is True
