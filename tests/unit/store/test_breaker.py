"""A server that hangs holds up few: the others are told at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ioc.i18n import use_language
from ioc.store import _breaker
from ioc.store._breaker import Breaker
from ioc.store.base import StoreUnavailable


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


class Hanging:
    """A server that answers nothing until it is told what to answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.trouble: Exception | None = None

    def ask(self) -> int:
        self.asked += 1
        self.entered.release()
        assert self.go_on.wait(30)
        if self.trouble is not None:
            raise self.trouble
        return 7


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    use_language("en")
    fake = Clock()
    monkeypatch.setattr(_breaker, "time", fake)
    yield fake
    use_language("vi")


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as pool:
        yield pool


def trip(breaker: Breaker, clock: Clock) -> None:
    """One call that hangs for 20 seconds and fails."""

    def hang() -> None:
        clock.now += 20
        raise StoreUnavailable("timed out")

    with pytest.raises(StoreUnavailable, match="timed out"):
        breaker.call(hang)


def told(breaker: Breaker, words: str) -> None:
    """A call that is refused without asking the server."""
    with pytest.raises(StoreUnavailable, match=words):
        breaker.call(lambda: pytest.fail("it was asked"))


def under_way(breaker: Breaker, server: Hanging, threads: ThreadPoolExecutor) -> Future[int]:
    future = threads.submit(breaker.call, server.ask)
    assert server.entered.acquire(timeout=30)
    return future


def test_after_a_question_that_hung_the_next_are_told_at_once(clock: Clock) -> None:
    breaker = Breaker()
    trip(breaker, clock)
    for _time in range(3):
        told(breaker, "timed out")
    clock.now += 5
    assert breaker.call(lambda: 7) == 7
    assert breaker.call(lambda: 7) == 7


def test_one_tries_again_and_the_others_are_told(clock: Clock, threads: ThreadPoolExecutor) -> None:
    breaker, server = Breaker(), Hanging()
    trip(breaker, clock)
    clock.now += 5
    probe = under_way(breaker, server, threads)
    told(breaker, "timed out")
    clock.now += 20
    told(breaker, "timed out")
    server.trouble = StoreUnavailable("still not")
    server.go_on.set()
    with pytest.raises(StoreUnavailable, match="still not"):
        probe.result(30)
    told(breaker, "still not")
    clock.now += 5
    assert breaker.call(lambda: 7) == 7
    assert server.asked == 1


def test_a_question_that_cannot_be_asked_is_no_answer_and_blocks_nobody(clock: Clock) -> None:
    breaker = Breaker()
    trip(breaker, clock)
    clock.now += 5

    def wrong() -> None:
        raise ValueError("no such step")

    for _time in range(2):
        with pytest.raises(ValueError, match="no such step"):
            breaker.call(wrong)
    assert breaker.call(lambda: 7) == 7


def test_a_refusal_that_came_at_once_stops_nobody(clock: Clock) -> None:
    breaker = Breaker()

    def refused() -> None:
        raise StoreUnavailable("connection refused")

    for _time in range(2):
        with pytest.raises(StoreUnavailable, match="connection refused"):
            breaker.call(refused)
    trip(breaker, clock)
    clock.now += 5
    with pytest.raises(StoreUnavailable, match="connection refused"):
        breaker.call(refused)
    assert breaker.call(lambda: 7) == 7


def test_few_wait_for_a_server_that_hangs_before_it_has_failed(
    clock: Clock, threads: ThreadPoolExecutor
) -> None:
    breaker, server = Breaker(), Hanging()
    waiting = [under_way(breaker, server, threads)]
    clock.now += 3
    waiting += [under_way(breaker, server, threads) for _time in range(3)]
    told(breaker, "slow to answer")
    server.go_on.set()
    assert [one.result(30) for one in waiting] == [7] * 4
    assert breaker.call(lambda: 7) == 7


def test_many_at_once_are_no_sign_of_hanging(clock: Clock, threads: ThreadPoolExecutor) -> None:
    breaker, server = Breaker(), Hanging()
    waiting = [under_way(breaker, server, threads) for _time in range(12)]
    server.go_on.set()
    assert [one.result(30) for one in waiting] == [7] * 12
