"""One reading, one machine report: what is taken, what is refused and in which words."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import DAY, INVENTORY, NOW, TODAY, topology

from ioc.inventory.topology import Topology
from ioc.ledger import intake
from ioc.ledger.model import Source

GOOD = {"target": "e-signature", "place": "a", "as_of": "2026-08-31", "numerator": 9,
        "denominator": 10}  # fmt: skip


@pytest.fixture(scope="module")
def district() -> Topology:
    return topology()


@pytest.fixture(scope="module")
def merged() -> Topology:
    """Xã A was a unit until 30 June 2025; the new one has its code and its name."""
    text = INVENTORY.replace(
        "    name: Xã A\n", "    name: Xã A\n    valid_until: 2025-06-30\n    into: moi\n"
    )
    units = '\nunits: [{id: moi, name: Xã A, code: "02020", valid_from: 2025-07-01}]\n'
    targets = "targets: [{id: ioc, retired: 2026-01-01}]\n"
    return topology(text, units + targets)


def take(found: Topology, **changes: Any) -> Any:
    return intake.reading(found, {**GOOD, **changes}, TODAY)


def refusal(found: Topology, **changes: Any) -> tuple[str, str]:
    with pytest.raises(intake.Wrong) as caught:
        take(found, **changes)
    return caught.value.field, caught.value.reason.text


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (412, 412), (412.0, 412), ("412", 412), (" 412 ", 412), ("0", 0), ("0412", 412),
        ("1.234", 1234), ("1,234", 1234), ("1.234.567", 1_234_567), ("1 234 567", 1_234_567),
        ("1\u00a0234", 1234), ("1'234", 1234), ("1.234,0", 1234), ("1,234.00", 1234),
        ("12,0", 12), ("12.0", 12), (3.0000000000000004, 3), (29.999999999999996, 30),
    ],
)  # fmt: skip
def test_a_number_as_people_and_spreadsheets_write_it(
    district: Topology, given: object, number: int
) -> None:
    assert take(district, numerator=given, denominator=10**9).numerator == number


@pytest.mark.parametrize(
    "given",
    ["1.234,5", "1,234.5", "1,5", "0,95", "0.500", "1.23", "1,2,3", "1.23.456", "12 34",
     "1.234,567", "1e3", "1_000", "-1", -1, "١٢", "１２", "0x10", "inf", "nan", float("nan"),
     float("inf"), "95 %", "#REF!", "=SUM(A1:A9)", True, "mười", "9999999999999",
     pytest.param(10**400, id="huge"), pytest.param(-(10**400), id="hugely negative"),
     pytest.param("1" * 400, id="huge text")],
)  # fmt: skip
def test_what_is_no_count_is_refused(district: Topology, given: object) -> None:
    field, text = refusal(district, numerator=given, denominator=10**12)
    assert field == "numerator"
    assert text.startswith("must be")


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ("2026-08-31", "2026-08-31"), ("31/08/2026", "2026-08-31"), ("31-08-2026", "2026-08-31"),
        ("31.8.2026", "2026-08-31"), ("1/9/2026", "2026-09-01"),
        ("2026-08-31 00:00:00", "2026-08-31"),
        (date(2026, 8, 31), "2026-08-31"), (datetime(2026, 8, 31, 23, 59), "2026-08-31"),
        ("30/09/2026", "2026-09-30"),
    ],
)  # fmt: skip
def test_a_day_as_people_and_spreadsheets_write_it(
    district: Topology, given: object, day: str
) -> None:
    assert take(district, as_of=given).as_of == day


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("31/02/2026", "not a date"), ("08/31/2026", "not a date"), ("31/08/26", "not a date"),
        ("2026", "not a date"), ("31/08/20261", "not a date"), ("2026-08-31x", "not a date"),
        ("tháng 8", "not a date"), (46265, "not a date"), ("", "not a date"), (None, "not a date"),
        ("01/10/2026", "in the future"), ("2099-01-01", "in the future"),
        ("1899-12-31", "too long ago"),
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused(district: Topology, given: object, text: str) -> None:
    field, said = refusal(district, as_of=given)
    assert field == "as_of"
    assert text in said


def test_a_place_by_id_name_or_code(district: Topology) -> None:
    for written in ("a", "Xã A", "xa a", "XÃ A", "Xã  A", unicodedata.normalize("NFD", "Xã A"),
                    "X\u00e3\u200b A", "02020", "2020", 2020):  # fmt: skip
        assert take(district, place=written).place == "a"
    for written in ("", None, "huyen-thu", "Huyện Thử", "huyen thu"):
        assert take(district, place=written).place is None
    assert refusal(district, place="Xã Z") == ("place", "there is no place {name}")


def test_a_code_or_a_name_that_is_used_again_means_the_unit_of_that_day(merged: Topology) -> None:
    for written in ("02020", "Xã A"):
        assert take(merged, place=written, as_of="2025-06-30").place == "a"
        assert take(merged, place=written, as_of="2025-07-01").place == "moi"
    assert refusal(merged, place="a") == ("place", "{name} was no unit on {day}")
    assert refusal(merged, place="moi", as_of="2025-06-30")[1] == "{name} was no unit on {day}"


def test_two_places_of_one_name_are_asked_about(district: Topology) -> None:
    twins = topology(INVENTORY.replace("name: Xã B", "name: Xã A"))
    assert refusal(twins, place="Xã A")[1] == "{name} may be {ids}; write the id"


def test_a_target_by_id_or_name_and_not_once_it_is_retired(merged: Topology) -> None:
    assert take(merged, place="b", target="Văn bản điện tử được ký số").target == "e-signature"
    assert refusal(merged, target="ky so") == ("target", "there is no target {name}")
    assert refusal(merged, target="")[0] == "target"
    late = {"target": "ioc", "place": None}
    assert take(merged, **late, as_of="2025-12-31").target == "ioc"
    assert refusal(merged, **late, as_of="2026-01-01") == (
        "target", "not counted any more since {day}")  # fmt: skip


def test_the_kind_of_source(district: Topology) -> None:
    assert take(district).source is Source.EXPORTED  # the first that the target allows
    assert take(district, source="Khai báo").source is Source.DECLARED
    assert take(district, source="ket xuat").source is Source.EXPORTED
    assert refusal(district, source="measured")[0] == "source"
    assert refusal(district, source="đo tự động")[0] == "source"


def test_more_than_the_whole_and_too_much_text_are_refused(district: Topology) -> None:
    assert refusal(district, numerator=11)[1] == "{numerator} is more than the whole, {denominator}"
    assert take(district, numerator=0, denominator=0).denominator == 0
    assert refusal(district, document="x" * 201)[0] == "document"
    assert refusal(district, links="javascript:alert(1)")[0] == "links"
    assert refusal(district, links=["https://a.vn/1"] * 11)[0] == "links"
    assert take(district, links="https://a.vn/1 https://a.vn/2").links == (
        "https://a.vn/1", "https://a.vn/2")  # fmt: skip


@pytest.mark.parametrize(
    ("given", "withdrawn"),
    [(None, False), ("", False), (False, False), ("false", False), ("không", False), (True, True),
     ("1", True), ("có", True)],
)  # fmt: skip
def test_withdrawn_only_when_it_says_so(district: Topology, given: object, withdrawn: bool) -> None:
    assert take(district, withdrawn=given).withdrawn is withdrawn


def test_text_is_one_composed_line(district: Topology) -> None:
    said = unicodedata.normalize("NFD", " Sở\tTT&TT\r\ntỉnh\x00\u202e ")
    assert take(district, origin=said).origin == "Sở TT&TT tỉnh"


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_anything_is_taken_or_refused_in_words(number: str, day: str, place: str) -> None:
    changes = {"numerator": number, "as_of": day, "place": place}
    for field, value in changes.items():
        try:
            found = intake.reading(DISTRICT, {**GOOD, field: value}, TODAY)
        except intake.Wrong as wrong:
            assert wrong.field == field
        else:
            assert 0 <= found.numerator <= found.denominator
            assert found.as_of <= TODAY.isoformat()


DISTRICT = topology()

# --- machine reports


def machine(found: Topology, **changes: Any) -> Any:
    return intake.machine(found, {"asset": "a.pc-10", **changes}, NOW)


def test_a_machine_by_id_or_address_with_what_it_said(district: Topology) -> None:
    report = machine(
        district, asset="127.1.2.10", system="Windows 11 Pro", memory_gb="7,9", disk="SSD",
        antivirus="có", antivirus_at="29/09/2026", reported_at="2026-09-30T09:00:00+07:00",
    )  # fmt: skip
    assert (report.asset, report.memory_mb, report.disk, report.antivirus) == (
        "a.pc-10", 8090, "ssd", True)  # fmt: skip
    assert report.reported_at == NOW - 3_600_000
    assert NOW - DAY < report.antivirus_at < NOW
    silent = machine(district)
    assert (silent.system, silent.memory_mb, silent.disk, silent.antivirus) == (None,) * 4
    assert silent.reported_at == NOW


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("asset", "a.router"), ("asset", "nobody"), ("asset", ""), ("memory_gb", "7.875.000"),
        ("memory_gb", 5000), ("memory_gb", "nhiều"), ("disk", "nvme"), ("antivirus", "maybe"),
        ("antivirus_at", "2099-01-01"), ("antivirus_at", "2099-01-01T00:00:00"),
        ("reported_at", "2026-10-05T00:00:00Z"), ("reported_at", "hôm qua"), ("system", "x" * 201),
        ("reported_at", "0001-01-01T00:00:00"), ("reported_at", "0001-01-01T00:00:00+14:00"),
        ("reported_at", "1989-12-31T23:59:59Z"), ("reported_at", datetime(1899, 12, 30, 7)),
        ("reported_at", "9999-12-31T23:59:59-12:00"),
        pytest.param("memory_gb", 10**400, id="huge memory"),
        ("antivirus_at", "9999-12-31T23:59:59"),
    ],
)  # fmt: skip
def test_a_machine_report_that_cannot_be(district: Topology, field: str, value: object) -> None:
    with pytest.raises(intake.Wrong) as caught:
        machine(district, **{field: value})
    assert caught.value.field == field


@pytest.mark.parametrize(
    "never",
    ["0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+07:00", "0001-01-01",
     "01/01/1601", "1970-01-01T00:00:00Z", datetime(1, 1, 1), date(1970, 1, 1)],
)  # fmt: skip
def test_definitions_of_the_beginning_of_time_were_not_said(
    district: Topology, never: object
) -> None:
    assert machine(district, antivirus_at=never).antivirus_at is None


def test_memory_has_decimals_and_no_thousands(district: Topology) -> None:
    assert machine(district, memory_gb="7.875").memory_mb == 8064
    assert machine(district, memory_gb="15,625").memory_mb == 16000


def test_a_clock_that_is_a_little_fast_is_corrected(district: Topology) -> None:
    assert machine(district, reported_at="2026-09-30T10:05:00+07:00").reported_at == NOW


def test_a_day_is_its_beginning_so_that_the_same_again_is_not_newer(district: Topology) -> None:
    one = intake.machine(district, {"asset": "a.pc-10", "reported_at": "30/09/2026"}, NOW)
    again = intake.machine(district, {"asset": "a.pc-10", "reported_at": "30/09/2026"}, NOW + DAY)
    assert one == again
    assert NOW - DAY < one.reported_at < NOW
