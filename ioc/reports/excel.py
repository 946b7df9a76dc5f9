"""A report as a workbook: one sheet for each table, real numbers, sums as formulas."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.reports import words
from ioc.reports.model import Figure, Report, Service, TargetPart
from ioc.reports.tables import (
    CHANGE,
    DAY,
    HOURS,
    MOMENT,
    PERCENT,
    PRECISE,
    WHOLE,
    Column,
    Formula,
    fill,
    put,
    to_print,
)
from ioc.reports.told_uptime import availability, by_provider, total_evidence

PER_DAY = 86_400_000  # ms; a spreadsheet counts time in days


def workbook(report: Report) -> bytes:
    """The .xlsx file."""
    lang = report.wanted.language
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    _summary(first, report, lang)
    _targets(book, report, lang)
    _by_place(book, report, lang)
    _providers(book, report, lang)
    for title, rows in (
        (mark("Lines"), report.links),
        (mark("Services"), report.services),
        (mark("Places"), report.places),
        (mark("No longer in the inventory"), report.gone),
    ):
        if rows:
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
    nothing = _("Nothing was measured in this period: no data on lines and incidents.", lang)
    rows.append((_("Incidents", lang), report.incidents if report.watched else nothing))
    for number, (label, value) in enumerate(rows, start=1):
        put(sheet.cell(number, 1), label)
        cell = sheet.cell(number, 2)
        put(cell, value)
        cell.alignment = Alignment(horizontal="left")
        if isinstance(value, datetime):
            cell.number_format = MOMENT
    sheet["A1"].font = Font(bold=True, size=14)
    to_print(sheet, 104)


def _targets(book: Workbook, report: Report, lang: str) -> None:
    columns = [
        Column(_("No.", lang), 6, WHOLE),
        Column(_("Target", lang), 60),
        Column(_("Goal", lang), 10),
        Column(_("Numerator", lang), 12, WHOLE),
        Column(_("Denominator", lang), 12, WHOLE),
        Column(_("Value", lang), 10, PERCENT),
        Column(_("Evidence", lang), 10, PERCENT),
        Column(_("State", lang), 20),
        *_source_columns(lang),
        Column(_("Change in a month (points)", lang), 14, CHANGE),
        Column(_("Change in a year (points)", lang), 14, CHANGE),
        Column(_("Goal reached", lang), 26),
        Column(_("Note", lang), 50),
        Column(_("Sum of the units: numerator", lang), 14, WHOLE),
        Column(_("Sum of the units: denominator", lang), 14, WHOLE),
        Column("id", 20),
    ]
    rows = []
    for number, target in enumerate(report.targets, start=1):
        area = target.area
        rows.append(
            [
                number,
                target.name,
                _share(target.goal),
                *_counted(area, lang),
                *_source(area, lang),
                target.month,
                target.year,
                target.forecast,
                _notes(area, lang),
                *_sums(target, number, lang),
                target.id,
            ]
        )
    sheet = book.create_sheet(_("Targets", lang))
    fill(sheet, columns, rows, lang, fixed="C2")
    for row, target in enumerate(report.targets, start=2):
        sheet.cell(row, 3).number_format = _goal_format(target)


def _by_place(book: Workbook, report: Report, lang: str) -> None:
    columns = [
        Column(_("No.", lang), 6, WHOLE),
        Column(_("Target", lang), 50),
        Column(_("Unit", lang), 28),
        Column(_("Numerator", lang), 12, WHOLE),
        Column(_("Denominator", lang), 12, WHOLE),
        Column(_("Value", lang), 10, PERCENT),
        Column(_("Evidence", lang), 10, PERCENT),
        Column(_("State", lang), 20),
        Column(_("In the sum", lang), 10),
        *_source_columns(lang),
        Column(_("Note", lang), 50),
    ]
    rows = (
        [
            number, target.name, place.name, *_counted(place, lang), _summed(place, lang),
            *_source(place, lang), _notes(place, lang),
        ]
        for number, target in enumerate(report.targets, start=1)
        for place in target.places
    )  # fmt: skip
    fill(book.create_sheet(_("By unit", lang)), columns, rows, lang, fixed="D2")


def _source_columns(lang: str) -> list[Column]:
    return [
        Column(_("Source", lang), 14),
        Column(_("Source of the figures", lang), 28),
        Column(_("Document number", lang), 18),
        Column(_("As of", lang), 12, DAY),
    ]


def _counted(figure: Figure, lang: str) -> list[Any]:
    known = figure.value is not None or figure.denominator == 0
    return [
        figure.numerator if known else None,
        figure.denominator,
        _share(figure.value),
        _share(figure.evidence),
        _(words.STATES[figure.state], lang),
    ]


def _source(figure: Figure, lang: str) -> list[Any]:
    word = _(words.SOURCES.get(figure.source, figure.source), lang) if figure.source else None
    return [word, figure.origin or None, figure.document or None, _date(figure.as_of)]


def _notes(figure: Figure, lang: str) -> str | None:
    before = words.percent(figure.before, lang)
    restated = _("restated, {value} before", lang, value=before) if figure.restated else ""
    return "; ".join(n for n in (figure.note, figure.conflict, restated) if n) or None


def _sums(target: TargetPart, number: int, lang: str) -> list[Any]:
    """Formulas over the sheet of units: what the area's figure may be held against."""
    if not target.places:
        return [None, None]
    sheet, yes = f"'{_('By unit', lang)}'", _("yes", lang)
    return [
        Formula(f'=SUMIFS({sheet}!{column}:{column},{sheet}!A:A,{number},{sheet}!I:I,"{yes}")')
        for column in "DE"
    ]


def _summed(figure: Figure, lang: str) -> str | None:
    """What the ledger does not add up is shown all the same."""
    if figure.denominator is None:
        return None
    return _("yes", lang) if figure.summed else _("no", lang)


def _goal_format(target: TargetPart) -> str:
    digits = "0%" if target.goal is None or float(target.goal).is_integer() else "0.0##%"
    return f'"{">" if target.comparator == ">" else "≥"} "{digits}'


def _providers(book: Workbook, report: Report, lang: str) -> None:
    columns = [
        Column(_("Provider", lang), 30),
        Column(_("Lines", lang), 10, WHOLE, total=True),
        Column(_("Availability", lang), 12, PRECISE),
        Column(_("Known", lang), 10, PERCENT),
        Column(_("Down", lang), 12, HOURS, total=True),
        Column(_("Outages", lang), 10, WHOLE, total=True),
    ]
    rows = [
        [
            name or "–", len(some), _share(availability(row.day for row in some)),
            _share(total_evidence(some)), sum(row.day.down for row in some) / PER_DAY,
            sum(row.outages for row in some),
        ]
        for name, some in by_provider(report).items()
    ]  # fmt: skip
    if rows:
        fill(book.create_sheet(_("By provider", lang)), columns, rows, lang)


def _availability(
    book: Workbook, title: str, rows: Sequence[Service], report: Report, lang: str
) -> None:
    columns = [
        Column(_("Name", lang), 34),
        Column(_("Unit", lang), 28),
        Column(_("Provider", lang), 16),
        Column(_("Availability", lang), 12, PRECISE),
        Column(_("Known", lang), 10, PERCENT),
        Column(_("Down", lang), 12, HOURS, total=True),
        Column(_("Maintenance", lang), 12, HOURS, total=True),
        Column(_("Unknown", lang), 12, HOURS, total=True),
        Column(_("Outages", lang), 10, WHOLE, total=True),
    ]
    if report.work_hours:
        columns += [
            Column(_("Availability in working hours", lang), 14, PRECISE),
            Column(_("Down in working hours", lang), 14, HOURS, total=True),
        ]
    columns.append(Column(_("Days restated", lang), 10, WHOLE, total=True))
    made = []
    for row in rows:
        day = row.day
        cells: list[Any] = [
            row.name, row.place or None, row.provider or None, _share(day.availability),
            _share(day.evidence), day.down / PER_DAY, day.maintenance / PER_DAY,
            day.unknown / PER_DAY, row.outages,
        ]  # fmt: skip
        if report.work_hours:
            cells += [_share(row.work.availability), row.work.down / PER_DAY]
        made.append([*cells, row.restated])
    fill(book.create_sheet(title), columns, made, lang)


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
            event.cause or None,
        ]
        for event in report.events
    ]  # fmt: skip
    sheet = book.create_sheet(_("Incidents", lang))
    fill(sheet, columns, rows, lang)
    if report.incidents > len(report.events):
        text = mark("Only the {listed} worst of the {count} incidents of the period are listed.")
        listed = words.count(len(report.events), lang)
        said = _(text, lang, listed=listed, count=words.count(report.incidents, lang))
        put(sheet.cell(sheet.max_row + 1, 1), said)


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
        [t.name, t.counted, t.rule, t.by or None, t.basis or None, _date(t.due)]
        for t in report.targets
    ]
    rows += [
        [_("Availability", lang), None, _(rule, lang), None, None, None]
        for rule in words.AVAILABILITY_RULES
    ]
    fill(book.create_sheet(_("Counting rules", lang)), columns, rows, lang)


def _share(value: float | None) -> float | None:
    return None if value is None else value / 100


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])


def _moment(at: int | None, zone: ZoneInfo) -> datetime | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None, microsecond=0)
