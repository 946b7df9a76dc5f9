"""The icmp collector: settings, conclusions, event loops, and its words. Pings loopback only."""

from __future__ import annotations

import asyncio
import gc
import resource
import socket
import string
from collections.abc import Iterator
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collectors import _icmp_limits, _icmp_words, collector, icmp
from collectors._icmp_check import conclude
from collectors._icmp_echo import Echo
from collectors._icmp_limits import on_link
from collectors.base import Measurement, Reason, Verdict
from ioc.i18n import render, translate

needs_socket = pytest.mark.skipif(
    icmp.mode().name not in ("raw", "dgram"), reason=f"no ICMP socket here: {icmp.mode().why}"
)
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
HERE = icmp.Settings(address="127.0.0.1")


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as made:
        yield made
        made.run(icmp.close())


# --- settings


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"address": "224.0.0.1"}, "must be the address of one host"),
        ({"address": "ff02::1"}, "must be the address of one host"),
        ({"address": "0.0.0.0"}, "must be the address of one host"),
        ({"address": "255.255.255.255"}, "must be the address of one host"),
        ({"address": "a b"}, "must be an IP address or a host name"),
        ({"count": 0}, "greater than or equal to 1"),
        ({"count": 21}, "less than or equal to 20"),
        ({"interval_ms": 9}, "greater than or equal to 10"),
        ({"size": 15}, "greater than or equal to 16"),
        ({"size": 1453}, "less than or equal to 1452"),
        ({"sizes": 56}, "Extra inputs are not permitted"),
    ],
)
def test_bad_settings_are_refused_in_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        icmp.Settings(**({"address": "127.0.0.1"} | change))


def test_the_module_is_a_collector() -> None:
    assert collector("icmp") is icmp


# --- conclusions


def ended(rtt_ms: float | None, trouble: Reason | None = None, note: Reason | None = None) -> Echo:
    echo = Echo(("127.0.0.1", 0), b"", 10**9, 56, lambda _: None)
    echo.rtt = None if rtt_ms is None else int(rtt_ms * 1e6)
    echo.trouble, echo.note = trouble, note
    return echo


def test_one_reply_gives_its_time_and_no_loss() -> None:
    assert conclude([ended(2.5)], 1.0) == Measurement.ok({"rtt_ms": 2.5, "loss_pct": 0.0})


def test_silence_is_a_failure_without_a_time() -> None:
    expected = Measurement.failed("no reply within {timeout} s", timeout=1.5, values=LOST)
    assert conclude([ended(None)] * 3, 1.5) == expected


LOST = {"loss_pct": 100.0}
STUCK = Reason("this machine does not allow the ping")
TOLD = Reason("router {router} reports that the host cannot be reached", {"router": "10.0.0.1"})


def test_what_a_router_said_is_the_reason_of_silence() -> None:
    measured = conclude([ended(None), ended(None, note=TOLD)], 1.0)
    assert (measured.verdict, measured.reason) == (Verdict.FAILED, TOLD)


def test_partial_loss_is_ok_with_its_share() -> None:
    measured = conclude([ended(1.0), ended(None), ended(3.0), ended(2.0)], 1.0)
    assert measured.verdict is Verdict.OK
    assert measured.values == {
        "rtt_ms": 2.0,
        "rtt_min_ms": 1.0,
        "rtt_max_ms": 3.0,
        "jitter_ms": 1.5,
        "loss_pct": 25.0,
    }


def test_one_reply_of_several_has_no_jitter() -> None:
    assert "jitter_ms" not in conclude([ended(1.0), ended(None)], 1.0).values


def test_a_packet_that_could_not_be_measured_is_no_loss_and_no_failure() -> None:
    assert conclude([ended(1.0), ended(None, STUCK)], 1.0).values["loss_pct"] == 0.0
    assert conclude([ended(None), ended(None, STUCK)], 1.0).verdict is Verdict.UNKNOWN


@given(
    st.lists(
        st.one_of(
            st.floats(0.001, 10_000).map(ended),
            st.just(None).map(ended),
            st.just(STUCK).map(lambda trouble: ended(None, trouble)),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_mixture_of_ends_is_told_consistently(echoes: list[Echo]) -> None:
    measured = conclude(echoes, 1.0)
    replies = [echo.rtt / 1e6 for echo in echoes if echo.rtt is not None]
    assert (measured.verdict is Verdict.OK) == bool(replies)
    assert (measured.reason is None) == bool(replies)
    assert ("rtt_ms" in measured.values) == bool(replies)
    assert 0.0 <= measured.values.get("loss_pct", 0.0) <= 100.0
    if len(replies) > 1:
        low, high = measured.values["rtt_min_ms"], measured.values["rtt_max_ms"]
        assert low <= measured.values["rtt_ms"] * (1 + 1e-12)
        assert measured.values["rtt_ms"] <= high * (1 + 1e-12)
        assert 0 <= measured.values["jitter_ms"] <= high - low + 1e-9


# --- on an event loop


@needs_socket
def test_loopback_answers_on_each_kind_of_loop(runner: asyncio.Runner) -> None:
    measured = runner.run(icmp.measure(HERE, 1.0))
    assert measured.verdict is Verdict.OK
    assert 0 < measured.values["rtt_ms"] < 1000.0


@needs_socket
def test_loops_that_ended_without_closing_leave_no_socket_behind() -> None:
    for make, _ in product(LOOPS, range(3)):
        with asyncio.Runner(loop_factory=make) as left:
            assert left.run(icmp.measure(HERE, 1.0)).verdict is Verdict.OK
    gc.collect()  # a socket that is only forgotten warns, and warnings are errors
    assert len(icmp._pingers) == 1
    with asyncio.Runner() as last:
        last.run(icmp.measure(HERE, 1.0))
        last.run(icmp.close())
    assert icmp._pingers == {}


@needs_socket
def test_a_cancelled_ping_disturbs_no_other(runner: asyncio.Runner) -> None:
    async def work() -> list[Any]:
        pings = [asyncio.ensure_future(icmp.measure(HERE, 1.0)) for _ in range(50)]
        await asyncio.sleep(0)
        for task in pings[::2]:
            task.cancel()
        return await asyncio.gather(*pings, return_exceptions=True)

    ends = runner.run(work())
    assert all(isinstance(end, asyncio.CancelledError) for end in ends[::2])
    assert all(end.verdict is Verdict.OK for end in ends[1::2])


@needs_socket
def test_closing_ends_what_is_under_way_as_unknown(runner: asyncio.Runner) -> None:
    async def work() -> list[Measurement]:
        train = icmp.Settings(address="127.0.0.1", count=20, interval_ms=1000)
        name = icmp.Settings(address="localhost", count=20, interval_ms=1000)
        tasks = [asyncio.ensure_future(icmp.measure(s, 60.0)) for s in (train, HERE, name)]
        await asyncio.sleep(0)
        await icmp.close()
        return await asyncio.gather(*tasks)

    train, single, name = runner.run(work())  # and not a minute later
    assert (name.verdict, name.reason) == (Verdict.UNKNOWN, _icmp_words.STOPPED)
    assert Verdict.FAILED not in (train.verdict, single.verdict)


@needs_socket
def test_a_receiver_that_breaks_takes_no_other_ping_along() -> None:
    async def work() -> tuple[list[int], list[str]]:
        told: list[int] = []
        broken: list[str] = []
        every = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: broken.append(str(context["exception"])))

        def done(index: int, _: Measurement) -> None:
            told.append(index)
            if len(told) == 10:
                every.set()
            if index % 2:
                raise RuntimeError("broke")

        icmp.measure_many([(HERE, 1.0)] * 10, done)
        await every.wait()
        await icmp.close()
        return told, broken

    told, broken = asyncio.run(work())
    assert sorted(told) == list(range(10))
    assert broken == ["broke"] * 5


@needs_socket
def test_whoever_is_told_may_ask_again_at_once(runner: asyncio.Runner) -> None:
    async def work() -> int:
        every = asyncio.Event()
        times = 0

        def done(_: int, measured: Measurement) -> None:
            nonlocal times
            times += measured.verdict is Verdict.OK
            if times == 2000:
                every.set()
            else:
                icmp.measure_many([(HERE, 1.0)], done)

        icmp.measure_many([(HERE, 1.0)], done)
        await every.wait()
        return times

    assert runner.run(work()) == 2000


@needs_socket
def test_no_requests_are_no_trouble(runner: asyncio.Runner) -> None:
    async def work() -> list[Echo]:
        icmp.measure_many([], lambda *_: None)
        return await icmp.burst([], 1.0)

    assert runner.run(work()) == []


# --- names


@needs_socket
def test_a_name_is_looked_up_and_its_address_told(runner: asyncio.Runner) -> None:
    measured = runner.run(icmp.measure(icmp.Settings(address="localhost", count=2), 2.0))
    assert measured.verdict is Verdict.OK
    assert measured.details["address"] in ("127.0.0.1", "::1")
    assert measured.values["dns_ms"] > 0


def test_a_name_that_hangs_delays_no_address(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> list[Any]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(icmp, "endpoints", never)

    async def work() -> list[int]:
        told: list[int] = []
        every = asyncio.Event()

        def done(index: int, _: Measurement) -> None:
            told.append(index)
            if len(told) == 3:
                every.set()

        hanging = icmp.Settings(address="hangs.invalid")
        icmp.measure_many([(hanging, 0.2), (HERE, 1.0), (HERE, 1.0)], done)
        await every.wait()
        return told

    assert runner.run(work()) == [1, 2, 0]


# --- bursts


@needs_socket
def test_a_burst_tells_every_address_in_order() -> None:
    addresses = [f"127.6.{n // 250}.{1 + n % 250}" for n in range(1000)]
    echoes = asyncio.run(icmp.burst(addresses, 1.0))
    assert [echo.address[0] for echo in echoes] == addresses
    assert all(echo.rtt is not None for echo in echoes)


def test_a_burst_takes_only_addresses() -> None:
    with pytest.raises(ValueError, match="localhost: not an IP address"):
        asyncio.run(icmp.burst(["localhost"], 1.0))


@needs_socket
def test_too_many_open_files_are_our_trouble_and_pass(runner: asyncio.Runner) -> None:
    async def work() -> tuple[Measurement, Measurement]:
        await asyncio.sleep(0)
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
        try:
            short = await icmp.measure(HERE, 1.0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        return short, await icmp.measure(HERE, 1.0)

    short, then = runner.run(work())
    assert short.verdict is Verdict.UNKNOWN
    assert "Too many open files" in str(short.reason)
    assert then.verdict is Verdict.OK


# --- doctor


def test_only_one_of_the_three_ways_can_be_asked_for() -> None:
    with pytest.raises(ValueError, match="smoke: must be raw, dgram or ping3"):
        icmp.use("smoke")


def test_ping3_is_the_way_when_no_socket_is_wanted() -> None:
    icmp.use("ping3")
    try:
        assert icmp.mode(socket.AF_INET).name == icmp.mode(socket.AF_INET6).name == "ping3"
    finally:
        icmp.use(None)


def test_hosts_on_our_own_networks_are_counted_once() -> None:
    nets = [ip_network("10.1.0.0/16"), ip_network("fd01::/64")]
    addresses = ["10.1.2.3", "10.1.2.3", "10.2.0.1", "fd01::5", "fd01::5%eth0", "a.name", ""]
    assert on_link(addresses, nets) == {socket.AF_INET: 1, socket.AF_INET6: 1}


@pytest.mark.parametrize(("limit", "enough"), [("1024\n", True), ("0\n", False)])
def test_the_limit_of_neighbours_is_compared_with_our_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, enough: bool
) -> None:
    monkeypatch.setattr(_icmp_limits, "local_networks", lambda: [ip_network("10.1.0.0/16")])
    folder = tmp_path / "ipv4/neigh/default"
    folder.mkdir(parents=True)
    (folder / "gc_thresh3").write_text(limit)
    (found,) = icmp.neighbour_limits(["10.1.2.3"], tmp_path)
    assert (found.hosts, found.limit, found.enough) == (1, int(limit), enough)
    assert found.setting == "net.ipv4.neigh.default.gc_thresh3"


# --- words


def texts() -> set[str]:
    found = {text for text in vars(_icmp_words).values() if isinstance(text, str) and " " in text}
    found -= {_icmp_words.__doc__}
    for table in (_icmp_words._SEND_ERRORS, _icmp_words._COMPLAINTS):
        found |= set(table.values())
    return found | {
        reason.text for reason in vars(_icmp_words).values() if isinstance(reason, Reason)
    }


def fields(template: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(template)} - {None}


@pytest.mark.parametrize("text", sorted(texts()))
def test_every_reason_has_a_vietnamese_text_with_the_same_values(text: str) -> None:
    vietnamese = translate(text, "vi")
    assert vietnamese != text
    assert fields(vietnamese) == fields(text)


def test_a_failure_reads_like_vietnamese() -> None:
    reason = conclude([ended(None)], 1.5).reason
    assert reason is not None
    assert render(reason, "vi") == "không trả lời trong 1,5 giây"
