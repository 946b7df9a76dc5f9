from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from district import HandClock, VirtualLoop, run_virtual

from ioc.engine import sink as module
from ioc.engine.problems import Problems
from ioc.engine.sink import Sink


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual time would run ahead of a real thread."""

    async def at_once(function: Callable[..., object], *args: object) -> object:
        return function(*args)

    monkeypatch.setattr(asyncio, "to_thread", at_once)


class Full(Exception):
    pass


class Writer:
    """Takes what it is given unless it is told to fail."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.full = False
        self.calls = 0

    def __call__(self, batch: Sequence[int]) -> None:
        self.calls += 1
        if self.full:
            raise Full("disk full")
        if -1 in batch:
            raise ValueError("not a number")
        self.taken.extend(batch)


def sink(writer: Writer) -> tuple[Sink[int], Problems]:
    problems = Problems(HandClock())
    return Sink("store", writer, Full, problems), problems


def run(script: object) -> None:
    run_virtual(script, VirtualLoop())  # type: ignore[arg-type]


def test_items_are_written_in_order_within_a_second() -> None:
    async def script() -> None:
        writer = Writer()
        queue, _ = sink(writer)
        running = asyncio.create_task(queue.run())
        queue.add([1, 2])
        queue.add([3])
        await asyncio.sleep(1.1)
        assert writer.taken == [1, 2, 3]
        queue.stop()
        await running

    run(script())


def test_nothing_is_lost_while_the_writer_fails_and_the_trouble_is_shown() -> None:
    async def script() -> None:
        writer = Writer()
        queue, problems = sink(writer)
        running = asyncio.create_task(queue.run())
        writer.full = True
        for number in range(100):
            queue.add([number])
            await asyncio.sleep(1)
        assert [p.code for p in problems.present()] == ["store"]
        assert writer.calls < 20  # it backs off
        writer.full = False
        await asyncio.sleep(2 * module.RETRY_MAX)
        assert writer.taken == list(range(100))
        assert problems.present() == ()
        queue.stop()
        await running

    run(script())


def test_stopping_writes_what_is_left() -> None:
    async def script() -> None:
        writer = Writer()
        queue, _ = sink(writer)
        running = asyncio.create_task(queue.run())
        await asyncio.sleep(0)
        queue.add([1, 2, 3])
        queue.stop()
        await running
        assert writer.taken == [1, 2, 3]

    run(script())


def test_an_item_the_writer_cannot_take_does_not_keep_the_others_back() -> None:
    async def script() -> None:
        writer = Writer()
        queue, problems = sink(writer)
        queue.add([*range(50), -1, *range(50, 100)])
        queue.stop()
        await queue.run()
        assert writer.taken == list(range(100))
        assert queue.refused == 1
        assert problems.present() == ()

    run(script())


def test_what_is_kept_is_bounded_and_the_loss_is_counted() -> None:
    async def script() -> None:
        writer = Writer()
        queue, _ = sink(writer)
        queue.add(range(module.KEEP + 10))
        assert (len(queue), queue.dropped) == (module.KEEP, 10)
        queue.stop()
        await queue.run()
        assert writer.taken[0] == 10

    run(script())
