"""The reports' page in a real browser: what is being filled in stays, and what was said of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from ioc.reports.kept import Job
from ioc.reports.model import Wanted
from tests.browser._server import Server


@pytest.fixture(autouse=True)
def loaded(server: Server) -> Iterator[None]:
    server.running.context.reports.load()
    yield


def later(page: Page) -> None:
    """Long enough for everything that the page renews by itself."""
    page.clock.run_for(25_000)
    page.wait_for_timeout(500)


def test_what_is_filled_in_stays_while_nobody_is_in_the_form(server: Server, page: Page) -> None:
    page.clock.install()
    page.goto(f"{server.url}/reports")
    page.select_option("select[name=place]", "ban-thi")
    page.select_option("select[name=language]", "en")
    page.uncheck("input[value=pdf]")
    page.evaluate("document.activeElement.blur()")
    before = page.inner_text("#clock")
    later(page)
    assert page.input_value("select[name=place]") == "ban-thi"
    assert page.input_value("select[name=language]") == "en"
    assert not page.is_checked("input[value=pdf]")
    assert page.inner_text("#clock") != before, "the clock runs"
    assert page.errors == []  # type: ignore[attr-defined]


def test_what_was_wrong_is_still_said_later(server: Server, page: Page) -> None:
    page.clock.install()
    page.goto(f"{server.url}/reports")
    page.uncheck("input[value=pdf]")
    page.uncheck("input[value=xlsx]")
    page.click("#ask button")
    said = page.inner_text(".wrong")
    assert "PDF" in said
    later(page)
    assert page.inner_text(".wrong") == said


def test_a_report_that_somebody_else_asks_for_appears(server: Server, page: Page) -> None:
    page.clock.install()
    page.goto(f"{server.url}/reports")
    assert page.locator("[data-report]").count() == 0
    reports, now = server.running.context.reports, server.running.clock.now()
    wanted = Wanted.model_validate({"every": "month", "since": "2026-01-01", "until": "2026-01-31"})
    server.do(lambda: reports._jobs.update({"1-a": Job("1-a", wanted, "an", now)}))
    for _second in range(15):
        page.clock.run_for(1_000)
        page.wait_for_timeout(50)
    page.locator("[data-report='1-a']").wait_for()
