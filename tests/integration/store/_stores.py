"""Every kind of store, empty, for tests that must pass on all of them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ioc.store import open_store, victoriametrics
from ioc.store._address import parse
from ioc.store._http import Http, NotFound
from ioc.store.base import Content, Series, SeriesQuery, Store
from ioc.store.influxdb import EXAMPLE, OPTIONS, InfluxStore
from ioc.store.victoriametrics import VictoriaStore
from tests.integration.store._servers import Cluster, Influx, Victoria

# Read before a fixture takes the IOC_ variables away.
INFLUXDB2 = {
    name: os.environ.get(f"IOC_TEST_INFLUXDB2_{name}", "") for name in ("URL", "TOKEN", "ORG")
}
CLUSTER = os.environ.get("IOC_TEST_VICTORIA_CLUSTER", "")  # folder with vminsert and the others
REMOTE = [
    "victoriametrics",
    *(["victoriametrics-cluster"] if CLUSTER else []),
    "influxdb1",
    *(["influxdb2"] if INFLUXDB2["URL"] else []),
]
KINDS = ["memory", "sqlite", *REMOTE]

Make = Callable[[], Store]


class FlushedStore(VictoriaStore):
    """What was sent can be read at once, not only after a second."""

    def __init__(self, server: Victoria | Cluster) -> None:
        super().__init__(parse(server.url, victoriametrics.EXAMPLE, victoriametrics.OPTIONS), None)
        self.server = server
        self._sent = False

    def send(self, lines: bytes) -> None:
        super().send(lines)
        self._sent = True

    def read(self, query: SeriesQuery) -> list[Series]:
        self._flush()
        return super().read(query)

    def contents(self) -> list[Content]:
        self._flush()
        return super().contents()

    def _flush(self) -> None:
        if self._sent:
            self.server.flush()
            self._sent = False


@contextmanager
def makers(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Make]:
    """A function that opens one empty store of the kind after the other; closed at the end."""
    stores: list[Store] = []
    opening = {
        "memory": lambda: open_store("memory://"),
        "sqlite": lambda: open_store(f"sqlite:///{folder}/{len(stores)}.db"),
        "victoriametrics": lambda: _victoria(request),
        "victoriametrics-cluster": lambda: FlushedStore(request.getfixturevalue("cluster")),
        "influxdb1": lambda: _influx(request),
        "influxdb2": lambda: _influx2(request),
    }[kind]

    def make() -> Store:
        stores.append(opening())
        return stores[-1]

    yield make
    for store in stores:  # closing twice is no harm
        store.close()


def _victoria(request: pytest.FixtureRequest) -> Store:
    server: Victoria = request.getfixturevalue("victoria")
    server.wipe()
    return FlushedStore(server)


def _influx(request: pytest.FixtureRequest) -> Store:
    server: Influx = request.getfixturevalue("influx")
    database = uuid.uuid4().hex
    request.addfinalizer(lambda: server.drop(database))
    return open_store(server.url(database))


def _influx2(request: pytest.FixtureRequest) -> Store:
    where = urlsplit(INFLUXDB2["URL"])
    bucket = f"ioc-test-{uuid.uuid4().hex}"
    tls = int(where.scheme == "https")
    url = f"influxdb://{where.netloc}/{bucket}?org={INFLUXDB2['ORG']}&tls={tls}"
    store = InfluxStore(parse(url, EXAMPLE, OPTIONS), INFLUXDB2["TOKEN"])
    request.addfinalizer(lambda: _remove(store._http, bucket))
    return store


def _remove(http: Http, bucket: str) -> None:
    query = {"org": INFLUXDB2["ORG"], "name": bucket}
    with suppress(NotFound):  # nothing was written
        for one in http.ask("GET", "/api/v2/buckets", query).json()["buckets"]:
            http.ask("DELETE", f"/api/v2/buckets/{one['id']}")
