"""Engines that are servers: VictoriaMetrics and InfluxDB 1.x, started here on loopback.

Ports come from the kernel, data lies in a folder of the bench, and each is ended by its own id.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ioc.store.base import Point
from tests.bench._store_data import COMMUNE, DAY, HOUR, Answer, Plan, line
from tests.bench._store_engine import folder_size, write_bytes

START_WITHIN = 30.0  # seconds
FLUSHED_WITHIN = 20.0


def free_port() -> int:
    """A port of loopback that nobody holds just now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Server:
    """A server process and one connection that is kept."""

    def __init__(self, command: Sequence[str], port: int, folder: Path) -> None:
        self._folder = folder
        self._command = command
        self._before = 0  # bytes that processes before this one have written
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def wait(self, path: str) -> None:
        """Until it answers. RuntimeError with its log when it does not."""
        end = time.monotonic() + START_WITHIN
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError, http.client.HTTPException):
                self.call("GET", path)
                return
            self._connection.close()
            time.sleep(0.1)
        said = (self._folder / "log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self._process.args!r} does not answer: {said}")

    def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        self._connection.request(method, path, body, form)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:300]!r}")
        return said

    def asked(self, path: str, **words: object) -> Any:
        return json.loads(self.call("POST", path, urlencode(words).encode()))

    def prepare(self, batch: list[Point]) -> object:
        return "\n".join(map(line, batch)).encode()

    def fill(self, points: list[Point]) -> None:
        self.write(self.prepare(points))

    def write(self, prepared: object) -> None:
        raise NotImplementedError

    def upkeep(self, now: int) -> None:
        """It does its own."""

    def written(self) -> int:
        return self._before + write_bytes(self._process.pid)

    def size(self) -> int:
        return folder_size(self._folder / "data")

    def restart(self, path: str) -> None:
        """End it and start it again: what it holds in memory goes to disk."""
        self._connection.close()
        self._process.terminate()
        _pid, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._before += 512 * used.ru_oublock
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=subprocess.STDOUT)
        self.wait(path)

    def close(self) -> None:
        self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class Victoria(Server):
    """VictoriaMetrics, single node."""

    name = "victoriametrics"
    safe = "nothing: rows wait in memory, without a log"
    program = "victoria-metrics"

    def __init__(self, folder: Path) -> None:
        port = free_port()
        command = [
            self.program,
            f"-storageDataPath={folder / 'data'}",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=20y",
            "-search.latencyOffset=0s",
            "-loggerLevel=ERROR",
        ]
        super().__init__(command, port, folder)
        self.wait("/health")

    def write(self, prepared: object) -> None:
        self.call("POST", "/write?precision=ms", prepared)  # type: ignore[arg-type]

    def settle(self) -> None:
        """What it has acknowledged lies in memory for long: it is ended and started again."""
        self.restart("/health")

    def availability(self, plan: Plan, start: int) -> Answer:
        days = (plan.end - start) // DAY
        return self._instant(f"avg_over_time(device_up[{days}d])", plan.end)

    def _instant(self, query: str, at: int) -> Answer:
        found = self.asked("/api/v1/query", query=query, time=at / 1000, nocache=1)
        return {s["metric"]["asset"]: [float(s["value"][1])] for s in found["data"]["result"]}

    def day(self, plan: Plan) -> Answer:
        query = f'check_rtt_ms{{asset="{plan.device}"}}[24h]'
        found = self.asked("/api/v1/query", query=query, time=plan.end / 1000, nocache=1)
        [series] = found["data"]["result"]
        return {plan.device: [float(value) for _time, value in series["values"]]}

    def hourly(self, plan: Plan) -> Answer:
        found = self.asked(
            "/api/v1/query_range",
            query=f'avg_over_time(check_rtt_ms{{site="{COMMUNE}"}}[1h])',
            start=(plan.week + HOUR) / 1000,
            end=plan.end / 1000,
            step="1h",
            nocache=1,
        )
        return {
            s["metric"]["asset"]: [float(value) for _time, value in s["values"]]
            for s in found["data"]["result"]
        }


CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{inner}"
[meta]
dir = "{folder}/data/meta"
[data]
dir = "{folder}/data/data"
wal-dir = "{folder}/data/wal"
query-log-enabled = false
cache-snapshot-write-cold-duration = "3s"
compact-full-write-cold-duration = "3s"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[monitor]
store-enabled = false
[subscriber]
enabled = false
[continuous_queries]
enabled = false
"""


class Influx(Server):
    """InfluxDB 1.6 of Debian: it writes and syncs its log before it answers."""

    name = "influxdb 1.6.7"
    safe = "power cut"
    program = "influxd"

    def __init__(self, folder: Path) -> None:
        port, inner = free_port(), free_port()
        configuration = folder / "influxdb.conf"
        configuration.write_text(
            CONFIGURATION.format(folder=folder, port=port, inner=inner), encoding="utf-8"
        )
        super().__init__([self.program, "-config", str(configuration)], port, folder)
        self.wait("/ping")
        self.asked("/query", q="CREATE DATABASE bench")

    def write(self, prepared: object) -> None:
        self.call("POST", "/write?db=bench&precision=ms", prepared)  # type: ignore[arg-type]

    def settle(self) -> None:
        """Its cache goes to disk a while after the last write."""
        end = time.monotonic() + FLUSHED_WITHIN
        wal = self._folder / "data" / "wal"
        while time.monotonic() < end and folder_size(wal) > 100_000:
            time.sleep(0.5)

    def _query(self, text: str) -> list[dict[str, Any]]:
        found = self.asked("/query", db="bench", epoch="ms", q=text)
        [result] = found["results"]
        return list(result.get("series", []))

    def availability(self, plan: Plan, start: int) -> Answer:
        found = self._query(
            f"SELECT mean(up) FROM device WHERE time >= {start}ms AND time < {plan.end}ms "
            "GROUP BY asset"
        )
        return {series["tags"]["asset"]: [series["values"][0][1]] for series in found}

    def day(self, plan: Plan) -> Answer:
        [series] = self._query(
            f"SELECT rtt_ms FROM \"check\" WHERE asset = '{plan.device}' "
            f"AND time >= {plan.end - DAY}ms AND time < {plan.end}ms"
        )
        return {plan.device: [value for _time, value in series["values"]]}

    def hourly(self, plan: Plan) -> Answer:
        found: dict[str, list[float]] = defaultdict(list)
        for series in self._query(
            f"SELECT mean(rtt_ms) FROM \"check\" WHERE site = '{COMMUNE}' "
            f"AND time >= {plan.week}ms AND time < {plan.end}ms GROUP BY asset, time(1h)"
        ):
            found[series["tags"]["asset"]] += [value for _time, value in series["values"]]
        return found


def missing(engine: type[Victoria] | type[Influx]) -> bool:
    """Whether its program is not installed here."""
    return shutil.which(engine.program) is None
