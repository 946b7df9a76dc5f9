"""`ioc demo` as the real process: starts, shows a scheduled fault, ends with its listeners."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.lab._monitor import Monitor

ROOT = Path(__file__).parents[2]

HEAD = """\
area: {id: nho, name: Huyện nhỏ}
sentinels:
  - {id: nha-mang, address: 127.45.0.1}
calendars:
  office: {days: [mon, tue, wed, thu, fri], hours: ["07:30-11:30", "13:30-17:00"], holidays: VN}
defaults:
  computer: {calendar: office}
targets:
  - {id: fiber-communes, name: Xã có cáp quang, goal: 100}
  - {id: networked-computers, name: Máy tính nối mạng, goal: 100}
services:
  - {id: dvc, name: Cổng Dịch vụ công, kind: portal, address: 127.45.0.2}
  - {id: mot-cua, name: Một cửa điện tử, kind: one-stop, address: 127.45.0.3}
  - {id: csdl, name: Cơ sở dữ liệu, kind: database, address: 127.45.0.4}
sites:
"""
COMMUNE = """\
  - id: xa-{n}
    name: Xã {n}
    links:
      - {{id: cap-quang, kind: fiber, address: 127.45.{n}.1}}
      - {{id: 4g, kind: 4g, address: 127.45.{n}.2}}
    devices:
      - {{kind: router, address: 127.45.{n}.3}}
      - {{kind: computer, addresses: 127.45.{n}.10-12}}
"""
INVENTORY = HEAD + "".join(COMMUNE.format(n=n) for n in range(1, 7))
WRITING = "Writing two weeks"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Monitor]:
    with Monitor(tmp_path, INVENTORY, command=("demo",), patience=120) as running:
        yield running
        listeners = children(running)
    psutil.wait_procs(listeners, 5)


def children(demo: Monitor) -> list[psutil.Process]:
    return psutil.Process(demo.pid).children() if psutil.pid_exists(demo.pid) else []


def test_a_visitor_sees_the_past_the_mark_and_within_a_minute_a_cut_fiber(demo: Monitor) -> None:
    assert demo.get("overview")["simulated"] is True
    status, page = demo.ask("/")
    assert status == 200
    assert "MÔ PHỎNG" in page.decode().upper()
    assert "unknown" not in demo.states().values(), "the past tells what was last known"
    times, _ = demo.samples()["xa-1.cap-quang"]
    assert len(times) > 140
    assert len(demo.get("transitions?limit=1000")["items"]) > 50
    demo.until(lambda: bool(on_backup(demo)), 60, "a commune on 4G")
    [site] = on_backup(demo)
    links = {link["id"]: link["state"] for link in demo.items(f"links?site={site}")}
    assert links == {f"{site}.cap-quang": "down", f"{site}.4g": "up"}


def on_backup(demo: Monitor) -> list[str]:
    return [site["id"] for site in demo.items("sites") if site["on_backup"]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_within_five_seconds_and_takes_its_listeners_along(
    demo: Monitor, number: signal.Signals
) -> None:
    listeners = children(demo)
    assert listeners
    assert demo.process is not None
    demo.process.send_signal(number)
    assert demo.ended(5.0) == 0
    assert not [child for child in listeners if child.is_running()]
    assert "Traceback" not in demo.tail(1000)


def test_killed_it_leaves_no_listeners_and_goes_on_where_it_was(demo: Monitor) -> None:
    listeners = children(demo)
    assert listeners
    demo.kill()
    _, alive = psutil.wait_procs(listeners, 5)
    assert not alive
    begin = time.monotonic()
    demo.start()
    assert time.monotonic() - begin < 15
    assert demo.log.read_text(encoding="utf-8").count(WRITING) == 1
    # What took longer to start than a result is fresh has to be asked once more.
    demo.until(lambda: "unknown" not in demo.states().values(), 30, "all is known again")


def test_a_second_demo_in_the_same_directory_is_refused(demo: Monitor) -> None:
    assert refused(demo, port=demo.port).returncode == 2
    done = refused(demo, port=1 + demo.port % 60_000)
    assert done.returncode == 2
    assert "another demo runs in" in done.stderr
    assert demo.ask("/healthz")[0] == 200, "the first one goes on"


def test_a_second_demo_elsewhere_finds_the_listeners_taken(demo: Monitor, tmp_path: Path) -> None:
    done = refused(demo, port=1 + demo.port % 60_000, data=tmp_path / "elsewhere")
    assert done.returncode == 2
    assert "Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def refused(
    demo: Monitor, *, port: int, data: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Try to start another one."""
    environment = demo.environment() | {"IOC_LISTEN": f"127.0.0.1:{port}"}
    if data is not None:
        environment["IOC_DATA_DIR"] = str(data)
    return subprocess.run(
        demo.command(),
        env=environment,
        cwd=demo.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
