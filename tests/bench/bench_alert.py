"""From a cut fiber to the message about it, at the usual intervals: the real program, real links.

    python -m tests.bench alert

Seventeen communes of network namespaces, three rounds, each fiber cut at a random moment of the
interval; the message is what a real HTTP server received. Then a storm: 3,000 devices behind one
switch fall silent in the same moment.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil

from tests.lab._district import CORE, District
from tests.lab._hook import Heard, Hook
from tests.lab._inventory import inventory
from tests.lab._monitor import Monitor
from tests.lab._namespaces import Namespaces, why_not

COMMUNES, ROUNDS = 17, 3
INTERVAL = 15.0  # seconds between two measurements of a link, unless told otherwise
WITHIN = 5.0  # seconds beyond the interval: the goal
LONGEST = 60.0
ROUTES = "routes: [{channel: duty}]\nalerts: {quiet: 5s}\n"
STORM = 3000
STORM_SITE = """\
  - id: lon
    name: Nơi lớn
    devices:
      - {id: lo, kind: switch, address: 10.68.0.2, checks: [{kind: icmp, interval: 5s}]}
"""


def run() -> list[dict[str, Any]]:
    """Rows for the bench runner."""
    if why_not() is not None:
        print(why_not())
        return []
    return [*_cuts(), *_storm()]


@contextmanager
def _running(text: str, district: District, folder: Path) -> Iterator[tuple[Monitor, Hook]]:
    spaces = district.spaces
    hook = Hook(spaces, CORE, folder / "heard.txt")
    monitor = Monitor(
        folder, text, port=8080, spawn=partial(spaces.spawn, CORE),
        dial=partial(spaces.socket, CORE), environment={"IOC_CHANNEL_DUTY": hook.url("duty")},
    )  # fmt: skip
    with monitor:
        yield monitor, hook


def _cuts() -> list[dict[str, Any]]:
    chance = random.Random(1)
    took: list[float] = []
    with tempfile.TemporaryDirectory() as folder, Namespaces() as spaces:
        district = District(spaces, COMMUNES, computers=1)
        text = inventory(district, more=ROUTES, quick=False)
        with _running(text, district, Path(folder)) as (monitor, hook):
            settled = lambda: set(monitor.states().values()) == {"up"}  # noqa: E731
            for _ in range(ROUNDS):
                monitor.until(settled, 120, "everything up")
                monitor.until(lambda: not _open(monitor), LONGEST, "nothing open")
                took += _cut_all(district, hook, chance)
                for site in district.communes:
                    district.repair(f"{site}.fiber")
    p95 = quantiles(took, n=20)[-1]
    goal = INTERVAL + WITHIN
    name = f"alert: fiber cut to message, {len(took)} faults at {INTERVAL:.0f} s"
    return [
        _row(f"{name}: median", median(took), "s", None),
        _row(f"{name}: p95", p95, "s", goal),
        _row(f"{name}: longest", max(took), "s", None),
    ]


def _open(monitor: Monitor) -> list[Any]:
    return list(monitor.get("incidents?state=open")["items"])


def _cut_all(district: District, hook: Hook, chance: random.Random) -> list[float]:
    """Cut every fiber, each at its moment; seconds from each cut to its message."""
    before = len(hook.heard())
    plan = sorted((chance.uniform(0, 2 * INTERVAL), site) for site in district.communes)
    begin, cut = time.time(), {}
    for moment, site in plan:
        time.sleep(max(0.0, begin + moment - time.time()))
        cut[site] = time.time()
        district.cut(f"{site}.fiber")
    until = time.time() + LONGEST
    found: dict[str, float] = {}
    while len(found) < len(cut) and time.time() < until:
        time.sleep(0.2)
        for one in hook.heard()[before:]:
            found.update(_about(one, cut, found))
    lost = set(cut) - set(found)
    assert not lost, f"no message about {lost}"
    return list(found.values())


def _about(one: Heard, cut: dict[str, float], found: dict[str, float]) -> dict[str, float]:
    for site, moment in cut.items():
        if f" Xã {site.rpartition('-')[2]}:" in one.text and site not in found:
            return {site: one.at - moment}
    return {}


def _storm() -> list[dict[str, Any]]:
    """3,000 devices behind one switch: messages, CPU and memory, and whether screens are alive."""
    with tempfile.TemporaryDirectory() as folder, Namespaces() as spaces:
        district = District(spaces, communes=1, computers=1)
        addresses = [f"10.69.{n // 250}.{n % 250 + 1}" for n in range(STORM)]
        spaces.ip("edge", "route replace 10.69.0.0/16 via 10.68.0.2")
        spaces.ip("portal", *(f"addr add {address}/32 dev lo" for address in addresses))
        text = inventory(district, more=ROUTES) + _storm_site(addresses)
        with _running(text, district, Path(folder)) as (monitor, hook):
            settled = lambda: set(monitor.states().values()) == {"up"}  # noqa: E731
            monitor.until(settled, 120, "everything up")
            process = psutil.Process(monitor.pid)
            cpu, rss = _cpu(process), process.memory_info().rss
            spaces.ip("edge", "link set portal down")
            begin, slowest = time.time(), 0.0
            while time.time() < begin + 30:
                asked = time.time()
                monitor.get("overview")
                slowest = max(slowest, time.time() - asked)
                time.sleep(0.2)
            spent = _cpu(process) - cpu
            grown = (process.memory_info().rss - rss) / 2**20
            about = [one for one in hook.heard() if "Nơi lớn" in one.text]
    name = f"storm, {STORM} devices behind one switch"
    return [
        _row(f"{name}: messages to one recipient", len(about), "", 1),
        _row(f"{name}: CPU in the 30 s after", spent, "s", None),
        _row(f"{name}: memory more", grown, "MB", None),
        _row(f"{name}: slowest answer of the API", 1000 * slowest, "ms", 1000),
    ]


def _storm_site(addresses: list[str]) -> str:
    lines = [STORM_SITE]
    lines += [
        f"      - {{id: may-{n}, kind: other, address: {address}, parent: lo, "
        "checks: [{kind: icmp, interval: 5s}]}\n"
        for n, address in enumerate(addresses)
    ]
    return "".join(lines)


def _cpu(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def _row(name: str, ours: float, unit: str, goal: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours, 2),
        "unit": unit,
        "peers": {},
        "goal": None if goal is None else f"≤ {goal:g} {unit}".strip(),
        "met": None if goal is None else ours <= goal,
    }
