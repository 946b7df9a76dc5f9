"""Which figure counts, what is added up, and what is never mixed in silence."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import INVENTORY, NOW, Seen, ledger, said, standing, topology

from ioc.engine.model import State
from ioc.inventory.topology import Target, Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.arithmetic import weigh
from ioc.ledger.model import Source, TargetState


@pytest.fixture(scope="module")
def district() -> Topology:
    return topology()


BOTH = {"a.4g": Seen(), "b.4g": Seen()}


def test_villages_and_measuring_points_are_never_added(district: Topology) -> None:
    found = standing(district, "mobile-4g", [said("mobile-4g", "a", 9, 10)], seen=BOTH)
    assert (found.chosen.numerator, found.chosen.denominator) == (9, 10), "not 9 + 1 of 10 + 1"
    assert found.chosen.source is Source.DECLARED
    assert found.chosen.state is TargetState.PARTLY, "one village is known to have none"
    [measured] = [f for f in found.others if f.source is Source.MEASURED]
    assert (measured.numerator, measured.denominator) == (2, 2)


def test_measuring_points_do_not_decide_for_villages_nobody_reported(district: Topology) -> None:
    found = standing(district, "mobile-4g", [said("mobile-4g", "a", 10, 10)], seen=BOTH)
    assert found.chosen.state is TargetState.UNKNOWN
    assert found.chosen.evidence_value == 50.0


def test_other_things_counted_are_no_contradiction_unless_they_fail(district: Topology) -> None:
    given = [said("mobile-4g", None, 95, 100)]
    assert standing(district, "mobile-4g", given, seen=BOTH).conflict is None
    reached = [said("mobile-4g", None, 100, 100)]
    one_silent = {"a.4g": Seen(), "b.4g": Seen(None, State.DOWN)}
    assert standing(district, "mobile-4g", reached, seen=one_silent).conflict is not None


def test_a_sum_of_two_kinds_says_of_what(district: Topology) -> None:
    given = [said("fiber-communes", "b", 1, 1)]
    found = standing(district, "fiber-communes", given, seen={"a.fiber": Seen()})
    assert (found.chosen.numerator, found.chosen.denominator) == (2, 2)
    assert found.chosen.source is Source.MIXED
    assert found.chosen.parts == {Source.MEASURED: 1, Source.DECLARED: 1}
    assert found.chosen.state is TargetState.MET


def test_places_that_only_declare_are_not_left_out_of_the_area(district: Topology) -> None:
    machines = [
        MachineReport(name, NOW, "Windows 11", 8192, "ssd", True, NOW)
        for name in ("huyen.pc-10", "huyen.pc-11", "a.pc-10")
    ]
    given = [said("adequate-computers", "b", 0, 1)]
    found = standing(district, "adequate-computers", given, machines=machines)
    assert (found.chosen.numerator, found.chosen.denominator) == (3, 6)
    assert found.chosen.source is Source.MIXED
    assert found.chosen.known == 5


def test_little_evidence_does_not_contradict(district: Topology) -> None:
    machines = [MachineReport("huyen.pc-10", NOW, "Windows 11", 8192, "ssd", True, NOW)]
    given = [said("adequate-computers", "huyen", 2, 2)]
    found = standing(district, "adequate-computers", given, machines=machines, place="huyen")
    assert (found.chosen.value, found.chosen.evidence_value) == (50.0, 50.0)
    assert found.conflict is None, "the other computer may still be adequate"
    old = [*machines, MachineReport("huyen.pc-11", NOW, "Windows 7", 8192, "ssd", True, NOW)]
    assert standing(
        district, "adequate-computers", given, machines=old, place="huyen"
    ).conflict  # now it cannot


def test_without_a_head_count_nothing_is_reached() -> None:
    text = "- id: c\n    name: Xã C\n    devices: [{kind: computer, address: 127.1.4.10}]\n"

    found = topology(
        INVENTORY.replace("services:\n  - id: cong", f"  {text}services:\n  - id: cong")
    )
    computers = {a.id: Seen() for a in found.assets.values() if a.kind == "computer"}
    at = standing(found, "networked-computers", seen=computers, place="c").chosen
    assert (at.numerator, at.denominator) == (1, 1)
    assert at.state is TargetState.UNKNOWN
    assert at.note is not None
    assert "head count" in at.note.text
    area = standing(found, "networked-computers", seen=computers).chosen
    assert area.state is TargetState.PARTLY  # one of a's staff is known to have none
    assert area.note is not None


def test_silence_counts_only_while_somebody_listened(district: Topology) -> None:
    for state, asked, counts in [
        (State.DOWN, 0, False),
        (State.UP, 0, False),
        (State.UNKNOWN, 0, None),
        (State.UNREACHABLE, 0, None),
        (State.MAINTENANCE, 0, None),
        (State.DOWN, 9, None),  # the monitor itself was off
        (State.DOWN, None, None),
    ]:
        seen = {"a.fiber": Seen(10, state, asked)}
        found = standing(district, "fiber-communes", seen=seen, place="a").chosen
        assert found.evidence[0].counts is counts, (state, asked)
        assert found.evidence[0].reason is not None


def test_computers_behind_a_dark_site_are_unknown_not_missing(district: Topology) -> None:
    seen = {"b.pc-10": Seen(20, State.UNREACHABLE)}
    found = standing(district, "networked-computers", seen=seen, place="b").chosen
    assert (found.known, found.state) == (0, TargetState.UNKNOWN)
    off = {"b.pc-10": Seen(20, State.OFF)}
    found = standing(district, "networked-computers", seen=off, place="b").chosen
    assert (found.known, found.state) == (1, TargetState.NOT_MET)


def test_an_old_export_gives_way_to_a_fresh_declaration(district: Topology) -> None:
    given = [
        said("e-payment", None, 60, 100, source="exported", days=400),
        said("e-payment", None, 40, 100),
    ]
    found = standing(district, "e-payment", given)
    assert (found.chosen.source, found.chosen.numerator) == (Source.DECLARED, 40)
    assert found.conflict is None, "an old figure contradicts nobody"
    assert [f.stale for f in found.others] == [True]


def test_the_order_of_sources_decides_between_fresh_ones(district: Topology) -> None:
    given = [
        said("e-payment", None, 40, 100, days=1),
        said("e-payment", None, 60, 100, source="exported", days=30),
    ]
    found = standing(district, "e-payment", given)
    assert (found.chosen.source, found.chosen.numerator) == (Source.EXPORTED, 60)
    assert found.conflict is not None


def test_the_newest_day_of_a_source_is_in_force(district: Topology) -> None:
    given = [
        said("ioc", None, 1, 5, days=100),
        said("ioc", None, 3, 5, days=2),
        said("ioc", None, 2, 5, days=30),
        said("ioc", None, 5, 5, days=-3),  # of a day that has not come
    ]
    found = standing(district, "ioc", given)
    assert found.chosen.numerator == 3
    assert found.others == ()


def test_an_impossible_figure_is_not_added_and_gives_way(district: Topology) -> None:
    given = [said("files-commune", "a", 12, 10), said("files-commune", "b", 10, 10)]
    chosen = standing(district, "files-commune", given).chosen
    assert (chosen.numerator, chosen.denominator, chosen.evidence_value) == (10, 10, 50.0)
    assert chosen.state is TargetState.UNKNOWN
    both = [said("ioc", None, 7, 5, source="exported"), said("ioc", None, 3, 5)]
    assert standing(district, "ioc", both).chosen.numerator == 3


def test_a_complete_sum_is_preferred_to_what_the_district_says_of_all(district: Topology) -> None:
    parts = [said("files-commune", "a", 10, 10), said("files-commune", "b", 0, 10)]
    found = standing(district, "files-commune", [*parts, said("files-commune", None, 18, 20)])
    assert (found.chosen.numerator, found.chosen.denominator) == (10, 20)
    assert found.conflict is not None
    found = standing(district, "files-commune", [parts[0], said("files-commune", None, 18, 20)])
    assert (found.chosen.numerator, found.chosen.denominator) == (18, 20)


def test_a_relay_station_where_nobody_works_is_not_waited_for() -> None:
    def district_with(relay: str) -> Topology:
        after = "services:\n  - id: cong"
        return topology(INVENTORY.replace(after, relay + after))

    given = [said("e-signature", place, 95, 100) for place in ("huyen", "a", "b")]
    relay = "  - {id: tram, name: Trạm Đồi, kind: other}\n"
    found = standing(district_with(relay), "e-signature", given).chosen
    assert (found.state, found.denominator, found.note) == (TargetState.MET, 300, None)
    manned = relay.replace("kind: other", "kind: other, staff: 2")
    found = standing(district_with(manned), "e-signature", given).chosen
    assert (found.state, str(found.note)) == (
        TargetState.UNKNOWN, "3 of 4 units have reported")  # fmt: skip
    reports = [*given, said("e-signature", "tram", 5, 10)]
    places = ledger(district_with(relay), reports).standings
    assert places["e-signature", "tram"].chosen.value == 50.0, "what it says all the same is shown"


def test_a_place_that_is_not_asked_is_shown_and_not_added(district: Topology) -> None:
    given = [said("files-commune", p, 10, 10) for p in ("a", "b")]
    found = ledger(district, [*given, said("files-commune", "huyen", 0, 90)])
    assert found.area("files-commune").chosen.denominator == 20
    assert found.standings["files-commune", "huyen"].chosen.denominator == 90
    strange = ledger(
        district, [said("files-commune", "nowhere", 1, 1), said("no-such", None, 1, 1)]
    )
    assert strange.area("files-commune").chosen.value is None


fractions = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))


@given(
    st.lists(fractions, min_size=1, max_size=6), st.integers(0, 100), st.sampled_from([">=", ">"])
)
def test_a_sum_decides_only_what_no_further_evidence_can_change(
    parts: list[tuple[int, int, int]], goal: int, comparator: str
) -> None:
    """Each place: reached, not reached, unknown. Whatever the unknown turns out to be, a state
    that was said stays right."""
    target = Target("t", "T", goal, comparator)
    yes, no, open_ = (sum(part[i] for part in parts) for i in range(3))
    total = yes + no + open_
    said_now = weigh(target, None, yes, total, yes + no).state
    later = Counter(weigh(target, None, yes + more, total, total).state for more in (0, open_))
    if said_now is TargetState.MET:
        assert set(later) == {TargetState.MET}
    elif said_now in (TargetState.PARTLY, TargetState.NOT_MET):
        assert TargetState.MET not in later
    if said_now is TargetState.NOT_MET:
        assert set(later) == {TargetState.NOT_MET}
