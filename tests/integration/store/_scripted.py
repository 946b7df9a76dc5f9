"""A server on loopback that answers as it is told: for what a healthy server never says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Request:
    """path: with its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """broken: the connection ends in the middle of the body."""

    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    broken: bool = False


Answer = Callable[[Request], Response]


@dataclass(slots=True)
class Scripted:
    """port: where it listens. asked: requests so far. answer: may be replaced at any time."""

    port: int
    answer: Answer
    asked: list[Request] = field(default_factory=list)


@contextmanager
def scripted(answer: Answer) -> Iterator[Scripted]:
    """A server that runs meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            request = Request(self.command, self.path, dict(self.headers), body)
            script.asked.append(request)
            self.reply(script.answer(request))

        do_GET = do_POST = do_PATCH = do_PUT = handle_any

        def reply(self, response: Response) -> None:
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body) + response.broken))
            self.end_headers()
            self.wfile.write(response.body)
            if response.broken:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script = Scripted(server.server_address[1], answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
