"""/api/v1/series gives the same answer whichever store is behind it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ioc.api import series
from ioc.api.context import Context
from ioc.store.base import Point, Store
from ioc.store.memory import MemoryStore
from tests.integration.store._stores import KINDS, makers

T0 = 1_770_000_000_000 // 86_400_000 * 86_400_000
ODD = ["Xã Yên Thịnh", "a,b=c", 'quote"d', "back\\slash", "line\nbreak"]
BASE = "/series?measurement=check&start=2026-02-01T00:00:00Z&end=2026-03-01T00:00:00Z"
RTT = f"{BASE}&field=rtt_ms"
QUESTIONS = [
    RTT,
    f"{BASE}&field=up&step=6h&aggregate=availability",
    f"{RTT}&step=1h&aggregate=mean",
    f"{RTT}&step=1d&aggregate=count",
    f"{RTT}&step=7m&aggregate=max",
    f"{RTT}&asset=a,b%3Dc&asset=quote%22d&step=30m&aggregate=last",
    f"{RTT}&site=none",
    f"{RTT}&format=csv",
    f"{RTT}&format=csv&step=2h&aggregate=min",
]


def client(store: Store) -> TestClient:
    app = FastAPI()
    context = SimpleNamespace(clock=SimpleNamespace(now=lambda: T0 + 1), store=store)
    series.add(cast("Any", app), cast("Context", context))
    return TestClient(app)


def fill(store: Store) -> None:
    store.write(
        [
            Point(
                "check",
                (("asset", name), ("site", "x")),
                {"rtt_ms": (i % 97) / 8, "up": float(i % 7 > 0)},
                T0 + i * 61_000,
            )
            for name in ODD
            for i in range(400)
        ]
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "memory"])
def test_the_same_text_from_every_store(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    reference = MemoryStore()
    fill(reference)
    with makers(kind, request, tmp_path) as make:
        store = make()
        fill(store)
        mine, wanted = client(store), client(reference)
        for question in QUESTIONS:
            answer, other = mine.get(question), wanted.get(question)
            assert answer.status_code == other.status_code == 200
            assert answer.text == other.text, question
