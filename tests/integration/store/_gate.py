"""A gate before a real server: what passes is the server's own answer, the rest is trouble as told.

Every write is shown to `rule`, which says what becomes of it. Reads always pass.
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


@dataclass(frozen=True, slots=True)
class Write:
    """One request to write. number: from 1. at: monotonic seconds."""

    number: int
    at: float
    lines: int
    size: int


@dataclass(frozen=True, slots=True)
class Act:
    """status: answered instead of the server, None = the server's own. wait: seconds before.

    reset: break the connection, "before" the server has it, or "after", without its answer.
    """

    status: int | None = None
    retry_after: str | None = None
    wait: float = 0.0
    reset: str = ""
    said: str = ""


PASS = Act()
Rule = Callable[[Write], Act]


class Gate:
    """`port` on loopback stands for `behind`. rule: may be changed at any time."""

    def __init__(self, behind: int, rule: Rule = lambda _write: PASS) -> None:
        self.behind, self.rule = behind, rule
        self.writes: list[Write] = []
        self.closing = threading.Event()
        gate = self

        class Handler(_Handler):
            pass

        Handler.gate = gate
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self._lock = threading.Lock()

    def came(self, body: bytes) -> Act:
        with self._lock:
            lines = body.count(b"\n") + 1
            write = Write(len(self.writes) + 1, time.monotonic(), lines, len(body))
            self.writes.append(write)
            return self.rule(write)

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gate: Gate

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        act = self.gate.came(body) if "/write" in self.path else PASS
        self.gate.closing.wait(act.wait)
        if act.reset == "before":
            self._reset()
        elif act.status is not None:
            self._answer(act.status, act.said.encode(), act.retry_after)
        else:
            self._forward(body, act)

    do_GET = do_POST = _pass

    def _forward(self, body: bytes, act: Act) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.gate.behind, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            said = answer.read()
        except OSError:
            return self._reset()
        finally:
            connection.close()
        if act.reset == "after":
            return self._reset()
        version = answer.headers.get("X-Influxdb-Version")
        return self._answer(answer.status, said, None, version)

    def _answer(
        self, status: int, said: bytes, retry_after: str | None, version: str | None = None
    ) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(said)))
            self.send_header("Content-Type", "application/json")
        for name, value in (("Retry-After", retry_after), ("X-Influxdb-Version", version)):
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if status != 204:
            self.wfile.write(said)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        with suppress(OSError):
            self.connection.close()
        self.close_connection = True

    def handle(self) -> None:
        with suppress(OSError, ValueError):  # whoever asked has gone
            super().handle()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_unused: object) -> None:
        pass


@contextmanager
def gate_to(port: int) -> Iterator[Gate]:
    gate = Gate(port)
    try:
        yield gate
    finally:
        gate.close()
