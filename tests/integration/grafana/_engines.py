"""The two engines that the dashboards ask, as real servers on loopback: InfluxDB and
VictoriaMetrics as Debian ships them. Each writes line protocol and answers as Grafana's data
source of that kind would hear it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from ioc.store.base import Point

DATABASE = "ioc"
BATCH = 20_000
SOON = 60.0  # seconds a server may take to start

INFLUX_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
max-series-per-database = 0
max-values-per-tag = 0
[coordinator]
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[logging]
level = "error"
"""


class Engine(Protocol):
    """url: where it answers."""

    url: str

    def write(self, points: Iterable[Point]) -> int: ...


class Influx:
    """InfluxDB, asked in InfluxQL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.query(f'CREATE DATABASE "{DATABASE}"', post=True)

    def write(self, points: Iterable[Point]) -> int:
        """Number of points."""
        return _write(f"{self.url}/write?db={DATABASE}&precision=ms", points)

    def query(self, text: str, *, post: bool = False) -> list[dict[str, Any]]:
        """The series of an answer. Raises AssertionError with the server's words."""
        words = urllib.parse.urlencode({"db": DATABASE, "q": text, "epoch": "ms"})
        address = f"{self.url}/query"
        answer = _ask(address, words) if post else _ask(f"{address}?{words}")
        (result,) = answer["results"]
        assert "error" not in result, f"{result.get('error')}: {text}"
        return list(result.get("series", []))


class Victoria:
    """VictoriaMetrics, asked in PromQL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def write(self, points: Iterable[Point]) -> int:
        """Number of points; they can be asked for when this returns."""
        count = _write(f"{self.url}/write?precision=ms", points)
        _ask(f"{self.url}/internal/force_flush", raw=True)
        return count

    def instant(self, text: str, at: float) -> list[dict[str, Any]]:
        """at: seconds."""
        return self._get("query", query=text, time=f"{at:.3f}")

    def course(self, text: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Seconds."""
        return self._get(
            "query_range", query=text, start=f"{start:.3f}", end=f"{end:.3f}", step=f"{step:g}"
        )

    def labels(self, label: str, match: str, start: float, end: float) -> list[str]:
        words = urllib.parse.urlencode({"match[]": match, "start": start, "end": end})
        return list(_ask(f"{self.url}/api/v1/label/{label}/values?{words}")["data"])

    def _get(self, what: str, **words: str) -> list[dict[str, Any]]:
        answer = _ask(f"{self.url}/api/v1/{what}", urllib.parse.urlencode(words))
        assert answer.get("status") == "success", answer
        return list(answer["data"]["result"])


def missing() -> str | None:
    """Which server is not installed."""
    absent = [name for name in ("influxd", "victoria-metrics") if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


@contextmanager
def influx(folder: Path) -> Iterator[Influx]:
    """A server with an empty database, ended afterwards."""
    port = _free_port()
    config = folder / "influxdb.conf"
    config.write_text(INFLUX_CONFIG.format(folder=folder, port=port), encoding="utf-8")
    with _running(["influxd", "-config", str(config)], port, "/ping", folder):
        yield Influx(f"http://127.0.0.1:{port}")


@contextmanager
def victoria(folder: Path) -> Iterator[Victoria]:
    """A server without data, ended afterwards."""
    port = _free_port()
    words = [
        "victoria-metrics", f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=24", "-loggerLevel=ERROR", "-influx.maxLineSize=1048576",
    ]  # fmt: skip
    with _running(words, port, "/health", folder):
        yield Victoria(f"http://127.0.0.1:{port}")


@contextmanager
def _running(words: Sequence[str], port: int, path: str, folder: Path) -> Iterator[None]:
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}{path}", process, folder / "server.log")
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SOON
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < end, f"{url} does not answer"
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write(url: str, points: Iterable[Point]) -> int:
    count = 0
    rest = iter(points)
    while batch := list(islice(rest, BATCH)):
        body = "\n".join(map(line, batch)).encode()
        request = urllib.request.Request(url, data=body, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 204, answer.read()
        count += len(batch)
    return count


def line(point: Point) -> str:
    """A point in line protocol, milliseconds."""
    tags = "".join(f",{key}={_escaped(value)}" for key, value in point.tags)
    fields = ",".join(f"{name}={value!r}" for name, value in point.fields.items())
    return f"{point.measurement}{tags} {fields} {point.time}"


def _escaped(value: str) -> str:
    return value.replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")


def _ask(url: str, body: str | None = None, *, raw: bool = False) -> Any:
    request = urllib.request.Request(url, data=body.encode() if body else None)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error.code} {error.read().decode()}: {body or url}") from error
    return text if raw else json.loads(text)
