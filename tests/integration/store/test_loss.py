"""Whatever the server or the program does, what was written is in the server in the end, once.

Real servers on loopback, each test its own; the trouble between is real as well: stopped, killed,
frozen, or a gate that answers as overloaded servers and bad networks do.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ioc.store._drain import Pace
from ioc.store.base import Point, SeriesQuery
from tests.integration.store._gate import PASS, Act, Gate, Write, gate_to
from tests.integration.store._loss import (
    DAY,
    HOUR,
    MINUTE,
    QUICK,
    T0,
    Live,
    Place,
    backlog,
    delivered,
    expect,
    points,
    until,
)
from tests.integration.store._servers import Influx, Victoria, running

SOON = 10.0  # seconds that live data may be late after an absence
KINDS = {"victoriametrics": Victoria, "influxdb": Influx}


@pytest.fixture(params=list(KINDS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    server = KINDS[request.param](tmp_path / "server")
    with running(server):
        yield Place(server, tmp_path)


@pytest.fixture
def gate(place: Place) -> Iterator[Gate]:
    with gate_to(place.port) as opened:
        yield opened


def rss() -> float:
    return float(psutil.Process().memory_info().rss / 2**20)


# --- 72 hours without a server


def test_after_72_hours_nothing_is_missing_and_live_data_goes_first(place: Place) -> None:
    assets, step = 480, (5 if place.forgets else 15) * MINUTE
    place.server.stop()
    times = list(range(T0, T0 + 72 * HOUR, step))
    with place.store(pace=Pace()) as store:  # as it is shipped
        for at in times:
            store.write(points(at, assets))
        waiting = backlog(store)
        assert waiting.rows == assets * len(times) >= 138_240
        assert waiting.away_since is not None
        assert waiting.size < 12 * waiting.rows, "bytes of a sample that waits"
        memory, most = rss(), [0.0]
        live = Live(place, store, T0 + 30 * DAY)
        time.sleep(1.0)
        place.server.start()
        back = time.monotonic()

        def done() -> bool:
            most[0] = max(most[0], rss() - memory)
            return delivered(store) and len(live.seen) > 8 and time.monotonic() - back > 3.0

        until(done, 60, "everything is delivered")
        lived = live.stop()
        until(lambda: delivered(store), 15, "the last live ones")
        late = [seen - max(back, live.written[at]) for at, seen in live.seen.items()]
        assert max(late) < SOON
        assert most[0] < 60, f"memory grew by {most[0]:.0f} MB"
    found = place.samples()
    assert len(found) == assets
    assert all(found[f"may-{i}"] == times for i in range(20, assets))
    assert all(found[f"may-{i}"] == times + lived for i in range(20))


# --- the server is killed, frozen, started anew


def test_a_server_killed_again_and_again_loses_nothing(place: Place) -> None:
    chance, times = random.Random(3), []
    with place.store() as store:
        for number in range(300):
            times.append(T0 + number * 1_000)
            store.write(points(times[-1]))
            if number in (40, 41, 150, 260):
                time.sleep(chance.uniform(0.0, 1.5))  # in the middle of one, or when all is sent
                place.server.kill()
                away = [T0 + DAY + number * 1_000 + later for later in range(3)]
                for at in away:
                    store.write(points(at))
                times += away
                place.server.start()
            time.sleep(0.002)
        until(lambda: delivered(store), 20, "everything is delivered")
        time.sleep(2 * QUICK.look)  # in which the last restart is noticed
        until(lambda: delivered(store), 20, "and what the server had forgotten")
    expect(place, sorted(times))


def test_a_program_that_was_away_when_the_server_was_killed_sends_again(place: Place) -> None:
    with place.store() as store:
        store.write(points(T0))
        until(lambda: delivered(store), 10, "it is delivered")
        assert bool(backlog(store).kept) == place.forgets
        time.sleep(1.1)  # VictoriaMetrics tells whole seconds of its start
    place.server.kill()
    place.server.start()
    with place.store() as store:
        time.sleep(2 * QUICK.look)
        until(lambda: delivered(store), 10, "it is delivered again")
    expect(place, [T0])


def test_a_frozen_server_holds_up_nobody(place: Place) -> None:
    times = [T0 + number * 1_000 for number in range(60)]
    with place.store(more="?timeout=1") as store:
        store.write(points(times[0]))
        until(lambda: delivered(store), 10, "it works")
        place.server.freeze()
        for at in times[1:]:
            began = time.monotonic()
            store.write(points(at))
            assert time.monotonic() - began < 1.0, "writing does not wait for the server"
        until(lambda: backlog(store).away_since is not None, 10, "it is noticed")
        assert backlog(store).rows >= 59
        place.server.thaw()
        until(lambda: delivered(store), 20, "everything is delivered")
    expect(place, times)


# --- what overloaded servers and bad networks answer

TROUBLE: dict[str, Callable[[Write], Act]] = {
    "500": lambda write: Act(500) if write.number % 3 else PASS,
    "503 of a proxy": lambda write: Act(503, said="<html>") if write.number < 5 else PASS,
    "429": lambda write: Act(429, "1") if write.number in (1, 4) else PASS,
    "413": lambda write: Act(413) if write.lines > 333 else PASS,
    "413 by size": lambda write: Act(413) if write.size > 20_000 else PASS,
    "reset before": lambda write: Act(reset="before") if write.number % 2 else PASS,
    "reset after": lambda write: Act(reset="after") if write.number % 2 else PASS,
    "slow": lambda write: Act(wait=1.4) if write.number in (2, 5) else PASS,
}


@pytest.mark.parametrize("name", TROUBLE)
def test_no_trouble_costs_a_sample(place: Place, gate: Gate, name: str) -> None:
    gate.rule = TROUBLE[name]
    times = [T0 + number * 1_000 for number in range(100)]
    with place.store(gate.port, "?timeout=1") as store:
        for number, at in enumerate(times):
            if number % 20 == 0 and number:  # in stretches, or a quick machine sends all at once
                asked = len(gate.writes)
                until(lambda asked=asked: len(gate.writes) > asked or delivered(store), 30, "sent")
            store.write(points(at, 50))
        until(lambda: delivered(store), 30, "everything is delivered")
        assert backlog(store).refused == 0
        # What overtook is sent again in its turn, and may meet the same trouble.
        until(lambda: backlog(store).away_since is None, 20, "the server is there again")
    assert len(gate.writes) > 2
    expect(place, times, 50)


def test_a_wait_that_the_server_asks_for_is_kept(place: Place, gate: Gate) -> None:
    gate.rule = lambda write: Act(429, "3") if write.number == 1 else PASS
    with place.store(gate.port) as store:
        store.write(points(T0))
        until(lambda: delivered(store), 15, "it is delivered")
    first, second = gate.writes[0].at, gate.writes[1].at
    assert second - first >= 3.0
    expect(place, [T0])


def test_an_answer_that_takes_30_seconds(tmp_path: Path) -> None:
    """With the time-outs as they are shipped."""
    server = Influx(tmp_path / "server")
    with running(server), gate_to(server.front.port) as gate:
        place = Place(server, tmp_path)
        gate.rule = lambda write: Act(wait=30.0) if write.number == 1 else PASS
        with place.store(gate.port) as store:
            store.write(points(T0))
            until(lambda: bool(gate.writes), 5, "it is being sent")
            store.write(points(T0 + 1_000))
            until(lambda: delivered(store), 40, "everything is delivered")
        expect(place, [T0, T0 + 1_000])


def test_a_bad_line_among_5000_is_set_apart_and_told(place: Place) -> None:
    """InfluxDB keeps no second type in one field, VictoriaMetrics nothing of the year 2100."""
    bad = b"check,asset=hong up=1.0 4102444800000"
    if not place.forgets:
        bad = b'check,asset=may-0 up="chu" 1770000000000'
    times = [T0 + number * 1_000 for number in range(250)]
    with place.store() as store:
        store.write(points(T0))  # so that the type of the field is known
        until(lambda: delivered(store), 10, "the first")
        place.server.stop()
        lines = [
            b"check,asset=may-%d up=1.0 %d" % (asset, at) for at in times[1:] for asset in range(20)
        ]
        lines.insert(3_210, bad)
        from ioc.outbox.model import Batch

        store._batches.append([Batch(b"\n".join(lines), len(lines), T0, times[-1])])
        place.server.start()
        until(lambda: delivered(store), 30, "everything else is delivered")
        told = backlog(store)
        assert told.refused == 1
        assert bad.decode() in told.example
        assert [r.line for r in store._batches.refused()] == [bad]
    expect(place, times)


def test_an_outbox_that_is_too_small_says_what_it_lost(place: Place) -> None:
    place.server.stop()
    times = [T0 + number * 1_000 for number in range(400)]
    with place.store(limit=150_000) as store:
        for at in times:
            store.write(points(at, 100))
        told = backlog(store)
        assert told.size <= 150_000
        assert told.dropped > 0
        assert told.dropped + told.rows == 100 * len(times)
        assert told.dropped_from == T0
        place.server.start()
        until(lambda: delivered(store), 30, "the rest is delivered")
        told = backlog(store)  # what was under way when it was dropped has arrived
    found = place.samples()["may-0"]
    assert 100 * len(found) == 100 * len(times) - told.dropped
    assert found[-50:] == times[-50:], "the newest are there"
    expect(place, found, 100)


def test_awkward_names_come_through_the_outbox_as_they_were(place: Place) -> None:
    names = [
        "Yên Thịnh",
        "a b,c=d",
        'nói "rằng"',
        "C:\\máy\\",
        "hai\ndòng",
        "\r\t",
        "#1",
        "%0A",
        "",
    ]
    place.server.stop()
    with place.store() as store:
        for number, name in enumerate(names):
            store.write([Point("check", (("asset", name),), {"up": number + 0.25}, T0)])
        place.server.start()
        until(lambda: delivered(store), 20, "everything is delivered")
        place.flush()
        found = store.read(SeriesQuery("check", "up", T0, T0 + 1))
    assert {dict(one.tags)["asset"]: one.values[0] for one in found} == {
        name: number + 0.25 for number, name in enumerate(names)
    }


# --- the program is killed

WRITER = """
import os, sys
from pathlib import Path
from ioc.outbox.batches import Batches
from ioc.store import open_store
from ioc.store._outboxed import OutboxedStore
from tests.integration.store._loss import QUICK, T0, points
url, path = sys.argv[1:]
open_store(url).close()
for line in sys.stdin:
    if os.fork() == 0:
        first = int(line)
        os.write(1, b"pid %d\\n" % os.getpid())
        store = OutboxedStore(open_store(url), Batches(Path(path)), QUICK)
        for number in range(first, first + 100_000):
            store.write(points(T0 + number * 1_000))
            os.write(1, b"done %d\\n" % number)
    os.wait()
    os.write(1, b"end\\n")
"""


@pytest.mark.timeout(120)
def test_the_program_killed_fifty_times_loses_and_doubles_nothing(place: Place) -> None:
    chance, committed, begun = random.Random(11), [], 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITER, place.url(), str(place.folder / "outbox.db")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as writers:
        assert writers.stdin is not None
        assert writers.stdout is not None
        for _ in range(50):
            writers.stdin.write(f"{begun}\n")
            writers.stdin.flush()
            pid = int(writers.stdout.readline().split()[1])
            timer = threading.Timer(chance.uniform(0.0, 0.15), os.kill, (pid, signal.SIGKILL))
            timer.start()
            told = iter(writers.stdout.readline, "end\n")
            committed += [int(line.split()[1]) for line in told]
            timer.join()
            begun = max([begun, *committed]) + 2  # one may be on disk without having been told
        writers.stdin.close()
    assert len(committed) > 100
    with place.store() as store:
        until(lambda: delivered(store), 30, "what was left is delivered")
    found = {(at - T0) // 1_000 for at in place.samples()["may-0"]}
    lost, untold = set(committed) - found, found - set(committed)
    assert not lost, f"{len(lost)} lost"
    assert len(untold) <= 50, "at most the one that was being written"
    expect(place, sorted(T0 + number * 1_000 for number in found))
