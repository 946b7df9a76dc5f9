"""What is new goes first, what is old beside it; and the last written of two values counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.outbox.batches import Batches
from ioc.outbox.model import Batch, State
from ioc.store._delivery import Experience
from ioc.store._lanes import LIVE, Lanes
from tests.unit.store._remote import MemoryRemote


class Queue:
    """A queue, its lanes and a server, one request at a time, on a clock of its own."""

    def __init__(self, path: Path, most: int = 1) -> None:
        self.batches = Batches(path, 10**9, reserve=0)
        self.server = Experience(most)
        self.remote = MemoryRemote()
        self.now = 1_000.0
        self.lanes = Lanes(self.batches, self.server)

    def put(self, *times: int, value: float = 1.0) -> None:
        for time in times:
            self.batches.append([Batch(b"m up=%f %d" % (value, time), 1, time, time)])

    def send(self, count: int = 10**6) -> list[int]:
        """Up to so many requests; the times that were sent."""
        before = len(self.remote.times())
        for _ in range(count):
            parcel = self.lanes.next(self.now)
            if parcel is None:
                break
            parcel.delivery.step(self.remote, self.server)
            if parcel.delivery.done:
                then = State.EARLY if parcel.early else None
                self.batches.settle(parcel.taken, then)
                self.lanes.finished(parcel)
        return self.remote.times()[before:]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    opened = Queue(tmp_path / "outbox.db")
    yield opened
    opened.batches.close()


def test_while_all_is_well_everything_goes_once_and_in_order(queue: Queue) -> None:
    sent = []
    for second in range(30):
        queue.now += 1
        queue.put(second)
        sent += queue.send()
    assert sent == list(range(30))


def test_after_an_absence_the_new_goes_beside_the_old(queue: Queue) -> None:
    queue.put(*range(100))
    queue.now += 1
    assert queue.send(3) == [0, 1, 2]
    queue.now += LIVE
    for second in range(10):
        queue.now += 1
        queue.put(1_000 + second)
        sent = queue.send(4)
        assert 1_000 + second in sent[:2], "the new one is not kept waiting"
        assert len([time for time in sent if time < 100]) >= 2, "nor are the old ones"
    rest = queue.send()
    assert [time for time in rest if time < 100] == list(range(100))[-len(rest) + 10 :]
    assert set(queue.remote.times()) == {*range(100), *range(1_000, 1_010)}
    assert queue.batches.depth().rows == 0
    assert queue.lanes.next(queue.now) is None


def test_the_last_written_counts_though_it_was_sent_first(queue: Queue) -> None:
    queue.put(*range(20), value=1.0)
    queue.send(1)
    queue.now += LIVE
    queue.put(15, value=2.0)
    queue.put(15, value=3.0)
    sent = queue.send(6)
    assert sent.count(15) == 2, "overtaking"
    assert queue.remote.lines["m up 15"] == 3.0
    queue.send()
    assert queue.remote.lines["m up 15"] == 3.0


def test_a_server_slower_than_what_is_written_gets_the_newest(queue: Queue) -> None:
    queue.put(*range(50))
    late, newest = [], 0
    for second in range(200):
        queue.now += 1
        queue.put(10_000 + 2 * second, 10_001 + 2 * second)
        queue.send(1)  # one request a second, and two batches are written
        newest = max(newest, *queue.remote.times())
        late.append(second - (newest - 10_000) // 2)
    assert max(late[10:]) <= 2 * LIVE + 2
    assert len([time for time in queue.remote.times() if time < 50]) == 50, (
        "the old are not forgotten"
    )


def test_what_waited_before_the_start_is_behind(tmp_path: Path) -> None:
    first = Queue(tmp_path / "outbox.db")
    first.put(*range(10))
    first.batches.close()
    queue = Queue(tmp_path / "outbox.db")
    queue.put(1_000)
    assert 1_000 in queue.send(2)
    assert set(queue.send()) == {*range(1, 10), 1_000}
    queue.batches.close()


def test_batches_go_together_up_to_the_size_of_a_request(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "outbox.db", most=30)
    queue.put(*range(100))
    queue.send()
    assert [len(request) for request in queue.remote.log] == [30, 30, 30, 10]
    queue.batches.close()


def test_a_restarted_server_gets_what_it_may_have_lost_beside_the_new(queue: Queue) -> None:
    queue.batches.other_side_started(1.0, 30)
    queue.put(*range(20))
    for parcel in iter(lambda: queue.lanes.next(queue.now), None):
        parcel.delivery.step(queue.remote, queue.server)
        queue.batches.settle(parcel.taken, State.KEPT)
        queue.lanes.finished(parcel)
    queue.now += 60
    queue.send()
    assert queue.batches.other_side_started(2.0, 30) == 20
    queue.now += 5
    queue.send(1)
    queue.put(1_000)
    assert 1_000 in queue.send(2)
    assert set(queue.send()) >= set(range(5, 20))
