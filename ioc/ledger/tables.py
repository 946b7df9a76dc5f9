"""Rows of a file that somebody hands in: a workbook (.xlsx) or text with separators.

Whatever is in it, it is read in bounded memory, or refused in words.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from openpyxl import load_workbook
from openpyxl.utils.datetime import WINDOWS_EPOCH, from_excel

from collectors.base import Reason

UNPACKED = 100 * 2**20  # bytes that a workbook may hold once unpacked
COLUMNS = 60
DAYS = range(20_000, 80_000)  # 1954 to 2119, as a spreadsheet counts days

Row = Sequence[Any]


class Sheet(NamedTuple):
    """epoch: the day from which its numbers of days count."""

    title: str
    rows: Iterator[Row]
    epoch: datetime = WINDOWS_EPOCH


UNCOMPUTED = Reason("a formula without a value; open the file, save it, and hand it in again")
UNREADABLE = Reason("not a workbook (.xlsx) that can be read")


class FileError(Exception):
    """The file cannot be read at all; reason says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self.reason = reason


class Uncomputed:
    """Stands for a formula whose value the file does not hold."""

    def __str__(self) -> str:
        return "="


def workbook(content: bytes, rows: int) -> Iterator[Sheet]:
    """Every sheet with its first so many rows. Raises FileError."""
    formulas = _formulas(content)
    values = _open(content, data_only=True)
    written = _open(content, data_only=False) if formulas else None
    for index, sheet in enumerate(values.worksheets):
        found = _rows_of(sheet, rows)
        if written is not None:
            found = _checked(found, _rows_of(written.worksheets[index], rows))
        yield Sheet(sheet.title, found, values.epoch)


def _formulas(content: bytes) -> bool:
    """Whether any cell is worked out from others. Raises FileError for what is too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(item.file_size for item in packed.infolist()) > UNPACKED:
                raise FileError(Reason("larger than {size} MB", {"size": UNPACKED // 2**20}))
            sheets = [n for n in packed.namelist() if n.startswith("xl/worksheets/")]
            return any(_holds_formula(packed, name) for name in sheets)
    except FileError:
        raise
    except Exception as error:  # a damaged archive raises whatever its parts raise
        raise FileError(UNREADABLE) from error


def _holds_formula(packed: zipfile.ZipFile, name: str) -> bool:
    with packed.open(name) as file:
        before = b""
        while block := file.read(2**20):
            if b"<f>" in before + block or b"<f " in before + block:
                return True
            before = block[-2:]
    return False


def _open(content: bytes, *, data_only: bool) -> Any:
    try:
        return load_workbook(io.BytesIO(content), read_only=True, data_only=data_only)
    except Exception as error:  # openpyxl raises whatever its parsers raise
        raise FileError(UNREADABLE) from error


def _rows_of(sheet: Any, rows: int) -> Iterator[Row]:
    try:
        yield from sheet.iter_rows(values_only=True, max_row=rows, max_col=COLUMNS)
    except Exception as error:
        raise FileError(UNREADABLE) from error


def _checked(values: Iterator[Row], written: Iterator[Row]) -> Iterator[Row]:
    """Formulas that were never worked out are no empty cells."""
    for row, formulas in zip(values, written, strict=False):
        yield [
            Uncomputed() if value is None and formula is not None else value
            for value, formula in zip(row, formulas, strict=False)
        ]


def as_day(value: Any, epoch: datetime) -> Any:
    """A number of days, in a column of dates that is not formatted as such, as the day it is."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return from_excel(value, epoch) if number and DAYS.start <= value < DAYS.stop else value


def text_table(content: bytes) -> Iterator[Sheet]:
    """Comma, semicolon or tab; UTF-8 or UTF-16. Raises FileError."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(Reason("not UTF-8 text; save it as Excel (.xlsx) or CSV UTF-8")) from None
    first, _newline, rest = text.partition("\n")
    if first.startswith("sep=") and len(first.strip()) == 5:  # as Excel writes it for itself
        text, separator = rest, first[4]
    else:
        separator = max(",;\t", key=first.count)
    yield Sheet("csv", _lines(text, separator))


def _lines(text: str, separator: str) -> Iterator[Row]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error:
        raise FileError(Reason("no table of separated values that can be read")) from None
