"""A report as a workbook: one sheet for each table, real numbers, sums as formulas."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.ledger.sheets import put
from ioc.reports import words
from ioc.reports.model import Report, Service

PERCENT, HOURS, WHOLE, DAY, MOMENT, CHANGE = (
    "0.0%",
    "[h]:mm",
    "#,##0",
    "dd/mm/yyyy",
    "hh:mm dd/mm/yyyy",
    "+0.0;−0.0;0.0",
)
HEAD = PatternFill("solid", fgColor="1D4F91")
LINE = Border(bottom=Side("thin", color="CBD5E1"))
PER_DAY = 86_400_000  # ms; a spreadsheet counts time in days


@dataclass(frozen=True, slots=True)
class Column:
    """total: a sum of the column below the table."""

    title: str
    width: float
    form: str | None = None
    total: bool = False


def workbook(report: Report) -> bytes:
    """The .xlsx file."""
    lang = report.wanted.language
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    _summary(first, report, lang)
    _targets(book, report, lang)
    _by_place(book, report, lang)
    for title, rows in (
        (mark("Links"), report.links),
        (mark("Services"), report.services),
        (mark("Places"), report.places),
    ):
        _availability(book, _(title, lang), rows, report, lang)
    _incidents(book, report, lang)
    _rules(book, report, lang)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _summary(sheet: Worksheet, report: Report, lang: str) -> None:
    sheet.title = _("Summary", lang)
    sheet.column_dimensions["A"].width = 44
    sheet.column_dimensions["B"].width = 60
    made = datetime.fromisoformat(report.made_at).replace(tzinfo=None)
    rows: list[tuple[str, Any]] = [
        (_("Report on digital infrastructure and targets", lang), ""),
        (_("Unit", lang), report.subject),
        (_("Period", lang), words.period(report.wanted, lang)),
        (_("Made at", lang), made),
    ]
    if report.simulated:
        rows.append((_("SIMULATION", lang), _("These figures are made up.", lang)))
    if report.running:
        rows.append((_("Note", lang), _("The period is not over yet.", lang)))
    for state, word in words.STATES.items():
        rows.append((_(word, lang), sum(t.area.state == state for t in report.targets)))
    rows.append((_("Incidents", lang), len(report.events) + report.dropped_events))
    for number, (label, value) in enumerate(rows, start=1):
        put(sheet.cell(number, 1), label)
        cell = sheet.cell(number, 2)
        put(cell, value)
        cell.alignment = Alignment(horizontal="left")
        if isinstance(value, datetime):
            cell.number_format = MOMENT
    sheet["A1"].font = Font(bold=True, size=14)


def _targets(book: Workbook, report: Report, lang: str) -> None:
    columns = [
        Column(_("Target", lang), 60),
        Column(_("Goal", lang), 10),
        Column(_("Numerator", lang), 12, WHOLE),
        Column(_("Denominator", lang), 12, WHOLE),
        Column(_("Value", lang), 10, PERCENT),
        Column(_("Evidence", lang), 10, PERCENT),
        Column(_("State", lang), 20),
        Column(_("Source", lang), 16),
        Column(_("As of", lang), 12, DAY),
        Column(_("Change in a month (points)", lang), 14, CHANGE),
        Column(_("Change in a year (points)", lang), 14, CHANGE),
        Column(_("Goal reached", lang), 26),
        Column(_("Note", lang), 50),
        Column("id", 20),
    ]
    rows = []
    for target in report.targets:
        area = target.area
        goal = None if target.goal is None else f"{_sign(target.comparator)} {target.goal:g} %"
        restated = _("restated, {value} before", lang, value=words.percent(area.before, lang))
        notes = [area.note, area.conflict, restated if area.restated else ""]
        rows.append(
            [
                target.name,
                goal,
                _known(area.numerator, area.denominator),
                area.denominator,
                _share(area.value),
                _share(area.evidence),
                _(words.STATES[area.state], lang),
                _(words.SOURCES.get(area.source, area.source), lang),
                _date(area.as_of),
                target.month,
                target.year,
                target.forecast,
                "; ".join(n for n in notes if n),
                target.id,
            ]
        )
    _table(book.create_sheet(_("Targets", lang)), columns, rows, lang)


def _by_place(book: Workbook, report: Report, lang: str) -> None:
    columns = [
        Column(_("Target", lang), 50),
        Column(_("Unit", lang), 28),
        Column(_("Numerator", lang), 12, WHOLE, total=True),
        Column(_("Denominator", lang), 12, WHOLE, total=True),
        Column(_("Value", lang), 10, PERCENT),
        Column(_("Evidence", lang), 10, PERCENT),
        Column(_("State", lang), 20),
        Column(_("Source", lang), 16),
        Column(_("As of", lang), 12, DAY),
        Column(_("Note", lang), 50),
    ]
    rows = [
        [
            target.name, place.name, _known(place.numerator, place.denominator), place.denominator,
            _share(place.value), _share(place.evidence), _(words.STATES[place.state], lang),
            _(words.SOURCES.get(place.source, place.source), lang), _date(place.as_of),
            "; ".join(n for n in (place.note, place.conflict) if n),
        ]
        for target in report.targets
        for place in target.places
    ]  # fmt: skip
    _table(book.create_sheet(_("By unit", lang)), columns, rows, lang)


def _availability(
    book: Workbook, title: str, rows: Sequence[Service], report: Report, lang: str
) -> None:
    columns = [
        Column(_("Name", lang), 34),
        Column(_("Unit", lang), 28),
        Column(_("Provider", lang), 16),
        Column(_("Availability", lang), 12, "0.00%"),
        Column(_("Known", lang), 10, PERCENT),
        Column(_("Down", lang), 12, HOURS, total=True),
        Column(_("Maintenance", lang), 12, HOURS, total=True),
        Column(_("Unknown", lang), 12, HOURS, total=True),
        Column(_("Outages", lang), 10, WHOLE, total=True),
    ]
    if report.work_hours:
        columns += [
            Column(_("Availability in working hours", lang), 14, "0.00%"),
            Column(_("Down in working hours", lang), 14, HOURS, total=True),
        ]
    columns.append(Column(_("Days restated", lang), 10, WHOLE, total=True))
    made = []
    for row in rows:
        day = row.day
        cells: list[Any] = [
            row.name, row.place, row.provider, _share(day.availability), _share(day.evidence),
            day.down / PER_DAY, day.maintenance / PER_DAY, day.unknown / PER_DAY, row.outages,
        ]  # fmt: skip
        if report.work_hours:
            cells += [_share(row.work.availability), row.work.down / PER_DAY]
        made.append([*cells, row.restated])
    _table(book.create_sheet(title), columns, made, lang)


def _incidents(book: Workbook, report: Report, lang: str) -> None:
    columns = [
        Column(_("No.", lang), 8, WHOLE),
        Column(_("Severity", lang), 14),
        Column(_("Unit", lang), 28),
        Column(_("What", lang), 60),
        Column(_("Since", lang), 18, MOMENT),
        Column(_("Until", lang), 18, MOMENT),
        Column(_("Length in the period", lang), 14, HOURS, total=True),
        Column(_("Cause", lang), 40),
    ]
    zone = ZoneInfo(report.zone)
    rows = [
        [
            event.id, _(words.SEVERITIES[event.severity], lang), event.place, event.what,
            _moment(event.since, zone), _moment(event.until, zone), event.length / PER_DAY,
            event.cause,
        ]
        for event in report.events
    ]  # fmt: skip
    _table(book.create_sheet(_("Incidents", lang)), columns, rows, lang)


def _rules(book: Workbook, report: Report, lang: str) -> None:
    columns = [
        Column(_("Target", lang), 50),
        Column(_("What is counted", lang), 34),
        Column(_("Counting rule", lang), 90),
        Column(_("Responsible unit", lang), 34),
        Column(_("Legal basis", lang), 50),
        Column(_("Due", lang), 12, DAY),
    ]
    rows: list[list[Any]] = [
        [t.name, t.counted, t.rule, t.by, t.basis, _date(t.due)] for t in report.targets
    ]
    rows += [
        [_("Availability", lang), "", _(rule, lang), "", "", None]
        for rule in words.AVAILABILITY_RULES
    ]
    _table(book.create_sheet(_("Counting rules", lang)), columns, rows, lang)


def _table(
    sheet: Worksheet, columns: Sequence[Column], rows: Iterable[Sequence[Any]], lang: str
) -> None:
    for index, column in enumerate(columns, start=1):
        head = sheet.cell(1, index, column.title)
        head.font = Font(bold=True, color="FFFFFF")
        head.fill = HEAD
        head.alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(index)].width = column.width
    last = 1
    for last, row in enumerate(rows, start=2):
        for index, (column, value) in enumerate(zip(columns, row, strict=True), start=1):
            if value is None:
                continue
            cell: Any = sheet.cell(last, index)
            put(cell, value)
            if column.form is not None:
                cell.number_format = column.form
            if column.form is None and column.width >= 34:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    if last > 1:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{last}"
        _total(sheet, columns, last, lang)
    sheet.freeze_panes = "B2"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "1:1"


def _total(sheet: Worksheet, columns: Sequence[Column], last: int, lang: str) -> None:
    if not any(column.total for column in columns):
        return
    put(sheet.cell(last + 1, 1), _("Total", lang))
    for index, column in enumerate(columns, start=1):
        cell: Any = sheet.cell(last + 1, index)
        cell.font = Font(bold=True)
        cell.border = LINE
        if column.total:
            letter = get_column_letter(index)
            cell.value = f"=SUM({letter}2:{letter}{last})"
            cell.number_format = column.form or WHOLE


def _known(numerator: int, denominator: int | None) -> int | None:
    return None if denominator is None else numerator


def _share(value: float | None) -> float | None:
    return None if value is None else value / 100


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])


def _moment(at: int | None, zone: ZoneInfo) -> datetime | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None, microsecond=0)


def _sign(comparator: str) -> str:
    return ">" if comparator == ">" else "≥"
