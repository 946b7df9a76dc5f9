"""Availability over the API and on its page: the same figures, the rules beside them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest
from desk import Program
from fastapi.testclient import TestClient

from ioc.ledger.availability import Seconds, Tally

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture
def today(running: Program) -> date:
    """Two days of figures: yesterday and the day before, the fiber of one commune."""
    at, zone = running.clock.now(), running.pipeline.topology.timezone
    local = datetime.fromtimestamp(at / 1000, zone).date()
    good = Tally(Seconds(up=DAY), Seconds(up=8 * HOUR), 0)
    bad = Tally(Seconds(up=18 * HOUR, down=6 * HOUR), Seconds(up=6 * HOUR, down=2 * HOUR), 2)
    half = Tally(Seconds(up=6 * HOUR, down=6 * HOUR, unknown=12 * HOUR), Seconds(), 1)
    table = running.context.keeper.agreements
    table.put(local - timedelta(days=2), {"yen-thinh.fiber": good}, at, over=True)
    table.put(
        local - timedelta(days=1), {"yen-thinh.fiber": bad, "ban-thi.fiber": half}, at, over=True
    )
    return local


def ask(client: TestClient, today: date, **more: str) -> dict[str, dict[str, object]]:
    span = {"since": str(today - timedelta(days=2)), "until": str(today - timedelta(days=1))}
    page = client.get("/api/v1/availability", params=span | more).json()
    return {item["id"]: item for item in page["items"]}


def test_the_sum_of_days_is_what_the_days_say(client: TestClient, today: date) -> None:
    fiber = ask(client, today, type="link")["yen-thinh.fiber"]
    assert fiber["all"]["value"] == 100 * 42 / 48  # type: ignore[index]
    assert fiber["work"]["value"] == 100 * 14 / 16  # type: ignore[index]
    assert (fiber["outages"], fiber["all"]["down"]) == (2, 6 * 3600)  # type: ignore[index]
    since = str(today - timedelta(days=9))
    days = client.get(f"/api/v1/availability/yen-thinh.fiber?since={since}").json()["items"]
    assert [day["all"]["down"] for day in days] == [0, 6 * 3600]


def test_a_day_without_a_row_is_unknown_never_up(client: TestClient, today: date) -> None:
    fiber = ask(client, today, type="link")["ban-thi.fiber"]
    assert fiber["all"]["value"] == 50.0  # type: ignore[index]
    assert fiber["all"]["unknown"] == 36 * 3600  # type: ignore[index]
    assert fiber["all"]["evidence"] == 25.0  # type: ignore[index]
    nothing = ask(client, today, type="link")["nasty.fiber"]
    assert (nothing["all"]["value"], nothing["all"]["evidence"]) == (None, 0.0)  # type: ignore[index]


def test_the_page_shows_the_same_worst_first_with_the_rules(
    client: TestClient, today: date
) -> None:
    found = client.get("/api/v1/availability").json()
    page = client.get("/availability").text
    shown = re.findall(r'<tr data-id="([^"]+)" data-value="([^"]*)"', page)
    wanted = {
        item["id"]: "" if item["all"]["value"] is None else str(item["all"]["value"])
        for item in found["items"]
    }
    assert dict(shown) == wanted
    assert all(rule in page for rule in found["rules"])
    links = [name for name, _ in shown if name.endswith((".fiber", ".4g"))]
    if found["since"] < str(today - timedelta(days=1)):
        assert links[:2] == ["ban-thi.fiber", "yen-thinh.fiber"]
    assert "87,5 %" in client.get("/sites/yen-thinh").text, "the last thirty days"


@pytest.mark.parametrize(
    "query",
    ["since=2026-13-01", "since=2026-03-02&until=2026-03-01", "since=1999-01-01&until=2026-01-01",
     "place=nowhere", "type=computer", "since=9999-12-31&until=9999-12-31", "until=9999-12-31",
     "since=0001-01-01", "until=0001-01-01", "until=2101-01-01&since=2100-12-01"],
)  # fmt: skip
def test_what_cannot_be_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/v1/availability?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/api/v1/availability/nothing").status_code == 404
    if "9999" in query or "0001" in query:
        days = client.get(f"/api/v1/availability/yen-thinh.fiber?{query}")
        assert days.status_code == 422, "day by day neither"


@pytest.mark.parametrize(
    ("month", "code"),
    [("2026-13", 422), ("9999-12", 422), ("0000-01", 422), ("1989-12", 422), ("2101-01", 422),
     ("1990-01", 200), ("2100-12", 200), ("2026-02", 200)],
)  # fmt: skip
def test_a_month_that_nobody_can_mean_is_refused(client: TestClient, month: str, code: int) -> None:
    assert client.get(f"/availability?month={month}").status_code == code


def test_a_place_that_is_not_there_is_left_out_on_the_page(client: TestClient) -> None:
    page = client.get("/availability?place=nowhere")
    assert page.status_code == 200
    assert page.text == client.get("/availability").text
