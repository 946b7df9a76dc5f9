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
INFLUXDB3 = {name: os.environ.get(f"IOC_TEST_INFLUXDB3_{name}", "") for name in ("URL", "TOKEN")}
CLUSTER = os.environ.get("IOC_TEST_VICTORIA_CLUSTER", "")  # folder with vminsert and the others
REMOTE = [
    "victoriametrics",
    *(["victoriametrics-cluster"] if CLUSTER else []),
    "influxdb1",
    *(["influxdb2"] if INFLUXDB2["URL"] else []),
    *(["influxdb3"] if INFLUXDB3["URL"] else []),
]
DATABASES = pytest.StashKey[list[str]]()
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
        "influxdb3": lambda: _influx3(request),
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
    store, bucket = _given(INFLUXDB2)
    request.addfinalizer(lambda: _remove(store._http, bucket))
    return store


def _influx3(request: pytest.FixtureRequest) -> Store:
    """InfluxDB 3 Core has at most five databases: those of earlier examples go."""
    store, database = _given(INFLUXDB3)
    of_this_test = request.node.stash.setdefault(DATABASES, [])
    while len(of_this_test) > 2:
        _drop(store._http, of_this_test.pop(0))
    of_this_test.append(database)
    request.addfinalizer(lambda: _drop(store._http, database))
    return store


def _given(server: dict[str, str]) -> tuple[InfluxStore, str]:
    """A store in a new bucket of a server somebody started, and the bucket's name."""
    where = urlsplit(server["URL"])
    bucket = f"ioc-test-{uuid.uuid4().hex}"
    tls = int(where.scheme == "https")
    url = f"influxdb://{where.netloc}/{bucket}?org={server.get('ORG', 'none')}&tls={tls}"
    return InfluxStore(parse(url, EXAMPLE, OPTIONS), server["TOKEN"] or None), bucket


def _drop(http: Http, database: str) -> None:
    with suppress(NotFound):
        http.ask("DELETE", "/api/v3/configure/database", {"db": database, "hard_delete_at": "now"})


def _remove(http: Http, bucket: str) -> None:
    query = {"org": INFLUXDB2["ORG"], "name": bucket}
    with suppress(NotFound):  # nothing was written
        for one in http.ask("GET", "/api/v2/buckets", query).json()["buckets"]:
            http.ask("DELETE", f"/api/v2/buckets/{one['id']}")
