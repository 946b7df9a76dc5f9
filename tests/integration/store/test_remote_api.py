"""The API's series: the same answer, byte for byte, whatever store is behind it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "engine"))  # the small district

from desk import SIGNED_IN, program

from ioc.store import open_store
from ioc.store.base import Aggregate, Point, Store
from ioc.web import create_app
from tests.integration.store._servers import free_port
from tests.integration.store._stores import KINDS, makers

T0 = 1_770_000_000_000
MINUTE = 60_000
SITES = ("Xã Yên Thịnh", 'a "b", c=d', "back\\slash", "line\nbreak", "=1+1")
PATH = "/api/v1/series?measurement=check"
WHEN = "&start=2026-02-02T02:30:00Z&end=2026-02-02T05:15:00Z"


@contextmanager
def api(folder: Path, store: Store) -> Iterator[TestClient]:
    """The API of a program that keeps its series in this store."""
    folder.mkdir()
    with program(folder) as running:
        app = create_app(replace(running.context, store=store))
        yield TestClient(
            app,
            base_url="http://127.0.0.1",
            raise_server_exceptions=False,
            headers=SIGNED_IN,
            client=("127.0.0.1", 50000),
        )


@pytest.fixture(scope="module")
def clients(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, TestClient]]:
    """One API for each kind of store, the same points in all."""
    folder = tmp_path_factory.mktemp("api")
    points = [
        Point(
            "check",
            (("asset", f"{n}.router"), ("site", site)),
            {"rtt_ms": 1.5 + (i * 37 + n) % 50, "up": float(i % 5 > 0)},
            T0 + i * MINUTE,
        )
        for n, site in enumerate(SITES)
        for i in range(200)
    ]
    with ExitStack() as stack:
        found = {}
        for kind in KINDS:
            store = stack.enter_context(makers(kind, request, folder))()
            store.write(points)
            found[kind] = stack.enter_context(api(folder / kind, store))
        yield found


def same(clients: dict[str, TestClient], path: str) -> str:
    texts = {}
    for kind, client in clients.items():
        answer = client.get(path)
        assert answer.status_code == 200, (kind, answer.text)
        texts[kind] = answer.text
    wanted = texts["memory"]
    assert {kind: text for kind, text in texts.items() if text != wanted} == {}
    return wanted


@pytest.mark.parametrize("format", ["json", "csv"])
def test_samples_are_the_same_byte_for_byte(clients: dict[str, TestClient], format: str) -> None:
    text = same(clients, f"{PATH}&field=rtt_ms{WHEN}&format={format}")
    assert len(text) > 10_000
    if format == "json":
        items = json.loads(text)["items"]
        assert [item["tags"]["site"] for item in items] == list(SITES)
        assert sum(len(item["values"]) for item in items) == 5 * 155


@pytest.mark.parametrize("aggregate", list(Aggregate))
@pytest.mark.parametrize("step", ["1m", "7m", "1h", "1d"])
def test_steps_are_the_same_byte_for_byte(
    clients: dict[str, TestClient], aggregate: str, step: str
) -> None:
    for format in ("json", "csv"):
        asked = f"{PATH}&field=up{WHEN}&step={step}&aggregate={aggregate}&format={format}"
        assert len(same(clients, asked)) > 200


def test_places_and_assets_select_the_same(clients: dict[str, TestClient]) -> None:
    asked = f"{PATH}&field=up{WHEN}&site=Xã Yên Thịnh&site=line%0Abreak&asset=0.router"
    assert len(json.loads(same(clients, asked))["items"]) == 1
    assert json.loads(same(clients, f"{asked}x"))["items"] == []


def test_a_question_that_cannot_be_answered_is_the_same_problem(
    clients: dict[str, TestClient],
) -> None:
    for asked in ("&field=rtt_ms&step=1h&aggregate=up_seconds", "&field=up&aggregate=up_seconds"):
        texts = {client.get(PATH + asked + WHEN).text for client in clients.values()}
        assert len(texts) == 1
        assert json.loads(texts.pop())["status"] == 422


@pytest.mark.parametrize("url", ["influxdb://127.0.0.1:{}/ioc", "victoriametrics://127.0.0.1:{}"])
def test_a_server_that_is_away_is_503_and_said_on_the_health_page(tmp_path: Path, url: str) -> None:
    store = open_store(url.format(free_port()))
    with api(tmp_path / "api", store) as client:
        answer = client.get(f"{PATH}&field=up")
        assert (answer.status_code, answer.json()["status"]) == (503, 503)
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
    store.close()
