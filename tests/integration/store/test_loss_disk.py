"""The disk under the outbox fills up, the program dies at any statement: nothing is half done."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.outbox.batches import UNSENT, Batches
from ioc.outbox.errors import OutboxUnavailable
from ioc.outbox.model import State
from tests._disk import mounted
from tests.integration.store._outbox_work import batch, work


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "24m") as folder:
        yield folder


def numbers(queue: Batches) -> list[int]:
    found: list[int] = []
    after = 0
    while some := queue.take(after, None, 100, UNSENT):
        found += [one.oldest for one in some]
        after = some[-1].seq
    return found


def integrity(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.root
def test_a_full_disk_refuses_what_is_new_and_keeps_what_is_there(small_disk: Path) -> None:
    path = small_disk / "outbox.db"
    queue = Batches(path, 10**9, reserve=0)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2**23))
    kept = []
    # Told that there is room, as when another program takes it in the same moment.
    queue._reserve = -(10**9)
    for number in range(10_000):
        try:
            queue.append([batch(number)])
        except OutboxUnavailable as error:
            assert "full" in str(error)
            break
        kept.append(number)
    assert len(kept) > 20
    assert numbers(queue) == kept
    assert queue.depth().rows == 10 * len(kept)
    ballast.unlink()
    queue.append([batch(99_999)])
    assert numbers(queue) == [*kept, 99_999]
    queue.close()
    integrity(path)


@pytest.mark.root
def test_before_the_disk_is_full_the_oldest_make_room(small_disk: Path) -> None:
    queue = Batches(small_disk / "outbox.db", 10**9, reserve=12 * 2**20)
    for number in range(1_000):
        queue.append([batch(number)])
    left = numbers(queue)
    assert left == list(range(1_000 - len(left), 1_000))
    assert queue.depth().dropped == 10 * (1_000 - len(left))
    assert len(left) > 20
    queue.close()


WORKERS = """
import os, signal, sys
from pathlib import Path
from ioc.outbox.batches import Batches
from tests.integration.store._outbox_work import work
for line in sys.stdin:
    path, left = line.split()
    if os.fork() == 0:
        left = int(left)
        def statement(_text):
            global left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        queue = Batches(Path(path), 400_000, reserve=0)
        queue._file._connection.set_trace_callback(statement)
        work(queue, lambda text: os.write(1, text.encode()))
        os._exit(0)
    os.write(1, b"%d\\n" % os.waitstatus_to_exitcode(os.wait()[1]))
"""


def statements(path: Path) -> dict[int, str]:
    """First, a middle and the last statement of each kind: its number -> name."""
    queue = Batches(path, 400_000, reserve=0)
    seen: dict[str, list[int]] = defaultdict(list)
    count = iter(range(1, 10**9))

    def statement(text: str) -> None:
        words = re.match(r"\s*(BEGIN|COMMIT|PRAGMA|\w+.*?(?:INTO|FROM|UPDATE) \w+|\w+)", text)
        assert words
        seen[words[1]].append(next(count))

    queue._file._connection.set_trace_callback(statement)
    work(queue, lambda text: None)
    queue.close()
    return {
        where[index]: f"{name} {which}"
        for name, where in seen.items()
        if name.startswith(("COMMIT", "INSERT", "DELETE", "UPDATE"))
        for which, index in (("first", 0), ("middle", len(where) // 2), ("last", -1))
    }


@pytest.mark.timeout(120)
def test_a_kill_at_any_kind_of_statement_loses_nothing(tmp_path: Path) -> None:
    points = statements(tmp_path / "dry.db")
    kinds = {name.rpartition(" ")[0] for name in points.values()}
    assert kinds >= {"COMMIT", "INSERT INTO batches", "INSERT INTO refused", "DELETE FROM batches"}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", WORKERS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as workers:
        assert workers.stdin is not None
        assert workers.stdout is not None
        for number, name in points.items():
            path = tmp_path / f"{number}.db"
            workers.stdin.write(f"{path} {number}\n")
            workers.stdin.flush()
            *told, ended = workers.stdout.readline().split()
            assert int(ended) == -signal.SIGKILL, name
            check(path, told, name)
        workers.stdin.close()


def check(path: Path, told: list[str], name: str) -> None:
    """What is in the file after it was killed. told: what it had said before, see `work`."""
    integrity(path)
    put = {int(word[1:]) for word in told if word[0] == "+"}
    sent = {int(word[1:]) for word in told if word[0] == "-"}
    queue = Batches(path, 400_000, reserve=0)
    depth, left = queue.depth(), numbers(queue)
    if not depth.dropped:
        assert put - sent <= set(left), name
    assert left == sorted(set(left)), f"{name}: each once, in order"
    everything = queue.take(0, None, 10**6, tuple(State))
    assert depth.rows == sum(one.rows for one in everything if one.state is State.WAITING)
    queue.close()
