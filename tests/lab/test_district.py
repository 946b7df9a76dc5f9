"""The real program in a district of network namespaces: every fault gives exactly its states.

Each test states the complete map of assets and sites, and the complete list of transitions: what
is not listed must not have moved, not even for a moment.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.lab._district import CORE, PORTAL, SENTINEL, District
from tests.lab._inventory import INTERVAL, inventory
from tests.lab._monitor import Monitor
from tests.lab._namespaces import Namespaces, why_not

PORT = 8080  # inside the namespace nothing else listens
PATIENCE = 30.0
STEADY = 2 * INTERVAL  # seconds for which a state must hold before it is believed

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

Move = tuple[str, str, str]  # id, before, after


@dataclass(slots=True)
class Lab:
    district: District
    monitor: Monitor
    told: int = 0  # transitions that expect() has given already

    def healthy(self) -> dict[str, str]:
        return dict.fromkeys([*self.district.assets(), *self.district.communes], "up")

    def moves(self) -> list[Move]:
        """Every transition so far, oldest first."""
        return [(t["id"], t["before"], t["after"]) for t in self.monitor.transitions()]

    def expect(self, act: Callable[[], None], **changed: str) -> list[Move]:
        """Do something; wait for exactly these states, and that they hold. Gives the moves.

        changed: state by id, `.` written `__` and `-` written `_`; what is not named is up.
        """
        wanted = self.healthy() | {_id(name): state for name, state in changed.items()}
        assert wanted.keys() == self.healthy().keys()
        act()
        self._await(wanted)
        time.sleep(STEADY)
        assert self.monitor.states() == wanted
        moves = self.moves()
        new, self.told = moves[self.told :], len(moves)
        return new

    def heal(self) -> None:
        """Back to everything up, so that a failed test spoils no other."""
        self.district.heal()
        self._await(self.healthy())
        self.told = len(self.moves())

    def _await(self, wanted: dict[str, str]) -> None:
        try:
            self.monitor.until(lambda: self.monitor.states() == wanted, PATIENCE, "the states")
        except AssertionError as error:
            found = self.monitor.states()
            differ = {k: (found.get(k), v) for k, v in wanted.items() if found.get(k) != v}
            raise AssertionError(f"found, wanted: {differ}") from error


def _id(name: str) -> str:
    return name.replace("__", ".").replace("_", "-")


@contextmanager
def laboratory(
    folder: Path, communes: int, computers: int, *, lossy: bool = False
) -> Iterator[Lab]:
    with Namespaces() as spaces:
        district = District(spaces, communes, computers)
        monitor = Monitor(
            folder,
            inventory(district, lossy=lossy),
            port=PORT,
            spawn=partial(spaces.spawn, CORE),
            dial=partial(spaces.socket, CORE),
        )
        with monitor:
            yield Lab(district, monitor)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with laboratory(tmp_path_factory.mktemp("lab"), communes=3, computers=3) as made:
        made.expect(lambda: None)
        yield made


@pytest.fixture
def lab(running: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    failed = request.session.testsfailed
    yield running
    if request.session.testsfailed > failed or running.monitor.states() != running.healthy():
        running.heal()


def test_after_the_start_everything_is_known_and_nothing_was_ever_down(lab: Lab) -> None:
    assert {before for _, before, _ in lab.moves()} == {"unknown"}
    assert {after for _, _, after in lab.moves()} == {"up"}


def test_a_cut_fiber_leaves_the_commune_on_4g(lab: Lab) -> None:
    moves = lab.expect(lambda: lab.district.cut("xa-1.fiber"), xa_1__fiber="down", xa_1="degraded")
    assert Counter(moves) == Counter([("xa-1.fiber", "up", "down"), ("xa-1", "up", "degraded")])
    site = lab.monitor.get("sites/xa-1")
    assert site["on_backup"] is True
    assert site["cause"] == "xa-1.fiber"
    moves = lab.expect(lambda: lab.district.repair("xa-1.fiber"))
    assert Counter(moves) == Counter([("xa-1.fiber", "down", "up"), ("xa-1", "degraded", "up")])


def test_a_cut_4g_is_the_only_thing_that_is_down(lab: Lab) -> None:
    moves = lab.expect(lambda: lab.district.cut("xa-3.4g"), xa_3__4g="down")
    assert moves == [("xa-3.4g", "up", "down")]
    assert lab.expect(lambda: lab.district.repair("xa-3.4g")) == [("xa-3.4g", "down", "up")]


def test_both_links_cut_one_after_the_other_darken_the_commune(lab: Lab) -> None:
    lab.expect(lambda: lab.district.cut("xa-2.fiber"), xa_2__fiber="down", xa_2="degraded")
    behind = ["xa-2.router", "xa-2.pc-10", "xa-2.pc-11", "xa-2.pc-12"]
    moves = lab.expect(
        lambda: lab.district.cut("xa-2.4g"),
        xa_2__fiber="down",
        xa_2__4g="down",
        xa_2="down",
        **{name.replace(".", "__").replace("-", "_"): "unreachable" for name in behind},
    )
    assert Counter(moves) == Counter(
        [
            ("xa-2.4g", "up", "down"),
            ("xa-2", "degraded", "down"),
            *((name, "up", "unreachable") for name in behind),
        ]
    )
    _assert_dark(lab, "xa-2", behind)
    lab.district.repair("xa-2.4g")
    moves = lab.expect(lambda: lab.district.repair("xa-2.fiber"))
    assert not [move for move in moves if move[2] == "down"], "nothing goes down on the way up"


def test_a_power_cut_takes_both_links_and_calls_no_computer_down(lab: Lab) -> None:
    behind = ["xa-1.router", "xa-1.pc-10", "xa-1.pc-11", "xa-1.pc-12"]
    moves = lab.expect(
        lambda: lab.district.power_cut("xa-1"),
        xa_1__fiber="down",
        xa_1__4g="down",
        xa_1="down",
        **{name.replace(".", "__").replace("-", "_"): "unreachable" for name in behind},
    )
    assets = [move for move in moves if "." in move[0]]
    assert Counter(assets) == Counter(
        [
            ("xa-1.fiber", "up", "down"),
            ("xa-1.4g", "up", "down"),
            *((name, "up", "unreachable") for name in behind),
        ]
    )
    # One link is found silent first; until the other is, the commune honestly is on the other.
    assert {move for move in moves if move[0] == "xa-1"} <= {
        ("xa-1", "up", "degraded"),
        ("xa-1", "degraded", "down"),
        ("xa-1", "up", "down"),
    }
    _assert_dark(lab, "xa-1", behind)
    moves = lab.expect(lambda: lab.district.power_back("xa-1"))
    assert not [move for move in moves if move[2] == "down"], "nothing goes down on the way up"


def _assert_dark(lab: Lab, site: str, behind: list[str]) -> None:
    found = lab.monitor.get(f"sites/{site}")
    assert found["dark"] is True
    causes = {item["id"]: item["cause"] for item in lab.monitor.items(f"devices?site={site}")}
    assert causes.keys() == set(behind)
    assert set(causes.values()) <= {f"{site}.fiber", f"{site}.4g"}


def test_computers_that_are_cut_are_down_alone(lab: Lab) -> None:
    def both(act: Callable[[str], None]) -> None:
        act("xa-1.pc-10")
        act("xa-3.pc-11")

    moves = lab.expect(lambda: both(lab.district.power_off), xa_1__pc_10="down", xa_3__pc_11="down")
    assert Counter(moves) == Counter([("xa-1.pc-10", "up", "down"), ("xa-3.pc-11", "up", "down")])
    moves = lab.expect(lambda: both(lab.district.power_on))
    assert Counter(moves) == Counter([("xa-1.pc-10", "down", "up"), ("xa-3.pc-11", "down", "up")])


def test_the_own_uplink_cut_puts_only_the_sentinel_down(lab: Lab) -> None:
    others = [name for name in lab.healthy() if name != SENTINEL]
    changed = {name.replace(".", "__").replace("-", "_"): "unreachable" for name in others}
    moves = lab.expect(lab.district.cut_uplink, **changed, **{SENTINEL: "down"})
    assert Counter(moves) == Counter(
        [(SENTINEL, "up", "down"), *((name, "up", "unreachable") for name in others)]
    )
    assert lab.monitor.get("overview")["uplink_lost"] is True
    moves = lab.expect(lab.district.repair_uplink)
    assert not [move for move in moves if move[2] == "down"], "nothing goes down on the way up"
    assert lab.monitor.get("overview")["uplink_lost"] is False


def test_when_nothing_can_be_sent_nothing_is_known_and_nothing_is_down(lab: Lab) -> None:
    changed = {name.replace(".", "__").replace("-", "_"): "unknown" for name in lab.healthy()}
    moves = lab.expect(lab.district.lose_own_route, **changed)
    assert {(before, after) for name, before, after in moves if "." in name} == {("up", "unknown")}
    moves = lab.expect(lab.district.regain_own_route)
    assert not [move for move in moves if move[2] in ("down", "unreachable")]


def test_a_fiber_that_loses_a_third_is_degraded_and_nothing_behind_it_is(tmp_path: Path) -> None:
    with laboratory(tmp_path, communes=1, computers=2, lossy=True) as rough:
        rough.expect(lambda: None)
        moves = rough.expect(
            lambda: rough.district.brownout("xa-1.fiber", 0.3),
            xa_1__fiber="degraded",
            xa_1="degraded",
        )
        assert Counter(moves) == Counter(
            [("xa-1.fiber", "up", "degraded"), ("xa-1", "up", "degraded")]
        )
        moves = rough.expect(lambda: rough.district.brownout("xa-1.fiber", 0))
        assert Counter(moves) == Counter(
            [("xa-1.fiber", "degraded", "up"), ("xa-1", "degraded", "up")]
        )


def test_a_dead_portal_is_down_alone(lab: Lab) -> None:
    moves = lab.expect(lab.district.close_portal, portal="down")
    assert moves == [(PORTAL, "up", "down")]
    assert lab.expect(lab.district.open_portal) == [(PORTAL, "down", "up")]


def test_twenty_communes_of_twenty_computers_come_up(tmp_path: Path) -> None:
    with laboratory(tmp_path, communes=20, computers=20) as large:
        large.expect(lambda: None)
        assert len(large.healthy()) == 20 * 24 + 2
