"""The poller on a virtual clock: every test is deterministic and takes no time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence

import pytest
from district import Fake, LoopClock, VirtualLoop, check, run_virtual

from collectors.base import Check, Done, Measurement, Request, Result, Verdict
from ioc.engine.poller import GRACE, Poller

Answer = Callable[[str, float], Measurement | float]  # a number = seconds until it would answer


class World:
    """Peers that answer as the test says; remembers who was asked when."""

    Settings = Fake

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.clock = LoopClock(self.loop)
        self.down: set[str] = set()
        self.hung: set[str] = set()
        self.broken: set[str] = set()
        self.asked: list[tuple[float, str]] = []
        self.results: list[tuple[float, Result]] = []
        self.poller = Poller(self.clock, self._accept, lambda kind: self)

    def _accept(self, result: Result) -> None:
        self.results.append((self.loop.time(), result))

    async def measure(self, settings: Fake, timeout: float) -> Measurement:
        self.asked.append((self.loop.time(), settings.name))
        if settings.name in self.broken:
            raise RuntimeError("bug")
        if settings.name in self.hung:
            await asyncio.sleep(1e6)
        await asyncio.sleep(0.01)
        if settings.name in self.down:
            await asyncio.sleep(timeout - 0.01)
            return Measurement.failed("no reply within {timeout} s", timeout=timeout)
        return Measurement.ok({"rtt_ms": 10.0})

    def run(self, script: Callable[[], object], seconds: float = 0) -> None:
        async def main() -> None:
            polling = asyncio.create_task(self.poller.run())
            outcome = script()
            if asyncio.iscoroutine(outcome):
                await outcome
            await asyncio.sleep(seconds)
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

        run_virtual(main(), self.loop)

    def of(self, asset: str) -> list[tuple[float, Result]]:
        return [(at, r) for at, r in self.results if r.check == f"{asset}.fake"]


@pytest.fixture
def world() -> World:
    return World()


def checks(*found: Check) -> dict[str, Check]:
    return {c.id: c for c in found}


def test_a_live_peer_gives_one_result_per_interval(world: World) -> None:
    world.poller.replace(checks(check("a")), {})
    world.run(lambda: None, 100)
    assert 10 <= len(world.of("a")) <= 12
    assert all(r.verdict is Verdict.OK and r.attempts == 1 for _, r in world.of("a"))


def test_a_failure_counts_only_after_three_rechecks_one_second_apart(world: World) -> None:
    world.down.add("a")
    world.poller.replace(checks(check("a", timeout=0.5, interval=600.0)), {})
    world.run(lambda: None, 9)
    starts = [at for at, _ in world.asked]
    assert [round(b - a, 3) for a, b in itertools.pairwise(starts)] == [1.0, 1.0, 1.0]
    [(_, result)] = world.results
    assert (result.verdict, result.attempts) == (Verdict.FAILED, 4)


def test_a_blip_is_not_a_failure(world: World) -> None:
    async def script() -> None:
        while len(world.asked) < 3:
            await asyncio.sleep(0.1)
        world.down.clear()

    world.down.add("a")
    world.poller.replace(checks(check("a", interval=600.0)), {})
    world.run(script, 5)
    assert [r.verdict for _, r in world.results] == [Verdict.OK]
    assert world.results[0][1].attempts > 1


def test_a_known_failure_is_polled_once_per_interval_and_its_recovery_counts_at_once(
    world: World,
) -> None:
    async def script() -> None:
        await asyncio.sleep(60)
        world.down.clear()

    world.down.add("a")
    world.poller.replace(checks(check("a")), {}, failing=["a.fake"])
    world.run(script, 12)
    verdicts = [(r.verdict, r.attempts) for _, r in world.results]
    assert set(verdicts[:-1]) == {(Verdict.FAILED, 1), (Verdict.OK, 1)} - {verdicts[-1]}
    assert verdicts[-1] == (Verdict.OK, 1)


def test_a_hung_peer_ends_at_its_timeout_and_delays_nobody(world: World) -> None:
    world.hung.update(f"h{i}" for i in range(300))
    hung = [check(f"h{i}") for i in range(300)]
    world.poller.replace(checks(check("live"), *hung), {})
    world.run(lambda: None, 30)
    assert len(world.of("live")) >= 3
    assert all(r.duration < 0.1 for _, r in world.of("live"))
    assert all(r.duration <= 1.001 for _, r in world.of("h1"))


def test_an_exception_in_a_collector_is_unknown_not_down(world: World, caplog: object) -> None:
    world.broken.add("a")
    world.poller.replace(checks(check("a")), {})
    world.run(lambda: None, 9)
    [(_, result)] = world.results
    assert result.verdict is Verdict.UNKNOWN
    assert "RuntimeError: bug" in str(result.reason)


def test_a_step_of_the_wall_clock_changes_nothing_but_the_stamps(world: World) -> None:
    async def script() -> None:
        await asyncio.sleep(50)
        world.clock.step = -3600.0
        await asyncio.sleep(50)
        world.clock.step = +3600.0
        await asyncio.sleep(50)

    world.poller.replace(checks(check("a")), {})
    world.run(script)
    times = [at for at, _ in world.of("a")]
    assert max(b - a for a, b in itertools.pairwise(times)) < 10.1
    assert len(times) >= 15


def test_a_child_is_reported_after_its_parent_however_they_were_polled(world: World) -> None:
    child, parent = check("child", interval=7.0), check("parent", interval=60.0)

    async def script() -> None:
        await asyncio.sleep(10)
        world.results.clear()
        world.down.update({"child", "parent"})

    world.poller.replace(checks(child, parent), {"child.fake": ("parent.fake",)})
    world.run(script, 14)
    failures = [r.check for _, r in world.results if r.verdict is Verdict.FAILED]
    assert failures[:2] == ["parent.fake", "child.fake"]


def test_a_long_chain_is_reported_from_the_root(world: World) -> None:
    chain = [check(f"n{i}", interval=20.0 + i) for i in range(5)]
    parents = {f"n{i}.fake": (f"n{i - 1}.fake",) for i in range(1, 5)}

    async def script() -> None:
        await asyncio.sleep(30)
        world.results.clear()
        world.down.update(f"n{i}" for i in range(5))

    world.poller.replace(checks(*chain), parents)
    world.run(script, 40)
    failures = [r.check for _, r in world.results if r.verdict is Verdict.FAILED]
    assert list(dict.fromkeys(failures)) == [f"n{i}.fake" for i in range(5)]


def test_a_living_parent_lets_the_child_fail_alone(world: World) -> None:
    world.down.add("child")
    world.poller.replace(
        checks(check("child"), check("parent", interval=3600.0)), {"child.fake": ("parent.fake",)}
    )
    world.run(lambda: None, 12)
    assert world.of("child")[0][1].verdict is Verdict.FAILED
    asked = [at for at, name in world.asked if name == "parent"]
    assert any(at >= world.asked[0][0] for at in asked)


def test_three_thousand_children_ask_their_parent_a_bounded_number_of_times(world: World) -> None:
    children = [check(f"c{i}", interval=60.0) for i in range(3000)]
    parents = {c.id: ("p.fake",) for c in children}

    async def script() -> None:
        await asyncio.sleep(20)
        world.asked.clear()
        world.down.update({"p", *(f"c{i}" for i in range(3000))})

    world.poller.replace(checks(check("p", interval=60.0), *children), parents)
    world.run(script, 70)
    assert sum(name == "p" for _, name in world.asked) <= 10


def test_a_recovered_parent_has_its_silent_children_asked_within_seconds(world: World) -> None:
    child = check("child", interval=600.0)

    async def script() -> None:
        await asyncio.sleep(30)
        world.down.clear()

    world.down.update({"child", "parent"})
    world.poller.replace(checks(child, check("parent")), {"child.fake": ("parent.fake",)})
    world.run(script, 15)
    back = {r.check: at for at, r in world.results if r.verdict is Verdict.OK}
    assert back["child.fake"] - back["parent.fake"] < 3


def test_a_reload_keeps_the_round_of_what_did_not_change(world: World) -> None:
    a, b = check("a"), check("b")

    async def script() -> None:
        await asyncio.sleep(25)
        world.poller.replace(checks(a, check("new")), {})

    world.poller.replace(checks(a, b), {})
    world.run(script, 25)
    times = [at for at, _ in world.of("a")]
    assert max(y - x for x, y in itertools.pairwise(times)) < 10.1
    assert world.of("b")[-1][0] < 1026
    assert world.of("new")


def test_a_result_of_a_removed_check_is_dropped(world: World) -> None:
    async def script() -> None:
        while not world.asked:
            await asyncio.sleep(0.001)
        world.poller.replace({}, {})

    world.poller.replace(checks(check("a")), {})
    world.run(script, 20)
    assert world.results == []


def test_a_child_still_silent_after_its_parent_is_back_is_rechecked_before_it_counts(
    world: World,
) -> None:
    grandchild = check("grandchild", interval=600.0)

    async def script() -> None:
        await asyncio.sleep(30)
        world.results.clear()
        world.down.discard("parent")
        await asyncio.sleep(20)
        world.down.discard("child")
        world.down.discard("grandchild")

    world.down.update({"grandchild", "child", "parent"})
    world.poller.replace(
        checks(grandchild, check("child"), check("parent")),
        {"child.fake": ("parent.fake",), "grandchild.fake": ("child.fake",)},
    )
    world.run(script, 20)
    back = next(at for at, r in world.of("parent") if r.verdict is Verdict.OK)
    judged = [r for at, r in world.of("child") if at > back]
    assert (judged[0].verdict, judged[0].attempts) == (Verdict.FAILED, 4)
    assert world.of("grandchild")[-1][1].verdict is Verdict.OK


def test_what_fails_is_asked_again_within_minutes_however_long_its_interval(world: World) -> None:
    async def script() -> None:
        await asyncio.sleep(1000)
        world.down.clear()

    world.down.add("certificate")
    world.poller.replace(checks(check("certificate", interval=21_600.0)), {})
    world.run(script, 310)
    assert world.results[-1][1].verdict is Verdict.OK
    assert 4 <= len(world.results) <= 6


class Batch(World):
    """A collector of many at once."""

    forget: bool = False
    raises: bool = False

    def measure_many(self, requests: Sequence[Request], done: Done) -> None:
        if self.raises:
            raise RuntimeError("bug")
        for index, (settings, _) in enumerate(requests):
            assert isinstance(settings, Fake)
            if not (self.forget and settings.name == "lost"):
                done(index, Measurement.ok({"rtt_ms": 1.0}))
                done(index, Measurement.failed("said twice"))


def test_a_batch_collector_answers_for_each_once() -> None:
    world = Batch()
    world.poller.replace(checks(*(check(f"c{i}") for i in range(50))), {})
    world.run(lambda: None, 9.9)
    first = {r.check for _, r in world.results}
    assert len(first) == 50
    assert all(r.verdict is Verdict.OK for _, r in world.results)


def test_a_batch_collector_that_forgets_one_leaves_it_unknown() -> None:
    world = Batch()
    world.forget = True
    world.poller.replace(checks(check("lost", retries=0)), {})
    world.run(lambda: None, 5 + 1 + GRACE + 1)
    assert [r.verdict for _, r in world.results] == [Verdict.UNKNOWN]
    assert world.poller.stats.hung == 1


def test_a_batch_collector_that_raises_leaves_all_unknown() -> None:
    world = Batch()
    world.raises = True
    world.poller.replace(checks(check("a", retries=0), check("b", retries=0)), {})
    world.run(lambda: None, 6)
    assert {r.verdict for _, r in world.results} == {Verdict.UNKNOWN}
