"""The whole of the engine but the poller: results in, states, transitions and points out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest
from district import T0, HandClock, check, commune, failed, ok, topology, unknown
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.engine.hub import Hub
from ioc.engine.model import AssetView, CheckStatus, State, Transition
from ioc.engine.pipeline import Change, Pipeline
from ioc.engine.points import STEADY
from ioc.engine.reachability import depths
from ioc.inventory.topology import CalendarRule, Topology
from ioc.store.base import HOLD, Point

UP, DOWN, UNREACHABLE = State.UP, State.DOWN, State.UNREACHABLE


class Desk:
    """A pipeline with its writers as lists and its clock in hand."""

    def __init__(self, found: Topology, clock: HandClock | None = None) -> None:
        self.clock = clock or HandClock()
        self.points: list[Point] = []
        self.changes: list[Change] = []
        self.hub = Hub()
        self.pipeline = Pipeline(
            self.clock, found, record=self.points.extend, persist=self.changes.extend, hub=self.hub
        )

    def feed(self, up: Iterable[str] = (), down: Iterable[str] = (), seconds: float = 1.0) -> None:
        """Results as the poller gives them: parents first, one second per call."""
        self.clock.seconds += seconds
        depth = depths(self.pipeline.topology.assets)
        for asset in sorted(up, key=lambda a: depth[a]):
            self.pipeline.accept(ok(asset, self.clock.now()))
        for asset in sorted(down, key=lambda a: depth[a]):
            self.pipeline.accept(failed(asset, self.clock.now()))
        self.pipeline.settle()

    def states(self) -> dict[str, State]:
        return {name: view.state for name, view in self.pipeline.view().assets.items()}

    def site(self, name: str) -> State:
        return self.pipeline.view().sites[name].state

    def transitions(self) -> list[tuple[str, State, State]]:
        found = [c for c in self.changes if isinstance(c, Transition)]
        return [(t.id, t.before, t.after) for t in found]


@pytest.fixture
def desk() -> Desk:
    found = Desk(topology([commune("a"), commune("b")]))
    found.feed(up=found.pipeline.topology.assets)
    found.changes.clear()
    return found


A = ["a.fiber", "a.4g", "a.router", "a.pc-1", "a.pc-2", "a.pc-3"]
B = [name.replace("a.", "b.") for name in A]


def test_before_any_result_everything_is_unknown() -> None:
    fresh = Desk(topology([commune("a")]))
    fresh.pipeline.settle()
    assert set(fresh.states().values()) == {State.UNKNOWN}
    assert fresh.site("a") is State.UNKNOWN


def test_all_answering_is_up(desk: Desk) -> None:
    assert set(desk.states().values()) == {UP}
    assert (desk.site("a"), desk.site("b")) == (UP, UP)


def test_fiber_cut_is_a_degraded_site_on_backup_and_nothing_else(desk: Desk) -> None:
    desk.feed(down=["a.fiber"])
    assert {n for n, s in desk.states().items() if s is not UP} == {"a.fiber"}
    view = desk.pipeline.view().sites["a"]
    assert (view.state, view.on_backup, view.cause) == (State.DEGRADED, True, "a.fiber")
    assert desk.site("b") is UP


def test_4g_down_alone_leaves_the_site_up(desk: Desk) -> None:
    desk.feed(down=["a.4g"])
    assert desk.site("a") is UP


def test_power_cut_is_a_dark_site_with_its_equipment_unreachable(desk: Desk) -> None:
    desk.feed(down=A)
    states = desk.states()
    assert (states["a.fiber"], states["a.4g"]) == (DOWN, DOWN)
    assert {states[n] for n in A[2:]} == {UNREACHABLE}
    assert {desk.pipeline.view().assets[n].cause for n in A[2:]} == {"a.fiber"}
    view = desk.pipeline.view().sites["a"]
    assert (view.state, view.dark) == (DOWN, True)
    assert all(desk.states()[n] is UP for n in B)


def test_one_computer_down_is_one_computer_down(desk: Desk) -> None:
    desk.feed(down=["a.pc-2"])
    assert desk.transitions() == [("a.pc-2", UP, DOWN)]


def test_router_down_hides_its_computers(desk: Desk) -> None:
    desk.feed(down=A[2:])
    states = desk.states()
    assert states["a.router"] is DOWN
    assert {states[n] for n in A[3:]} == {UNREACHABLE}
    assert desk.site("a") is DOWN
    assert not desk.pipeline.view().sites["a"].dark


def test_a_silent_router_with_answering_computers_is_degraded(desk: Desk) -> None:
    desk.feed(down=["a.router"])
    assert desk.site("a") is State.DEGRADED


def test_own_uplink_lost_declares_nothing_down(desk: Desk) -> None:
    desk.feed(down=["uplink", *A, *B])
    states = desk.states()
    assert [n for n, s in states.items() if s is DOWN] == ["uplink"]
    assert {states[n] for n in [*A, *B]} == {UNREACHABLE}
    assert {desk.pipeline.view().assets[n].cause for n in [*A, *B]} == {"uplink"}
    assert (desk.site("a"), desk.site("b")) == (UNREACHABLE, UNREACHABLE)
    assert desk.pipeline.view().uplink_lost


def test_after_the_parent_is_back_children_wait_for_a_fresh_result(desk: Desk) -> None:
    desk.feed(down=A)
    desk.changes.clear()
    desk.feed(up=["a.fiber", "a.router"])
    assert {desk.states()[n] for n in A[3:]} == {UNREACHABLE}
    desk.feed(up=["a.pc-1"], down=["a.pc-2"])
    assert (desk.states()["a.pc-1"], desk.states()["a.pc-2"]) == (UP, DOWN)
    assert desk.states()["a.pc-3"] is UNREACHABLE
    assert ("a.pc-3", UNREACHABLE, DOWN) not in desk.transitions()


def test_the_wall_clock_steps_back_and_children_are_still_judged(desk: Desk) -> None:
    desk.feed(down=A)
    desk.feed(up=["a.fiber", "a.router"])
    desk.clock.step = -3600
    desk.feed(down=["a.pc-1"])
    assert desk.states()["a.pc-1"] is DOWN


def test_no_results_turn_a_state_unknown_and_it_never_looks_up(desk: Desk) -> None:
    desk.clock.seconds += 3 * 10 + 4 + 1
    desk.pipeline.tick()
    assert set(desk.states().values()) == {State.UNKNOWN}
    assert desk.site("a") is State.UNKNOWN
    assert desk.pipeline.view().sites["a"].computers.unknown == 3


def test_results_keep_a_state_fresh_for_ever(desk: Desk) -> None:
    for _ in range(100):
        desk.feed(up=desk.pipeline.topology.assets, seconds=10)
        desk.pipeline.tick()
    assert desk.transitions() == []


def test_local_trouble_never_turns_anything_down(desk: Desk) -> None:
    for name in desk.pipeline.topology.assets:
        desk.pipeline.accept(unknown(name, desk.clock.now()))
    desk.pipeline.settle()
    assert desk.transitions() == []


OFFICE = CalendarRule("office", frozenset(range(5)), ((450, 690), (810, 1020)), grace=60)


def test_computers_are_off_after_hours_and_down_within_them() -> None:
    desk = Desk(topology([commune("a", calendar="office")], calendars=[OFFICE]))
    desk.feed(up=desk.pipeline.topology.assets)  # Monday 09:40 local time
    desk.feed(down=["a.pc-1"])
    assert desk.states()["a.pc-1"] is DOWN
    desk.clock.seconds += 8 * 3600  # 17:40
    desk.feed(up=A[:3], down=A[3:])
    desk.pipeline.tick()
    assert {desk.states()[n] for n in A[3:]} == {State.OFF}
    counts = desk.pipeline.view().sites["a"].computers
    assert (counts.expected, counts.off, counts.down) == (0, 3, 0)
    desk.clock.seconds += 14 * 3600 + 1200  # Tuesday 08:00: within the hour of grace
    desk.feed(up=A[:3], down=A[3:])
    desk.pipeline.tick()
    assert {desk.states()[n] for n in A[3:]} == {State.OFF}
    desk.clock.seconds += 3600
    desk.feed(up=A[:3], down=A[3:])
    desk.pipeline.tick()
    assert {desk.states()[n] for n in A[3:]} == {DOWN}


def test_a_quick_restart_changes_no_state(desk: Desk) -> None:
    desk.feed(down=["a.fiber"])
    before = desk.states()
    again = Desk(desk.pipeline.topology, HandClock())
    again.clock.seconds = desk.clock.seconds + 5
    saved = {n: desk.pipeline.status(n) for n in desk.pipeline.topology.checks}
    view = desk.pipeline.view()
    since = {v.id: (v.state, v.since) for v in (*view.assets.values(), *view.sites.values())}
    again.pipeline.restore(saved, since)
    again.pipeline.settle()
    assert again.states() == before
    assert again.transitions() == []
    assert again.pipeline.failing() == ["a.fiber.fake"]


def test_after_a_long_stop_everything_is_honestly_unknown(desk: Desk) -> None:
    again = Desk(desk.pipeline.topology, HandClock())
    again.clock.seconds = desk.clock.seconds + 3600
    saved = {n: desk.pipeline.status(n) for n in desk.pipeline.topology.checks}
    again.pipeline.restore(saved, {})
    again.pipeline.settle()
    assert set(again.states().values()) == {State.UNKNOWN}


def test_a_new_inventory_keeps_what_is_measured_as_before(desk: Desk) -> None:
    desk.feed(down=["a.fiber"])
    desk.changes.clear()
    moved = check("b.fiber", "b", settings=type(check("x").settings)(name="elsewhere"))
    slower = check("a.router", "a", interval=99.0)
    desk.pipeline.replace(
        topology(
            [commune("a"), commune("b", computers=4)],
            checks={"b.fiber.fake": moved, "a.router.fake": slower},
        )
    )
    states = desk.states()
    assert states["a.fiber"] is DOWN
    assert states["a.router"] is UP
    assert (states["b.fiber"], states["b.pc-4"]) == (State.UNKNOWN, State.UNKNOWN)
    assert [t for t in desk.transitions() if not t[0].startswith("b")] == []


def test_a_removed_asset_is_gone_and_its_late_result_is_dropped(desk: Desk) -> None:
    desk.pipeline.replace(topology([commune("a")]))
    desk.pipeline.accept(failed("b.fiber", T0))
    desk.pipeline.settle()
    assert "b.fiber" not in desk.states()
    assert "b" not in desk.pipeline.view().sites


def test_points_carry_the_tags_of_the_design(desk: Desk) -> None:
    desk.points.clear()
    desk.feed(up=["a.pc-1"])
    [point] = desk.points
    assert point.measurement == "check"
    assert dict(point.tags) == {
        "area": "huyen", "asset": "a.pc-1", "asset_kind": "computer", "asset_type": "device",
        "check": "fake", "kind": "fake", "site": "a",
    }  # fmt: skip
    assert list(point.tags) == sorted(point.tags)
    desk.points.clear()
    desk.feed(down=["a.fiber"])
    state = next(p for p in desk.points if p.measurement == "link")
    assert (state.fields, dict(state.tags)["kind"]) == ({"state": 2.0, "up": 0.0}, "fiber")


def test_checkpoint_keeps_every_status(desk: Desk) -> None:
    desk.changes.clear()
    desk.pipeline.checkpoint()
    count = len(desk.pipeline.topology.assets)
    assert sum(isinstance(c, CheckStatus) for c in desk.changes) == count


def states_at_checkpoints(desk: Desk, minutes: int, by: int = 60) -> dict[str, list[int]]:
    """Seconds after now at which each asset's state is written."""
    found: dict[str, list[int]] = {name: [] for name in desk.pipeline.topology.assets}
    for minute in range(minutes):
        desk.points.clear()
        desk.pipeline.checkpoint()
        for point in desk.points:
            found[dict(point.tags)["asset"]].append(minute * by)
        desk.clock.seconds += by
    return found


def test_a_state_that_stays_is_written_every_five_minutes_and_never_later_than_it_holds(
    desk: Desk,
) -> None:
    for asset, written in states_at_checkpoints(desk, 31).items():
        gaps = [b - a for a, b in itertools.pairwise(written)]
        assert gaps == [300] * len(gaps) and len(gaps) >= 4, asset
    assert HOLD > 300_000 >= STEADY


def test_a_state_that_changes_is_written_at_once_and_at_no_checkpoint_soon_after(
    desk: Desk,
) -> None:
    states_at_checkpoints(desk, 2)
    desk.points.clear()
    desk.feed(down=["a.fiber"])
    [changed] = [p for p in desk.points if p.measurement == "link"]
    assert changed.fields == {"state": 2.0, "up": 0.0}
    assert 0 not in states_at_checkpoints(desk, 1)["a.fiber"]


def test_after_the_clock_is_set_back_states_are_written_and_go_on(desk: Desk) -> None:
    states_at_checkpoints(desk, 1)
    desk.clock.seconds -= 86_400
    written = states_at_checkpoints(desk, 7)["a.fiber"]
    assert written == [0, 300]


def test_states_under_new_tags_are_written_at_the_next_checkpoint(desk: Desk) -> None:
    states_at_checkpoints(desk, 1)
    desk.pipeline.replace(topology([commune("a"), commune("b")]))
    assert all(written == [0] for written in states_at_checkpoints(desk, 1).values())


def test_a_change_is_persisted_with_its_view_and_its_evidence(desk: Desk) -> None:
    desk.feed(down=["a.pc-1"])
    kinds = {type(c) for c in desk.changes}
    assert {Transition, AssetView, CheckStatus} <= kinds


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from(["uplink", *A, *B])), st.integers(0, 40)), max_size=15
    )
)
def test_whatever_fails_no_child_is_ever_down_behind_a_dead_parent(
    steps: list[tuple[set[str], int]],
) -> None:
    desk = Desk(topology([commune("a"), commune("b")]))
    assets = desk.pipeline.topology.assets
    for broken, seconds in steps:
        silent = set(broken)
        for name in assets:  # what is behind something broken is silent too
            above = assets[name].parents
            if above and all(parent in silent for parent in above):
                silent.add(name)
        desk.feed(up=set(assets) - silent, down=silent, seconds=1 + seconds)
        desk.pipeline.tick()
        states = desk.states()
        for name, state in states.items():
            above = assets[name].parents
            if state is DOWN and above:
                assert any(states[parent] is UP for parent in above)
            if name not in silent:
                assert state is UP
    everything = [t for t in desk.changes if isinstance(t, Transition)]
    for first, second in itertools.pairwise(everything):
        if first.id == second.id:
            assert first.after is second.before


def test_a_site_that_lost_its_main_link_data_is_unknown_not_up(desk: Desk) -> None:
    fresh = Desk(replace(desk.pipeline.topology))
    fresh.feed(up=["uplink", "a.4g"])
    assert fresh.site("a") is State.UNKNOWN
