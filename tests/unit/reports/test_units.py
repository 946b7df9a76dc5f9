"""Old and new units over the merger of 1 July 2025."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from parts import TODAY, district, wanted

from ioc.inventory.topology import Unit
from ioc.ledger.places import places_on
from ioc.reports.units import units_of

YEAR = wanted("2025-01-01", "2025-12-31")


def test_a_report_is_by_the_units_at_its_end() -> None:
    found = units_of(district(), YEAR, TODAY)
    assert [place.name for place in found.places.values()] == ["Xã mới", "Xã c"]
    assert set(found.places["moi"].links) == {"a.fiber", "a.4g", "b.fiber", "b.4g"}
    assert found.site_of() == {"a": "moi", "b": "moi", "c": "c", "moi": "moi"}


def test_a_period_before_the_merger_is_by_the_units_of_then() -> None:
    found = units_of(district(), wanted("2025-01-01", "2025-06-30"), TODAY)
    assert list(found.places) == ["a", "b", "c"]
    assert not found.old


def test_by_old_units_the_new_one_is_not_there() -> None:
    found = units_of(district(), YEAR.model_copy(update={"units": "before"}), TODAY)
    assert found.old
    assert list(found.places) == ["a", "b", "c"]
    assert list(places_on(found.topology, date(2026, 5, 1))) == ["a", "b", "c"]


@pytest.mark.parametrize("since", ["2025-07-01", None])
def test_a_new_unit_whose_first_day_nobody_wrote_is_new_all_the_same(since: str | None) -> None:
    found = replace(district(), units={"moi": Unit("moi", "Xã mới", valid_from=since)})
    old = units_of(found, YEAR.model_copy(update={"units": "before"}), TODAY)
    assert list(old.places) == ["a", "b", "c"]


def test_without_a_merger_old_and_new_are_the_same() -> None:
    found = district()
    same = replace(found, units={}, sites={"c": found.sites["c"]})
    asked = YEAR.model_copy(update={"units": "before"})
    assert list(units_of(same, asked, TODAY).places) == ["c"]
    assert not units_of(same, asked, TODAY).old
