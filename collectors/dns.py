"""dns: does a name server answer a question, and with what it should."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Iterator
from typing import Annotated, Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from pydantic import AfterValidator, Field, model_validator

from collectors import base
from collectors._names import Address, Endpoint, Port, endpoints
from collectors._net import connect, open_socket, read_exactly
from collectors._trouble import Failed, Progress, add, from_here, from_peer, measured, shown, tick
from collectors.base import Measurement

# From Linux's in.h and in6.h; Python's socket module lacks them. With them an unconnected socket,
# which also hears wrong senders, is told that nobody listens on the port.
RECVERR = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}
TRUNCATED = 0x02  # in the third byte of a message, RFC 1035, section 4.1.1
STRAYS_IN_A_ROW = 32  # datagrams that are not ours before others get a turn


def _name(text: str) -> str:
    try:
        dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError):
        raise ValueError("must be a domain name") from None
    return text


def _type(text: str) -> str:
    try:
        found = dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError):
        raise ValueError("must be a record type such as A, AAAA, MX or TXT") from None
    if dns.rdatatype.is_metatype(found):
        raise ValueError("must be a record type such as A, AAAA, MX or TXT")
    return dns.rdatatype.to_text(found)


class Settings(base.Settings):
    """address: IP address or name of the server. port: 1 to 65535. name: what to ask for.

    type: record type. answers: records that must be among the answers, in zone file notation;
    exact: and no others. recursion: ask the server to find out. tcp: ask over TCP at once, not
    only when the answer is too long for UDP.
    Values: query_ms, answers (records of the type), ttl (seconds, the shortest).
    """

    address: Address
    port: Port = 53
    name: Annotated[str, AfterValidator(_name)]
    type: Annotated[str, AfterValidator(_type)] = "A"
    answers: tuple[str, ...] = Field(default=(), max_length=100)
    exact: bool = False
    recursion: bool = True
    tcp: bool = False

    @model_validator(mode="after")
    def _check_answers(self) -> Settings:
        for text in self.answers:
            try:
                _canonical(text, self.type)
            except (dns.exception.DNSException, ValueError):
                raise ValueError("answers must be records of the type that is asked for") from None
        if self.exact and not self.answers:
            raise ValueError("exact needs answers")
        return self


def _canonical(text: str, kind: str) -> dns.rdata.Rdata:
    rdtype = dns.rdatatype.from_text(kind)
    if rdtype == dns.rdatatype.TXT and not text.startswith('"'):
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    root = dns.name.root  # a name without a final dot means the same
    return dns.rdata.from_text(dns.rdataclass.IN, rdtype, text, origin=root, relativize=False)


async def measure(settings: Settings, timeout: float) -> Measurement:
    """Ask once; timeout in seconds."""

    async def steps(progress: Progress) -> None:
        query = dns.message.make_query(settings.name, settings.type, use_edns=False)
        query.id = secrets.randbelow(65_536)
        if not settings.recursion:
            query.flags &= ~dns.flags.RD
        if settings.tcp:
            answer = await _over_tcp(query, settings, progress)
        else:
            answer = await _over_udp(query, settings, progress)
        _judge(answer, settings, progress)

    return await measured(timeout, steps)


# --- asking


async def _over_udp(
    query: dns.message.Message, settings: Settings, progress: Progress
) -> dns.message.Message:
    server = (await endpoints(settings.address, settings.port, progress))[0]
    progress.details["address"] = str(server[1][0])
    started = tick()
    wire = await _exchange(server, query, progress)
    if len(wire) > 2 and wire[2] & TRUNCATED:
        return await _over_tcp(query, settings, progress)
    answer = _parsed(wire, query)
    add(progress, "query_ms", started)
    return answer


async def _exchange(server: Endpoint, query: dns.message.Message, progress: Progress) -> bytes:
    family, address = server
    sock = open_socket(socket.AddressFamily(family), socket.SOCK_DGRAM)
    try:
        sock.setsockopt(*RECVERR[socket.AddressFamily(family)], 1)
        try:
            sock.sendto(query.to_wire(), address)
        except OSError as error:
            raise from_here(error) from error
        return await _own_answer(sock, server, query.id, progress)
    finally:
        sock.close()


async def _own_answer(
    sock: socket.socket, server: Endpoint, expected: int, progress: Progress
) -> bytes:
    """The first datagram from the server with our id. What else comes is remembered as the reason
    in case nothing better does."""
    progress.awaits("the name server gave no answer within {timeout} s")
    count = 0
    while True:
        try:
            data, sender = sock.recvfrom(65_535)
        except BlockingIOError:
            await _readable(sock)
            continue
        except OSError as error:
            raise from_peer(error) from error
        if _key(sender) != _key(server[1]):
            progress.awaits("an answer came from {sender}, which was not asked", sender=sender[0])
        elif data[:2] != expected.to_bytes(2, "big"):
            progress.awaits("the name server answered with the wrong id")
        else:
            return data
        count += 1
        if count % STRAYS_IN_A_ROW == 0:
            await asyncio.sleep(0)


def _key(address: tuple[Any, ...]) -> tuple[Any, ...]:
    """Host and port: flow and scope of an IPv6 socket address may differ for the same peer."""
    return str(address[0]).partition("%")[0], address[1]


async def _readable(sock: socket.socket) -> None:
    """Wait until there is something to receive (uvloop has no sock_recvfrom)."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sock, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sock)


async def _over_tcp(
    query: dns.message.Message, settings: Settings, progress: Progress
) -> dns.message.Message:
    """RFC 7766: the message behind two bytes of length."""
    started = tick()
    stream = await connect(settings.address, settings.port, progress)
    try:
        progress.awaits("the name server gave no answer over TCP within {timeout} s")
        wire = query.to_wire()
        await stream.write(len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await read_exactly(stream, 2), "big")
        answer = _parsed(await read_exactly(stream, length), query)
    finally:
        stream.close()
    add(progress, "query_ms", started)
    return answer


# --- judging


def _parsed(wire: bytes, query: dns.message.Message) -> dns.message.Message:
    """Raises Failed for what is no answer to the query."""
    try:
        answer = dns.message.from_wire(wire, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        raise Failed("the name server's answer cannot be understood") from None
    if answer.id != query.id:
        raise Failed("the name server answered with the wrong id")
    if not answer.flags & dns.flags.QR:
        raise Failed("the name server's answer cannot be understood")
    if answer.question and answer.question != query.question:
        raise Failed("the name server answered another question")
    return answer


_RCODES = {
    dns.rcode.NXDOMAIN: "the name {name} does not exist",
    dns.rcode.SERVFAIL: "the name server could not find out (SERVFAIL)",
    dns.rcode.REFUSED: "the name server refuses to answer (REFUSED)",
}


def _judge(answer: dns.message.Message, settings: Settings, progress: Progress) -> None:
    """Adds answers and ttl. Raises Failed."""
    rcode = answer.rcode()
    if rcode != dns.rcode.NOERROR:
        text = _RCODES.get(rcode, "the name server answered with {code}")
        raise Failed(text, name=settings.name, code=dns.rcode.to_text(rcode))
    found = dict(_records(answer, settings.type))
    progress.values["answers"] = len(found)
    progress.details["answers"] = shown(", ".join(sorted(map(str, found))))
    if not found:
        raise Failed("{name} has no record of type {type}", name=settings.name, type=settings.type)
    progress.values["ttl"] = min(found.values())
    _judge_records(set(found), settings)


def _records(answer: dns.message.Message, kind: str) -> Iterator[tuple[dns.rdata.Rdata, int]]:
    """Records of the type with their ttl, those behind aliases (CNAME) too."""
    for group in answer.answer:
        if group.rdtype == dns.rdatatype.from_text(kind):
            yield from ((record, group.ttl) for record in group)


def _judge_records(found: set[dns.rdata.Rdata], settings: Settings) -> None:
    wanted = {_canonical(text, settings.type) for text in settings.answers}
    missing = sorted(map(str, wanted - found))
    if missing:
        raise Failed("the answer lacks {records}", records=shown(", ".join(missing)))
    if settings.exact and found - wanted:
        extra = sorted(map(str, found - wanted))
        raise Failed("the answer also has {records}", records=shown(", ".join(extra)))
