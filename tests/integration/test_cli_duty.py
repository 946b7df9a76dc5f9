"""The commands of those on duty, against the real program: incidents, planned work, accounts."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.lab._monitor import RUN, Monitor, free_port

INVENTORY = """\
area: {{id: thu, name: Huyện thử}}
sentinels: [{{id: ra-ngoai, address: 127.0.0.1}}]
defaults: {{all: {{interval: 2s, timeout: 0.5s, retry_delay: 0.1s}}}}
alerts: {{quiet: 1s}}
routes: [{{channel: truc-ban}}]
sites:
  - id: yen-thinh
    name: Xã Yên Thịnh
    links:
      - id: fiber
        kind: fiber
        provider: VNPT
        checks: [{{kind: tcp, address: 127.0.0.1, port: {port}}}]
      - {{id: 4g, kind: 4g, address: 127.0.0.2}}
    devices: [{{kind: router, address: 127.0.0.3}}]
"""


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    folder = tmp_path_factory.mktemp("duty")
    text = INVENTORY.format(port=free_port())
    with Monitor(folder, text) as made:
        items = lambda: made.get("incidents?state=open")["items"]  # noqa: E731
        made.until(lambda: len(items()) == 1, 30, "the incident")
        yield made


def ioc(monitor: Monitor, *words: str, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [*RUN, *words], env=monitor.environment() | more, cwd=monitor.folder,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def data(monitor: Monitor, *words: str) -> Any:
    code, text = ioc(monitor, *words, "--json")
    assert code in (0, 1), text
    return json.loads(text)


def test_an_incident_from_the_command_line(monitor: Monitor) -> None:
    code, text = ioc(monitor, "incidents", "list")
    assert code == 1, "a problem was found"
    assert re.search(r"#1 CRITICAL  yen-thinh: fiber is down", text)
    assert ioc(monitor, "incidents", "ack", "1", "--text", "đang xem")[0] == 0
    assert ioc(monitor, "incidents", "comment", "1", "đã gọi VNPT")[0] == 0
    assert ioc(monitor, "incidents", "assign", "1", "Bình")[0] == 0
    code, text = ioc(monitor, "incidents", "resolve", "1", "--cause", "đứt cáp")
    assert code == 0
    assert "still measured as failing" in text
    found = data(monitor, "incidents", "show", "1")
    assert (found["acknowledged_by"], found["assigned_to"], found["cause"]) == (
        "cli",
        "Bình",
        "đứt cáp",
    )
    code, text = ioc(monitor, "incidents", "ack", "99")
    assert code == 2
    assert "no incident 99" in text


def test_what_if_from_the_command_line(monitor: Monitor) -> None:
    code, text = ioc(monitor, "incidents", "what-if", "yen-thinh")
    assert code == 0
    assert "site-dark" in text
    assert "nobody is behind this channel" in text
    assert ioc(monitor, "incidents", "what-if", "nowhere")[0] == 2


def test_planned_work_from_the_command_line(monitor: Monitor) -> None:
    made = data(monitor, "maintenance", "plan", "thay cáp", "--for", "2h", "--site", "yen-thinh")
    assert made["active"] is True
    assert "thay cáp" in ioc(monitor, "maintenance", "list")[1]
    assert ioc(monitor, "maintenance", "end", str(made["id"]))[0] == 0
    assert data(monitor, "maintenance", "list") == []
    for wrong in (["--for", "soon"], ["--site", "nowhere", "--for", "2h"], []):
        assert ioc(monitor, "maintenance", "plan", "x", *wrong)[0] == 2


@pytest.mark.parametrize("machine", ["UTC", "America/Lima"])
def test_times_are_those_of_the_area_wherever_the_machine_is(
    monitor: Monitor, machine: str
) -> None:
    night = ("--from", "2030-08-22T22:00", "--until", "2030-08-23T01:30", "--site", "yen-thinh")
    code, text = ioc(monitor, "maintenance", "plan", "thay cáp", *night, TZ=machine)
    assert code == 0, text
    assert "22/08 22:00:00 – 23/08 01:30:00" in text
    [planned] = data(monitor, "maintenance", "list")
    assert planned["starts_at"] == "2030-08-22T15:00:00.000Z", "ten in the evening in Việt Nam"
    assert ioc(monitor, "maintenance", "end", str(planned["id"]))[0] == 0
    elsewhere = ("--from", "2030-08-22T22:00+00:00", "--for", "1h", "--site", "yen-thinh")
    text = ioc(monitor, "maintenance", "plan", "thay cáp", *elsewhere, TZ=machine)[1]
    assert "23/08 05:00:00" in text
    assert ioc(monitor, "maintenance", "end", str(data(monitor, "maintenance", "list")[0]["id"]))
    [row] = data(monitor, "incidents", "list")
    assert f"since {local(row):%d/%m %H:%M:%S}" in ioc(monitor, "incidents", "list", TZ=machine)[1]
    [link] = [row for row in data(monitor, "status")["not_up"] if row["id"] == "yen-thinh.fiber"]
    assert f"since {local(link):%d/%m/%Y %H:%M}" in ioc(monitor, "status", TZ=machine)[1]


def local(row: Any) -> datetime:
    """Since when, in the area's time."""
    return datetime.fromisoformat(row["since"]).astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))


def test_accounts_from_the_command_line_while_the_program_runs(monitor: Monitor) -> None:
    made = data(monitor, "user", "add", "Nguyễn An", "--role", "operator")
    assert "/setup/" in made["link"]
    assert "Nguyễn An" in ioc(monitor, "user", "list")[1]
    assert ioc(monitor, "user", "add", "nguyễn an")[0] == 2
    assert ioc(monitor, "user", "disable", "Nguyễn An")[0] == 0
    token = data(monitor, "token", "create", "telegraf", "--role", "viewer")
    assert ioc(monitor, "status", IOC_TOKEN=token["secret"])[0] == 1
    assert ioc(monitor, "user", "list", IOC_TOKEN=token["secret"])[0] == 2, "a viewer may not"
    assert ioc(monitor, "token", "revoke", token["id"])[0] == 0
    assert "revoked" in ioc(monitor, "token", "list")[1]
    assert ioc(monitor, "token", "revoke", token["id"])[0] == 2


def test_the_secret_of_the_command_line_is_for_its_user_only(monitor: Monitor) -> None:
    secret = monitor.data / "cli.token"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    code, text = ioc(monitor, "status", IOC_TOKEN="wrong")
    assert code == 2
    assert "IOC_TOKEN" in text


def test_the_first_start_shows_the_link_for_the_first_admin(monitor: Monitor) -> None:
    assert re.search(r"http://127\.0\.0\.1:\d+/setup/\S{40,}", monitor.log.read_text())


def test_accounts_without_a_running_program(tmp_path: Path) -> None:
    asleep = Monitor(tmp_path, INVENTORY.format(port=9))
    assert data(asleep, "user", "add", "an", "--role", "admin")["link"]
    assert [row["name"] for row in data(asleep, "user", "list")] == ["an"]
    assert data(asleep, "token", "create", "x")["secret"].startswith("ioc_")
    assert ioc(asleep, "user", "disable", "nobody")[0] == 2


def test_a_message_to_a_channel_that_is_not_there(tmp_path: Path) -> None:
    asleep = Monitor(tmp_path, INVENTORY.format(port=9))
    code, text = ioc(asleep, "notify", "truc-ban")
    assert code == 2
    assert "IOC_CHANNEL_TRUC_BAN" in text
    gone = {"IOC_CHANNEL_TRUC_BAN": f"json://127.0.0.1:{free_port()}/x?cto=1&rto=1"}
    assert ioc(asleep, "notify", "truc-ban", **gone)[0] == 1
    code, text = ioc(asleep, "notify", "truc-ban", IOC_CHANNEL_TRUC_BAN="nonsense://secret-word")
    assert code == 2
    assert "secret-word" not in text
