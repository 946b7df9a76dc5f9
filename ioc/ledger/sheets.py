"""Tables of readings and machine reports: the template that is given out, and what comes back.

bytes ─▶ rows (xlsx or csv) ─▶ intake, row by row ─▶ Imported: good rows, and every mistake with
its sheet, row, column and reason. Nothing is written here.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook
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
from ioc.ledger.model import Key, Reading, Source
from ioc.ledger.places import asked_of, name_of, places_on
from ioc.ledger.records import Outcome
from ioc.ledger.tables import (
    UNCOMPUTED,
    FileError,
    Sheet,
    Uncomputed,
    as_day,
    text_table,
    workbook,
)

__all__ = ["FileError", "Imported", "RowMistake", "outcomes", "put", "read_table", "template"]

LARGEST = 10 * 2**20  # bytes of a file
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
NEEDED = {"readings": ("target", "numerator"), "machines": ("asset",)}
DATES = {"readings": ("as_of",), "machines": ("reported_at", "antivirus_at")}
FIGURES = {"readings": ("numerator", "denominator"), "machines": ("system", "memory_gb", "disk",
           "antivirus")}  # fmt: skip
WIDTHS = {"target_name": 60, "place_name": 28, "origin": 30, "note": 30, "links": 30,
          "asset_name": 28, "system": 28}  # fmt: skip
WITHDRAWN = Reason(
    "was withdrawn; enter it on the page of the target or with `ioc targets declare` if it holds "
    "after all"
)


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


def read_table(
    content: bytes, topology: Topology, now: int, withdrawn: Collection[Key] = ()
) -> Imported:
    """Rows of a workbook (.xlsx) or of comma-separated text. Raises FileError.

    withdrawn: readings that were taken back (Given.withdrawn). A row that says such a one anew is
    a mistake: an old file handed in again must not bring back what was wrong.
    """
    if len(content) > LARGEST:
        raise FileError(Reason("larger than {size} MB", {"size": LARGEST // 2**20}))
    sheets = workbook(content, ROWS + 2) if content.startswith(b"PK") else text_table(content)
    taker = _Taker(topology, now, withdrawn)
    known = 0
    for sheet in sheets:
        known += taker.sheet(sheet)
    if not known:
        raise FileError(Reason("no column of the template; use the file that `template` makes"))
    return taker.found()


class _Taker:
    """Takes rows, keeping where each good one stands until it is known that none contradicts."""

    def __init__(self, topology: Topology, now: int, withdrawn: Collection[Key]) -> None:
        self._topology = topology
        self._withdrawn = withdrawn
        self._now = now
        self._today = datetime.fromtimestamp(now / 1000, topology.timezone).date()
        self._rows: list[tuple[str, int, Reading | MachineReport]] = []
        self._mistakes: list[RowMistake] = []
        self._empty = 0

    def sheet(self, sheet: Sheet) -> bool:
        """Whether it is one of ours."""
        name, rows, epoch = sheet
        header = next(rows, ())
        for kind, headings in (("readings", READING), ("machines", MACHINE)):
            columns = _columns(header, headings)
            if all(need in columns for need in NEEDED[kind]):
                break
        else:
            return False
        for number, row in enumerate(rows, start=2):
            if number > ROWS:
                text = Reason("more than {count} rows", {"count": ROWS})
                self._mistakes.append(RowMistake(name, number, "", text))
                break
            given = {key: row[i] if i < len(row) else None for key, i in columns.items()}
            if all(_blank(given.get(key)) for key in FIGURES[kind]):
                self._empty += not all(_blank(value) for value in given.values())
                continue
            try:
                given |= {key: as_day(given.get(key), epoch) for key in DATES[kind]}
                self._rows.append((name, number, self._take(kind, given)))
            except intake.Wrong as wrong:
                index = columns.get(wrong.field)
                column = str(header[index]) if index is not None else _(headings[wrong.field])
                self._mistakes.append(RowMistake(name, number, column, wrong.reason))
        return True

    def _take(self, kind: str, given: dict[str, Any]) -> Reading | MachineReport:
        for key, value in given.items():
            if isinstance(value, Uncomputed):
                raise intake.Wrong(key, UNCOMPUTED)
        if kind == "readings":
            reading = intake.reading(self._topology, given, self._today)
            if reading.key in self._withdrawn:
                raise intake.Wrong("numerator", WITHDRAWN)
            return reading
        if _blank(given.get("reported_at")):  # else handing the same in again would be newer
            raise intake.Wrong("reported_at", Reason("is missing; add it"))
        return intake.machine(self._topology, {**given, "source": "excel"}, self._now)

    def found(self) -> Imported:
        """What contradicts is left out: which row is meant nobody can say."""
        first: dict[tuple[object, ...], tuple[str, int, Reading | MachineReport]] = {}
        twice: dict[tuple[object, ...], list[tuple[str, int]]] = {}
        for row in self._rows:
            name, number, one = row
            other = first.setdefault(_identity(one), row)
            if _content(other[2]) != _content(one):
                twice.setdefault(_identity(one), [other[:2]]).append((name, number))
        for places in twice.values():
            self._mistakes += _contradictions(places)
        good = [one for key, (_name, _row, one) in first.items() if key not in twice]
        return Imported(
            [one for one in good if isinstance(one, Reading)],
            [one for one in good if isinstance(one, MachineReport)],
            sorted(self._mistakes, key=lambda m: (m.sheet, m.row)),
            self._empty,
        )


def _identity(one: Reading | MachineReport) -> tuple[object, ...]:
    return one.key if isinstance(one, Reading) else (one.asset, one.reported_at)


def _content(one: Reading | MachineReport) -> object:
    return one.said if isinstance(one, Reading) else one


def _contradictions(rows: Sequence[tuple[str, int]]) -> Iterator[RowMistake]:
    for name, row in rows:
        others = ", ".join(f"{sheet}:{n}" for sheet, n in rows if (sheet, n) != (name, row))
        reason = Reason("says something else than {rows} of the same day", {"rows": others})
        yield RowMistake(name, row, "", reason)


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
    machine_rows = [{"asset": a.id, "asset_name": a.name, "reported_at": as_of} for a in computers]
    _fill(second, MACHINE, machine_rows, lang)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _reading_rows(topology: Topology, as_of: date, lang: str) -> Iterator[dict[str, Any]]:
    places = places_on(topology, as_of)
    for target in topology.targets.values():
        if target.retired is not None and target.retired <= as_of.isoformat():
            continue
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
