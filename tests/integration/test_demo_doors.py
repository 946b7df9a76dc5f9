"""The simulated listeners, asked by the real collectors."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from collectors import dns, http, tcp
from collectors.base import Measurement, Settings, Verdict
from ioc.demo.doors import Door, DoorError, open_door
from ioc.demo.scenario import Mode

HOST = "127.0.0.1"
TIMEOUT = 0.25


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def doors() -> Iterator[list[Door]]:
    opened: list[Door] = []
    yield opened
    for door in opened:
        door.close()


async def ask(settings: Settings) -> Measurement:
    module = {tcp.Settings: tcp, http.Settings: http, dns.Settings: dns}[type(settings)]
    return await module.measure(settings, TIMEOUT)


def peers() -> dict[str, Settings]:
    return {
        "tcp": tcp.Settings(address=HOST, port=free_port()),
        "http": http.Settings(url=f"http://{HOST}:{free_port()}/"),
        "dns": dns.Settings(address=HOST, port=free_port(socket.SOCK_DGRAM), name="xa.example"),
    }


@pytest.mark.parametrize("kind", ["tcp", "http", "dns"])
async def test_a_door_answers_falls_silent_and_answers_again(kind: str, doors: list[Door]) -> None:
    settings = peers()[kind]
    doors.append(open_door(kind, settings))
    for _ in range(2):
        assert (await ask(settings)).verdict is Verdict.OK
        doors[0].set(Mode.SILENT)
        doors[0].set(Mode.SILENT)
        silent = [await ask(settings) for _ in range(3)]
        assert {m.verdict for m in silent} == {Verdict.FAILED}
        assert all("within" in str(m.reason) for m in silent), "a timeout, not a refusal"
        doors[0].set(None)
    assert (await ask(settings)).verdict is Verdict.OK


async def test_a_portal_answers_503_and_later_hangs(doors: list[Door]) -> None:
    settings = peers()["http"]
    doors.append(open_door("http", settings))
    doors[0].set(Mode.ERROR)
    failed = await ask(settings)
    assert failed.verdict is Verdict.FAILED
    assert "503" in str(failed.reason)
    doors[0].set(Mode.HANG)
    hung = await ask(settings)
    assert hung.verdict is Verdict.FAILED
    assert "connect_ms" in hung.values, "it took the connection"


async def test_a_plain_door_has_only_silence_to_fail_with(doors: list[Door]) -> None:
    settings = peers()["tcp"]
    doors.append(open_door("tcp", settings))
    doors[0].set(Mode.ERROR)
    assert (await ask(settings)).verdict is Verdict.FAILED


async def test_a_name_server_that_fails_says_so(doors: list[Door]) -> None:
    settings = peers()["dns"]
    doors.append(open_door("dns", settings))
    doors[0].set(Mode.ERROR)
    assert "SERVFAIL" in str((await ask(settings)).reason)


async def test_rubbish_and_rude_callers_do_not_close_a_door(doors: list[Door]) -> None:
    found = peers()
    broken: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: broken.append(context))
    doors.extend(open_door(kind, settings) for kind, settings in found.items())
    name_server = found["dns"].model_dump()
    with socket.socket(type=socket.SOCK_DGRAM) as rude:
        rude.sendto(b"\x00\xff rubbish", (HOST, name_server["port"]))
        rude.sendto(b"", (HOST, name_server["port"]))
        rude.sendto(b"\x12\x34\x01\x00" + bytes(8), (HOST, name_server["port"]))  # no question
    port = int(found["http"].model_dump()["url"].rpartition(":")[2].strip("/"))
    for text in (b"", b"\xff\x00\r\n\r\n", b"G" * 100_000):
        _, writer = await asyncio.open_connection(HOST, port)
        writer.write(text)
        writer.close()
    for settings in found.values():
        assert (await ask(settings)).verdict is Verdict.OK
    assert not broken


async def test_nothing_listens_outside_loopback() -> None:
    with pytest.raises(DoorError, match="not a loopback address"):
        open_door("tcp", tcp.Settings(address="192.0.2.1", port=4000))
    with pytest.raises(DoorError, match="not an IP address"):
        open_door("http", http.Settings(url="http://example.invalid:4000/"))


async def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(DoorError, match=f"{HOST}:{port}: Address already in use"):
            open_door("tcp", tcp.Settings(address=HOST, port=port))
