"""The pages of the targets in a real browser: declared, corrected, handed in, followed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page

from ioc.inventory.targets import compile_targets
from tests.browser._server import Server

TARGET = "e-signature"


@pytest.fixture(autouse=True)
def every_target(server: Server) -> None:
    """The district of the tests with all targets of the catalogue."""
    pipeline = server.running.pipeline
    targets, _retired = compile_targets((), None)  # type: ignore[arg-type]
    pipeline.replace(replace(pipeline.topology, targets=targets))
    pipeline.settle()


def today(server: Server) -> str:
    zone = server.running.pipeline.topology.timezone
    return datetime.fromtimestamp(server.running.clock.now() / 1000, zone).date().isoformat()


def test_a_figure_is_declared_on_the_page_of_its_target(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/targets/{TARGET}")
    page.locator("#declare summary").click()
    page.select_option("select[name=place]", "yen-thinh")
    page.fill("input[name=numerator]", "120")
    page.fill("input[name=denominator]", "100")
    page.fill("input[name=document]", "12/BC-UBND <b>")
    page.click("#declare button")
    wrong = page.locator(".wrong").inner_text()
    assert "120" in wrong and "100" in wrong
    assert page.input_value("input[name=document]") == "12/BC-UBND <b>", "nothing typed is lost"
    page.fill("input[name=numerator]", "95")
    page.click("#declare button")
    page.wait_for_url("**place=yen-thinh*")
    assert "95 %" in page.locator(".verdict b").first.inner_text() or "95 %" in page.inner_text(
        "main"
    )
    assert "12/BC-UBND <b>" in page.inner_text("main"), "shown as it was typed, never as markup"
    page.goto(f"{server.url}/targets")
    assert page.locator(f"#{TARGET}").get_attribute("data-numerator") == "95"


def test_a_table_is_looked_at_before_it_goes_in(server: Server, page: Page, tmp_path: Path) -> None:
    table = tmp_path / "so-lieu.csv"
    table.write_text(
        f"Chỉ tiêu (mã),Đơn vị (mã),Tính đến,Tử số,Mẫu số\n"
        f"{TARGET},yen-thinh,{today(server)},90,100\n"
        f"{TARGET},ban-thi,{today(server)},190,100\n",
        encoding="utf-8",
    )
    page.goto(f"{server.url}/targets/import")
    page.set_input_files("input[type=file]", table)
    page.click("#import button")
    page.locator("#mistakes li").wait_for()
    assert "dòng 3 Tử số: tử số 190 lớn hơn mẫu số 100" in page.inner_text("#mistakes")
    assert "1 mới" in page.inner_text("#found")
    assert not server.running.context.keeper.given.readings, "nothing is in before it is told"
    page.click("#enter")
    page.locator("#found .verdict.up").wait_for()
    [reading] = server.running.context.keeper.given.readings
    assert (reading.place, reading.numerator) == ("yen-thinh", 90)
    page.click("#import button")
    page.locator("#found").get_by_text("1 không đổi").wait_for()
    assert not page.locator("#enter").is_visible(), "the same file twice changes nothing"


def test_every_figure_can_be_followed_to_its_list(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/targets")
    page.click("#fiber-communes .figure a")
    page.wait_for_url("**/targets/fiber-communes#list")
    page.click("#list a >> nth=0")
    page.wait_for_url("**/targets/fiber-communes?place=*")
    assert "yen-thinh.fiber" in page.inner_text("#list")
    page.go_back()
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_choice_is_not_taken_away_while_it_is_made(server: Server, page: Page) -> None:
    page.clock.install()
    page.goto(f"{server.url}/targets")
    page.focus("select[name=place]")
    page.select_option("select[name=place]", "ban-thi")
    page.clock.run_for(25_000)
    page.wait_for_timeout(300)
    assert page.input_value("select[name=place]") == "ban-thi"
    page.click(".filter button")
    page.wait_for_url("**place=ban-thi*")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1366, 768), (390, 844)])
def test_nothing_sticks_out_sideways(server: Server, page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    for path in ("/targets", f"/targets/{TARGET}", "/targets/import", "/reports"):
        page.goto(server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert page.errors == []  # type: ignore[attr-defined]
