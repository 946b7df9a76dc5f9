"""Units that become part of one another: who is counted on a day, and what an inventory may say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from world import INVENTORY, topology

from ioc.i18n import use_language
from ioc.inventory.loader import InventoryError
from ioc.inventory.topology import Topology
from ioc.ledger.places import existed, members_of, merger_days, places_on

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("vi")


def merged(site: str = "valid_until: 2025-06-30, into: moi", unit: str = "valid_from: 2025-07-01",
           more: str = "") -> Topology:  # fmt: skip
    """a and b, and an old unit without equipment, become `moi` on 1 July 2025."""
    text = INVENTORY
    lines = "".join(f"    {part.strip()}\n" for part in site.split(",")) if site else ""
    for name in ("Xã A", "Xã B"):
        text = text.replace(f"    name: {name}\n", f"    name: {name}\n{lines}")
    return topology(
        text,
        f"""
units:
  - {{id: moi, name: Xã Mới, code: "02020", {unit}}}
  - {{id: cu, name: Xã Cũ, valid_until: 2025-06-30, into: moi}}
{more}""",
    )


def refused(**words: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        merged(**words)
    return [str(m).partition(": ")[2] for m in caught.value.mistakes]


def test_old_units_until_the_day_and_the_new_one_from_then_on() -> None:
    found = merged()
    assert list(places_on(found, BEFORE)) == ["huyen", "a", "b", "cu"]
    assert sorted(places_on(found, AFTER)) == ["huyen", "moi"]
    joined = places_on(found, AFTER)["moi"]
    assert joined.staff == 4
    assert {link.partition(".")[0] for link in joined.links} == {"a", "b"}
    assert joined.code == "02020", "the code that was another unit's before"
    assert list(members_of(found, "moi")) == ["a", "b", "cu"]
    assert merger_days(found) == ["2025-06-30"]
    assert existed(found, "a", "2025-06-30")
    assert not existed(found, "a", "2025-07-01")
    assert existed(found, "moi", "2025-07-01")
    assert not existed(found, "moi", "2025-06-30")


def test_a_chain_of_mergers_ends_at_the_last_unit() -> None:
    found = merged(
        unit="valid_from: 2025-07-01, valid_until: 2026-12-31, into: sau",
        more="  - {id: sau, name: Sau nữa, valid_from: 2027-01-01, staff: 50}",
    )
    assert sorted(places_on(found, AFTER)) == ["huyen", "moi"]
    last = places_on(found, date(2027, 1, 1))
    assert sorted(last) == ["huyen", "sau"]
    assert len(last["sau"].links) == 4
    assert last["sau"].staff == 50, "its own head count"


def test_a_unit_that_is_there_already_takes_others_in() -> None:
    text = INVENTORY.replace(
        "    name: Xã A\n", "    name: Xã A\n    valid_until: 2025-06-30\n    into: b\n"
    )
    found = topology(text)
    assert list(places_on(found, BEFORE)) == ["huyen", "a", "b"]
    after = places_on(found, AFTER)
    assert sorted(after) == ["b", "huyen"]
    assert len(after["b"].links) == 4


def test_a_head_count_is_unknown_while_one_part_did_not_say() -> None:
    text = INVENTORY.replace("    staff: 3\n", "").replace(
        "    name: Xã A\n", "    name: Xã A\n    valid_until: 2025-06-30\n    into: b\n"
    )
    assert places_on(topology(text), AFTER)["b"].staff is None


def test_a_place_is_not_counted_before_its_first_day_nor_after_its_last() -> None:
    later = INVENTORY.replace("    name: Xã A\n", "    name: Xã A\n    valid_from: 2027-01-01\n")
    assert "a" not in places_on(topology(later), date(2026, 12, 31))
    assert "a" in places_on(topology(later), date(2027, 1, 1))
    closed = INVENTORY.replace("    name: Xã A\n", "    name: Xã A\n    valid_until: 2025-06-30\n")
    assert "a" in places_on(topology(closed), BEFORE)
    assert "a" not in places_on(topology(closed), AFTER)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"unit": "kind: commune"},
         ["units[0].id: needs valid_from: 2025-07-01, the day after others became part of it"] * 3),
        ({"unit": "valid_from: 2025-08-01"},
         [f"{where}.into: moi begins on 2025-08-01; "
          "from 2025-07-01 until then this would be nowhere"
          for where in ("sites[1]", "sites[2]", "units[1]")]),
        ({"unit": "valid_from: 2020-01-01, valid_until: 2025-06-30"},
         [f"{where}.into: moi has ended by then, on 2025-06-30"
          for where in ("sites[1]", "sites[2]", "units[1]")]),
        ({"site": "into: moi"},
         [f"sites[{i}].into: needs valid_until: the last day before the merger" for i in (1, 2)]),
        ({"unit": "valid_from: 2025-07-01, valid_until: 2026-01-01, into: cu"}, None),
    ],
)  # fmt: skip
def test_days_that_do_not_fit_are_refused(words: dict[str, str], expected: list[str]) -> None:
    found = refused(**words)
    if expected is None:
        assert any("leads back to itself" in one for one in found)
        return
    assert sorted(set(found)) == sorted(set(expected))


def test_a_unit_cannot_become_two() -> None:
    [one, *_] = refused(site="valid_until: 2025-06-30, into: [moi]")
    assert "into" in one
