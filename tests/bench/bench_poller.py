"""Does the poller keep its times while many peers are silent? 5,000 checks at 10 s, 1,500 dead.

    python -m tests.bench.bench_poller

The real poller on uvloop with the real tcp collector, at the full rate of 500 checks a second, for
four intervals (scaled in time only). 3,500 checks connect to listeners on loopback in a process of
their own; 1,500 to a listener whose queue of connections is full, so that the kernel drops
what comes and each runs into its timeout, as a switched-off computer does.

Lag is taken where the collector starts to send, against the fixed grid of the check, and not from
the poller's own book-keeping. Nothing counts as skipped that was sent once in each interval.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import uvloop

from collectors import tcp
from collectors.base import Check, Measurement, Result
from ioc.clock import SystemClock
from ioc.engine.poller import Poller
from ioc.engine.schedule import phase

CHECKS = 5_000
DEAD = 1_500
INTERVAL = 10.0
TIMEOUT = 1.0
WARM_UP = 15.0  # the first sweep and the re-checks of what is found dead
INTERVALS = 3
GOAL_MS = 100.0
HOSTS = [f"127.77.0.{n}" for n in range(1, 21)]  # several, so that no pair of ports runs short
SILENT_HOST = "127.77.1.1"
BACKLOG = 1024


@dataclass
class Probe:
    """The tcp collector, with a note of when each check was really sent."""

    Settings: type[tcp.Settings] = tcp.Settings
    sent: list[tuple[int, float]] = field(default_factory=list)

    async def measure(self, settings: Any, timeout: float) -> Measurement:
        self.sent.append((id(settings), time.monotonic()))
        return await tcp.measure(settings, timeout)


def run() -> list[dict[str, Any]]:
    """Rows for the bench runner."""
    peers = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bench_poller", "--peers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert peers.stdin
    assert peers.stdout
    try:
        live, dead = map(int, peers.stdout.readline().split())
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_poll(live, dead))
    finally:
        peers.stdin.close()
        peers.wait(10)
        peers.stdout.close()


async def _poll(live: int, dead: int) -> list[dict[str, Any]]:
    checks = _checks(live, dead)
    probe = Probe()
    results: list[Result] = []
    poller = Poller(SystemClock(), results.append, lambda _kind: probe)
    poller.replace(checks, {})
    task = asyncio.create_task(poller.run())
    await asyncio.sleep(WARM_UP)
    cpu, start = time.process_time(), time.monotonic()
    skipped = (
        poller.missed + poller.stats.merged
    )  # a first round of re-checks may span a grid point
    await asyncio.sleep(INTERVALS * INTERVAL)
    end, cpu = time.monotonic(), time.process_time() - cpu
    skipped = poller.missed + poller.stats.merged - skipped
    await asyncio.sleep(TIMEOUT)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    skipped += _skipped(checks, probe.sent, (start, end))
    return _rows(checks, probe.sent, (start, end), skipped, cpu)


def _rows(
    checks: dict[str, Check],
    sent: list[tuple[int, float]],
    window: tuple[float, float],
    skipped: int,
    cpu: float,
) -> list[dict[str, Any]]:
    start, end = window
    names = {id(check.settings): name for name, check in checks.items()}
    lags = sorted(_lag(names[which], at) for which, at in sent if start <= at < end)
    failing = sum(1 for name in checks if name.startswith("dead"))
    load = f"{CHECKS} checks at {INTERVAL:g} s, {failing} timing out"
    p99, worst = lags[int(0.99 * (len(lags) - 1))], lags[-1]
    return [
        _row(f"poller: send lag p99, {load}", p99, "ms", GOAL_MS),
        _row(f"poller: send lag worst, {load}", worst, "ms", None),
        _row(f"poller: polls skipped, {load}", skipped, "polls", 0),
        _row(f"poller: CPU of one core, {load}", 100 * cpu / (end - start), "%", None),
    ]


def _row(name: str, ours: float, unit: str, goal: float | None) -> dict[str, Any]:
    """goal: at most this; None = told, not judged."""
    met = None if goal is None else ours <= goal
    shown = None if goal is None else f"<= {goal:g} {unit}"
    return {
        "name": name,
        "ours": round(ours, 3),
        "unit": unit,
        "peers": {},
        "goal": shown,
        "met": met,
    }


def _lag(name: str, at: float) -> float:
    """Milliseconds after the newest point of the check's grid."""
    return 1000 * ((at - phase(name) * INTERVAL) % INTERVAL)


def _skipped(
    checks: dict[str, Check], sent: list[tuple[int, float]], window: tuple[float, float]
) -> int:
    """Grid points of the window with nothing sent before the next one."""
    start, end = window
    names = {id(check.settings): name for name, check in checks.items()}
    happened = Counter(
        (names[which], int((at - phase(names[which]) * INTERVAL) // INTERVAL)) for which, at in sent
    )
    skipped = 0
    for name in checks:
        offset = phase(name) * INTERVAL
        first = int((start - offset) // INTERVAL) + 1
        last = int((end - TIMEOUT - offset) // INTERVAL)
        skipped += sum(not happened[(name, point)] for point in range(first, last + 1))
    return skipped


def _checks(live: int, dead: int) -> dict[str, Check]:
    found = {}
    for number in range(CHECKS):
        if number < DEAD:
            name, host, port = f"dead-{number}", SILENT_HOST, dead
        else:
            name, host, port = f"live-{number}", HOSTS[number % len(HOSTS)], live
        settings = tcp.Settings(address=host, port=port)
        found[name] = Check(name, name, None, "tcp", settings, INTERVAL, TIMEOUT)
    return found


# --- the peers, in a process of their own


async def _serve() -> None:
    first = _listener(HOSTS[0], 0, BACKLOG)
    port = first.getsockname()[1]
    loop = asyncio.get_running_loop()
    for listener in (first, *(_listener(host, port, BACKLOG) for host in HOSTS[1:])):
        loop.add_reader(listener, _hang_up, listener)
    silent = _listener(SILENT_HOST, 0, 0)
    plug = socket.create_connection(silent.getsockname())  # a backlog of 0 holds one connection
    print(port, silent.getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    plug.close()


def _listener(host: str, port: int, backlog: int) -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    made.bind((host, port))
    made.listen(backlog)
    return made


def _hang_up(listener: socket.socket) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:
        return
    connection.close()


def main() -> None:
    if "--peers" in sys.argv:
        asyncio.run(_serve())
        return
    for row in run():
        print(f"{row['name']}: {row['ours']:g} {row['unit']} (goal {row['goal'] or 'none'})")


if __name__ == "__main__":
    main()
