"""A store on the network with an outbox in front: writing needs no server, and nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ioc.outbox.batches import Batches
from ioc.store._drain import Pace
from ioc.store._outboxed import ROWS, OutboxedStore, open_outboxed
from ioc.store.base import (
    Backlog,
    SeriesQuery,
    StoreError,
    StoreHealth,
    StoreRefused,
    StoreUnavailable,
)
from tests.unit.store._remote import MemoryRemote, points

QUICK = Pace(first=0.01, last=0.05, live=0.2, look=0.05, rounds=4, health=0.05, goodbye=0.5)
Open = Callable[..., OutboxedStore]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Open]:
    opened: list[OutboxedStore] = []

    def make(remote: MemoryRemote, limit: int = 10**8) -> OutboxedStore:
        for store in opened:
            store.close()
        queue = Batches(tmp_path / "outbox.db", limit, reserve=0)
        opened.append(OutboxedStore(remote, queue, QUICK))
        return opened[-1]

    yield make
    for store in opened:  # closing twice is no harm
        store.close()


def until(true: Callable[[], bool], patience: float = 10.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.005)


def backlog(store: OutboxedStore) -> Backlog:
    found = store.health().backlog
    assert found is not None
    return found


def away(_lines: Sequence[bytes]) -> None:
    raise StoreUnavailable("connection refused")


def test_what_is_written_arrives(open_store: Open) -> None:
    remote = MemoryRemote()
    store = open_store(remote)
    store.write(points(1, 2, 3))
    store.write([])
    until(lambda: backlog(store).sent == 3)
    assert remote.lines == {f"check,asset=a up {time}": 1.0 for time in (1, 2, 3)}
    assert backlog(store).rows == 0


def test_with_the_server_away_it_opens_writes_and_closes_and_says_so(open_store: Open) -> None:
    remote = MemoryRemote(trouble=away)
    store = open_store(remote)
    store.write(points(5, 1, 9))
    until(lambda: backlog(store).away_since is not None)
    health = store.health()
    found = backlog(store)
    assert health.ok, "what is measured is kept"
    assert (found.rows, found.newest, found.error) == (3, 9, "connection refused")
    assert found.oldest is not None
    began = time.monotonic()
    store.close()
    assert time.monotonic() - began < 3
    remote.trouble = None
    again = open_store(remote)
    until(lambda: backlog(again).rows == 0)
    assert sorted(remote.times()) == [1, 5, 9]
    assert backlog(again).away_since is None


def test_closing_sends_what_waits_when_the_server_is_there(open_store: Open) -> None:
    remote = MemoryRemote()
    store = open_store(remote)
    store.write(points(*range(20_000)))
    store.close()
    assert len(remote.lines) == 20_000
    assert remote.closed


def test_closing_does_not_wait_for_a_request_that_hangs(open_store: Open) -> None:
    release = threading.Event()

    def hang(_lines: Sequence[bytes]) -> None:
        release.wait(30)

    store = open_store(MemoryRemote(trouble=hang))
    store.write(points(1))
    began = time.monotonic()
    store.close()
    assert time.monotonic() - began < 5
    release.set()


def test_what_cannot_be_kept_is_refused_before_anything_is_kept(open_store: Open) -> None:
    store = open_store(MemoryRemote(trouble=away))
    with pytest.raises(ValueError, match="check"):
        store.write([*points(1), *points(2, value=float("nan"))])
    assert backlog(store).rows == 0


def test_a_large_write_is_cut(open_store: Open) -> None:
    remote = MemoryRemote()
    store = open_store(remote)
    store.write(points(*range(2 * ROWS + 1)))
    until(lambda: len(remote.lines) == 2 * ROWS + 1)
    assert max(map(len, remote.log)) <= ROWS


def test_bad_lines_are_told_with_an_example_and_hold_up_nothing(open_store: Open) -> None:
    def picky(lines: Sequence[bytes]) -> None:
        if any(line.endswith(b" 13") for line in lines):
            raise StoreRefused("out of range")

    remote = MemoryRemote(trouble=picky)
    store = open_store(remote)
    store.write(points(*range(100)))
    until(lambda: backlog(store).rows == 0)
    assert len(remote.lines) == 99
    found = backlog(store)
    assert (found.refused, found.sent) == (1, 99)
    assert found.example == "out of range: check,asset=a up=1.0 13"
    assert found.refused_at is not None


def test_the_limit_holds_and_what_it_cost_is_told(open_store: Open) -> None:
    store = open_store(MemoryRemote(trouble=away), limit=200_000)
    for time_ in range(0, 100_000, 1_000):
        store.write(points(*range(time_, time_ + 1_000)))
    found = backlog(store)
    assert found.size <= 200_000
    assert found.rows + found.dropped == 100_000
    assert found.dropped > 0
    assert (found.dropped_from, found.dropped_to) == (0, found.dropped - 1)
    assert found.newest == 99_999


def test_a_server_that_forgets_gets_everything_again_when_it_was_restarted(
    open_store: Open,
) -> None:
    remote = MemoryRemote(start=100.0)
    store = open_store(remote)
    store.write(points(*range(50)))
    until(lambda: backlog(store).kept == 50)
    with remote.lock:  # killed: what it had acknowledged is lost
        remote.lines.clear()
        remote.start = 200.0
    store.write(points(60))
    until(lambda: len(remote.lines) == 51)
    until(lambda: backlog(store).kept == 0)
    assert backlog(store).rows == 0


def test_a_server_that_forgets_nothing_is_not_kept_for(open_store: Open) -> None:
    store = open_store(MemoryRemote())
    store.write(points(1))
    until(lambda: backlog(store).sent == 1)
    assert backlog(store).kept == 0


def test_an_unexpected_error_ends_nothing(open_store: Open) -> None:
    def broken(_lines: Sequence[bytes]) -> None:
        raise RuntimeError("a mistake in the program")

    remote = MemoryRemote(trouble=broken)
    store = open_store(remote)
    store.write(points(1))
    until(lambda: "a mistake in the program" in backlog(store).error)
    remote.trouble = None
    until(lambda: len(remote.lines) == 1)


def test_a_silent_death_is_noticed_without_anything_to_send(open_store: Open) -> None:
    remote = MemoryRemote(start=1.0)
    store = open_store(remote)
    until(lambda: store.health().ok)
    remote.health = lambda: StoreHealth(False, "gone")  # type: ignore[method-assign]
    until(lambda: backlog(store).away_since is not None)
    since = backlog(store).away_since
    time.sleep(0.3)
    assert backlog(store).away_since == since, "it is away as long as it is away"


def test_a_look_that_fails_makes_no_request_smaller(open_store: Open) -> None:
    remote = MemoryRemote()
    looks: list[int] = []

    def ill() -> StoreHealth:
        looks.append(1)
        return StoreHealth(False, "no figures")

    remote.health = ill  # type: ignore[method-assign]
    store = open_store(remote)
    until(lambda: len(looks) > 4)
    store.write(points(*range(ROWS)))
    until(lambda: len(remote.lines) == ROWS)
    assert len(remote.log[0]) == ROWS


def test_a_server_that_does_not_show_its_start_gets_everything_and_it_is_kept(
    open_store: Open,
) -> None:
    remote = MemoryRemote(start=1.0)

    def hidden() -> float:
        raise StoreUnavailable("403")

    seen, remote.started_at = remote.started_at, hidden  # type: ignore[method-assign]
    store = open_store(remote)
    store.write(points(1))
    until(lambda: len(remote.lines) == 1)
    time.sleep(QUICK.look * (QUICK.rounds + 4))
    assert backlog(store).kept == 1
    assert backlog(store).away_since is None
    remote.started_at = seen  # type: ignore[method-assign]
    until(lambda: backlog(store).kept == 0)


def test_what_was_kept_for_another_store_is_not_kept_for_ever(open_store: Open) -> None:
    store = open_store(MemoryRemote(start=1.0))
    store.write(points(1))
    until(lambda: backlog(store).kept == 1)
    again = open_store(MemoryRemote())
    until(lambda: backlog(again).kept == 0)


def test_two_programs_do_not_share_an_outbox(open_store: Open, tmp_path: Path) -> None:
    open_store(MemoryRemote())
    second = MemoryRemote()
    with pytest.raises(StoreError, match=r"outbox\.db"):
        open_outboxed(second, tmp_path / "outbox.db", None)
    assert second.closed


def test_a_closed_one_says_so(open_store: Open) -> None:
    store = open_store(MemoryRemote())
    store.close()
    with pytest.raises(StoreUnavailable):
        store.write(points(1))
    assert not store.health().ok


def test_reading_is_the_servers_answer(open_store: Open) -> None:
    store = open_store(MemoryRemote())
    with pytest.raises(StoreUnavailable, match="not of interest"):
        store.read(SeriesQuery("check", "up", 0, 1))
