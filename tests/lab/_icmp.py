"""Two namespaces and a cable for the ping tests, and a peer that can lie.

The core pings, the peer answers: by its kernel, or (kernel echo off) by a `Liar` that forges
whatever replies a test wants, from whatever address, whenever.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import pickle
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from collectors._icmp_packet import checksum
from tests.lab._namespaces import Namespaces, enter_namespace

T = TypeVar("T")
CORE, PEER = "10.77.0.1", "10.77.0.2"
CORE6, PEER6 = "fd77::1", "fd77::2"
SILENT = "10.99.0.0/16"  # routed to the peer, which drops it without a word
NOBODY = 65_534  # user and group without rights


@contextmanager
def cabled() -> Iterator[Namespaces]:
    """core 10.77.0.1/16, fd77::1 -- peer 10.77.0.2, fd77::2; the peer forwards nothing."""
    with Namespaces() as spaces:
        spaces.add("core", "peer")
        spaces.cable("core", "c0", "peer", "p0")
        spaces.ip(
            "core",
            f"addr add {CORE}/16 dev c0",
            f"addr add {CORE6}/64 dev c0 nodad",
            f"route add {SILENT} via {PEER}",
        )
        spaces.ip(
            "peer",
            f"addr add {PEER}/16 dev p0",
            "addr add 10.77.0.3/16 dev p0",
            f"addr add {PEER6}/64 dev p0 nodad",
        )
        yield spaces


def inside(
    full: str,
    work: Callable[[], Coroutine[Any, Any, T]],
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> T:
    """Run a coroutine on an event loop of its own, in a thread inside a namespace."""

    def run() -> T:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(work())

    return within(full, run)


def within(full: str, work: Callable[[], T]) -> T:
    """Run a function in a thread inside a namespace."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            enter_namespace(full)
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return result.result()


def as_nobody(full: str, work: Callable[[], T]) -> T:
    """Run a function inside a namespace in a child process without any rights."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        answer: tuple[str, Any] = ("broken", "ended early")
        try:
            enter_namespace(full)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            answer = ("done", work())
        except BaseException as error:
            answer = ("broken", repr(error))
        finally:
            os.write(write, pickle.dumps(answer))
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        how, value = pickle.load(pipe)
    os.waitpid(child, 0)
    assert how == "done", value
    return value


@dataclass(frozen=True)
class Request:
    """An echo request as the peer saw it. icmp: from the ICMP header on."""

    source: str
    destination: str
    icmp: bytes


@dataclass(frozen=True)
class Answer:
    """What to send back. after: seconds. source: None = whom the request was for."""

    icmp: bytes
    after: float = 0.0
    source: str | None = None


def reply(icmp: bytes) -> bytes:
    """The honest reply to a request."""
    return with_checksum(b"\0" + icmp[1:])


def with_checksum(icmp: bytes) -> bytes:
    bare = icmp[:2] + b"\0\0" + icmp[4:]
    return bare[:2] + struct.pack("!H", checksum(bare)) + bare[4:]


Rule = Callable[[Request], list[Answer]]


class Liar:
    """Answers echo requests in the peer's place. A context manager."""

    def __init__(self, spaces: Namespaces, rule: Rule) -> None:
        self._rule = rule
        self._due: list[tuple[float, int, bytes, str]] = []
        self._order = count()
        self._stop = threading.Event()
        self._broken: list[BaseException] = []
        spaces.sysctl("peer", ["net.ipv4.icmp_echo_ignore_all=1"])
        self._sock = within(spaces.full("peer"), self._open)
        self._thread = threading.Thread(target=self._run)

    @staticmethod
    def _open() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
        sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        sock.setblocking(False)
        return sock

    def __enter__(self) -> Liar:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._sock.close()
        if self._broken:
            raise self._broken[0]

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                patience = min(self._due[0][0] - time.monotonic(), 0.02) if self._due else 0.02
                if select.select([self._sock], [], [], max(patience, 0))[0]:
                    self._hear()
                while self._due and self._due[0][0] <= time.monotonic():
                    _, _, packet, to = heapq.heappop(self._due)
                    self._sock.sendto(packet, (to, 0))
        except BaseException as error:
            self._broken.append(error)

    def _hear(self) -> None:
        data = self._sock.recv(2048)
        begin = (data[0] & 15) * 4
        if data[begin] != 8:
            return
        source, to = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
        for answer in self._rule(Request(source, to, data[begin:])):
            packet = _framed(answer.source or to, source, answer.icmp)
            due = time.monotonic() + answer.after
            heapq.heappush(self._due, (due, next(self._order), packet, source))


def _framed(source: str, to: str, icmp: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0)
    return head + socket.inet_aton(source) + socket.inet_aton(to) + icmp
