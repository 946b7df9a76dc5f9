from __future__ import annotations

import csv
import io
import re

import pytest
from desk import NASTY, SIGNED_IN, Program
from fastapi.testclient import TestClient

from collectors.base import Reason

LISTS = ("sites", "devices", "links", "services", "sentinels", "checks")


def test_before_any_result_nothing_is_claimed(client: TestClient) -> None:
    overview = client.get("/api/v1/overview").json()
    assert overview["sites"]["unknown"] == 3
    assert {c["value"] for c in overview["coverage"]} == {None}
    assert {c["state"] for c in overview["coverage"]} == {"unknown"}


def test_overview_counts_what_is(running: Program, client: TestClient) -> None:
    running.all_up()
    running.feed(down=["yen-thinh.fiber"])
    overview = client.get("/api/v1/overview").json()
    assert (overview["sites"]["up"], overview["sites"]["degraded"]) == (2, 1)
    assert overview["links"]["fiber"]["down"] == 1
    assert overview["computers"]["up"] == 9
    assert overview["uplink_lost"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", overview["at"])


def test_one_place_says_why(running: Program, client: TestClient) -> None:
    running.all_up()
    running.feed(down=["yen-thinh.fiber"])
    site = client.get("/api/v1/sites/yen-thinh").json()
    assert (site["state"], site["on_backup"], site["cause"]) == (
        "degraded",
        True,
        "yen-thinh.fiber",
    )
    assert site["reason"]["text"] == "đang dùng đường dự phòng"
    english = client.get("/api/v1/sites/yen-thinh?lang=en").json()
    assert english["reason"]["text"] == "running on the backup link"
    link = client.get("/api/v1/links/yen-thinh.fiber").json()
    assert (link["state"], link["values"]) == ("down", {})


@pytest.mark.parametrize("name", LISTS)
def test_pages_of_a_list_hold_each_thing_once(client: TestClient, name: str) -> None:
    whole = [item["id"] for item in client.get(f"/api/v1/{name}").json()["items"]]
    paged: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/api/v1/{name}?limit=2{cursor}").json()
        paged += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert paged == whole == sorted(set(whole))


def test_lists_can_be_narrowed(running: Program, client: TestClient) -> None:
    running.all_up()
    running.feed(down=["yen-thinh.pc-1"])

    def ids(path: str) -> list[str]:
        return [item["id"] for item in client.get(f"/api/v1/{path}").json()["items"]]

    assert ids("devices?state=down") == ["yen-thinh.pc-1"]
    assert len(ids("devices?site=ban-thi")) == 4
    assert ids("devices?site=ban-thi&kind=router") == ["ban-thi.router"]
    assert ids("services?q=DỊCH VỤ") == ["dvc"]
    assert ids("checks?asset=dvc") == ["dvc.fake"]
    assert ids("sites?state=up") == ["ban-thi", "nasty", "yen-thinh"]


def test_history_is_newest_first(running: Program, client: TestClient) -> None:
    running.all_up()
    running.feed(down=["yen-thinh.pc-1"])
    running.feed(up=["yen-thinh.pc-1"])
    items = client.get("/api/v1/transitions?id=yen-thinh.pc-1").json()["items"]
    assert [(i["before"], i["after"]) for i in items] == [
        ("down", "up"), ("up", "down"), ("unknown", "up"),
    ]  # fmt: skip


def test_series_as_json_and_csv(running: Program, client: TestClient) -> None:
    running.all_up()
    running.all_up()
    path = "/api/v1/series?measurement=check&field=rtt_ms&asset=yen-thinh.fiber"
    [series] = client.get(path).json()["items"]
    assert series["values"] == [1.0, 1.0]
    assert series["times"] == ["2026-02-02T02:40:01.000Z", "2026-02-02T02:40:02.000Z"]
    rows = list(csv.DictReader(io.StringIO(client.get(path + "&format=csv").text)))
    assert [row["asset"] for row in rows] == ["yen-thinh.fiber"] * 2
    stepped = client.get(path + "&step=1d&aggregate=count").json()["items"]
    assert stepped[0]["values"] == [2.0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/sites/none", 404),
        ("/api/v1/devices/yen-thinh.fiber", 404),
        ("/api/v1/nothing", 404),
        ("/nothing", 404),
        ("/sites/none", 404),
        ("/sites/%00", 404),
        ("/api/v1/sites?limit=0", 422),
        ("/api/v1/sites?limit=many", 422),
        ("/api/v1/sites?stat=up", 422),
        ("/api/v1/sites?state=sideways", 422),
        ("/api/v1/series?measurement=check", 422),
        ("/api/v1/transitions?since=yesterday", 422),
        ("/?lang=fr", 422),
    ],
)
def test_errors_are_problems(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_a_wrong_method_is_a_problem(client: TestClient) -> None:
    answer = client.post("/api/v1/overview")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_misspelt_filter_is_named(client: TestClient) -> None:
    detail = client.get("/api/v1/sites?stat=up").json()["detail"]
    assert "unknown parameter stat" in detail
    assert "state" in detail


def test_a_broken_store_is_unavailable_not_an_error_page(
    running: Program, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ioc.store.base import StoreUnavailable

    def refuse(query: object) -> None:
        raise StoreUnavailable("disk I/O error in /srv/secret")

    monkeypatch.setattr(running.context.store, "read", refuse)
    answer = client.get("/api/v1/series?measurement=check&field=up")
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert client.get("/sites/yen-thinh").status_code == 200


def test_health_ready_and_metrics(running: Program, client: TestClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    running.all_up()
    assert client.get("/readyz").json() == {"ready": True, "wrong": {}}
    metrics = client.get("/metrics").text
    assert "ioc_polls 1\n" in metrics
    assert 'ioc_site_up{site="yen-thinh"} 1' in metrics
    assert 'ioc_site_state{site="yen-thinh",state="up"} 1' in metrics
    running.context.problems.report("store", Reason("disk full"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["wrong"] == {"store": "disk full"}


def test_a_poller_that_stands_still_is_not_ready(running: Program, client: TestClient) -> None:
    running.all_up()
    running.clock.seconds += 300
    assert "poller" in client.get("/readyz").json()["wrong"]


@pytest.mark.parametrize("path", ["/", "/sites/yen-thinh", "/api/v1/overview", "/nothing"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_description_asks_nothing_from_outside(client: TestClient) -> None:
    page = client.get("/api/docs").text
    assert "http" not in page.replace("/api/openapi.json", "")
    assert "/api/v1/overview" in client.get("/api/openapi.json").json()["paths"]


def test_names_are_inert_on_every_page(running: Program, client: TestClient) -> None:
    running.all_up()
    for path in ("/", "/sites/nasty", "/?lang=en"):
        text = client.get(path).text
        assert NASTY not in text
        assert "&lt;script&gt;" in text


def test_the_wall_speaks_vietnamese_first_and_english_when_asked(
    running: Program, client: TestClient
) -> None:
    running.all_up()
    running.feed(down=[n for n in running.pipeline.topology.assets if n.startswith("ban-thi.")])
    assert "nghi mất điện" in client.get("/").text
    assert "power cut suspected" in client.get("/?lang=en").text


def test_unknown_is_never_shown_as_none_or_all(client: TestClient) -> None:
    text = client.get("/").text
    assert "100 %" not in text.replace("≥ 100 %", "")
    assert "chưa đủ căn cứ" in text


def test_simulation_is_marked_on_every_page(running: Program) -> None:
    from dataclasses import replace

    from ioc.web import create_app

    app = create_app(replace(running.context, simulated=True))
    with TestClient(app, headers=SIGNED_IN) as client:
        for path in ("/", "/sites/yen-thinh"):
            assert "MÔ PHỎNG" in client.get(path).text


def test_a_page_is_small(running: Program, client: TestClient) -> None:
    running.all_up()
    total = len(client.get("/").content)
    for name in ("ioc.css", "wall.js", "time.js", "icon.svg"):
        total += len(client.get(f"/static/{name}").content)
    assert total < 100_000


def test_a_page_of_another_site_gets_nothing_live(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/api/v1/ws", headers={"origin": "http://evil.example"}),
    ):
        pass
