"""One figure is the same percentage everywhere: page, command, PDF and workbook."""

from __future__ import annotations

import io
from decimal import ROUND_HALF_UP, Decimal

import pytest
from openpyxl import load_workbook
from parts import figure, part, report, service

from ioc import _cli_targets as command
from ioc.reports import words as of_reports
from ioc.reports.excel import workbook
from ioc.reports.told_targets import target_row
from ioc.web import words as of_pages

TARGETS, LINES = "Chỉ tiêu", "Đường truyền"


def displayed(cell: object) -> str:
    """What a spreadsheet shows of a percentage: half is rounded up."""
    value, form = cell.value, cell.number_format  # type: ignore[attr-defined]
    zeros = form.removesuffix("%").partition(".")[2]
    assert form.endswith("%")
    assert not zeros.strip("0")
    found = (Decimal(repr(value)) * 100).quantize(Decimal(1).scaleb(-len(zeros)), ROUND_HALF_UP)
    text = f"{found}"
    return (text.rstrip("0").removesuffix(".") if "." in text else text) + " %"


def in_workbook(value: float) -> str:
    area = figure("", 1, 2, value=value)
    book = load_workbook(io.BytesIO(workbook(report(targets=(part("a", area),)))))
    sheet = book[TARGETS]
    column = next(cell.column for cell in sheet[1] if cell.value == "Kết quả")
    return displayed(sheet.cell(2, column))


@pytest.mark.parametrize(
    ("value", "said"),
    [(200 / 3, "66.7 %"), (87.45, "87.5 %"), (50.0, "50 %"), (100.0, "100 %"), (0.0, "0 %"),
     (99.0, "99 %"), (33.3333, "33.3 %"), (120.0, "120 %")],
)  # fmt: skip
def test_page_command_pdf_and_workbook_say_the_same(value: float, said: str) -> None:
    assert of_pages.percent(value, "en") == said
    assert of_reports.percent(value, "en") == said
    assert command._shown(value).replace(",", ".") + " %" == said
    assert in_workbook(value) == said


@pytest.mark.parametrize(
    ("value", "said", "closer"),
    [(99.96, "99.9 %", "99.96 %"), (0.04, "0.1 %", "0.04 %"), (99.9997, "99.9 %", "99.9997 %")],
)
def test_what_is_nearly_all_or_nothing_is_never_said_to_be_it(
    value: float, said: str, closer: str
) -> None:
    assert of_pages.percent(value, "en") == said
    assert of_reports.percent(value, "en") == said
    assert command._shown(value).replace(",", ".") + " %" == said
    assert in_workbook(value) == closer, "a workbook shows as many decimals as it takes"


def test_the_hours_of_a_line_are_not_rounded_up_to_all_of_them() -> None:
    line = service("a.fiber", up=999_999, down=1)
    book = load_workbook(io.BytesIO(workbook(report(links=(line,), counted={"info": 1}))))
    sheet = book[LINES]
    column = next(cell.column for cell in sheet[1] if cell.value == "Tỷ lệ hoạt động")
    assert displayed(sheet.cell(2, column)) == "99.9999 %"
    assert of_reports.percent(line.day.availability, "en", 2) == "99.99 %"


def test_a_goal_is_said_as_it_was_set() -> None:
    assert target_row(1, part("a", figure(""), goal=99.95), "vi")["goal"] == "≥ 99,95 %"
