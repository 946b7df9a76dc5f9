"""/api/v1/series: the text is made piece by piece, and is what it would be if made at once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime

import pytest
from desk import Program
from fastapi.testclient import TestClient

from ioc.api import series as api
from ioc.api.series import SeriesPage
from ioc.store.base import Point, Series

PATH = "/api/v1/series?measurement=check&field=rtt_ms"
ODD = ["Xã Yên Thịnh", 'quote"d', "back\\slash", "line\nbreak", "\u2028", "\x01", "", "=1+1"]


def made(*lengths: int) -> list[Series]:
    return [
        Series("check", "rtt_ms", (("asset", ODD[i % len(ODD)]), ("n", str(i))),
               range(1_770_000_000_000, 1_770_000_000_000 + 7 * length, 7),
               [0.1 * j for j in range(length)])
        for i, length in enumerate(lengths)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lengths",
    [(), (0,), (1,), (3, 0, 2), (api.ROWS,), (api.ROWS + 1, 1, 2 * api.ROWS), (1,) * 500],
    ids=lambda lengths: f"{len(lengths)}x{max(lengths, default=0)}",
)
def test_the_pieces_are_one_answer(lengths: Sequence[int]) -> None:
    found = made(*lengths)
    pieces = list(api._gathered(api._json(found)))
    page = SeriesPage.model_validate_json("".join(pieces), strict=True)
    assert len(page.items) == len(found)
    for item, series in zip(page.items, found, strict=True):
        assert item.tags == dict(series.tags)
        assert item.values == list(series.values)
        times = [round(datetime.fromisoformat(at).timestamp() * 1000) for at in item.times]
        assert times == list(series.times)
    text = json.dumps(json.loads("".join(pieces)), ensure_ascii=False, separators=(",", ":"))
    assert "".join(pieces) == text, "as short as it can be"


def test_no_piece_is_large_whatever_is_asked_for() -> None:
    sizes = [len(piece) for piece in api._gathered(api._json(made(100_000, 1, 50_000)))]
    assert len(sizes) > 50
    assert max(sizes) < 3 * api.PIECE
    assert min(sizes[:-1]) >= api.PIECE, "nor is there a way to a thread for each sample"


def test_the_answer_is_sent_in_pieces_and_is_right(running: Program, client: TestClient) -> None:
    start = running.clock.now() - 3_600_000
    tags = [(("asset", name), ("site", "yen-thinh")) for name in ("a", "b", "Xã, Yên")]
    running.context.store.write(
        [
            Point("check", some, {"rtt_ms": i / 3}, start + i * 10)
            for some in tags
            for i in range(3000)
        ]
    )
    with client.stream("GET", f"{PATH}&last=2h") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert "content-length" not in answer.headers
        page = SeriesPage.model_validate_json(answer.read())
    assert [item.tags["asset"] for item in page.items] == ["Xã, Yên", "a", "b"]
    assert all(item.values == [i / 3 for i in range(3000)] for item in page.items)
    two = client.get(f"{PATH}&last=2h&asset=a&asset=b&step=1m&aggregate=max").json()["items"]
    assert [item["tags"]["asset"] for item in two] == ["a", "b"]
    assert two[0]["values"] == sorted(two[0]["values"])
    rows = list(csv.DictReader(io.StringIO(client.get(f"{PATH}&last=2h&format=csv").text)))
    mine = [(row["asset"], row["time"], float(row["value"])) for row in rows]
    assert mine == [
        (item.tags["asset"], at, value)
        for item in page.items
        for at, value in zip(item.times, item.values, strict=True)
    ]


def test_nothing_found_is_an_empty_list(client: TestClient) -> None:
    assert client.get("/api/v1/series?measurement=none&field=up").json() == {"items": []}


def test_too_much_is_an_error_and_not_half_an_answer(running: Program, client: TestClient) -> None:
    start = running.clock.now() - 200_000
    running.context.store.write(
        [Point("check", (), {"rtt_ms": 1.0}, start + i) for i in range(api.SAMPLES + 1)]
    )
    for form in ("json", "csv"):
        answer = client.get(f"{PATH}&last=1h&format={form}")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert "larger step" in answer.json()["detail"]
    assert client.get(f"{PATH}&last=1h&step=1m").status_code == 200


def test_what_is_no_json_number_is_never_sent() -> None:
    broken = [Series("check", "up", (), [1], [float("nan")])]
    with pytest.raises(ValueError, match="not JSON compliant"):
        list(api._json(broken))
