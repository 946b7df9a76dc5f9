"""The wall in a real browser: live, honest when it stops, inert, asking nothing from outside."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "engine"))

from desk import Program, program

from ioc.api.door import COOKIE

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium (Debian package chromium)"),
    pytest.mark.xdist_group("browser"),
]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Server:
    """uvicorn in a thread on a port of loopback that stays the same over restarts."""

    def __init__(self, running: Program) -> None:
        self.running = running
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            self.running.app, host="127.0.0.1", port=self.port, log_level="error",
            ws="websockets-sansio", timeout_graceful_shutdown=1, lifespan="off",
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(
            target=self.loop.run_until_complete, args=(self.server.serve(),)
        )
        self.thread.start()
        while not self.server.started:
            self.thread.join(0.01)
            assert self.thread.is_alive()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.loop.close()

    def do(self, act: Callable[[], Any]) -> None:
        """Run on the server's loop, where the engine lives."""
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self.loop.call_soon_threadsafe(run)
        assert done.wait(5)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with program(tmp_path) as running:
        running.all_up()
        made = Server(running)
        made.start()
        yield made
        if made.thread.is_alive():
            made.stop()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    context.add_cookies([{"name": COOKIE, "value": server.running.session(), "url": server.url}])
    made = context.new_page()
    made.errors = []  # type: ignore[attr-defined]
    made.asked = []  # type: ignore[attr-defined]
    made.on("console", lambda m: made.errors.append(m.text) if m.type == "error" else None)  # type: ignore[attr-defined]
    made.on("pageerror", lambda e: made.errors.append(str(e)))  # type: ignore[attr-defined]
    made.on("request", lambda r: made.asked.append(r.url))  # type: ignore[attr-defined]
    yield made
    context.close()


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
