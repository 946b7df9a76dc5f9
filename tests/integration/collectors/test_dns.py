"""dns against dnsmasq, and against servers that lie."""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from collectors import dns as kind
from collectors.base import Measurement, Verdict

pytestmark = pytest.mark.usefixtures("descriptors")
Answers = Callable[[bytes], Iterable[bytes]]


async def ask(port: int, timeout: float = 3, **settings: Any) -> Measurement:
    given = {"address": "127.0.0.1", "port": port, "name": "portal.test"} | settings
    return await kind.measure(kind.Settings(**given), timeout)


# --- dnsmasq


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
@pytest.mark.parametrize("tcp", [False, True])
async def test_a_known_name_is_answered(dnsmasq: int, address: str, tcp: bool) -> None:
    result = await ask(dnsmasq, address=address, tcp=tcp, answers=["127.9.9.9"], exact=True)
    assert result.verdict is Verdict.OK
    assert result.values["answers"] == 1
    assert result.values["ttl"] == 77
    assert result.values["query_ms"] > 0
    assert result.details["answers"] == "127.9.9.9"


@pytest.mark.parametrize(
    ("record", "name", "answer"),
    [
        ("AAAA", "portal.test", "::9"),
        ("AAAA", "portal.test", "0:0:0::0009"),
        ("TXT", "portal.test", "Cong dich vu"),
        ("MX", "portal.test", "10 mail.test."),
        ("CNAME", "www.test", "PORTAL.test"),
        ("A", "www.test", "127.9.9.9"),
    ],
)
async def test_answers_are_compared_by_meaning(
    dnsmasq: int, record: str, name: str, answer: str
) -> None:
    result = await ask(dnsmasq, type=record, name=name, answers=[answer])
    assert result.verdict is Verdict.OK, str(result.reason)


async def test_an_answer_too_long_for_udp_comes_over_tcp(dnsmasq: int) -> None:
    result = await ask(dnsmasq, name="many.test", answers=["127.9.0.1", "127.9.0.60"])
    assert result.verdict is Verdict.OK
    assert result.values["answers"] == 60
    assert "connect_ms" in result.values


async def test_other_answers_are_failures_that_say_which(dnsmasq: int) -> None:
    lacking = await ask(dnsmasq, answers=["127.9.9.8", "127.9.9.9"])
    extra = await ask(dnsmasq, name="many.test", answers=["127.9.0.1"], exact=True)
    assert str(lacking.reason) == "the answer lacks 127.9.9.8"
    assert str(extra.reason).startswith("the answer also has 127.9.0.10, ")
    assert lacking.values["answers"] == 1


async def test_missing_names_records_and_refusals_are_told_apart(dnsmasq: int) -> None:
    missing = await ask(dnsmasq, name="nowhere.test")
    empty = await ask(dnsmasq, type="SRV")
    refused = await ask(dnsmasq, name="portal.elsewhere")
    assert str(missing.reason) == "the name nowhere.test does not exist"
    assert str(empty.reason) == "portal.test has no record of type SRV"
    assert str(refused.reason) == "the name server refuses to answer (REFUSED)"


# --- servers that lie


class Liar(asyncio.DatagramProtocol):
    """Sends what `answers` makes of a query, each from this port or from another one."""

    def __init__(self, answers: Answers, other: bool) -> None:
        self._answers = answers
        self._other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM) if other else None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._other is not None:
            self._other.close()

    def datagram_received(self, data: bytes, sender: Any) -> None:
        for answer in self._answers(data):
            if self._other is not None:
                self._other.sendto(answer, sender)
            else:
                self._transport.sendto(answer, sender)


@pytest.fixture
async def liar() -> AsyncIterator[Any]:
    """`await liar(answers, other=False)` starts a lying server and gives its port."""
    transports: list[asyncio.DatagramTransport] = []

    async def start(answers: Answers, other: bool = False) -> int:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Liar(answers, other), local_addr=("127.0.0.1", 0)
        )
        transports.append(transport)
        return int(transport.get_extra_info("sockname")[1])

    yield start
    for transport in transports:
        transport.close()
    await asyncio.sleep(0)


def response(query: bytes, address: str = "127.9.9.9") -> dns.message.Message:
    asked = dns.message.from_wire(query)
    answer = dns.message.make_response(asked)
    answer.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", "A", address))
    return answer


def good(query: bytes) -> Iterable[bytes]:
    yield response(query).to_wire()


def wrong_id(query: bytes) -> Iterable[bytes]:
    answer = response(query)
    answer.id ^= 1
    yield answer.to_wire()


def other_question(query: bytes) -> Iterable[bytes]:
    answer = dns.message.make_response(dns.message.make_query("other.test", "A"))
    answer.id = dns.message.from_wire(query).id
    yield answer.to_wire()


def servfail(query: bytes) -> Iterable[bytes]:
    answer = dns.message.make_response(dns.message.from_wire(query))
    answer.set_rcode(dns.rcode.SERVFAIL)
    yield answer.to_wire()


def notimp(query: bytes) -> Iterable[bytes]:
    answer = dns.message.make_response(dns.message.from_wire(query))
    answer.set_rcode(dns.rcode.NOTIMP)
    yield answer.to_wire()


LIES: dict[str, tuple[Answers, str]] = {
    "silence": (lambda query: [], "the name server gave no answer within 0.5 s"),
    "wrong id": (wrong_id, "the name server answered with the wrong id"),
    "one byte": (lambda query: [b"\0"], "the name server answered with the wrong id"),
    "only an id": (lambda query: [query[:2]], "the name server's answer cannot be understood"),
    "rubbish": (
        lambda query: [query[:2] + b"\x81\x80" + b"\xff" * 50],
        "the name server's answer cannot be understood",
    ),
    "our own query": (lambda query: [query], "the name server's answer cannot be understood"),
    "other question": (other_question, "the name server answered another question"),
    "servfail": (servfail, "the name server could not find out (SERVFAIL)"),
    "notimp": (notimp, "the name server answered with NOTIMP"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_lies_are_failures_each_in_its_own_words(liar: Any, lie: str) -> None:
    answers, words = LIES[lie]
    result = await ask(await liar(answers), timeout=0.5)
    assert result.verdict is Verdict.FAILED
    assert str(result.reason) == words


async def test_an_answer_from_another_port_is_not_taken(liar: Any) -> None:
    result = await ask(await liar(good, other=True), timeout=0.5)
    assert str(result.reason) == "an answer came from 127.0.0.1, which was not asked"


async def test_a_true_answer_after_false_ones_counts(liar: Any) -> None:
    def both(query: bytes) -> Iterable[bytes]:
        for _ in range(100):
            yield from wrong_id(query)
        yield from good(query)

    result = await ask(await liar(both), answers=["127.9.9.9"])
    assert result.verdict is Verdict.OK


async def test_a_port_where_nobody_listens_is_refused_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    result = await ask(port, timeout=20)
    assert str(result.reason) == "connection refused"


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (b"", "the peer closed the connection before the answer was complete"),
        (b"\x00", "the peer closed the connection before the answer was complete"),
        (b"\x00\x00", "the name server's answer cannot be understood"),
        (b"\xff\xffabc", "the peer closed the connection before the answer was complete"),
        (b"\x00\x03abc", "the name server's answer cannot be understood"),
    ],
)
async def test_wrong_lengths_over_tcp_end_in_words(serve: Any, piece: bytes, words: str) -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(512)
        writer.write(piece)
        await writer.drain()

    result = await ask(await serve(handle), tcp=True)
    assert str(result.reason) == words


async def test_silence_over_tcp_is_told(serve: Any) -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await asyncio.sleep(60)

    result = await ask(await serve(handle), tcp=True, timeout=0.5)
    assert str(result.reason) == "the name server gave no answer over TCP within 0.5 s"


async def test_200_hung_servers_do_not_delay_a_live_one(liar: Any, dnsmasq: int) -> None:
    silent = await liar(lambda query: [])
    order: list[str] = []

    async def check(name: str, port: int) -> None:
        await ask(port, timeout=1)
        order.append(name)

    checks = [check("hung", silent) for _ in range(200)]
    checks.insert(100, check("live", dnsmasq))
    await asyncio.gather(*checks)
    assert order[0] == "live"
    assert len(order) == 201


async def test_cancelling_leaves_no_socket(liar: Any) -> None:
    task = asyncio.create_task(ask(await liar(lambda query: []), timeout=30))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
