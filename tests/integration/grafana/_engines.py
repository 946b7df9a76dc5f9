"""The two engines that the dashboards ask: written through the stores of the program, asked over
HTTP as Grafana's data sources ask."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, cast

from ioc.store import influxdb, open_store
from ioc.store._address import parse
from ioc.store.base import Point, Store
from ioc.store.influxdb import InfluxStore
from tests.integration.store import _servers
from tests.integration.store._stores import INFLUXDB2, _remove

DATABASE = "ioc"
BATCH = 20_000


class Influx:
    """InfluxDB, asked in InfluxQL. store: URL for IOC_STORE; url: where it answers queries.

    token: of InfluxDB 2.
    """

    def __init__(self, store: str, url: str, database: str = DATABASE, token: str = "") -> None:
        self.url = url
        self.store = store
        self._database = database
        self._token = token
        self._headers = {"Authorization": f"Token {token}"} if token else {}

    def write(self, points: Iterable[Point]) -> int:
        """Number of points."""
        return _write(self.store, points, self._token)

    def query(self, text: str) -> list[dict[str, Any]]:
        """The series of an answer. Raises AssertionError with the server's words."""
        words = urllib.parse.urlencode({"db": self._database, "q": text, "epoch": "ms"})
        answer = _ask(f"{self.url}/query?{words}", headers=self._headers)
        (result,) = answer["results"]
        assert "error" not in result, f"{result.get('error')}: {text}"
        return list(result.get("series", []))


class Victoria:
    """VictoriaMetrics, asked in PromQL. store: URL for IOC_STORE; url: where it answers."""

    def __init__(self, store: str, url: str) -> None:
        self.url = url
        self.store = store

    def write(self, points: Iterable[Point]) -> int:
        """Number of points; they can be asked for when this returns."""
        count = _write(self.store, points)
        _ask(f"{self.url}/internal/force_flush", raw=True)
        return count

    def instant(self, text: str, at: float) -> list[dict[str, Any]]:
        """at: seconds."""
        return self._get("query", query=text, time=f"{at:.3f}")

    def course(self, text: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Seconds."""
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return self._get("query_range", query=text, **times)

    def labels(self, label: str, match: str, start: float, end: float) -> list[str]:
        """Values of a label of the series that match within a time, seconds."""
        words = urllib.parse.urlencode({"match[]": match, "start": start, "end": end})
        return list(_ask(f"{self.url}/api/v1/label/{label}/values?{words}")["data"])

    def _get(self, what: str, **words: str) -> list[dict[str, Any]]:
        answer = _ask(f"{self.url}/api/v1/{what}", urllib.parse.urlencode(words))
        assert answer.get("status") == "success", answer
        return list(answer["data"]["result"])


@contextmanager
def influx(folder: Path) -> Iterator[Influx]:
    """A server of its own with an empty database, ended afterwards."""
    with _servers.running(_servers.Influx(folder)) as server:
        yield Influx(server.url(DATABASE), f"http://127.0.0.1:{server.port}")


@contextmanager
def victoria(folder: Path) -> Iterator[Victoria]:
    """A server of its own without data, ended afterwards."""
    with _servers.running(_servers.Victoria(folder)) as server:
        yield Victoria(server.url, f"http://127.0.0.1:{server.port}")


@contextmanager
def influx2() -> Iterator[Influx]:
    """A bucket of its own in the InfluxDB 2 at IOC_TEST_INFLUXDB2_URL, removed afterwards."""
    where, token = urllib.parse.urlsplit(INFLUXDB2["URL"]), INFLUXDB2["TOKEN"]
    bucket = f"ioc-dashboards-{uuid.uuid4().hex}"
    tls = int(where.scheme == "https")
    store = f"influxdb://{where.netloc}/{bucket}?org={INFLUXDB2['ORG']}&tls={tls}"
    try:
        yield Influx(store, INFLUXDB2["URL"], bucket, token)
    finally:
        opened = InfluxStore(parse(store, influxdb.EXAMPLE, influxdb.OPTIONS), token)
        _remove(opened._http, bucket)
        opened.close()


def _write(url: str, points: Iterable[Point], token: str = "") -> int:
    """token: of InfluxDB 2; the other servers of the tests want none."""
    count = 0
    if token:
        address = parse(url, influxdb.EXAMPLE, influxdb.OPTIONS)
        store: Store = cast("Store", InfluxStore(address, token))
    else:
        store = open_store(url)
    try:
        rest = iter(points)
        while batch := list(islice(rest, BATCH)):
            store.write(batch)
            count += len(batch)
    finally:
        store.close()
    return count


def _ask(
    url: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
    *,
    raw: bool = False,
) -> Any:
    request = urllib.request.Request(
        url, data=body.encode() if body else None, headers=headers or {}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error.code} {error.read().decode()}: {body or url}") from error
    return text if raw else json.loads(text)
