"""A real browser before the real pages, signed in as an administrator."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser._server import Server

# isort: split
from desk import program

from ioc.api.door import COOKIE

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="no chromium (Debian package chromium)")
    for item in items:
        if CHROMIUM is None and item.path.parent == Path(__file__).parent:
            item.add_marker(skip)


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
