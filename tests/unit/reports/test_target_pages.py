"""What the page of a target says: no zero for what nobody knows, figures and days as people read
them, a forecast only where it is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk import SIGNED_IN, Program, program
from fastapi.testclient import TestClient
from parts import district, reading

from ioc.api.target_models import ForecastOut
from ioc.ledger.model import TargetState
from ioc.web.targets import forecast_text

EVENING = 62_400  # seconds to 20:00 UTC, the third of February in Vietnam


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Program]:
    with program(tmp_path, district()) as made:
        yield made


@pytest.fixture
def client(running: Program) -> Iterator[TestClient]:
    with TestClient(
        running.app, base_url="http://127.0.0.1", raise_server_exceptions=False,
        headers=SIGNED_IN, client=("127.0.0.1", 50000),
    ) as made:  # fmt: skip
        yield made


def text_of(client: TestClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_where_nothing_is_known_the_page_shows_no_zero(client: TestClient) -> None:
    page = client.get("/targets").text
    counts = dict(
        re.findall(r'data-target="([^"]+)".*?<span class="count">([^<]+)<', page, re.DOTALL)
    )
    assert counts["fiber-communes"] == "–/2", "nothing was measured yet"
    assert "– · –/2" in text_of(client, "/targets/fiber-communes")


def test_a_known_nothing_is_a_zero(running: Program, client: TestClient) -> None:
    running.context.keeper.declare(
        [reading("c", "2026-01-31", 0, 20), reading("moi", "2026-01-31", 0, 0)], "an"
    )
    page = text_of(client, "/targets/files")
    assert "0 % · 0/20" in page
    assert re.search(r"Xã mới 0 0 –", page)


def test_restated_figures_and_the_chart_are_as_people_read_them(
    running: Program, client: TestClient
) -> None:
    keeper = running.context.keeper
    keeper.declare([reading("c", "2025-12-31", 1, 3), reading("c", "2026-01-31", 1, 3)], "an")
    keeper.declare([reading("c", "2026-01-31", 2, 3)], "an")
    page = text_of(client, "/targets/files?place=c")
    assert "31/01/2026: 33,3 % → 66,7 %" in page
    assert "31/12/2025: 33,3 %" in page, "of the point in the chart"
    english = text_of(client, "/targets/files?place=c&lang=en")
    assert "31/01/2026: 33.3 % → 66.7 %" in english
    assert not re.search(r"\d[.,]\d{4,}", page + english)


def test_goals_are_said_as_they_were_set_and_days_are_those_of_the_area(
    running: Program, client: TestClient
) -> None:
    keeper = running.context.keeper
    running.clock.seconds += EVENING
    topology = running.pipeline.topology
    raised = replace(topology.targets["files"], goal=99.95)
    running.pipeline.replace(replace(topology, targets={**topology.targets, "files": raised}))
    running.pipeline.settle()
    keeper.note_goals()
    keeper.declare([reading("c", "2026-01-31", 1, 3)], "an")
    page = text_of(client, "/targets/files?place=c")
    assert "02/02/2026: ≥ 80 %" in page
    assert "03/02/2026: ≥ 99,95 %" in page
    assert "mục tiêu ≥ 99,95 %" in page
    assert "an 03/02/2026" in page, "when the reading was entered"
    assert "≥ 99.95 %" in text_of(client, "/targets?lang=en")


def forecast(verdict: str, rate: float | None = None) -> ForecastOut:
    return ForecastOut.model_validate(
        {"verdict": verdict, "rate": rate, "on": None, "earliest": None, "latest": None,
         "figures": 6}
    )  # fmt: skip


@pytest.mark.parametrize("verdict", ["unknown", "reached", "never"])
def test_nothing_is_foretold_where_nothing_is_to_be_reached(verdict: str) -> None:
    found = forecast(verdict, 1.0)
    assert forecast_text(found, None, TargetState.TRACKED, "vi") == ""
    assert forecast_text(found, 80.0, TargetState.UNKNOWN, "vi") == ""
    assert forecast_text(found, 80.0, TargetState.PARTLY, "vi")


def test_figures_that_rise_too_slowly_do_rise() -> None:
    said = forecast_text(forecast("never", 0.12), 80.0, TargetState.PARTLY, "vi")
    assert said == "Không đạt trong 10 năm tới với tốc độ này (0,1 điểm % mỗi tháng)."
    falling = forecast_text(forecast("never", -0.2), 80.0, TargetState.PARTLY, "en")
    assert falling == "Not at this rate: the figures do not rise towards the goal."
