"""Every target of the catalogue: that it is there as it was asked for, and one worked example."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from world import NOW, Seen, ledger, said, standing, topology

from ioc.engine.model import State
from ioc.inventory.targets import catalogue
from ioc.inventory.topology import Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.measures import MEASURES
from ioc.ledger.model import Reading, Source, TargetState

# id, goal, comparator, asked of, what it is measured by, and the sources it may have. As the
# article sets them: a goal without a comparator is read as "or more".
WANTED = """
files-district       100 >= area    -                    exported
files-commune         80 >= commune -                    exported
shared-databases     100 >= area    services             exported,declared,measured
open-data            100 >= area    -                    declared
leaders-trained      100 >= area    -                    declared
it-staff-trained     100 >= area    -                    declared
digital-skills       100 >= site    -                    declared
outreach             100 >= area    -                    declared
procedures-online    100 >= area    -                    exported
procedures-national   50 >= area    -                    exported
multi-device         100 >= area    mobile               declared,measured
e-forms              100 >= area    -                    exported
dossiers-online       50 >= site    -                    exported
one-stop             100 >= site    -                    exported
fiber-communes       100 >= commune fiber                measured
fiber-households      80 >  commune -                    exported,declared
mobile-4g            100 >= commune mobile-4g            declared,measured
5g-sites               - >= area    -                    declared
smartphones            - >= commune -                    exported,declared
e-payment             50 >= area    -                    exported
district-portal      100 >= area    portal               declared,measured
adequate-computers   100 >= site    adequate-computers   measured,declared
networked-computers  100 >= site    networked-computers  measured,declared
computer-skills      100 >= site    -                    declared
e-signature           90 >= site    -                    exported
official-mail        100 >= site    -                    exported
mail-usage            85 >  site    -                    exported
software-linked      100 >= commune software             declared,measured
iso-9001             100 >= area    -                    declared
satisfaction         100 >= area    -                    exported,declared
ioc                  100 >= area    -                    declared
"""
ROWS = [line.split() for line in WANTED.strip().splitlines()]


@pytest.fixture(scope="module")
def district() -> Topology:
    return topology()


def test_the_catalogue_holds_every_target_and_no_other(district: Topology) -> None:
    assert list(district.targets) == [row[0] for row in ROWS] == list(catalogue())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_target_is_as_it_was_asked_for(district: Topology, row: list[str]) -> None:
    name, goal, comparator, per, measure, sources = row
    target = district.targets[name]
    assert target.goal == (None if goal == "-" else float(goal))
    assert (target.comparator, target.per) == (comparator, per)
    assert target.measure == (None if measure == "-" else measure)
    assert set(sources.split(",")) <= set(target.sources)
    assert ("measured" in target.sources) == (target.measure is not None)
    assert target.due == "2025-12-31"


@pytest.mark.parametrize("name", [row[0] for row in ROWS])
def test_a_target_says_all_that_must_be_printed_with_it(district: Topology, name: str) -> None:
    target = district.targets[name]
    for text in (target.name, target.counted, target.basis, target.by, target.rule):
        assert re.search(r"[^\W\d_]", text)
    assert target.name_en
    assert target.counted_en
    assert target.rule_en
    assert target.rule.endswith(".")
    assert target.rule_en.endswith(".")
    assert target.rule != target.rule_en
    assert 0 < target.fresh <= 366 * 86_400_000
    assert target.measure is None or target.measure in MEASURES
    assert target.basis.count("Nghị định") == (2 if name == "district-portal" else 0)


# --- worked examples


@dataclass(frozen=True)
class Example:
    """What is given, and where the area stands then: numerator / denominator, of which so many are
    known, from which source."""

    target: str
    given: list[Reading]
    figure: tuple[int, int | None, int]
    state: TargetState
    source: Source = Source.DECLARED
    seen: dict[str, Seen] = field(default_factory=dict)
    machines: list[MachineReport] = field(default_factory=list)


def of(target: str, *figures: tuple[str | None, int, int], **more: Any) -> list[Reading]:
    return [said(target, place, n, d, **more) for place, n, d in figures]


MET, PARTLY, NOT_MET = TargetState.MET, TargetState.PARTLY, TargetState.NOT_MET
TRACKED, UNKNOWN = TargetState.TRACKED, TargetState.UNKNOWN
EXPORTED, MEASURED = Source.EXPORTED, Source.MEASURED
GOOD = {"system": "Windows 11 Pro 25H2", "memory_mb": 8192, "disk": "ssd", "antivirus": True,
        "antivirus_at": NOW}  # fmt: skip
COMPUTERS = ("huyen.pc-10", "huyen.pc-11", "a.pc-10", "a.pc-11", "b.pc-10")


def machine(asset: str, **changes: Any) -> MachineReport:
    return MachineReport(asset, NOW, **{**GOOD, **changes})


EXAMPLES = [
    Example("files-district", of("files-district", (None, 940, 1000), source="exported"),
            (940, 1000, 1000), PARTLY, EXPORTED),
    Example("files-commune", of("files-commune", ("a", 70, 100), ("b", 45, 50), source="exported"),
            (115, 150, 150), PARTLY, EXPORTED),
    Example("files-commune", of("files-commune", ("a", 70, 100), ("b", 50, 50)),
            (120, 150, 150), MET),  # exactly 80 %
    Example("shared-databases", of("shared-databases", (None, 6, 6)), (6, 6, 6), MET),
    Example("open-data", of("open-data", (None, 0, 1)), (0, 1, 1), NOT_MET),
    Example("open-data", of("open-data", (None, 1, 1)), (1, 1, 1), MET),
    Example("leaders-trained", of("leaders-trained", (None, 21, 22)), (21, 22, 22), PARTLY),
    Example("it-staff-trained", of("it-staff-trained", (None, 3, 3)), (3, 3, 3), MET),
    Example("digital-skills", of("digital-skills", ("huyen", 2, 2), ("a", 3, 3), ("b", 0, 1)),
            (5, 6, 6), PARTLY),
    Example("outreach", of("outreach", (None, 3, 4)), (3, 4, 4), PARTLY),
    Example("procedures-online", of("procedures-online", (None, 120, 120), source="exported"),
            (120, 120, 120), MET, EXPORTED),
    Example("procedures-national", of("procedures-national", (None, 59, 120), source="exported"),
            (59, 120, 120), PARTLY, EXPORTED),
    Example("procedures-national", of("procedures-national", (None, 60, 120), source="exported"),
            (60, 120, 120), MET, EXPORTED),
    Example("multi-device", of("multi-device", (None, 118, 120)), (118, 120, 120), PARTLY),
    Example("e-forms", of("e-forms", (None, 120, 120), source="exported"),
            (120, 120, 120), MET, EXPORTED),
    Example("dossiers-online",
            of("dossiers-online", ("huyen", 100, 300), ("a", 90, 100), ("b", 0, 0),
               source="exported"),
            (190, 400, 400), PARTLY, EXPORTED),  # nobody came to b: nothing is missing there
    Example("one-stop", of("one-stop", ("huyen", 300, 300), ("a", 100, 100), source="exported"),
            (400, 400, 400), UNKNOWN, EXPORTED),  # b has not said anything
    Example("fiber-communes", [], (1, 2, 2), PARTLY, MEASURED,
            {"a.fiber": Seen(), "b.fiber": Seen(8, State.DOWN)}),
    Example("fiber-communes", [], (2, 2, 2), MET, MEASURED,
            {"a.fiber": Seen(), "b.fiber": Seen(6.9, State.DOWN)}),
    Example("fiber-households", of("fiber-households", ("a", 80, 100), ("b", 160, 200)),
            (240, 300, 300), PARTLY),  # exactly 80 % is not above 80 %
    Example("fiber-households", of("fiber-households", ("a", 81, 100), ("b", 160, 200)),
            (241, 300, 300), MET),
    Example("mobile-4g", of("mobile-4g", ("a", 9, 10), ("b", 12, 12)), (21, 22, 22), PARTLY),
    Example("mobile-4g", [], (2, 2, 2), MET, MEASURED, {"a.4g": Seen(), "b.4g": Seen()}),
    Example("5g-sites", of("5g-sites", (None, 0, 3)), (0, 3, 3), TRACKED),
    Example("smartphones", of("smartphones", ("a", 700, 1000), ("b", 350, 500)),
            (1050, 1500, 1500), TRACKED),
    Example("e-payment", of("e-payment", (None, 24_777, 49_554), source="exported"),
            (24_777, 49_554, 49_554), MET, EXPORTED),
    Example("e-payment", of("e-payment", (None, 24_776, 49_554), source="exported"),
            (24_776, 49_554, 49_554), PARTLY, EXPORTED),
    Example("district-portal", of("district-portal", (None, 14, 15)), (14, 15, 15), PARTLY),
    Example("adequate-computers", [], (3, 6, 6), PARTLY, MEASURED,
            machines=[machine("huyen.pc-10"), machine("huyen.pc-11", disk="hdd"),
                      machine("a.pc-10"), machine("a.pc-11", system="Windows 7"),
                      machine("b.pc-10")]),  # and one of a's staff has none
    Example("networked-computers", [], (4, 6, 6), PARTLY, MEASURED,
            {name: Seen() for name in COMPUTERS} | {"a.pc-11": Seen(20, State.DOWN)}),
    Example("networked-computers", [], (3, 6, 4), PARTLY, MEASURED,
            {"huyen.pc-10": Seen(), "huyen.pc-11": Seen(None, State.OFF),
             "a.pc-10": Seen(), "a.pc-11": Seen(None, State.OFF), "b.pc-10": Seen()}),
    Example("computer-skills", of("computer-skills", ("huyen", 2, 2), ("a", 3, 3), ("b", 1, 1)),
            (6, 6, 6), MET),  # reached, to be kept
    Example("e-signature", of("e-signature", ("huyen", 900, 1000), ("a", 45, 50), ("b", 45, 50),
            source="exported"), (990, 1100, 1100), MET, EXPORTED),
    Example("e-signature", of("e-signature", ("huyen", 899, 1000), ("a", 45, 50), ("b", 45, 50),
            source="exported"), (989, 1100, 1100), PARTLY, EXPORTED),
    Example("official-mail", of("official-mail", ("huyen", 2, 2), ("a", 3, 3), ("b", 1, 1),
            source="exported"), (6, 6, 6), MET, EXPORTED),
    Example("mail-usage", of("mail-usage", ("huyen", 17, 20), ("a", 17, 20), ("b", 17, 20)),
            (51, 60, 60), PARTLY),  # 85 % is not above 85 %
    Example("mail-usage", of("mail-usage", ("huyen", 17, 20), ("a", 17, 20), ("b", 18, 20)),
            (52, 60, 60), MET),
    Example("software-linked", of("software-linked", ("a", 1, 1), ("b", 0, 1)),
            (1, 2, 2), PARTLY),
    Example("iso-9001", of("iso-9001", (None, 1, 1)), (1, 1, 1), MET),
    Example("satisfaction", of("satisfaction", (None, 2, 3)), (2, 3, 3), PARTLY),
    Example("satisfaction", of("satisfaction", (None, 3, 3)), (3, 3, 3), MET),
    Example("ioc", of("ioc", (None, 2, 5)), (2, 5, 5), PARTLY),
]  # fmt: skip


@pytest.mark.parametrize(
    "case", EXAMPLES, ids=[f"{number}-{case.target}" for number, case in enumerate(EXAMPLES)]
)
def test_a_worked_example(district: Topology, case: Example) -> None:
    chosen = standing(
        district, case.target, case.given, seen=case.seen, machines=case.machines
    ).chosen
    assert (chosen.numerator, chosen.denominator, chosen.known) == case.figure
    assert (chosen.state, chosen.source) == (case.state, case.source)
    numerator, denominator, _known = case.figure
    assert denominator is not None
    assert chosen.value == pytest.approx(100 * numerator / denominator)


def test_every_target_has_a_worked_example() -> None:
    assert {case.target for case in EXAMPLES} == set(catalogue())


@pytest.mark.parametrize("name", [row[0] for row in ROWS])
class TestOfEveryTarget:
    """Whatever is counted: these are the same for all of them."""

    def place(self, district: Topology, name: str) -> str | None:
        return None if district.targets[name].per == "area" else "a"

    def test_no_data_is_unknown_and_no_number(self, district: Topology, name: str) -> None:
        chosen = standing(district, name).chosen
        assert (chosen.state, chosen.value, chosen.known) == (UNKNOWN, None, 0)

    def test_an_empty_denominator_is_unknown(self, district: Topology, name: str) -> None:
        place = self.place(district, name)
        chosen = standing(district, name, of(name, (place, 0, 0)), place=place).chosen
        assert (chosen.state, chosen.value, chosen.evidence_value) == (UNKNOWN, None, None)
        assert chosen.note is not None

    def test_old_figures_are_shown_and_are_no_evidence(self, district: Topology, name: str) -> None:
        place = self.place(district, name)
        days = district.targets[name].fresh // 86_400_000
        old = standing(district, name, of(name, (place, 9, 9), days=days + 1), place=place).chosen
        assert (old.state, old.value, old.evidence_value, old.known) == (UNKNOWN, 100.0, 0.0, 0)
        assert old.stale
        new = standing(district, name, of(name, (place, 9, 9), days=days), place=place).chosen
        assert new.state in (MET, TRACKED)
        assert not new.stale

    def test_more_than_the_whole_is_never_reached(self, district: Topology, name: str) -> None:
        place = self.place(district, name)
        over = of(name, (place, 12, 10))
        chosen = standing(district, name, over, place=place).chosen
        assert (chosen.state, chosen.value) == (UNKNOWN, 120.0)
        assert chosen.note is not None
        assert standing(district, name, over).chosen.state is UNKNOWN

    def test_sources_that_contradict_are_both_shown(self, district: Topology, name: str) -> None:
        place = self.place(district, name)
        both = [said(name, place, 80, 100, origin="Sở"), said(name, place, 71, 100, origin="VNPT")]
        found = standing(district, name, both, place=place)
        assert found.conflict is not None
        shown = {f.reading.origin for f in found.figures if f.reading is not None}
        assert shown == {"Sở", "VNPT"}
        near = [both[0], said(name, place, 79, 100, origin="VNPT")]
        assert standing(district, name, near, place=place).conflict is None

    def test_a_zero_counts_in_the_sum(self, district: Topology, name: str) -> None:
        if district.targets[name].per == "area":
            zero = standing(district, name, of(name, (None, 0, 5))).chosen
            assert (zero.value, zero.known) == (0.0, 5)
            return
        asked = [s.site for s in ledger(district).of(name)]
        given = of(name, *((place, 0 if place == "b" else 5, 5) for place in asked))
        chosen = standing(district, name, given).chosen
        assert (chosen.numerator, chosen.denominator) == (5 * len(asked) - 5, 5 * len(asked))

    def test_a_district_figure_stands_while_places_are_silent(
        self, district: Topology, name: str
    ) -> None:
        chosen = standing(district, name, of(name, (None, 40, 40))).chosen
        assert (chosen.numerator, chosen.denominator, chosen.site) == (40, 40, None)
        assert chosen.state in (MET, TRACKED)


FITS = Seen(values={"mobile": 1})


@pytest.mark.parametrize(
    ("target", "seen", "figure", "counts"),
    [
        ("district-portal", {"cong": Seen(values={"tls_days_left": 60})}, (1, 1), [True]),
        ("district-portal", {"cong": Seen(values={"tls_days_left": 13})}, (0, 1), [False]),
        ("district-portal", {"cong": Seen(values={"tls_days_left": -2})}, (0, 1), [False]),
        ("district-portal", {"cong": Seen(1, State.DOWN)}, (0, 1), [False]),
        ("district-portal", {"cong": Seen()}, (0, 1), [None]),  # its certificate was not read
        ("district-portal", {"cong": Seen(1, State.MAINTENANCE)}, (0, 1), [None]),
        ("shared-databases", {"csdl-1": Seen(), "csdl-2": Seen(8, State.DOWN)}, (1, 2),
         [True, False]),
        ("shared-databases", {"csdl-1": Seen(8, State.UNREACHABLE)}, (0, 2), [None, None]),
        ("software-linked", {"a.van-ban": Seen(), "b.van-ban": Seen(None, State.DOWN)}, (1, 2),
         [True, False]),
        ("multi-device", {"cong": FITS, "dich-vu": Seen(values={"mobile": 0})},
         (1, 2), [True, False]),
        ("multi-device", {"cong": FITS, "dich-vu": Seen(0, State.DOWN)},
         (1, 2), [True, None]),
    ],
)  # fmt: skip
def test_what_is_measured_stands_beside_what_is_declared(
    district: Topology,
    target: str,
    seen: dict[str, Seen],
    figure: tuple[int, int],
    counts: list[bool | None],
) -> None:
    alone = standing(district, target, seen=seen)
    assert alone.chosen.state is UNKNOWN, "measuring alone does not reach it"
    found = standing(district, target, of(target, (None, 5, 5)), seen=seen)
    assert (found.chosen.source, found.chosen.state) == (Source.DECLARED, MET)
    [beside] = [f for f in found.others if f.supporting]
    assert (beside.numerator, beside.denominator) == figure
    assert [entry.counts for entry in beside.evidence] == counts
    assert all(entry.reason is not None for entry in beside.evidence if not entry.counts)
    contradicted = beside.known > 0 and beside.state in (PARTLY, NOT_MET)
    assert (found.conflict is not None) == contradicted
