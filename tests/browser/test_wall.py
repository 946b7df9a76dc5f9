"""The wall in a real browser: live, honest when it stops, inert, asking nothing from outside."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser._server import Server


def tile(page: Page, site: str) -> str:
    return page.locator(f"#site-{site}").inner_text()


def shows(page: Page, site: str, text: str) -> None:
    page.wait_for_function(
        "([site, text]) => document.getElementById(`site-${site}`)?.innerText.includes(text)",
        arg=[site, text],
        timeout=8000,
    )


def test_a_change_shows_without_reloading(server: Server, page: Page) -> None:
    page.goto(server.url)
    assert "bình thường" in tile(page, "yen-thinh")
    server.do(lambda: server.running.feed(down=["yen-thinh.fiber"]))
    shows(page, "yen-thinh", "dùng đường dự phòng")
    server.do(lambda: server.running.feed(up=["yen-thinh.fiber"]))
    shows(page, "yen-thinh", "bình thường")
    assert page.errors == []  # type: ignore[attr-defined]


def test_nothing_is_asked_from_outside_and_names_are_inert(server: Server, page: Page) -> None:
    page.on("dialog", lambda dialog: pytest.fail("a name ran as a script"))
    for path in ("/", "/sites/nasty", "/api/docs"):
        page.goto(server.url + path)
        page.wait_for_timeout(500)
    origin = server.url.removeprefix("http://")
    assert page.asked  # type: ignore[attr-defined]
    assert all(origin in url for url in page.asked)  # type: ignore[attr-defined]
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_stopped_server_is_said_in_words_and_a_restart_heals_it(
    server: Server, page: Page
) -> None:
    page.goto(server.url)
    page.wait_for_timeout(500)
    server.stop()
    note = page.locator("#stale")
    note.wait_for(state="visible", timeout=14_000)
    assert "ngừng cập nhật" in note.inner_text()
    server.start()
    note.wait_for(state="hidden", timeout=30_000)
    server.do(lambda: server.running.feed(down=["ban-thi.fiber"]))
    shows(page, "ban-thi", "dùng đường dự phòng")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1366, 768), (390, 844)])
def test_nothing_sticks_out_sideways(server: Server, page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    for path in ("/", "/sites/nasty"):
        page.goto(server.url + path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


def test_a_tile_leads_to_its_place(server: Server, page: Page) -> None:
    page.goto(server.url)
    page.locator("#site-yen-thinh").click()
    page.wait_for_url("**/sites/yen-thinh")
    assert "Thay đổi gần đây" in page.inner_text("main")
