"""Signs of life: systemd's socket, the heartbeat, planned work by the clock."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ioc.clock import SystemClock
from ioc.engine.maintenance import Window, Windows, forget
from ioc.engine.problems import Problems
from ioc.inventory.topology import Asset, AssetType
from ioc.notify.heartbeat import Heartbeat, HeartbeatError
from ioc.sdnotify import ALIVE, READY, Systemd

ROOT = Path(__file__).parents[2]
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_over_its_socket(tmp_path: Path, abstract: bool) -> None:
    name = f"@ioc-test-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if abstract else name)
        systemd = Systemd({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000000"})
        assert systemd.every == 30
        systemd.tell(READY, ALIVE)
        assert listener.recv(100) == b"READY=1\nWATCHDOG=1"


def test_without_systemd_nothing_happens(tmp_path: Path) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "x"}):
        systemd = Systemd(environ)
        assert systemd.every is None
        systemd.tell(READY)


def test_the_unit_file_names_this_folder_and_the_watchdog() -> None:
    shown = subprocess.run(["sh", "scripts/systemd.sh", "giamsat"], cwd=ROOT, capture_output=True,
                           check=True, text=True)  # fmt: skip
    unit = (ROOT / "build" / "systemd" / "ioc.service").read_text(encoding="utf-8")
    assert "build/systemd/ioc.service" in shown.stdout
    for line in ("User=giamsat", f"ExecStart={ROOT}/.venv/bin/ioc run", "Type=notify",
                 "WatchdogSec=60", "AmbientCapabilities=CAP_NET_RAW"):  # fmt: skip
        assert line in unit


@pytest.fixture
def listener() -> Iterator[HTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.asked += 1  # type: ignore[attr-defined]
            self.send_response(self.server.status)  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.status = 0, 200  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


async def test_the_heartbeat_beats_while_healthy_only(listener: HTTPServer) -> None:
    problems, healthy = Problems(SystemClock()), False
    url = f"http://127.0.0.1:{listener.server_port}/secret-path"
    running = asyncio.create_task(Heartbeat(url, lambda: healthy, problems, every=0.01).run())
    await asyncio.sleep(0.1)
    assert listener.asked == 0  # type: ignore[attr-defined]
    healthy = True
    async with asyncio.timeout(5):
        while listener.asked < 3:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
        listener.status = 500  # type: ignore[attr-defined]
        while not problems.present():
            await asyncio.sleep(0.01)
        assert "HTTP 500" in str(problems.present()[0].reason)
        assert "secret-path" not in str(problems.present()[0].reason)
        listener.status = 200  # type: ignore[attr-defined]
        while problems.present():
            await asyncio.sleep(0.01)
    running.cancel()


def test_a_heartbeat_that_is_no_address_is_refused_without_being_shown() -> None:
    with pytest.raises(HeartbeatError) as refused:
        Heartbeat("file:///etc/secret", lambda: True, Problems(SystemClock()))
    assert "secret" not in str(refused.value)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def window(**more: object) -> Window:
    return Window(1, "x", "an", 0, at("2026-08-20T00:00"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moment", "active"),
    [
        ("2026-08-24T21:59", False),  # a Monday
        ("2026-08-24T22:00", True),
        ("2026-08-25T04:59", True),  # still Monday's night
        ("2026-08-25T05:00", False),
        ("2026-08-25T23:00", False),  # Tuesday's own
        ("2026-08-17T23:00", False),  # before it begins
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_begins(moment: str, active: bool) -> None:
    night = window(days=frozenset({0}), hours=(22 * 60, 5 * 60))
    assert night.active(at(moment), ZONE) is active


def test_one_stretch_ends_by_itself_or_by_hand() -> None:
    once = window(ends_at=at("2026-08-20T02:00"))
    assert once.active(at("2026-08-20T01:59"), ZONE)
    assert not once.active(at("2026-08-20T02:00"), ZONE)
    assert once.over(at("2026-08-20T02:00"))
    cancelled = window(cancelled_at=at("2026-08-20T01:00"))
    assert not cancelled.active(at("2026-08-20T01:00"), ZONE)


def test_where_a_window_is() -> None:
    link = Asset("a.fiber", AssetType.LINK, "fiber", "Cáp quang", "a")
    assert window().covers(link), "nothing named is everywhere"
    assert window(sites=frozenset({"a"}), kinds=frozenset({"fiber"})).covers(link)
    assert not window(sites=frozenset({"a"}), kinds=frozenset({"router"})).covers(link)
    assert not window(assets=frozenset({"a.4g"})).covers(link)


def test_ids_of_windows_are_not_given_twice() -> None:
    windows = Windows()
    windows.put(window(ends_at=at("2026-08-20T01:00")))
    forget(windows, at("2026-08-21T00:00"))
    assert windows.next_id() == 2
