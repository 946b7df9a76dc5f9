"""tcp against real sockets: live, silent, dripping, resetting, closed, IPv4 and IPv6."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from asyncio import StreamReader, StreamWriter
from pathlib import Path
from typing import Any

import pytest

from collectors import tcp
from collectors.base import Measurement, Verdict

pytestmark = pytest.mark.usefixtures("descriptors")


async def ask(port: int, timeout: float = 2, **settings: Any) -> Measurement:
    given = {"address": "127.0.0.1", "port": port} | settings
    return await tcp.measure(tcp.Settings(**given), timeout)


async def silent(reader: StreamReader, writer: StreamWriter) -> None:
    await asyncio.sleep(60)


async def greet(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write("220 Xin chào quý vị\r\n".encode())
    await writer.drain()


async def reset(reader: StreamReader, writer: StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.20.6.10", "::1"])
async def test_a_listening_port_is_up_with_its_connect_time(serve: Any, host: str) -> None:
    result = await ask(await serve(silent, host), address=host)
    assert result.verdict is Verdict.OK
    assert set(result.values) == {"connect_ms"}
    assert result.values["connect_ms"] > 0
    assert result.details["address"] == host


async def test_a_name_is_looked_up_and_its_time_told_apart(serve: Any) -> None:
    result = await ask(await serve(silent), address="localhost")
    assert set(result.values) == {"dns_ms", "connect_ms"}


async def test_the_next_address_of_a_name_is_tried(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collectors import _names

    def resolve(name: str, port: int, **kind: object) -> list[tuple[Any, ...]]:
        found = (("::1", 0, 0, 0), ("127.0.0.1", 0))
        families = (socket.AF_INET6, socket.AF_INET)
        return [(f, 1, 6, "", a) for f, a in zip(families, found, strict=True)]

    monkeypatch.setattr(_names, "_lookups", _names.Lookups(resolve))
    result = await ask(await serve(silent), address="both.test")
    assert result.verdict is Verdict.OK
    assert result.details["address"] == "127.0.0.1"


async def test_a_closed_port_is_refused() -> None:
    result = await ask(closed_port())
    assert (result.verdict, str(result.reason)) == (Verdict.FAILED, "connection refused")
    assert not result.values


async def test_a_port_that_reaches_itself_is_refused() -> None:
    """Simultaneous open: a socket bound to the very port it connects to."""
    from collectors._net import _refuse_self
    from collectors._trouble import Failed

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(sock.getsockname())
        with pytest.raises(Failed, match="connection refused"):
            _refuse_self(sock)


async def test_a_full_backlog_is_no_connection_in_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        result = await ask(address[1], timeout=0.5)
        for filler in fillers:
            filler.close()
    assert result.verdict is Verdict.FAILED
    assert str(result.reason) == "no connection within 0.5 s"


@pytest.mark.parametrize("pattern", ["^220 ", "chào", "Xin +ch.o"])
async def test_an_expected_greeting_is_found(serve: Any, pattern: str) -> None:
    result = await ask(await serve(greet), expect=pattern)
    assert result.verdict is Verdict.OK
    assert result.values["answer_ms"] > 0
    assert result.details["answer"] == "220 Xin chào quý vị"


@pytest.mark.parametrize("pattern", ["^554 ", "(x|y)+z"])
async def test_another_greeting_is_a_failure_that_shows_it(serve: Any, pattern: str) -> None:
    result = await ask(await serve(greet), expect=pattern)
    assert str(result.reason) == f"the answer does not contain {pattern}"
    assert result.details["answer"] == "220 Xin chào quý vị"


async def test_what_is_sent_arrives_and_its_answer_is_awaited(serve: Any) -> None:
    async def echo(reader: StreamReader, writer: StreamWriter) -> None:
        line = await reader.readline()
        writer.write(b"got " + line)
        await writer.drain()
        await asyncio.sleep(60)

    result = await ask(await serve(echo), send="đất\r\n", expect="got đất")
    assert result.verdict is Verdict.OK


async def test_a_greeting_in_single_bytes_is_put_together(serve: Any) -> None:
    async def drip(reader: StreamReader, writer: StreamWriter) -> None:
        for byte in "xin chào".encode():
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.005)
        await asyncio.sleep(60)

    port = await serve(drip)
    for pattern in ("chào", "ch[aà]o$"):
        assert (await ask(port, expect=pattern)).verdict is Verdict.OK


async def test_silence_and_endless_babble_end_in_time_with_their_own_reasons(serve: Any) -> None:
    async def babble(reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    quiet = await ask(await serve(silent), timeout=0.5, expect="220")
    noisy = await ask(await serve(babble), timeout=0.5, expect="220")
    assert str(quiet.reason) == "connected, but no answer within 0.5 s"
    assert str(noisy.reason) == "the answer does not contain 220"
    assert quiet.values.keys() == noisy.values.keys() == {"connect_ms"}


async def test_a_flood_is_read_no_further_than_the_first_bytes(serve: Any) -> None:
    async def flood(reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            writer.write(b"y" * 100_000)
            await writer.drain()

    result = await ask(await serve(flood), expect="220")
    assert str(result.reason) == "the answer does not contain 220"


async def test_a_reset_and_a_silent_close_are_told_apart(serve: Any) -> None:
    async def close(reader: StreamReader, writer: StreamWriter) -> None:
        writer.close()

    assert "without an answer" in str((await ask(await serve(close), expect="220")).reason)
    assert "reset" in str((await ask(await serve(reset), expect="220")).reason)


@pytest.mark.parametrize(("pattern", "verdict"), [("22[0]+", "ok"), ("55[0]+", "failed")])
async def test_a_reset_after_the_answer_is_judged_by_the_answer(
    serve: Any, pattern: str, verdict: str
) -> None:
    async def greet_and_reset(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"220")
        await asyncio.sleep(0.05)
        await reset(reader, writer)

    result = await ask(await serve(greet_and_reset), expect=pattern)
    assert result.verdict == verdict
    assert result.details["answer"] == "220"


async def test_a_peer_that_reads_nothing_does_not_hold_us(serve: Any) -> None:
    result = await ask(await serve(silent), timeout=0.5, send="x" * 4096, expect="220")
    assert result.verdict is Verdict.FAILED


async def test_out_of_descriptors_is_unknown_not_down(serve: Any) -> None:
    port = await serve(silent)
    with limited_descriptors():
        result = await ask(port)
    assert result.verdict is Verdict.UNKNOWN
    assert str(result.reason) == "this machine has too many open files"


class limited_descriptors:
    """Inside, not one descriptor can be opened."""

    def __enter__(self) -> None:
        import resource

        self.before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.held: list[int] = []
        highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, self.before[1]))
        while True:
            try:
                self.held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError as error:
                assert error.errno == errno.EMFILE
                return

    def __exit__(self, *exception: object) -> None:
        import resource

        for descriptor in self.held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, self.before)


@pytest.mark.parametrize("address", ["127.255.255.255", "fe80::1%none0"])
async def test_an_address_without_a_route_is_unknown(address: str) -> None:
    result = await ask(9, address=address)
    assert result.verdict is Verdict.UNKNOWN
    assert str(result.reason) == "this machine has no route to the address"


async def test_200_hung_peers_do_not_delay_a_live_one(serve: Any) -> None:
    hung, live = await serve(silent), await serve(greet)
    order: list[str] = []

    async def check(name: str, port: int) -> None:
        await ask(port, timeout=2, expect="220")
        order.append(name)

    checks = [check("hung", hung) for _ in range(200)]
    checks.insert(100, check("live", live))
    await asyncio.gather(*checks)
    assert len(order) == 201
    assert order[0] == "live"


async def test_cancelling_closes_the_connection(serve: Any) -> None:
    closed = asyncio.Event()

    async def watch(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read()
        closed.set()

    task = asyncio.create_task(ask(await serve(watch), timeout=30, expect="never"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await closed.wait()
