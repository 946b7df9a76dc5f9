"""Files that people hand in: the template filled in, and everything that is not it."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, to_excel
from world import NOW, TODAY, topology

from ioc.inventory.topology import Topology
from ioc.ledger.records import Outcome
from ioc.ledger.sheets import FileError, Imported, outcomes, read_table, template
from ioc.ledger.tables import as_day

HEAD = ["target", "place", "as_of", "numerator", "denominator"]
GOOD = ["e-signature", "a", "2026-08-31", 9, 10]


@pytest.fixture(scope="module")
def district() -> Topology:
    return topology()


def book(
    *rows: Sequence[Any],
    head: Sequence[Any] = HEAD,
    change: Callable[[Any], None] | None = None,
) -> bytes:
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = "Số liệu"
    for row in [head, *rows]:
        sheet.append(list(row))
    if change is not None:
        change(made)
    packed = io.BytesIO()
    made.save(packed)
    return packed.getvalue()


def patched(content: bytes, name: str, change: Callable[[str], str]) -> bytes:
    """A workbook with one of its parts rewritten."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
        for item in old.namelist():
            text = old.read(item)
            new.writestr(item, change(text.decode()).encode() if item == name else text)
    return packed.getvalue()


def read(district: Topology, content: bytes, now: int = NOW) -> Imported:
    return read_table(content, district, now)


def refused(district: Topology, content: bytes) -> str:
    with pytest.raises(FileError) as caught:
        read(district, content)
    return caught.value.reason.text


# --- the template


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_template_filled_in_comes_back_whole(district: Topology, lang: str) -> None:
    empty = template(district, TODAY, lang)
    found = read(district, empty)
    assert (found.readings, found.machines, found.mistakes) == ([], [], [])
    assert found.empty > len(district.targets)
    filled = load_workbook(io.BytesIO(empty))
    first, second = filled.worksheets
    for row in range(2, first.max_row + 1):
        first.cell(row, 6, 3)
        first.cell(row, 7, 4)
    second.cell(2, 4, "Windows 11 Pro")
    second.cell(2, 5, 7.9)
    packed = io.BytesIO()
    filled.save(packed)
    found = read(district, packed.getvalue())
    assert found.mistakes == []
    assert len(found.readings) == first.max_row - 1
    assert {r.target for r in found.readings} == {
        t.id for t in district.targets.values() if set(t.sources) != {"measured"}
    }
    assert {(r.target, r.place) for r in found.readings} >= {("ioc", None), ("e-signature", "a")}
    [computer] = found.machines
    assert (computer.asset, computer.memory_mb) == ("huyen.pc-10", 8090)


def test_the_same_file_twice_says_nothing_new(district: Topology) -> None:
    content = book(GOOD)
    first = read(district, content)
    assert outcomes(first, []) == {Outcome.NEW: 1, Outcome.CORRECTED: 0, Outcome.UNCHANGED: 0}
    later = read(district, content, NOW + 86_400_000)
    assert later.readings == first.readings
    assert outcomes(later, first.readings)[Outcome.UNCHANGED] == 1
    other = read(district, book([*GOOD[:3], 8, 10]))
    assert outcomes(other, first.readings)[Outcome.CORRECTED] == 1


# --- rows


def test_bad_rows_are_refused_one_by_one_and_good_ones_stand(district: Topology) -> None:
    found = read(
        district,
        book(
            GOOD,
            ["no-such", "a", "2026-08-31", 1, 2],
            ["ioc", "", "2026-08-31", 3, 2],
            ["ioc", "", "31/02/2026", 1, 2],
            ["ioc", "", "2026-08-31", "#DIV/0!", 2],
            ["ioc", "", "2026-08-31", 1, None],
            [None, None, None, None, None],
            ["ioc", "", "2026-08-31", None, None],
            ["ioc", "", "2026-08-31", 1, 2],
        ),
    )
    assert [(m.sheet, m.row, m.column) for m in found.mistakes] == [
        ("Số liệu", 3, "target"),
        ("Số liệu", 4, "numerator"),
        ("Số liệu", 5, "as_of"),
        ("Số liệu", 6, "numerator"),
        ("Số liệu", 7, "denominator"),
    ]
    assert all(m.reason.text for m in found.mistakes)
    assert [r.target for r in found.readings] == ["e-signature", "ioc"]
    assert found.empty == 1


def test_headings_are_known_however_they_are_written(district: Topology) -> None:
    vi = ["Chỉ tiêu (id)", "ĐƠN VỊ (ID)", "tính  đến", "Tử số\n", "mau so"]
    real = [
        str(c.value)
        for c in load_workbook(io.BytesIO(template(district, TODAY, "vi"))).worksheets[0][1]
    ]
    names = [
        real[0],
        real[2].upper(),
        unicodedata.normalize("NFD", real[4]),
        f" {real[5]}\n",
        real[6],
    ]
    assert len(names) == len(vi)
    found = read(district, book(GOOD, head=names))
    assert found.mistakes == []
    assert len(found.readings) == 1


def test_a_missing_column_is_named_in_every_row(district: Topology) -> None:
    found = read(district, book(["ioc", 1], head=["target", "numerator"]))
    assert [m.row for m in found.mistakes] == [2]
    assert found.mistakes[0].column


def test_rows_that_contradict_are_all_named_and_none_goes_in(district: Topology) -> None:
    found = read(district, book(GOOD, GOOD, [*GOOD[:3], 8, 10], ["ioc", "", "2026-08-31", 1, 2]))
    assert [r.target for r in found.readings] == ["ioc"]
    assert [m.row for m in found.mistakes] == [2, 4]
    assert "Số liệu:4" in str(found.mistakes[0].reason.args)
    same = read(district, book(GOOD, GOOD))
    assert (len(same.readings), same.mistakes) == (1, [])


def test_formulas_give_their_value_or_are_refused(district: Topology) -> None:
    content = book([*GOOD[:3], "=4+5", 10], ["ioc", "", "2026-08-31", 1, 2])
    found = read(district, content)
    assert [(m.row, m.column) for m in found.mistakes] == [(2, "numerator")]
    assert "formula" in found.mistakes[0].reason.text
    assert [r.target for r in found.readings] == ["ioc"]
    computed = patched(
        content,
        "xl/worksheets/sheet1.xml",
        lambda text: re.sub(r"<f>4\+5</f><v\s*/>|<f>4\+5</f><v></v>", "<f>4+5</f><v>9</v>", text),
    )
    [signed, _ioc] = read(district, computed).readings
    assert signed.numerator == 9


def test_text_that_looks_like_a_formula_stays_text(district: Topology) -> None:
    found = read(district, book([*GOOD, "'=1+1"], head=[*HEAD, "origin"]))
    assert found.readings[0].origin == "'=1+1"


def test_merged_cells_leave_rows_without_a_target(district: Topology) -> None:
    rows = [GOOD, [None, "b", "2026-08-31", 9, 10]]
    found = read(district, book(*rows, change=lambda made: made.active.merge_cells("A2:A3")))
    assert [(m.row, m.column) for m in found.mistakes] == [(3, "target")]


@pytest.mark.parametrize("epoch", [CALENDAR_WINDOWS_1900, CALENDAR_MAC_1904])
def test_a_number_of_days_is_the_day_that_the_spreadsheet_means(
    district: Topology, epoch: datetime
) -> None:
    def other_epoch(made: Workbook) -> None:
        made.epoch = epoch

    days = to_excel(date(2026, 8, 31), epoch)
    found = read(district, book([*GOOD[:2], int(days), 9, 10], change=other_epoch))
    assert found.mistakes == []
    assert found.readings[0].as_of == "2026-08-31"


def test_other_sheets_are_left_alone(district: Topology) -> None:
    def add(made: Workbook) -> None:
        made.create_sheet("Ghi chú").append(["gì đó", "khác"])

    assert len(read(district, book(GOOD, change=add)).readings) == 1
    assert "no column of the template" in refused(district, book(["x", "y"], head=["gì", "đó"]))
    assert "no column of the template" in refused(district, book(head=[]))


def test_a_computer_needs_the_day_it_was_looked_at(district: Topology) -> None:
    head = ["asset", "reported_at", "memory_gb"]
    found = read(district, book(["a.pc-10", None, 8], ["a.pc-11", "29/09/2026", 8], head=head))
    assert [(m.row, m.column) for m in found.mistakes] == [(2, "reported_at")]
    [report] = found.machines
    again = read(district, book(["a.pc-11", "29/09/2026", 8], head=head), NOW + 86_400_000)
    assert again.machines == [report]
    two = read(
        district, book(["a.pc-11", "29/09/2026", 8], ["a.pc-11", "29/09/2026", 4], head=head)
    )
    assert two.machines == []
    assert [m.row for m in two.mistakes] == [2, 3]


def test_more_rows_than_are_taken_are_said(district: Topology) -> None:
    lines = [",".join(HEAD), *("ioc,,2026-08-31,1,2" for _ in range(60_000))]
    found = read(district, "\n".join(lines).encode())
    assert len(found.readings) == 1
    assert [m.row for m in found.mistakes] == [50_001]


# --- files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separated_values_as_programs_write_them(
    district: Topology, encoding: str, mark: str, end: str
) -> None:
    rows = [HEAD, ["e-signature", "Xã A", "31/08/2026", "9", "10"]]
    found = read(district, end.join(mark.join(row) for row in rows).encode(encoding))
    assert found.mistakes == []
    assert found.readings[0].place == "a"


def test_the_separator_that_excel_notes_in_the_first_line(district: Topology) -> None:
    text = "sep=;\n" + ";".join(HEAD) + "\nioc;;31/08/2026;1;2\n"
    assert len(read(district, text.encode()).readings) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02",
        unicodedata.normalize("NFD", "target,place,numerator\nioc,Xã Bản Thi,1").encode("cp1258"),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,  # .xls
        b"PK\x03\x04 no archive",
        b"PK\x05\x06" + b"\x00" * 18,  # an empty archive
        b"%PDF-1.7",
        b"\xff\xfe\x41",
        b"target,numerator\n" + b'"' + b"x" * 200_000,
        b"a" * (10 * 2**20 + 1),
        book(GOOD)[:-200],
    ],
    ids=["empty", "nul", "cp1258", "xls", "broken", "bare", "pdf", "half", "long", "large", "cut"],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_words(district: Topology, content: bytes) -> None:
    assert refused(district, content)


def test_a_bomb_is_refused_before_it_is_unpacked(district: Topology) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\x00" * (101 * 2**20))
    assert "larger than" in refused(district, packed.getvalue())


def test_a_bomb_that_lies_about_its_size_is_refused(district: Topology) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\x00" * (101 * 2**20))
    size = (101 * 2**20).to_bytes(4, "little")
    assert packed.getvalue().count(size) == 2
    refused(district, packed.getvalue().replace(size, (1000).to_bytes(4, "little")))


def test_entities_that_multiply_are_refused(district: Topology) -> None:
    entities = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' if n else '<!ENTITY e0 "ha">' for n in range(20)
    )

    def bomb(text: str) -> str:
        return f"<?xml version='1.0'?><!DOCTYPE s [{entities}]>" + text.replace(
            "<sheetData>", "<sheetData><row><c t='inlineStr'><is><t>&e19;</t></is></c></row>"
        )

    assert refused(district, patched(book(GOOD), "xl/worksheets/sheet1.xml", bomb))


def test_a_formula_of_the_template_cannot_be_planted(district: Topology) -> None:
    """Names of an inventory that begin like formulas stay text in what is given out."""
    evil = replace(district.targets["ioc"], name="=cmd|' /C calc'!A0")
    odd = replace(district, targets={"ioc": evil})
    sheet = load_workbook(io.BytesIO(template(odd, TODAY, "vi"))).worksheets[0]
    assert sheet["B2"].data_type == "s"


def test_a_number_that_counts_no_days_stays_what_it_is() -> None:
    for number in (float("inf"), float("-inf"), 10**400, 19_999, 80_000, True):
        assert as_day(number, CALENDAR_WINDOWS_1900) is number
    nothing = float("nan")
    assert as_day(nothing, CALENDAR_WINDOWS_1900) is nothing
    assert as_day(46_265, CALENDAR_WINDOWS_1900) == datetime(2026, 8, 31)
