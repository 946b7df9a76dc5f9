"""Pings beside fping and ping3, and silent hosts beside live ones.

    python -m tests.bench.bench_icmp

10,000 loopback addresses: ours and fping take turns, each in a process of its own, user and system
time. What is paid once is left out on both sides: our first burst (a service pings the same hosts
for months), and what fping needs for a single host. ping3 has no batches, so it pings fewer in a
row and its figure is scaled up. Silent hosts: 2,000 addresses routed into a namespace that drops
them, as root only.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import ping3
import uvloop

from collectors import icmp
from collectors.base import Measurement, Verdict
from tests.bench.runner import Figure

HOSTS = 10_000
TURNS = 7
BURSTS = 5
PING3_HOSTS = 1_000
TIMEOUT = 1.0
ADDRESSES = [f"127.{1 + n // 62_500}.{n // 250 % 250}.{1 + n % 250}" for n in range(HOSTS)]
DEAD = 2_000
LIVE_EVERY = 0.02  # s between two pings of a live host
LIVE_FOR = 3.0  # s


def run() -> list[Figure]:
    """Rows for the bench runner."""
    if icmp.mode().name == "ping3":
        return [_absent("icmp", f"no ICMP socket here: {icmp.mode().why}")]
    turns = [_turn() for _ in range(TURNS)]
    ours = [turn["ours"] for turn in turns]
    fping = [turn["fping"] for turn in turns if "fping" in turn]
    slow = _ping3()
    return [*_side_by_side(ours, fping, slow), *_silent_hosts()]


def _absent(name: str, why: str) -> Figure:
    return {"name": f"{name} ({why})", "ours": 0.0, "unit": "", "peers": {}, "met": None}


# --- beside fping and ping3


Turn = dict[str, float]  # cpu: s for HOSTS checks; rate: checks/s; p99_ms; lost


def _turn() -> dict[str, Turn]:
    ours = subprocess.run(
        [sys.executable, "-m", __spec__.name, "--ours"], capture_output=True, check=True
    )
    turn: dict[str, Turn] = {"ours": json.loads(ours.stdout)}
    if shutil.which("fping"):
        turn["fping"] = _fping()
        turn["fping"]["cpu"] -= _fping(ADDRESSES[:1])["cpu"]
    return turn


def _ours() -> Turn:
    """Bursts of a process but the first, and the same hosts through the poller's door, paced."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(icmp.burst(ADDRESSES, TIMEOUT))
        before, started = _cpu(resource.RUSAGE_SELF), time.perf_counter()
        for _ in range(BURSTS):
            echoes = runner.run(icmp.burst(ADDRESSES, TIMEOUT))
        took = (time.perf_counter() - started) / BURSTS
        cpu = (_cpu(resource.RUSAGE_SELF) - before) / BURSTS
        before = _cpu(resource.RUSAGE_SELF)
        runner.run(_paced())
        paced = _cpu(resource.RUSAGE_SELF) - before
    times = sorted(echo.rtt / 1e6 for echo in echoes if echo.rtt is not None)
    figures = {"cpu": cpu, "rate": HOSTS / took, "p99_ms": _p99(times)}
    return figures | {"lost": HOSTS - len(times), "paced_cpu": paced}


async def _paced() -> None:
    left = HOSTS
    every = asyncio.Event()

    def done(_: int, measured: Measurement) -> None:
        nonlocal left
        assert measured.verdict is not Verdict.FAILED
        left -= 1
        if not left:
            every.set()

    for begin in range(0, HOSTS, 2000):
        part = ADDRESSES[begin : begin + 2000]
        icmp.measure_many([(icmp.Settings(address=a), TIMEOUT) for a in part], done)
        await asyncio.sleep(0.55)
    await every.wait()
    await icmp.close()


def _fping(addresses: list[str] = ADDRESSES) -> Turn:
    """As fast as it goes: no interval between packets, one packet, no retries."""
    with tempfile.TemporaryDirectory() as folder:
        hosts = Path(folder) / "hosts"
        hosts.write_text("\n".join(addresses) + "\n", encoding="ascii")
        interval = ["-i", "0"] if os.geteuid() == 0 else ["-i", "1"]
        words = ["fping", "-q", "-C1", "-r0", "-t", "1000", *interval, "-f", str(hosts)]
        before, started = _cpu(resource.RUSAGE_CHILDREN), time.perf_counter()
        said = subprocess.run(words, capture_output=True, text=True, check=False).stderr
        took, cpu = time.perf_counter() - started, _cpu(resource.RUSAGE_CHILDREN) - before
    times = sorted(float(ms) for ms in re.findall(r" : ([0-9.]+)$", said, re.MULTILINE))
    return {"cpu": cpu, "rate": HOSTS / took, "p99_ms": _p99(times), "lost": HOSTS - len(times)}


def _ping3() -> Turn:
    before, started = _cpu(resource.RUSAGE_SELF), time.perf_counter()
    delays = [ping3.ping(address, timeout=1) for address in ADDRESSES[:PING3_HOSTS]]
    took, cpu = time.perf_counter() - started, _cpu(resource.RUSAGE_SELF) - before
    times = sorted(delay * 1000 for delay in delays if delay)
    return {
        "cpu": cpu * HOSTS / PING3_HOSTS,
        "rate": PING3_HOSTS / took,
        "p99_ms": _p99(times),
        "lost": PING3_HOSTS - len(times),
    }


def _cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _p99(ordered: list[float]) -> float:
    return ordered[len(ordered) * 99 // 100] if ordered else float("nan")


def _side_by_side(ours: list[Turn], fping: list[Turn], slow: Turn) -> list[Figure]:
    def middle(key: str) -> tuple[float, dict[str, float]]:
        peers = {"fping": median(turn[key] for turn in fping)} if fping else {}
        return median(turn[key] for turn in ours), peers | {"ping3": slow[key]}

    cpu, cpus = middle("cpu")
    rate, rates = middle("rate")
    p99, p99s = middle("p99_ms")
    lost, losts = middle("lost")
    no_peer = "" if fping else " (fping is not installed)"
    ratio = cpu / cpus["fping"] if fping else None
    far = abs(p99 - p99s["fping"]) if fping else None
    return [
        {
            "name": f"ICMP: CPU of 10,000 checks{no_peer}",
            "ours": round(cpu, 4),
            "unit": "s",
            "peers": _rounded(cpus, 4),
            "goal": f"<= 0.8 x fping ({ratio:.2f} x)" if ratio else "<= 0.8 x fping",
            "met": None if ratio is None else ratio <= 0.8,
        },
        {
            "name": "ICMP: CPU of 10,000 checks through the poller's door, 4 packets a ms",
            "ours": round(median(turn["paced_cpu"] for turn in ours), 4),
            "unit": "s",
            "peers": {},
            "met": None,
        },
        {
            "name": "ICMP: checks in a burst",
            "ours": round(rate),
            "unit": "1/s",
            "peers": _rounded(rates, 0),
            "goal": "> 90,000",
            "met": rate > 90_000,
        },
        {
            "name": f"ICMP: round-trip time p99{no_peer}",
            "ours": round(p99, 4),
            "unit": "ms",
            "peers": _rounded(p99s, 4),
            "goal": "within 0.1 of fping",
            "met": None if far is None else far <= 0.1,
        },
        {
            "name": "ICMP: replies missed of 10,000",
            "ours": lost,
            "unit": "",
            "peers": _rounded(losts, 0),
            "goal": "0",
            "met": lost == 0,
        },
    ]


def _rounded(peers: dict[str, float], digits: int) -> dict[str, float]:
    return {name: round(figure, digits) for name, figure in peers.items()}


# --- silent hosts


def _silent_hosts() -> list[Figure]:
    from tests.lab._namespaces import why_not

    why = why_not()
    if why is not None:
        return [_absent("ICMP: 2,000 silent hosts", why)]
    from tests.lab._icmp import cabled, within

    with cabled() as spaces:
        took, lags, ends = within(spaces.full("core"), _on_a_loop(_silent_and_live))
    over = took - TIMEOUT
    late = _p99(sorted(lags))
    return [
        {
            "name": f"ICMP: 2,000 silent hosts end after the timeout ({ends})",
            "ours": round(over, 3),
            "unit": "s",
            "peers": {},
            "goal": "<= 0.2",
            "met": over <= 0.2,
        },
        {
            "name": "ICMP: p99 delay of live hosts beside them, planned to answered",
            "ours": round(late * 1000, 2),
            "unit": "ms",
            "peers": {},
            "goal": "<= 100",
            "met": late <= 0.1,
        },
    ]


def _on_a_loop(work: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work())

    return run


async def _silent_and_live() -> tuple[float, list[float], str]:
    """Seconds until the last silent host is told, lags of live pings, verdicts counted."""
    live = asyncio.ensure_future(_live())
    await asyncio.sleep(1.0)
    dead = [f"10.99.{n // 250}.{1 + n % 250}" for n in range(DEAD)]
    started = time.monotonic()
    echoes = await icmp.burst(dead, TIMEOUT)
    took = time.monotonic() - started
    assert all(echo.rtt is None and echo.trouble is None for echo in echoes)
    lags, lost = await live
    await icmp.close()
    return took, lags, f"{lost} of {len(lags)} live pings lost"


async def _live() -> tuple[list[float], int]:
    """Ping a live host on a fixed grid through the poller's door; lags in seconds."""
    from tests.lab._icmp import PEER

    settings = icmp.Settings(address=PEER)
    lags: list[float] = []
    lost = 0
    started = time.monotonic()
    for number in range(int(LIVE_FOR / LIVE_EVERY)):
        planned = started + number * LIVE_EVERY
        await asyncio.sleep(max(planned - time.monotonic(), 0))

        def done(_: int, measured: Measurement, planned: float = planned) -> None:
            nonlocal lost
            lost += measured.verdict is not Verdict.OK
            lags.append(time.monotonic() - planned)

        icmp.measure_many([(settings, TIMEOUT)], done)
    await asyncio.sleep(TIMEOUT + 0.2)
    return lags, lost


def main() -> None:
    if "--ours" in sys.argv:
        print(json.dumps(_ours()))
        return
    for row in run():
        peers = ", ".join(f"{name} {figure:,}" for name, figure in row["peers"].items())
        met = {True: "met", False: "NOT met", None: "-"}[row.get("met")]
        print(f"{row['name']:70} {row['ours']:>10,} {row['unit']:4} {peers:36} {met}")
        print(f"{'':70} goal: {row.get('goal') or '-'}")


if __name__ == "__main__":
    main()
