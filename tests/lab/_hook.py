"""A real HTTP server inside the lab that writes down what channels send, and when."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab._namespaces import Namespaces

HOOK = 9099  # inside the namespace nothing else listens
RECEIVER = f"""
import http.server, sys, time
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        now = time.time()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[1], "ab") as heard:
            heard.write(f"{{now}} {{self.path}} ".encode() + body.replace(b"\\n", b" ") + b"\\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", {HOOK}), Hook)
print("ready", flush=True)
server.serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message. at: seconds since the epoch. path: of the URL, without the slash."""

    at: float
    path: str
    text: str


class Hook:
    """Listens in a namespace from the start. Channels: `url(name)`."""

    def __init__(self, spaces: Namespaces, name: str, file: Path) -> None:
        self._file = file
        argv = [sys.executable, "-c", RECEIVER, str(file)]
        process = spaces.spawn(name, argv, stdout=-1)
        process.stdout.readline()  # type: ignore[union-attr]

    @staticmethod
    def url(name: str) -> str:
        return f"json://127.0.0.1:{HOOK}/{name}"

    def heard(self) -> list[Heard]:
        """Everything so far, oldest first."""
        if not self._file.exists():
            return []
        lines = self._file.read_text(encoding="utf-8").splitlines()
        parts = [line.split(" ", 2) for line in lines]
        return [Heard(float(at), path[1:], json.loads(body)["message"]) for at, path, body in parts]
