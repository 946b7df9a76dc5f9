"""The program under test as the real process, asked over its own HTTP API.

Used by the lab (inside a namespace) and by the integration tests (on loopback).
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RUN = (sys.executable, "-m", "ioc")
HOST = "127.0.0.1"
LISTS = ("devices", "links", "services", "sentinels", "sites")
WRITTEN_WITHIN = 1.5  # seconds until a change of state is in the database
MOST = 1000  # transitions the API gives at once
Spawn = Callable[..., "subprocess.Popen[bytes]"]


class MonitorError(AssertionError):
    """The program did not do what was asked; the message holds the end of its log."""


class Monitor:
    """One directory with an inventory, data and a log, and the process that runs on it.

    patience: seconds until it answers. spawn, dial: how to start a process and make a TCP socket
    (in a namespace: of the lab).
    """

    def __init__(
        self,
        folder: Path,
        inventory: str,
        *,
        port: int = 0,
        spawn: Spawn = subprocess.Popen,
        dial: Callable[[], socket.socket] = socket.socket,
        command: Sequence[str] = ("run",),
        environment: Mapping[str, str] | None = None,
        patience: float = 20.0,
    ) -> None:
        self._patience = patience
        self.folder = folder
        self.inventory = folder / "inventory.yaml"
        self.inventory.write_text(inventory, encoding="utf-8")
        self.data = folder / "data"
        self.log = folder / "log.txt"
        self.port = port or free_port()
        self._spawn, self._dial, self._command = spawn, dial, command
        self._environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Monitor:
        try:
            return self.start(self._patience)
        except BaseException:
            self.__exit__()  # what never answered must not go on behind the tests
            raise

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # --- the process

    def start(self, patience: float = 20.0) -> Monitor:
        """Start and wait until the API answers."""
        with self.log.open("ab") as log:
            self.process = self._spawn(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                cwd=self.folder,
            )
        self.until(self._answers, patience, "the API answers")
        return self

    def command(self) -> list[str]:
        return [*RUN, *self._command]

    def environment(self) -> dict[str, str]:
        """The environment of the process: of IOC_ settings only those of this directory."""
        return {k: v for k, v in os.environ.items() if not k.startswith("IOC_")} | {
            "IOC_INVENTORY": str(self.inventory),
            "IOC_DATA_DIR": str(self.data),
            "IOC_LISTEN": f"{HOST}:{self.port}",
            "IOC_LANG": "en",
            "PYTHONPATH": str(ROOT),
            **self._environment,
        }

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def stop(self, patience: float = 5.0) -> int:
        """SIGTERM; gives the exit code. Raises MonitorError when it takes longer than patience."""
        assert self.process is not None
        self.process.terminate()
        return self.ended(patience)

    def ended(self, patience: float) -> int:
        """Wait for the end; gives the exit code."""
        assert self.process is not None
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise MonitorError(f"still running after {patience} s\n{self.tail()}") from None

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def tail(self, lines: int = 30) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(text[-lines:])

    # --- asking it

    def send(self, method: str, path: str, body: object) -> Any:
        """JSON of a successful request below /api/v1/ that changes something."""
        status, answer = self.ask(f"/api/v1/{path}", method=method, body=json.dumps(body))
        if status >= 400:
            raise MonitorError(f"{path}: {status} {answer[:300]!r}\n{self.tail()}")
        return json.loads(answer)

    def ask(
        self, path: str, timeout: float = 5.0, *, method: str = "GET", body: str | None = None
    ) -> tuple[int, bytes]:
        """Status and body. Raises OSError when nobody answers."""
        channel = self._dial()
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout)
        try:
            channel.settimeout(timeout)
            channel.connect((HOST, self.port))
            connection.sock = channel
            headers = {"Host": f"{HOST}:{self.port}", "Content-Type": "application/json"}
            headers |= self.signed_in()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{path}: {error!r}") from error
        finally:
            connection.close()
            channel.close()

    def signed_in(self) -> dict[str, str]:
        """As the command line on this machine signs in."""
        for secret in (self.data / "cli.token", self.data / "demo" / "cli.token"):
            if secret.exists():
                return {"Authorization": f"Bearer {secret.read_text()}"}
        return {}

    def get(self, path: str) -> Any:
        """JSON of a successful GET below /api/v1/."""
        status, body = self.ask(f"/api/v1/{path}")
        if status != 200:
            raise MonitorError(f"{path}: {status} {body[:300]!r}\n{self.tail()}")
        return json.loads(body)

    def items(self, path: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        cursor = ""
        mark = "&" if "?" in path else "?"
        while True:
            page = self.get(f"{path}{mark}limit=1000{cursor}")
            found.extend(page["items"])
            if not page["next"]:
                return found
            cursor = f"&cursor={page['next']}"

    def problems(self) -> dict[str, str]:
        """Code -> words, of what is wrong with the program itself."""
        return {item["code"]: item["text"] for item in self.get("problems?lang=en")["items"]}

    def transitions(self) -> list[dict[str, Any]]:
        """Every change of state so far, oldest first; those of the last second too."""
        time.sleep(WRITTEN_WITHIN)
        found: list[dict[str, Any]] = self.get(f"transitions?limit={MOST}")["items"]
        assert len(found) < MOST, "too many to tell all of them"
        return found[::-1]

    def samples(self) -> dict[str, tuple[list[int], list[float]]]:
        """Asset -> times (ms UTC) and values of its check's `up` in the last day."""
        items = self.get("series?measurement=check&field=up")["items"]
        return {
            item["tags"]["asset"]: ([_ms(time) for time in item["times"]], item["values"])
            for item in items
        }

    def longest_gap(self) -> float:
        """Seconds, the longest between two samples of one asset."""
        return max(
            (later - earlier) / 1000
            for times, _ in self.samples().values()
            for earlier, later in pairwise(times)
        )

    def states(self) -> dict[str, str]:
        """Asset or site id -> state."""
        return {item["id"]: item["state"] for name in LISTS for item in self.items(name)}

    def until(self, true: Callable[[], bool], patience: float, what: str) -> float:
        """Wait until something holds; gives the seconds it took. Raises MonitorError."""
        begin = time.monotonic()
        while time.monotonic() - begin < patience:
            if self.process is not None and self.process.poll() is not None:
                raise MonitorError(f"ended with {self.process.returncode}\n{self.tail()}")
            if true():
                return time.monotonic() - begin
            time.sleep(0.1)
        raise MonitorError(f"not within {patience} s: {what}\n{self.tail()}")

    def _answers(self) -> bool:
        try:
            return self.ask("/healthz", 1.0)[0] == 200
        except OSError:
            return False


def _ms(time: str) -> int:
    """ISO 8601 as ms UTC."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
