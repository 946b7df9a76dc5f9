"""Tables of readings and machine reports: the template that is given out, and what comes back.

bytes ─▶ rows (xlsx or csv) ─▶ intake, row by row ─▶ Imported: good rows, and every mistake with
its sheet, row, column and reason. Nothing is written here.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from collectors.base import Reason
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory.topology import Topology
from ioc.ledger import intake
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.model import Reading, Source
from ioc.ledger.places import asked_of, name_of, places_on
from ioc.ledger.records import Outcome

LARGEST = 10 * 2**20  # bytes of a file
UNPACKED = 200 * 2**20  # bytes that a workbook may hold once unpacked
ROWS = 50_000

# Field -> heading. A heading is recognised in both languages, whatever its case and marks.
READING = {
    "target": mark("Target (id)"),
    "target_name": mark("Name of the target"),
    "place": mark("Unit (id)"),
    "place_name": mark("Name of the unit"),
    "as_of": mark("As of"),
    "numerator": mark("Numerator"),
    "denominator": mark("Denominator"),
    "source": mark("Kind of source"),
    "origin": mark("Source of the figures"),
    "document": mark("Document number"),
    "note": mark("Note"),
    "links": mark("Links"),
}
MACHINE = {
    "asset": mark("Computer (id)"),
    "asset_name": mark("Name of the computer"),
    "reported_at": mark("As of"),
    "system": mark("Operating system"),
    "memory_gb": mark("Memory (GB)"),
    "disk": mark("Disk (ssd, hdd)"),
    "antivirus": mark("Antivirus on (yes, no)"),
    "antivirus_at": mark("Antivirus definitions of"),
}
SHEETS = {"readings": mark("Readings"), "machines": mark("Computers")}
FIGURES = {"readings": ("numerator", "denominator"), "machines": ("system", "memory_gb", "disk",
           "antivirus")}  # fmt: skip
WIDTHS = {"target_name": 60, "place_name": 28, "origin": 30, "note": 30, "links": 30,
          "asset_name": 28, "system": 28}  # fmt: skip


class FileError(Exception):
    """The file cannot be read at all; reason says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RowMistake:
    """row: as the spreadsheet counts, the heading is 1. column: its heading in the file."""

    sheet: str
    row: int
    column: str
    reason: Reason


@dataclass(slots=True)
class Imported:
    """What a file holds. empty: rows of the template that nobody filled in."""

    readings: list[Reading] = field(default_factory=list)
    machines: list[MachineReport] = field(default_factory=list)
    mistakes: list[RowMistake] = field(default_factory=list)
    empty: int = 0


# --- in


def read_table(content: bytes, topology: Topology, now: int) -> Imported:
    """Rows of a workbook (.xlsx) or of comma-separated text. Raises FileError."""
    if len(content) > LARGEST:
        raise FileError(Reason("larger than {size} MB", {"size": LARGEST // 2**20}))
    sheets = _workbook(content) if content.startswith(b"PK") else _csv(content)
    found = Imported()
    known = 0
    for name, rows in sheets:
        known += _sheet(name, rows, topology, now, found)
    if not known:
        raise FileError(Reason("no column of the template; use the file that `template` makes"))
    _repeated(found)
    return found


def _sheet(
    name: str, rows: Iterator[Sequence[Any]], topology: Topology, now: int, found: Imported
) -> bool:
    """Whether it is one of ours."""
    header = next(rows, ())
    for kind, headings in (("readings", READING), ("machines", MACHINE)):
        columns = _columns(header, headings)
        needed = ("target", "numerator") if kind == "readings" else ("asset",)
        if all(need in columns for need in needed):
            break
    else:
        return False
    today = datetime.fromtimestamp(now / 1000, topology.timezone).date()
    for number, row in enumerate(rows, start=2):
        if number > ROWS:
            text = Reason("more than {count} rows", {"count": ROWS})
            found.mistakes.append(RowMistake(name, number, "", text))
            break
        given = {key: row[i] if i < len(row) else None for key, i in columns.items()}
        if all(_blank(given.get(key)) for key in FIGURES[kind]):
            found.empty += not all(_blank(value) for value in given.values())
            continue
        try:
            if kind == "readings":
                found.readings.append(intake.reading(topology, given, today))
            else:
                found.machines.append(intake.machine(topology, {**given, "source": "excel"}, now))
        except intake.Wrong as wrong:
            index = columns.get(wrong.field)
            column = str(header[index]) if index is not None else _(headings[wrong.field])
            found.mistakes.append(RowMistake(name, number, column, wrong.reason))
    return True


def _repeated(found: Imported) -> None:
    """The same reading in two rows: which one is meant nobody can say, so neither goes in."""
    seen: dict[tuple[object, ...], Reading] = {}
    twice = set()
    for one in found.readings:
        other = seen.setdefault(one.key, one)
        if other.said != one.said:
            twice.add(one.key)
    for key in twice:
        words = {"target": str(key[0]), "place": str(key[1] or "")}
        reason = Reason("{target} {place}: two rows of the same day say different things", words)
        found.mistakes.append(RowMistake("", 0, "", reason))
    found.readings = [one for one in seen.values() if one.key not in twice]


def _columns(header: Sequence[Any], headings: Mapping[str, str]) -> dict[str, int]:
    names: dict[str, str] = {}
    for key, heading in headings.items():
        for text in (key, _(heading, "vi"), _(heading, "en")):
            names[intake.plain(text)] = key
    found: dict[str, int] = {}
    for index, title in enumerate(header):
        known = names.get(intake.plain(str(title or "")))
        if known is not None:
            found.setdefault(known, index)
    return found


def _workbook(content: bytes) -> Iterator[tuple[str, Iterator[Sequence[Any]]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(item.file_size for item in packed.infolist()) > UNPACKED:
                raise FileError(Reason("larger than {size} MB", {"size": UNPACKED // 2**20}))
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except FileError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers raise
        raise FileError(Reason("not a workbook (.xlsx) that can be read")) from error
    for sheet in book.worksheets:
        yield sheet.title, _rows_of(sheet)


def _rows_of(sheet: Any) -> Iterator[Sequence[Any]]:
    try:
        yield from sheet.iter_rows(values_only=True, max_row=ROWS + 2, max_col=60)
    except Exception as error:
        raise FileError(Reason("not a workbook (.xlsx) that can be read")) from error


def _csv(content: bytes) -> Iterator[tuple[str, Iterator[Sequence[Any]]]]:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(Reason("not UTF-8 text; save it as Excel (.xlsx) or CSV UTF-8")) from None
    first = text.partition("\n")[0]
    mark_ = max(",;\t", key=first.count)
    yield "csv", iter(csv.reader(io.StringIO(text, newline=""), delimiter=mark_))


def _blank(value: Any) -> bool:
    return value is None or not str(value).strip()


def outcomes(found: Imported, known: Iterable[Reading]) -> dict[Outcome, int]:
    """What would become of the good rows, against the readings in force."""
    newest = {reading.key: reading for reading in known}
    counts = dict.fromkeys(Outcome, 0)
    for one in found.readings:
        before = newest.get(one.key)
        if before is None:
            counts[Outcome.NEW] += 1
        else:
            same = before.said == one.said
            counts[Outcome.UNCHANGED if same else Outcome.CORRECTED] += 1
    return counts


# --- out


def template(topology: Topology, as_of: date, lang: str) -> bytes:
    """A workbook to fill in: one row for each target and unit that reports, one for each
    computer. as_of: stands in every row."""
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    first.title = _(SHEETS["readings"], lang)
    _fill(first, READING, _reading_rows(topology, as_of, lang), lang)
    words = '"khai báo,kết xuất"' if lang == "vi" else '"declared,exported"'
    choice = DataValidation(type="list", formula1=words, allow_blank=True)
    letter = get_column_letter(list(READING).index("source") + 1)
    choice.add(f"{letter}2:{letter}{ROWS}")
    first.add_data_validation(choice)
    second = book.create_sheet(_(SHEETS["machines"], lang))
    computers = [a for a in topology.assets.values() if a.kind == "computer"]
    _fill(second, MACHINE, ({"asset": a.id, "asset_name": a.name} for a in computers), lang)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _reading_rows(topology: Topology, as_of: date, lang: str) -> Iterator[dict[str, Any]]:
    places = places_on(topology, as_of)
    for target in topology.targets.values():
        reported = [s for s in target.sources if s != Source.MEASURED]
        if not reported:
            continue
        word = "khai báo" if reported[0] == Source.DECLARED else "kết xuất"
        asked: list[str | None] = [p.id for p in asked_of(target.per, places)]
        for place in asked or [None]:
            yield {
                "target": target.id,
                "target_name": (target.name_en or target.name) if lang == "en" else target.name,
                "place": place,
                "place_name": topology.area_name if place is None else name_of(topology, place),
                "as_of": as_of,
                "source": word if lang == "vi" else reported[0],
            }


def _fill(
    sheet: Worksheet, headings: Mapping[str, str], rows: Iterable[Mapping[str, Any]], lang: str
) -> None:
    for index, (key, heading) in enumerate(headings.items(), start=1):
        cell = sheet.cell(1, index, _(heading, lang))
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="1D4F91")
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(index)].width = WIDTHS.get(key, 16)
    for number, row in enumerate(rows, start=2):
        for index, key in enumerate(headings, start=1):
            value = row.get(key)
            if value is not None:
                put(sheet.cell(number, index), value)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(headings))}{max(sheet.max_row, 2)}"


def put(cell: Cell | Any, value: Any) -> None:
    """A value into a cell; text stays text though it may begin like a formula."""
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
    elif isinstance(value, date):
        cell.number_format = "dd/mm/yyyy"
