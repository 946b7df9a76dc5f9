"""What an inventory changes, adds and retires, without a line of code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from world import DAY, NOW, ledger, said, standing, topology

from ioc.i18n import use_language
from ioc.inventory.loader import InventoryError
from ioc.ledger.model import TargetState


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("vi")


def targets(line: str) -> str:
    return f"\ntargets:\n  - {line}\n"


def refused(line: str) -> str:
    with pytest.raises(InventoryError) as caught:
        topology(more=targets(line))
    [mistake] = caught.value.mistakes
    return str(mistake).partition("inventory.yaml:")[2].partition(": ")[2]


def test_only_what_is_said_differs() -> None:
    usual = topology().targets["e-signature"]
    found = topology(more=targets("{id: e-signature, goal: 95, due: 2030-12-31}")).targets
    assert found["e-signature"].goal == 95
    assert found["e-signature"].due == "2030-12-31"
    assert found["e-signature"].name_en == usual.name_en
    assert found["e-signature"].sources == usual.sources
    assert list(found) == list(topology().targets), "in the same order"


def test_english_words_of_something_else_are_not_kept() -> None:
    line = "{id: e-signature, name: Ký số, rule: Văn bản đi., counted: văn bản đi}"
    found = topology(more=targets(line)).targets["e-signature"]
    assert (found.name_en, found.rule_en, found.counted_en) == (None, None, None)
    line = "{id: e-signature, name: Ký số, name_en: Signed}"
    found = topology(more=targets(line)).targets["e-signature"]
    assert found.name_en == "Signed"
    assert found.rule_en


def test_a_goal_for_what_was_only_tracked_and_the_other_way_round() -> None:
    assert topology(more=targets("{id: 5g-sites, goal: 30}")).targets["5g-sites"].goal == 30
    assert topology(more=targets("{id: ioc, tracked: true}")).targets["ioc"].goal is None


def test_a_target_of_their_own_counts_like_the_others() -> None:
    line = "{id: so-hoa, name: Số hóa hồ sơ, goal: 80, per: commune, sources: [declared]}"
    found = topology(more=targets(line))
    given = [said("so-hoa", "a", 40, 50), said("so-hoa", "b", 30, 50)]
    chosen = standing(found, "so-hoa", given).chosen
    assert (chosen.numerator, chosen.denominator, chosen.state) == (70, 100, TargetState.PARTLY)


def test_a_measured_target_of_their_own() -> None:
    line = "{id: mang, name: Máy có mạng, goal: 90, per: site, measure: networked-computers}"
    found = standing(topology(more=targets(line)), "mang")
    assert found.chosen.denominator == 6


def test_retired_from_a_day_on_and_not_before() -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    found = topology(more=targets(f"{{id: ioc, retired: {tomorrow}}}"))
    assert "ioc" in found.targets
    at = round(datetime.now(UTC).timestamp() * 1000)
    assert ("ioc", None) in ledger(found, now=at).standings
    assert ("ioc", None) not in ledger(found, now=at + 3 * DAY).standings
    gone = topology(more=targets("{id: ioc, retired: 2025-12-31}"))
    assert "ioc" not in gone.targets
    assert gone.retired["ioc"].retired == "2025-12-31"
    assert ("ioc", None) not in ledger(gone, now=NOW).standings


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("{id: moi, goal: 5}", "targets[0].id: not in the catalogue; a target of your own needs a "
         "name and a goal"),
        ("{id: moi, name: Mới}", "targets[0]: write a goal in percent, or tracked: true"),
        ("{id: ioc, goal: 90, tracked: true}",
         "targets[0].tracked: a goal and tracked: true; write one of them"),
        ('{id: ioc, comparator: ">"}',
         "targets[0].comparator: nothing is above 100 %; write a lower goal or >="),
        ("{id: mail-usage, goal: 100}",
         "targets[0].goal: nothing is above 100 %; write a lower goal or >="),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(line: str, text: str) -> None:
    assert refused(line) == text
