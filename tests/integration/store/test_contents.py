"""Every store tells what is in it: fields, from when to when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from ioc.store._retention import Retention
from ioc.store.base import Content, Listed, Point, Store
from ioc.store.sqlite import SqliteStore
from tests.integration.store._stores import KINDS, makers

T0 = 1_770_000_000_000
DAY = 86_400_000


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with makers(request.param, request, tmp_path) as make:
        yield make()


def contents(store: Store) -> list[Content]:
    """Of a server that shows what was sent only after a moment, too."""
    listed = cast("Listed", store)
    end = time.monotonic() + 10
    while not (found := listed.contents()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def test_fields_and_their_first_and_last_times(store: Store) -> None:
    tags = [(("site", name),) for name in ("Xã Yên Thịnh", "b, c")]
    store.write([Point("check", tags[0], {"up": 1.0, "rtt_ms": 2.5}, T0)])
    store.write([Point("check", tags[1], {"up": 0.0}, T0 + 999)])
    store.write([Point("check", tags[1], {"up": 0.0}, T0 - 400 * DAY)])
    store.write([Point("coverage", tags[0], {"value": 80.0}, T0 + 5)])
    assert contents(store) == [
        Content("check", "rtt_ms", T0, T0),
        Content("check", "up", T0 - 400 * DAY, T0 + 999),
        Content("coverage", "value", T0 + 5, T0 + 5),
    ]


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert cast("Listed", store).contents() == []


def test_of_an_embedded_store_history_counts_as_well(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db", keep=Retention(2, 3, 5, 900))
    old = T0 - 100 * DAY
    store.write([Point("check", (), {"up": 1.0}, at) for at in range(old, old + DAY, 600_000)])
    store.write([Point("check", (), {"up": 1.0}, T0 - at * DAY) for at in range(8)])
    store.maintain(T0 + 1000)
    [found] = store.contents()
    assert found.last == T0
    assert old - DAY < found.first <= old
    store.close()
