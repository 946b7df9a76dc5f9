"""The ledger with a real state database and store: what is said, what is late, what is merged."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from ioc._db_base import StateDatabaseError, metadata
from ioc.clock import SystemClock
from ioc.db import StateDatabase
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView, State
from ioc.engine.points import STATE_CODES
from ioc.inventory.topology import Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.keeper import NIGHT, Keeper, month_ends
from ioc.ledger.model import Reading, Source, TargetState
from ioc.ledger.points import coverage_point
from ioc.ledger.records import Outcome, Records
from ioc.ledger.sheets import outcomes, read_table
from ioc.ledger.sla import Agreements, day_span
from ioc.store import open_store
from ioc.store.base import Point, Series, SeriesQuery, Store, StoreUnavailable

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "ledger"))
from world import INVENTORY, Seen, topology, view

ZONE = topology().timezone


class Hand(SystemClock):
    """A clock that stands at noon of a day."""

    def __init__(self, day: str) -> None:
        self.set(day)

    def set(self, day: str, hour: int = 12) -> None:
        local = datetime.combine(date.fromisoformat(day), datetime.min.time(), ZONE)
        self.at = round((local + timedelta(hours=hour)).timestamp() * 1000)

    def now(self) -> int:
        return self.at


class Program:
    """What the ledger sees of the running program; the test decides what was seen."""

    def __init__(self, found: Topology, clock: Hand) -> None:
        self.topology = found
        self.seen: Mapping[str, Seen] = {}
        self._clock = clock
        self._version = 0

    @property
    def calendars(self) -> dict[str, Calendar]:
        return {c.id: Calendar(c, ZONE) for c in self.topology.calendars.values()}

    def view(self) -> AreaView:
        self._version += 1
        return replace(view(self.topology, self.seen, self._clock.now()), version=self._version)


class World:
    def __init__(self, folder: Path, found: Topology, day: str) -> None:
        self.clock = Hand(day)
        self.program = Program(found, self.clock)
        self.database = StateDatabase.open(f"sqlite:///{folder / 'state.db'}")
        self.store: Store = open_store("memory://")
        self.records = Records(self.database.engine)
        self.agreements = Agreements(self.database.engine)
        self.keeper = Keeper(self.clock, self.program, self.store, self.records, self.agreements)
        self.keeper.load()

    def start(self) -> None:
        """The program starts anew."""
        self.keeper.load()
        self.keeper.catch_up()

    def declare(self, *readings: Reading) -> list[Outcome]:
        return [kept.outcome for kept in self.keeper.declare(readings, "nga")]

    def history(self, target: str, place: str | None = None) -> list[tuple[str, int, object]]:
        found = self.records.figures(target, place, area=place is None)
        return [(f.day, f.version, f.value) for f in found]

    def nights(self, first: str, last: str) -> None:
        """Every night from the end of one day to the end of another."""
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            self.clock.set((day + timedelta(days=1)).isoformat(), hour=0)
            self.keeper.close_day(day)
            day += timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, topology(), "2026-09-30")
    yield made
    made.store.close()
    made.database.close()


def ioc(day: str, numerator: int, **more: object) -> Reading:
    return replace(Reading("ioc", None, Source.DECLARED, day, numerator, 10), **more)  # type: ignore[arg-type]


# --- what is said


def test_a_correction_is_a_new_version_and_nothing_is_overwritten(world: World) -> None:
    first = ioc("2026-09-15", 3, document="12/BC")
    assert world.declare(first, first) == [Outcome.NEW, Outcome.UNCHANGED]
    assert world.declare(first) == [Outcome.UNCHANGED]
    assert world.keeper.ledger().area("ioc").chosen.numerator == 3
    assert world.declare(ioc("2026-09-15", 4, document="13/BC")) == [Outcome.CORRECTED]
    assert world.keeper.ledger().area("ioc").chosen.numerator == 4
    assert world.declare(ioc("2026-09-15", 4, withdrawn=True)) == [Outcome.CORRECTED]
    gone = world.keeper.ledger().area("ioc").chosen
    assert (gone.value, gone.state) == (None, TargetState.UNKNOWN)
    versions = world.records.readings("ioc")
    assert [(r.version, r.numerator, r.document, r.withdrawn) for r in versions] == [
        (1, 3, "12/BC", False), (2, 4, "13/BC", False), (3, 4, "", True)]  # fmt: skip
    assert {r.author for r in versions} == {"nga"}
    assert len({r.id for r in versions}) == 3


def test_what_was_said_survives_a_restart(world: World) -> None:
    world.declare(ioc("2026-09-15", 3, links=("https://a.vn/1",), note="Đã ký"))
    again = Keeper(
        world.clock, world.program, world.store, Records(world.database.engine), world.agreements
    )
    again.load()
    [reading] = again.given.readings
    assert (reading.links, reading.note) == (("https://a.vn/1",), "Đã ký")
    assert again.ledger().area("ioc").chosen.reading == reading


@pytest.mark.parametrize("count", [3, 300])
def test_many_at_once_are_kept_like_few(world: World, count: int) -> None:
    some = [ioc("2026-09-15", 1, origin=f"Đơn vị {n}") for n in range(count)]
    assert world.declare(*some) == [Outcome.NEW] * count
    mixed = [some[0], replace(some[1], numerator=2), *some[2:], replace(some[1], numerator=3)]
    assert world.declare(*mixed) == [
        Outcome.UNCHANGED, Outcome.CORRECTED, *[Outcome.UNCHANGED] * (count - 2),
        Outcome.CORRECTED]  # fmt: skip
    assert [r.version for r in world.records.readings() if r.origin == "Đơn vị 1"] == [1, 2, 3]
    kept = world.keeper.declare([replace(some[2], numerator=9)], "nga")
    assert kept[0].reading.id == max(r.id for r in world.records.readings())


def test_hands_at_the_same_time_make_versions_in_a_row(world: World) -> None:
    work = [
        threading.Thread(target=world.declare, args=(ioc("2026-08-31", n),)) for n in range(1, 9)
    ]
    for thread in work:
        thread.start()
    world.keeper.close_day(date(2026, 9, 29))
    for thread in work:
        thread.join()
    assert [r.version for r in world.records.readings("ioc")] == list(range(1, 9))
    assert [r.version for r in world.keeper.given.readings] == [8]


def test_the_same_file_twice_changes_nothing(world: World) -> None:
    content = b"target;place;as_of;numerator;denominator\nioc;;15/09/2026;3;10\nioc;;x;1;2\n"
    found = read_table(content, world.program.topology, world.clock.now())
    assert outcomes(found, world.keeper.given.readings)[Outcome.NEW] == 1
    assert world.keeper.given.readings == (), "looking changes nothing"
    assert world.declare(*found.readings) == [Outcome.NEW]
    before, history = world.records.readings(), world.history("ioc")
    world.clock.set("2026-10-05")
    again = read_table(content, world.program.topology, world.clock.now())
    assert outcomes(again, world.keeper.given.readings)[Outcome.UNCHANGED] == 1
    assert world.declare(*again.readings) == [Outcome.UNCHANGED]
    assert (world.records.readings(), world.history("ioc")) == (before, history)


def test_an_old_file_does_not_bring_back_what_was_withdrawn(world: World) -> None:
    content = (
        b"target;place;as_of;numerator;denominator\nioc;;15/09/2026;3;10\nioc;;16/09/2026;4;10\n"
    )
    read = (content, world.program.topology, world.clock.now())
    world.declare(*read_table(*read, world.keeper.given.withdrawn).readings)
    world.declare(ioc("2026-09-15", 3, withdrawn=True))
    before = world.records.readings()
    again = read_table(*read, world.keeper.given.withdrawn)
    assert [(m.row, m.column, m.reason.text[:13]) for m in again.mistakes] == [
        (2, "numerator", "was withdrawn")]  # fmt: skip
    assert outcomes(again, world.keeper.given.readings)[Outcome.UNCHANGED] == 1
    assert world.declare(*again.readings) == [Outcome.UNCHANGED]
    assert world.records.readings() == before
    world.keeper.load()
    assert len(world.keeper.given.withdrawn) == 1, "also after a restart"
    assert world.declare(ioc("2026-09-15", 3)) == [Outcome.CORRECTED]
    assert read_table(*read, world.keeper.given.withdrawn).mistakes == []


def test_an_older_machine_report_does_not_replace_a_newer_one(world: World) -> None:
    new = MachineReport("a.pc-10", 2000, "Windows 11", 8192, "ssd", True, 2000)
    old = replace(new, reported_at=1000, system="Windows 7")
    assert world.keeper.take_machines([old, new]) == 1
    assert world.keeper.take_machines([old]) == 0
    assert world.keeper.take_machines([new]) == 0
    assert world.keeper.given.machines == {"a.pc-10": new}


def test_a_database_that_fails_keeps_all_or_nothing(world: World) -> None:
    with pytest.raises(StateDatabaseError):
        world.declare(ioc("2026-09-15", 3), ioc("2026-09-16", None, note="không có tử số"))  # type: ignore[arg-type]
    assert world.records.readings() == []
    assert world.keeper.given.readings == ()


def test_a_changed_goal_keeps_its_history(world: World) -> None:
    for day, line in [
        ("2026-10-01", "{id: e-signature, goal: 95, due: 2030-12-31}"),
        ("2026-10-02", "{id: e-signature, goal: 95, due: 2030-12-31}"),  # the same again
        ("2026-11-01", "{id: e-signature, retired: 2026-11-01}"),
    ]:
        world.clock.set(day)
        world.program.topology = topology(more=f"\ntargets: [{line}]\n")
        world.keeper.note_goals()
    assert [(g.goal, g.due, g.retired) for g in world.records.goals("e-signature")] == [
        (90.0, "2025-12-31", None), (95.0, "2030-12-31", None), (90.0, "2025-12-31", "2026-11-01"),
    ]  # fmt: skip
    assert len(world.records.goals("ioc")) == 1


# --- what is late


def test_a_late_reading_restates_the_months_it_changes_and_shows_it(world: World) -> None:
    world.clock.set("2026-07-02")
    world.declare(ioc("2026-06-30", 2))
    world.nights("2026-07-30", "2026-09-10")
    assert world.history("ioc") == [
        ("2026-06-30", 1, 20.0), ("2026-07-31", 1, 20.0), ("2026-08-31", 1, 20.0)]  # fmt: skip
    world.clock.set("2026-09-12")
    world.declare(ioc("2026-07-31", 5))
    assert world.history("ioc") == [
        ("2026-06-30", 1, 20.0),
        ("2026-07-31", 1, 20.0), ("2026-07-31", 2, 50.0),
        ("2026-08-31", 1, 20.0), ("2026-08-31", 2, 50.0),
    ]  # fmt: skip
    target = world.program.topology.targets["ioc"]
    found = world.keeper.trend(target, world.keeper.ledger().area("ioc").chosen)
    assert [(p.day, p.value) for p in found.points] == [
        ("2026-06-30", 20.0), ("2026-07-31", 50.0), ("2026-08-31", 50.0)]  # fmt: skip
    assert [(a.day, a.value, b.value) for a, b in found.restated] == [
        ("2026-07-31", 20.0, 50.0), ("2026-08-31", 20.0, 50.0)]  # fmt: skip


def test_the_past_is_held_against_the_goal_of_its_day(world: World) -> None:
    signed = Reading("e-signature", None, Source.EXPORTED, "2026-09-30", 92, 100)
    world.declare(signed)
    world.nights("2026-09-30", "2026-09-30")
    world.clock.set("2026-11-10")
    world.program.topology = topology(more="\ntargets: [{id: e-signature, goal: 95}]\n")
    world.keeper.note_goals()
    assert world.declare(replace(signed, document="12/BC")) == [Outcome.CORRECTED]
    states = [
        (figure.day, figure.version, figure.state)
        for figure in world.records.figures("e-signature", area=True)
    ]
    assert states == [
        ("2026-09-30", 1, TargetState.MET),
        ("2026-10-31", 1, TargetState.MET),
    ]
    world.nights("2026-11-10", "2026-11-10")
    today = world.records.figures("e-signature", area=True)[-1]
    assert (today.day, today.state) == ("2026-11-10", TargetState.PARTLY)
    [then, now] = [
        world.keeper.topology_at(day_span(date.fromisoformat(day), world.program.topology).end - 1)
        for day in ("2026-09-30", "2026-11-10")
    ]
    assert [t.targets["e-signature"].goal for t in (then, now)] == [90, 95]
    assert then.targets["e-signature"].due == "2025-12-31"
    long_ago = world.keeper.topology_at(0)
    assert long_ago.targets["e-signature"].goal == 90, "before all that is known: the oldest"


def test_days_in_the_middle_of_a_month_are_restated_too(world: World) -> None:
    world.clock.set("2026-09-01")
    world.declare(ioc("2026-08-20", 2))
    world.clock.set("2026-09-05")
    world.declare(ioc("2026-09-05", 4))
    world.nights("2026-09-05", "2026-09-08")
    assert world.history("ioc") == [("2026-08-31", 1, 20.0), ("2026-09-05", 1, 40.0)]
    world.declare(ioc("2026-09-05", 6))
    assert world.history("ioc")[1:] == [("2026-09-05", 1, 40.0), ("2026-09-05", 2, 60.0)]
    assert world.history("ioc")[0] == ("2026-08-31", 1, 20.0), "before it nothing changes"


def test_a_withdrawn_reading_leaves_the_past_unknown_not_wrong(world: World) -> None:
    world.declare(ioc("2026-07-15", 9))
    world.declare(ioc("2026-07-15", 9, withdrawn=True))
    found = world.records.figures("ioc", area=True)
    assert [(f.day, f.version, f.value, f.state) for f in found if f.version == 2] == [
        ("2026-07-31", 2, None, TargetState.UNKNOWN),
        ("2026-08-31", 2, None, TargetState.UNKNOWN),
    ]
    target = world.program.topology.targets["ioc"]
    chosen = world.keeper.ledger().area("ioc").chosen
    assert world.keeper.trend(target, chosen).points == ()


def test_what_was_measured_is_not_rewritten_by_what_was_reported_elsewhere(world: World) -> None:
    world.program.seen = {"a.4g": Seen(), "b.4g": Seen()}
    world.nights("2026-08-31", "2026-08-31")
    world.clock.set("2026-09-20")
    world.declare(Reading("mobile-4g", "a", Source.DECLARED, "2026-08-30", 4, 10))
    assert world.history("mobile-4g", "a") == [("2026-08-31", 1, 100.0), ("2026-08-31", 2, 40.0)]
    assert world.history("mobile-4g", "b") == [("2026-08-31", 1, 100.0)]
    world.declare(Reading("fiber-communes", "a", Source.DECLARED, "2026-08-30", 0, 1))
    versions = [version for _day, version, _value in world.history("fiber-communes", "a")]
    assert versions == [1], "measured first: what was measured cannot be repeated"


def test_a_restatement_that_broke_off_is_made_up_for_in_the_night(world: World) -> None:
    with world.database.engine.begin() as connection:
        full = "CREATE TRIGGER full BEFORE INSERT ON figures BEGIN SELECT RAISE(ABORT, 'full'); END"
        connection.execute(sa.text(full))
    with pytest.raises(StateDatabaseError):
        world.declare(ioc("2026-08-15", 4))
    assert world.keeper.ledger().area("ioc").chosen.numerator == 4, "what was said is kept"
    with world.database.engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER full"))
    assert world.declare(ioc("2026-08-15", 4)) == [Outcome.UNCHANGED]
    assert world.history("ioc") == []
    world.clock.set("2026-10-01", 0)
    world.keeper.nightly()
    assert world.history("ioc") == [("2026-08-31", 1, 40.0), ("2026-09-30", 1, 40.0)]
    world.keeper.nightly()
    assert len(world.history("ioc")) == 2, "again changes nothing"


def test_nights_that_passed_while_the_program_was_off_are_made_up_for(world: World) -> None:
    world.program.seen = {"a.fiber": Seen(), "b.fiber": Seen()}
    world.clock.set("2026-09-28", 14)
    world.keeper.hourly()
    world.declare(ioc("2026-09-28", 3))
    world.clock.set("2026-10-03", 8)
    world.start()
    assert world.history("ioc") == [("2026-09-28", 1, 30.0), ("2026-09-30", 1, 30.0)]
    assert world.history("fiber-communes") == [], "nobody saw it: a gap, not today's state"
    rows = world.agreements.days_of("a.fiber", date(2026, 9, 1), date(2026, 10, 3))
    assert [day for day, _tally in rows] == [
        "2026-09-27", "2026-09-28", "2026-09-29", "2026-09-30", "2026-10-01", "2026-10-02",
    ]  # fmt: skip
    before = world.records.figures()
    world.start()
    world.keeper.hourly()
    world.start()
    assert world.records.figures() == before, "once more changes nothing"


def test_a_server_that_is_off_every_night_keeps_the_last_measured_figures(world: World) -> None:
    world.program.seen = {"a.fiber": Seen(), "b.fiber": Seen()}
    world.clock.set("2026-09-28", 17)
    world.keeper.hourly()
    for minutes, missing in [(0, "b.fiber"), (25, None)]:
        world.clock.set("2026-09-28", 17)
        world.clock.at += minutes * 60_000
        world.program.seen = {name: Seen() for name in ("a.fiber", "b.fiber") if name != missing}
        world.store.write([
            coverage_point("huyen-thu", figure, world.clock.now(), world.program.topology)
            for figure in world.keeper.ledger().chosen() if figure.value is not None
        ])  # fmt: skip
    expected = {
        (figure.target, figure.site): (
            figure.numerator, figure.denominator, figure.known, figure.state, figure.value
        )
        for figure in world.keeper.ledger().chosen() if figure.value is not None
    }  # fmt: skip
    assert expected["fiber-communes", None][:3] == (2, 2, 2)
    world.program.seen = {}
    world.clock.set("2026-09-29", 7)
    world.start()
    found = {
        (f.target, f.place): (f.numerator, f.denominator, f.known, f.state, f.value)
        for f in world.records.figures()
    }
    assert found == {key: one for key, one in expected.items() if key[0] != "mobile-4g"}
    assert {figure.day for figure in world.records.figures()} == {"2026-09-28"}
    assert {figure.source for figure in world.records.figures()} == {Source.MEASURED}
    world.start()
    assert {figure.version for figure in world.records.figures()} == {1}


class Away:
    """A store that answers only while it is there."""

    def __init__(self, store: Store) -> None:
        self.store, self.here = store, False

    def read(self, query: SeriesQuery) -> list[Series]:
        if not self.here:
            raise StoreUnavailable("away")
        return self.store.read(query)


def test_missed_days_are_made_up_for_when_the_store_comes_later_than_the_program(
    world: World,
) -> None:
    world.store.write(samples("2026-09-28", range(9, 10), State.UP))
    world.clock.set("2026-09-28", 17)
    world.keeper.hourly()
    store = Away(world.store)
    world.keeper._store = cast("Store", store)
    world.clock.set("2026-10-01", 8)
    with pytest.raises(StoreUnavailable):
        world.start()
    store.here = True
    world.keeper.hourly()  # and the table of days is young again
    world.keeper.catch_up()
    days = world.agreements.days_of("a.fiber", date(2026, 9, 1), date(2026, 10, 1))
    assert [day for day, _tally in days] == [
        "2026-09-27", "2026-09-28", "2026-09-29", "2026-09-30", "2026-10-01",
    ]  # fmt: skip


def test_a_night_that_broke_off_is_repeated_and_the_day_is_closed_once(world: World) -> None:
    world.program.seen = {"a.fiber": Seen(), "b.fiber": Seen()}
    store = Away(world.store)
    world.keeper._store = cast("Store", store)
    world.clock.set("2026-09-30", 0)
    world.clock.at += NIGHT
    with pytest.raises(StoreUnavailable):
        world.keeper.nightly()
    closed = world.records.figures()
    assert ("2026-09-29", 1, 100.0) in world.history("fiber-communes")
    world.program.seen = {}  # nothing answers any more when it is repeated
    world.clock.at += HOUR
    store.here = True
    world.keeper.nightly()
    assert world.records.figures() == closed
    days = world.agreements.days_of("a.fiber", date(2026, 9, 29), date(2026, 9, 30))
    assert [day for day, _tally in days] == ["2026-09-29", "2026-09-30"]
    world.clock.set("2026-10-01", 0)
    world.keeper.nightly()
    assert world.history("fiber-communes")[-1][0] == "2026-09-30", "the next night is another"


def test_of_what_was_also_reported_the_store_does_not_say_which_it_was(world: World) -> None:
    world.clock.set("2026-09-28", 17)
    world.keeper.hourly()
    world.declare(Reading("fiber-communes", "a", Source.DECLARED, "2026-09-20", 1, 1))
    world.store.write([
        coverage_point("huyen-thu", figure, world.clock.now(), world.program.topology)
        for figure in world.keeper.ledger().chosen() if figure.value is not None
    ])  # fmt: skip
    world.clock.set("2026-09-29", 7)
    world.start()
    assert world.history("fiber-communes", "a") == []


def test_a_night_that_was_not_missed_is_left_alone(world: World) -> None:
    world.program.seen = {"b.4g": Seen()}
    world.declare(Reading("mobile-4g", "a", Source.DECLARED, "2026-09-20", 4, 10))
    world.clock.set("2026-10-01", 0)
    world.keeper.hourly()  # after midnight, and the night's own work is yet to come
    written = world.records.figures()
    world.start()
    assert world.records.figures() == written
    world.clock.at += NIGHT
    world.keeper.nightly()
    written = world.records.figures()
    assert ("2026-09-30", 1, 100.0) in world.history("mobile-4g", "b")
    for day in ("2026-10-01", "2026-10-02"):
        world.clock.set(day, 0)
        world.clock.at += 3 * NIGHT
        world.start()
        assert all(f in written for f in world.records.figures() if f.day == "2026-09-30")
    assert {f.day for f in world.records.figures()} - {f.day for f in written} <= {"2026-10-01"}


def test_weeks_are_not_made_up_for_day_by_day_and_the_ends_of_months_are(world: World) -> None:
    world.clock.set("2026-05-10")
    world.keeper.hourly()
    for month in range(5, 10):
        world.records.add([ioc(f"2026-{month:02}-05", month)], "nga", world.clock.now())
        world.records.add([ioc(f"2026-{month:02}-26", month)], "nga", world.clock.now())
    world.clock.set("2026-09-29")
    world.start()
    assert world.history("ioc") == [
        ("2026-05-31", 1, 50.0), ("2026-06-30", 1, 60.0), ("2026-07-31", 1, 70.0),
        ("2026-08-31", 1, 80.0), ("2026-09-22", 1, 90.0)]  # fmt: skip
    rows = world.agreements.days_of("a.fiber", date(2026, 5, 11), date(2026, 9, 29))
    assert [day for day, _tally in rows] == [f"2026-09-{day}" for day in range(22, 29)]


def test_a_new_installation_has_missed_nothing(world: World) -> None:
    world.declare(ioc("2026-09-29", 3))
    world.start()
    assert world.records.figures() == []


def test_the_far_past_is_left_alone(world: World) -> None:
    world.declare(replace(ioc("2001-01-31", 1), denominator=10))
    assert all(day >= "2021" for day, _version, _value in world.history("ioc"))


def test_month_ends() -> None:
    found = list(month_ends(date(2023, 12, 31), date(2024, 3, 31)))
    assert found == [date(2023, 12, 31), date(2024, 1, 31), date(2024, 2, 29)]
    assert list(month_ends(date(2024, 3, 1), date(2024, 3, 31))) == []


# --- what is merged


MERGED = INVENTORY
for _name in ("Xã A", "Xã B"):
    MERGED = MERGED.replace(
        f"    name: {_name}\n",
        f"    name: {_name}\n    valid_until: 2025-06-30\n    into: moi\n",
    )
UNITS = "\nunits: [{id: moi, name: Xã Mới, valid_from: 2025-07-01}]\n"


def test_a_merger_from_the_night_before_to_a_trend_across(tmp_path: Path) -> None:
    world = World(tmp_path, topology(MERGED, UNITS), "2025-06-10")
    given = [
        Reading("files-commune", "a", Source.DECLARED, "2025-05-31", 10, 40),
        Reading("files-commune", "b", Source.DECLARED, "2025-05-31", 30, 40),
    ]
    world.declare(*given)
    world.nights("2025-06-29", "2025-07-01")
    assert world.history("files-commune", "a")[-1] == ("2025-06-30", 1, 25.0)
    assert world.history("files-commune", "moi") == [], "it did not exist, and has said nothing"
    world.clock.set("2025-08-05")
    world.declare(Reading("files-commune", "moi", Source.DECLARED, "2025-07-31", 60, 80))
    found = world.keeper.past("files-commune", "moi")
    assert [(f.day, f.numerator, f.denominator) for f in found] == [
        ("2025-05-31", 40, 80), ("2025-06-30", 40, 80), ("2025-07-31", 60, 80)]  # fmt: skip
    target = world.program.topology.targets["files-commune"]
    chosen = world.keeper.ledger().standings["files-commune", "moi"].chosen
    assert world.keeper.trend(target, chosen).month == 25.0
    world.store.close()
    world.database.close()


# --- availability


def samples(first: str, hours: range, state: State, asset: str = "a.fiber") -> list[Point]:
    tags = (("area", "huyen-thu"), ("asset", asset), ("kind", "fiber"))
    start = day_span(date.fromisoformat(first), topology()).start
    return [
        Point("link", tags, {"state": float(STATE_CODES[state])}, start + minute * 60_000)
        for minute in range(hours.start * 60, hours.stop * 60, 5)
    ]


DAY = date(2026, 9, 28)
HOUR = 3_600_000


def test_late_samples_restate_a_day_and_the_first_figure_stays(world: World) -> None:
    world.store.write(samples("2026-09-28", range(0, 12), State.UP))
    world.keeper.measure_days([DAY])
    first = world.agreements.over(DAY, DAY)["a.fiber"]
    assert (first.tally.all.up, first.restated) == (12 * HOUR + 60_000, 0)
    assert first.tally.all.unknown == 12 * HOUR - 60_000
    world.store.write(samples("2026-09-28", range(12, 20), State.UP))
    world.store.write(samples("2026-09-28", range(20, 24), State.DOWN))
    world.keeper.nightly()
    found = world.agreements.over(DAY, DAY)["a.fiber"]
    assert (found.tally.all.up, found.tally.all.down) == (20 * HOUR, 4 * HOUR)
    assert (found.restated, found.before, found.tally.outages) == (1, first.tally.all.up, 1)
    world.keeper.measure_days([DAY])
    assert world.agreements.over(DAY, DAY)["a.fiber"] == found, "looking again changes nothing"


def test_a_store_that_dropped_old_samples_takes_nothing_away(world: World) -> None:
    world.store.write(samples("2026-09-28", range(24), State.UP))
    world.keeper.measure_days([DAY])
    before = world.agreements.over(DAY, DAY)
    empty = Keeper(
        world.clock, world.program, open_store("memory://"), world.records, world.agreements
    )
    empty.measure_days([DAY])
    assert world.agreements.over(DAY, DAY) == before


def test_a_day_grows_until_it_is_over_without_being_restated(world: World) -> None:
    world.store.write(samples("2026-09-28", range(24), State.UP))
    for hour in (3, 9, 23):
        world.clock.set("2026-09-28", hour)
        world.keeper.hourly()
    world.clock.set("2026-09-29", 1)
    world.keeper.hourly()
    found = world.agreements.over(DAY, DAY)["a.fiber"]
    assert (found.tally.all.up, found.restated) == (24 * HOUR, 0)
    [row] = world.agreements.days_of("a.fiber", DAY, DAY)
    assert row == ("2026-09-28", found.tally)


def test_what_came_weeks_late_is_found_on_a_monday(world: World) -> None:
    world.clock.set("2026-09-29")
    world.keeper.measure_days([date(2026, 9, 7)])
    world.store.write(samples("2026-09-07", range(24), State.UP))
    for day, up in [("2026-10-04", 0), ("2026-10-05", 24 * HOUR)]:  # a Sunday, a Monday
        world.clock.set(day, 0)
        world.keeper.nightly()
        found = world.agreements.over(date(2026, 9, 7), date(2026, 9, 7))["a.fiber"]
        assert found.tally.all.up == up
    assert found.restated == 1


# --- tables


def test_the_tables_are_those_that_the_migrations_make(world: World) -> None:
    inspector = sa.inspect(world.database.engine)
    for name in ("readings", "machines", "goals", "figures", "availability"):
        table = metadata.tables[name]
        made = {c["name"]: c for c in inspector.get_columns(name)}
        assert list(made) == [column.name for column in table.columns]
        for column in table.columns:
            assert str(made[column.name]["type"]) == str(
                column.type.compile(dialect=world.database.engine.dialect)
            )
            if not column.primary_key:
                assert made[column.name]["nullable"] == column.nullable
        keys = inspector.get_pk_constraint(name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key]
        indexes = {index["name"] for index in inspector.get_indexes(name)}
        assert indexes == {index.name for index in table.indexes}
    assert inspector.get_unique_constraints("readings")
