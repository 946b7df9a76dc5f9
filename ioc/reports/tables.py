"""A table as a sheet: headings that stay, formats, a filter, sums below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from ioc.i18n import translate as _
from ioc.ledger import sheets
from ioc.ledger.rounding import shown

PERCENT, PRECISE, HOURS, WHOLE = "0.0%", "0.00%", "[h]:mm", "#,##0"
DAY, MOMENT, CHANGE = "dd/mm/yyyy", "hh:mm dd/mm/yyyy", "+0.0;−0.0;0.0"
HEAD = PatternFill("solid", fgColor="1D4F91")
LINE = Border(bottom=Side("thin", color="CBD5E1"))
WIDE = 220  # letters
DECIMALS = 9  # of a percentage, at most
LONGEST = 32_000  # letters of a cell; a workbook holds 32,767


@dataclass(frozen=True, slots=True)
class Column:
    """total: a sum of the column below the table."""

    title: str
    width: float
    form: str | None = None
    total: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula of ours; a text that comes from anybody else never becomes one."""

    text: str


def put(cell: Any, value: Any) -> None:
    """A value into a cell. A text stays a text; what no workbook may hold is left out of it."""
    if isinstance(value, Formula):
        cell.value = value.text
    elif isinstance(value, str):
        sheets.put(cell, ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST])
    else:
        sheets.put(cell, value)


def fill(
    sheet: Worksheet,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    lang: str,
    fixed: str = "B2",
) -> None:
    """fixed: the cell from which on the sheet scrolls."""
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
                cell.number_format = _form(column.form, value)
            if column.form is None and column.width >= 34:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    if last > 1:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{last}"
        _total(sheet, columns, last, lang)
    sheet.freeze_panes = fixed
    to_print(sheet, sum(column.width for column in columns))
    sheet.print_title_rows = "1:1"


def _form(form: str, value: Any) -> str:
    """Of a share, with as many decimals as it takes to be shown as everywhere else: a spreadsheet
    would show 99.96 % as 100.0 %."""
    if form not in (PERCENT, PRECISE):
        return form
    exact = 100 * Decimal(repr(value))
    digits = len(form) - len("0.%")
    while digits < DECIMALS:
        displayed = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        if float(displayed) == shown(float(exact), digits):
            break
        digits += 1
    return f"0.{'0' * digits}%"


def to_print(sheet: Worksheet, width: float) -> None:
    """On one page's width; what is wide in letters on the larger paper."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A3 if width > WIDE else sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


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
