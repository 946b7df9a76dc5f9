"""The icmp collector against peers that are late, lie, repeat themselves or are not there.

In network namespaces of its own; every packet crosses a veth pair.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import uvloop

from collectors import icmp
from collectors._icmp_address import target
from collectors._icmp_channel import open_channel
from collectors._icmp_echo import Counters, Echo
from collectors._icmp_engine import Engine
from collectors._icmp_sequence import SPACE
from collectors.base import Measurement, Request, Verdict
from tests.lab._icmp import (
    CORE,
    PEER,
    PEER6,
    Answer,
    Liar,
    as_nobody,
    cabled,
    inside,
    reply,
    with_checksum,
)
from tests.lab._icmp import Request as Heard
from tests.lab._namespaces import Namespaces, why_not
from tests.lab._wire import has_netem

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]
Outcome = tuple[list[Measurement], Counters]


@pytest.fixture
def lab() -> Iterator[Namespaces]:
    with cabled() as spaces:
        yield spaces


@pytest.fixture(autouse=True)
def _every_way_of_pinging() -> Iterator[None]:
    yield
    icmp.use(None)


def settings(address: str, **more: int) -> icmp.Settings:
    return icmp.Settings(address=address, **more)


async def many(requests: list[Request]) -> list[Measurement]:
    """measure_many as the poller uses it; an outcome told twice is an error."""
    told: dict[int, Measurement] = {}
    every = asyncio.Event()

    def done(index: int, measurement: Measurement) -> None:
        assert index not in told
        told[index] = measurement
        if len(told) == len(requests):
            every.set()

    icmp.measure_many(requests, done)
    await every.wait()
    return [told[index] for index in range(len(requests))]


def ping(spaces: Namespaces, *requests: Request, linger: float = 0.0) -> Outcome:
    """Measure from the core; linger: seconds to go on listening."""

    async def work() -> Outcome:
        try:
            measured = await many(list(requests))
            await asyncio.sleep(linger)
            return measured, icmp.counters()["ipv4"]
        finally:
            await icmp.close()

    return inside(spaces.full("core"), work)


async def echoed(engine: Engine, addresses: list[str], timeout: float) -> list[Echo]:
    """Send echoes over an engine and wait for the end of all."""
    every, left = asyncio.Event(), len(addresses)

    def ended(_echo: Echo) -> None:
        nonlocal left
        left -= 1
        if not left:
            every.set()

    found = [target(address) for address in addresses]
    echoes = [Echo(t.address, t.host, int(timeout * 1e9), 56, ended) for t in found if t]
    engine.send(echoes)
    await every.wait()
    return echoes


def with_engine(
    spaces: Namespaces, work: Callable[[Engine], Awaitable[Any]], **options: Any
) -> Any:
    buffer = options.pop("buffer", 8 << 20)

    async def run() -> Any:
        engine = Engine(open_channel(socket.AF_INET, buffer=buffer), **options)
        try:
            return await work(engine)
        finally:
            engine.close()

    return inside(spaces.full("core"), run)


# --- replies that are not to be believed


def test_a_reply_after_the_timeout_is_refused_and_marks_nobody_else_up(lab: Namespaces) -> None:
    def rule(heard: Heard) -> list[Answer]:
        late = heard.destination == PEER
        return [Answer(reply(heard.icmp), after=0.4)] if late else []

    with Liar(lab, rule):
        requests = [(settings(PEER), 0.2), (settings("10.77.0.3"), 1.0)]
        measured, counters = ping(lab, *requests, linger=0.1)
    assert [m.verdict for m in measured] == [Verdict.FAILED] * 2
    assert str(measured[0].reason) == "no reply within 0.2 s"
    assert "rtt_ms" not in measured[0].values
    assert (counters.late, counters.received) == (1, 0)


def test_a_reply_from_another_host_is_refused(lab: Namespaces) -> None:
    with Liar(lab, lambda heard: [Answer(reply(heard.icmp), source="10.77.0.3")]):
        measured, counters = ping(lab, (settings(PEER), 0.3))
    assert measured[0].verdict is Verdict.FAILED
    assert (counters.wrong_source, counters.received) == (1, 0)


def test_a_second_reply_is_refused_and_does_not_answer_the_next_packet(lab: Namespaces) -> None:
    heard_before: list[bytes] = []

    def rule(heard: Heard) -> list[Answer]:
        heard_before.append(heard.icmp)
        if len(heard_before) == 1:
            return [Answer(reply(heard.icmp)), Answer(reply(heard.icmp), after=0.05)]
        return [Answer(reply(heard_before[0]))]

    with Liar(lab, rule):
        requests = [(settings(PEER, count=2, interval_ms=100), 0.5)]
        measured, counters = ping(lab, *requests)
    assert measured[0].verdict is Verdict.OK
    assert measured[0].values["loss_pct"] == 50.0
    assert (counters.received, counters.duplicate) == (1, 2)


@pytest.mark.parametrize(("begin", "what"), [(4, "identifier"), (8, "cookie")])
def test_a_reply_without_our_mark_never_reaches_us(lab: Namespaces, begin: int, what: str) -> None:
    def rule(heard: Heard) -> list[Answer]:
        changed = bytearray(heard.icmp)
        changed[begin] ^= 1
        return [Answer(reply(bytes(changed)))]

    with Liar(lab, rule):
        measured, counters = ping(lab, (settings(PEER), 0.3))
    assert measured[0].verdict is Verdict.FAILED, what
    assert counters == Counters(sent=1)


def test_a_request_of_the_peer_itself_is_not_taken_for_a_reply(lab: Namespaces) -> None:
    with Liar(lab, lambda heard: [Answer(with_checksum(heard.icmp))]):
        measured, counters = ping(lab, (settings(PEER), 0.3))
    assert measured[0].verdict is Verdict.FAILED
    assert counters == Counters(sent=1)


# --- sequence numbers


def test_a_reply_from_before_the_wrap_does_not_answer_the_same_number(lab: Namespaces) -> None:
    """A reply that carries the right number and cookie, but the generation before."""

    def rule(heard: Heard) -> list[Answer]:
        generation = struct.unpack_from("=H", heard.icmp, 18)[0]
        if generation == 0:
            return []
        stale = heard.icmp[:18] + struct.pack("=HH", generation - 1, generation - 1 ^ 0xFFFF)
        return [Answer(reply(stale + heard.icmp[22:]))]

    async def work(engine: Engine) -> Counters:
        first = await echoed(engine, [PEER], 0.1)
        second = await echoed(engine, [PEER], 0.3)
        assert [echo.rtt for echo in first + second] == [None, None]
        assert [echo.sequence for echo in first + second] == [SPACE - 1, 0]
        return engine.counters

    with Liar(lab, rule):
        counters = with_engine(lab, work, first=SPACE - 1)
    assert (counters.late, counters.received) == (1, 0)


def test_the_sequence_wraps_and_no_number_is_used_again_before_its_time(lab: Namespaces) -> None:
    async def work(engine: Engine) -> Counters:
        addresses = [f"127.5.{n // 250}.{1 + n % 250}" for n in range(250)]
        sent_at: dict[int, int] = {}
        echoes = await echoed(engine, addresses * 280, 1.0)  # 70,000 > 65,536
        for echo in echoes:
            assert echo.rtt is not None
            assert echo.sent - sent_at.get(echo.sequence, -(10**12)) > echo.timeout
            sent_at[echo.sequence] = echo.sent
        assert len(sent_at) == SPACE
        return engine.counters

    counters = with_engine(lab, work, pace=None, patience=None, first=60_000)
    assert (counters.sent, counters.received) == (70_000, 70_000)


# --- what cannot be sent says nothing of the peer


NO_ROUTE = "this machine has no route to the address"
FORBIDDEN = "this machine does not allow the ping"


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (None, NO_ROUTE),
        ("unreachable", NO_ROUTE),
        ("blackhole", NO_ROUTE),
        ("prohibit", FORBIDDEN),
    ],
)
def test_a_local_send_error_is_unknown_and_stops_nobody(
    lab: Namespaces, route: str | None, words: str
) -> None:
    if route:
        lab.ip("core", f"route add {route} 203.0.113.0/24")
    requests = [(settings("203.0.113.1", count=2), 0.5), (settings(PEER), 0.5)]
    measured, counters = ping(lab, *requests)
    assert (measured[0].verdict, str(measured[0].reason)) == (Verdict.UNKNOWN, words)
    assert measured[0].values == {}
    assert measured[1].verdict is Verdict.OK
    assert counters.send_errors == 2


def test_an_uplink_that_is_down_makes_everything_unknown(lab: Namespaces) -> None:
    lab.ip("core", "link set c0 down")
    measured, _ = ping(lab, (settings(PEER), 0.5))
    assert (measured[0].verdict, str(measured[0].reason)) == (Verdict.UNKNOWN, NO_ROUTE)


def test_a_send_buffer_full_of_dead_neighbours_is_tried_again_then_unknown(lab: Namespaces) -> None:
    """Packets that wait for ARP fill the (here tiny) buffer: no one is called down for it."""
    dead = [f"10.77.9.{n}" for n in range(1, 61)]

    async def work(engine: Engine) -> list[Echo]:
        return await echoed(engine, dead, 0.3)

    echoes = with_engine(lab, work, buffer=4096)
    ends = Counter(str(echo.trouble) for echo in echoes)
    full = "this machine has no room to send the ping; is its neighbour table full?"
    assert set(ends) == {"None", full}
    assert all(echo.tries == 20 for echo in echoes if echo.trouble)


def test_dead_neighbours_do_not_keep_live_hosts_from_being_pinged(lab: Namespaces) -> None:
    """400 hosts that answer no ARP: with a default send buffer they block everybody's pings."""
    dead = [(settings(f"10.77.{8 + n // 200}.{1 + n % 200}"), 0.5) for n in range(400)]
    alive = [(settings(PEER), 0.5)] * 50
    measured, counters = ping(lab, *dead, *alive)
    assert [m.verdict for m in measured] == [Verdict.FAILED] * 400 + [Verdict.OK] * 50
    assert counters.send_errors == 0


# --- loss, order, silence


def test_a_twentieth_of_replies_out_of_order_is_no_loss(lab: Namespaces) -> None:
    luck = random.Random(5)
    held = 0.03  # s: some thirty packets later

    def rule(heard: Heard) -> list[Answer]:
        return [Answer(reply(heard.icmp), after=held if luck.random() < 0.05 else 0.0)]

    with Liar(lab, rule):
        measured, counters = ping(lab, *[(settings(PEER), 2.0)] * 1000)
    assert {m.verdict for m in measured} == {Verdict.OK}
    assert (counters.received, counters.late, counters.duplicate) == (1000, 0, 0)
    assert sum(m.values["rtt_ms"] >= 1000 * held for m in measured) >= 20


@pytest.mark.skipif(why_not() is not None or not has_netem(), reason="this kernel has no netem")
def test_reordering_by_the_kernel_is_no_loss(lab: Namespaces) -> None:
    words = ("root", "netem", "delay", "10ms", "reorder", "5%")
    lab.tc("peer", "qdisc", "replace", "dev", "p0", *words)
    measured, counters = ping(lab, *[(settings(PEER), 2.0)] * 1000)
    assert {m.verdict for m in measured} == {Verdict.OK}
    assert counters.received == 1000


def test_replies_lost_in_our_own_buffer_are_unknown_never_down(lab: Namespaces) -> None:
    async def work(engine: Engine) -> tuple[list[Echo], Counters]:
        echoes = await echoed(engine, [PEER] * 64, 0.3)
        return echoes, engine.counters

    echoes, counters = with_engine(lab, work, pace=None, buffer=4096)
    ends = Counter(str(echo.trouble) for echo in echoes)
    assert ends["this machine was too busy and may have lost the reply"] == counters.overflowed > 0
    assert counters.received + counters.overflowed == 64
    assert all(echo.rtt is not None or echo.trouble is not None for echo in echoes)


LOOPS = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def ping_held_up(spaces: Namespaces, timeout: float, loop: Any) -> tuple[Measurement, Counters]:
    """Ping the peer while the event loop is held up for 0.6 s: replies wait in the socket."""

    async def work() -> tuple[Measurement, Counters]:
        try:
            asked = asyncio.ensure_future(many([(settings(PEER), timeout)]))
            await asyncio.sleep(0)
            while not icmp.counters()["ipv4"].sent:
                await asyncio.sleep(0)
            time.sleep(0.6)
            return (await asked)[0], icmp.counters()["ipv4"]
        finally:
            await icmp.close()

    return inside(spaces.full("core"), work, loop)


@LOOPS
def test_a_reply_that_came_in_time_counts_however_late_we_read_it(
    lab: Namespaces, loop: Any
) -> None:
    with Liar(lab, lambda heard: [Answer(reply(heard.icmp), after=0.1)]):
        measured, _ = ping_held_up(lab, 0.3, loop)
    assert measured.verdict is Verdict.OK
    assert 100.0 <= measured.values["rtt_ms"] < 300.0


def test_the_socket_is_emptied_before_anyone_is_called_silent(lab: Namespaces) -> None:
    async def work(engine: Engine) -> list[Echo]:
        loop = asyncio.get_running_loop()
        loop.remove_reader(engine._channel.sock)  # nobody tells the engine of arrivals
        return await echoed(engine, [PEER] * 100, 0.2)

    assert all(echo.rtt is not None for echo in with_engine(lab, work))


@LOOPS
def test_a_reply_that_came_late_is_refused_though_nobody_was_told_yet(
    lab: Namespaces, loop: Any
) -> None:
    with Liar(lab, lambda heard: [Answer(reply(heard.icmp), after=0.4)]):
        measured, counters = ping_held_up(lab, 0.2, loop)
    assert measured.verdict is Verdict.FAILED
    assert (counters.late, counters.received) == (1, 0)


def test_a_train_counts_its_losses(lab: Namespaces) -> None:
    answered = iter([True, False, True, False, True])

    def rule(heard: Heard) -> list[Answer]:
        return [Answer(reply(heard.icmp))] if next(answered) else []

    with Liar(lab, rule):
        measured, _ = ping(lab, (settings(PEER, count=5, interval_ms=20, size=1400), 0.4))
    assert measured[0].verdict is Verdict.OK
    assert measured[0].values["loss_pct"] == 40.0
    assert set(measured[0].values) == {
        "rtt_ms",
        "rtt_min_ms",
        "rtt_max_ms",
        "jitter_ms",
        "loss_pct",
    }


def test_2000_silent_hosts_all_fail_and_live_ones_beside_them_do_not(lab: Namespaces) -> None:
    dead = [(settings(f"10.99.{n // 250}.{1 + n % 250}"), 0.5) for n in range(2000)]
    alive = [(settings(PEER), 0.5)] * 100
    mixed = [request for pair in zip(dead[:100], alive, strict=True) for request in pair]
    measured, _ = ping(lab, *mixed, *dead[100:])
    verdicts = {request[0].address: m.verdict for request, m in zip(mixed, measured, strict=False)}
    assert verdicts.pop(PEER) is Verdict.OK
    assert set(verdicts.values()) | {m.verdict for m in measured[200:]} == {Verdict.FAILED}
    assert sum(m.verdict is Verdict.OK for m in measured) == 100


# --- what routers say


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ("unreachable", f"router {PEER} reports that the host cannot be reached"),
        ("prohibit", f"router {PEER} reports that it may not pass the ping on"),
        ("blackhole", "no reply within 0.3 s"),
    ],
)
def test_what_a_router_says_is_the_reason_of_the_failure(
    lab: Namespaces, route: str, words: str
) -> None:
    lab.sysctl("peer", ["net.ipv4.ip_forward=1"])
    lab.ip("peer", f"route add {route} 10.99.0.0/16")
    measured, _ = ping(lab, (settings("10.99.0.1"), 0.3))
    assert (measured[0].verdict, str(measured[0].reason)) == (Verdict.FAILED, words)


def complaint_about(heard: Heard, destination: str) -> bytes:
    """ "Host unreachable", quoting the request as if it had been for the destination."""
    head = bytes.fromhex("450000540000000040010000")
    quoted = head + socket.inet_aton(CORE) + socket.inet_aton(destination) + heard.icmp
    return with_checksum(bytes([3, 1, 0, 0, 0, 0, 0, 0]) + quoted)


def test_a_forged_error_does_not_fail_a_host_that_answers(lab: Namespaces) -> None:
    def rule(heard: Heard) -> list[Answer]:
        return [Answer(complaint_about(heard, PEER)), Answer(reply(heard.icmp), after=0.1)]

    with Liar(lab, rule):
        measured, counters = ping(lab, (settings(PEER), 0.5))
    assert measured[0].verdict is Verdict.OK
    assert counters.complaints == 1


def test_an_error_about_another_host_explains_nothing(lab: Namespaces) -> None:
    with Liar(lab, lambda heard: [Answer(complaint_about(heard, "10.77.0.3"))]):
        measured, counters = ping(lab, (settings(PEER), 0.3))
    assert str(measured[0].reason) == "no reply within 0.3 s"
    assert (counters.complaints, counters.foreign) == (0, 1)


def test_a_host_that_answers_no_arp_is_told_from_a_silent_one(lab: Namespaces) -> None:
    lab.sysctl("core", ["net.ipv4.neigh.c0.retrans_time_ms=50"])
    measured, _ = ping(lab, (settings("10.77.9.9"), 0.8), (settings("10.99.0.1"), 0.8))
    assert [str(m.reason) for m in measured] == [
        "the host is not present on its own network",
        "no reply within 0.8 s",
    ]


# --- IPv6, and the other ways of pinging


def test_ipv6_hosts_are_measured_like_ipv4_ones(lab: Namespaces) -> None:
    async def work() -> list[Measurement]:
        try:
            addresses = ["fd77::dead", "fe80::1%c0", "fe80::1%nowhere", "2001:db8::1"]
            requests = [(settings(address), 0.5) for address in ("::ffff:10.77.0.2", *addresses)]
            return await many([(settings(PEER6, count=3, interval_ms=10), 0.5), *requests])
        finally:
            await icmp.close()

    lab.ip("peer", "addr add fe80::1/64 dev p0 nodad")
    lab.ip("core", "addr add fe80::2/64 dev c0 nodad")
    measured = inside(lab.full("core"), work)
    ok, failed, unknown = Verdict.OK, Verdict.FAILED, Verdict.UNKNOWN
    assert [m.verdict for m in measured] == [ok, ok, failed, ok, unknown, unknown]
    assert measured[0].values["loss_pct"] == 0.0


def unprivileged() -> list[Any]:
    """Run as nobody: modes, what a live, a dead and an IPv6 host measure, a late reply."""

    async def work() -> list[Any]:
        requests = [(settings(PEER), 0.5), (settings("10.99.0.1"), 0.3), (settings(PEER6), 0.5)]
        try:
            measured = await many(requests)
        finally:
            await icmp.close()
        ends = [(m.verdict, str(m.reason), sorted(m.values)) for m in measured]
        return [icmp.mode(socket.AF_INET), icmp.mode(socket.AF_INET6), *ends]

    return asyncio.run(work())


def test_without_rights_the_same_engine_runs_over_an_unprivileged_socket(lab: Namespaces) -> None:
    lab.sysctl("core", ["net.ipv4.ping_group_range=0 2147483647"])
    v4, v6, alive, dead, alive6 = as_nobody(lab.full("core"), unprivileged)
    assert (v4.name, v6.name) == ("dgram", "dgram")
    assert "Operation not permitted" in str(v4.why)
    assert alive == alive6 == (Verdict.OK, "None", ["loss_pct", "rtt_ms"])
    assert dead == (Verdict.FAILED, "no reply within 0.3 s", ["loss_pct"])


def test_an_unprivileged_socket_believes_no_more_than_a_raw_one(lab: Namespaces) -> None:
    lab.sysctl("core", ["net.ipv4.ping_group_range=0 2147483647"])
    icmp.use("dgram")
    with Liar(lab, lambda heard: [Answer(reply(heard.icmp), source="10.77.0.3")]):
        measured, counters = ping(lab, (settings(PEER), 0.3))
    assert measured[0].verdict is Verdict.FAILED
    assert (counters.wrong_source, counters.received) == (1, 0)


def test_without_any_right_pings_are_unknown_and_say_why(lab: Namespaces) -> None:
    lab.sysctl("core", ["net.ipv4.ping_group_range=1 0"])
    v4, v6, *ends = as_nobody(lab.full("core"), unprivileged)
    assert (v4.name, v6.name) == ("ping3", "ping3")
    assert {end[:2] for end in ends} == {(Verdict.UNKNOWN, FORBIDDEN)}


def test_ping3_stands_in_where_the_engine_may_not_run(lab: Namespaces) -> None:
    icmp.use("ping3")

    async def work() -> list[Measurement]:
        try:
            requests = [(settings(PEER, count=3, interval_ms=10), 1.0), (settings("::1"), 1.0)]
            dead = [(settings(f"10.99.0.{n}"), 0.5) for n in range(1, 100)]
            nowhere = [(settings("203.0.113.1"), 0.5)]
            return await many(requests + nowhere + dead)
        finally:
            await icmp.close()

    alive, alive6, nowhere, *dead = inside(lab.full("core"), work)
    assert (alive.verdict, alive6.verdict) == (Verdict.OK, Verdict.OK)
    assert alive.values["loss_pct"] == 0.0
    assert 0 < alive.values["rtt_min_ms"] <= alive.values["rtt_ms"] <= alive.values["rtt_max_ms"]
    assert (nowhere.verdict, str(nowhere.reason)) == (Verdict.UNKNOWN, NO_ROUTE)
    assert {str(m.reason) for m in dead} == {"no reply within 0.5 s"}
