"""The queue of batches: nothing goes but what is settled, or what had to make room, and is told."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ioc.outbox import batches as module
from ioc.outbox.batches import UNSENT, Batches
from ioc.outbox.errors import OutboxCorrupt, OutboxError, OutboxTaken, OutboxUnavailable
from ioc.outbox.model import Batch, Refused, State, Taken

Make = Callable[..., Batches]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def make(path: Path) -> Iterator[Make]:
    opened: list[Batches] = []

    def open_queue(limit: int | None = None, **more: int) -> Batches:
        for queue in opened:
            queue.close()
        opened.append(Batches(path, limit, reserve=more.get("reserve", 0), now=lambda: 5_000))
        return opened[-1]

    yield open_queue
    for queue in opened:
        queue.close()


def batch(time: int, rows: int = 1, size: int = 0) -> Batch:
    noise = random.Random(time).randbytes(size).hex().encode()
    return Batch(b"\n".join([b"m up=1 %d" % time + noise] * rows), rows, time, time + rows)


def everything(queue: Batches, rows: int = 10**9) -> list[Taken]:
    return queue.take(0, None, rows, UNSENT)


def oldests(taken: list[Taken]) -> list[int]:
    return [one.oldest for one in taken]


def test_what_is_put_is_taken_in_order_and_stays_until_it_is_settled(make: Make) -> None:
    queue = make()
    queue.append([batch(1), batch(2)])
    queue.append([batch(3)])
    taken = everything(queue)
    assert oldests(taken) == [1, 2, 3]
    assert taken[1].payload == batch(2).payload
    assert everything(queue) == taken
    queue.settle(taken[:2], None)
    assert oldests(everything(queue)) == [3]
    assert queue.depth().rows == 1


def test_it_is_all_there_after_opening_anew(make: Make) -> None:
    queue = make()
    queue.append([batch(1, 7), batch(2), batch(3)])
    first, second, _third = everything(queue)
    queue.settle([first], None, [Refused(b"x", "why"), Refused(b"y", "why")])
    queue.settle([second], State.KEPT)
    before, last = queue.depth(), queue.last
    again = make()
    assert again.depth() == before
    assert (again.last, before.rows, before.kept, before.refused) == (last, 1, 1, 2)
    again.append([batch(4)])
    assert again.last > last, "a number is never used twice"


def test_a_number_is_not_used_again_after_everything_has_gone(make: Make) -> None:
    queue = make()
    queue.append([batch(1)])
    queue.settle(everything(queue), None)
    last = queue.last
    again = make()
    assert again.last == last
    again.append([batch(2)])
    assert everything(again)[0].seq == last + 1


def test_as_many_batches_as_have_about_so_many_rows(make: Make) -> None:
    queue = make()
    queue.append([batch(1, 10), batch(2, 10), batch(3, 10)])
    assert oldests(everything(queue, 20)) == [1, 2]
    assert oldests(everything(queue, 19)) == [1]
    assert oldests(everything(queue, 1)) == [1], "one larger than wanted is taken all the same"


def test_bounds_of_what_is_taken(make: Make) -> None:
    queue = make()
    queue.append([batch(time) for time in range(5)])
    all_of = everything(queue)
    between = queue.take(all_of[0].seq, all_of[3].seq, 100, UNSENT)
    assert oldests(between) == [1, 2, 3]
    assert queue.holds(all_of[3].seq, all_of[4].seq)
    assert not queue.holds(all_of[4].seq, all_of[4].seq + 9)
    queue.settle([all_of[1]], State.EARLY)
    assert oldests(queue.take(0, None, 100, (State.WAITING,))) == [0, 2, 3, 4]
    assert oldests(everything(queue)) == [0, 1, 2, 3, 4], "and in its place"
    assert queue.depth().rows == 4, "what was sent early does not count as waiting"


def test_what_is_kept_waits_again_when_the_other_side_was_started_anew(make: Make) -> None:
    queue = make()
    queue.append([batch(1, 3), batch(2, 4)])
    assert queue.other_side_started(100.0, rounds=2) == 0
    queue.settle(everything(queue), State.KEPT)
    assert everything(queue) == []
    assert queue.other_side_started(100.2, rounds=2) == 0, "a rounded figure is no restart"
    assert queue.other_side_started(107.0, rounds=2) == 7
    assert oldests(everything(queue)) == [1, 2]
    assert (queue.depth().rows, queue.depth().kept) == (7, 0)


def test_a_restart_while_the_program_was_away_is_noticed(make: Make) -> None:
    queue = make()
    queue.append([batch(1)])
    queue.other_side_started(100.0, rounds=2)
    queue.settle(everything(queue), State.KEPT)
    assert make().other_side_started(200.0, rounds=2) == 1


def test_what_is_kept_is_forgotten_after_so_many_rounds_and_not_before(make: Make) -> None:
    queue = make()
    queue.other_side_started(100.0, rounds=3)
    queue.append([batch(1)])
    queue.settle(everything(queue), State.KEPT)
    for _round in range(3):
        queue.other_side_started(100.0, rounds=3)
        assert queue.depth().kept == 1
    queue.other_side_started(100.0, rounds=3)
    assert queue.depth().kept == 0
    assert queue.other_side_started(200.0, rounds=3) == 0


def test_it_never_outgrows_its_limit_and_drops_the_oldest_and_says_so(make: Make) -> None:
    limit = 400_000
    queue = make(limit)
    dropped = 0
    for time in range(200):
        dropped += queue.append([batch(time, 1, 2_000)])
        assert queue.depth().size <= limit
    depth, left = queue.depth(), everything(queue)
    assert dropped == depth.dropped == 200 - len(left)
    assert oldests(left) == list(range(dropped, 200))
    assert dropped < 150, "no more than needed"
    assert (depth.dropped_from, depth.dropped_to, depth.dropped_at) == (0, dropped, 5_000)
    assert make(limit).depth().dropped == dropped, "not forgotten"


def test_a_loss_is_told_for_itself_when_the_last_was_long_ago(path: Path) -> None:
    clock = [5_000]
    queue = Batches(path, 100_000, reserve=0, now=lambda: clock[0])
    queue.append([batch(time, 1, 2_000) for time in range(40)])
    while not queue.depth().dropped:
        queue.append([batch(50, 1, 2_000)])
    first = queue.depth()
    assert first.lost == first.dropped
    clock[0] += module.EPISODE + 1
    while queue.depth().dropped == first.dropped:
        queue.append([batch(60, 1, 2_000)])
    second = queue.depth()
    queue.close()
    assert second.lost == second.dropped - first.dropped
    assert second.dropped_from >= first.dropped_to - 1


def test_what_was_sent_already_makes_room_first(make: Make) -> None:
    limit = 300_000
    queue = make(limit)
    queue.append([batch(time, 1, 2_000) for time in range(30)])
    sent = everything(queue)[10:25]
    queue.settle(sent[:10], State.KEPT)
    queue.settle(sent[10:], State.EARLY)
    while queue.depth().kept:
        queue.append([batch(1_000, 1, 2_000)])
        assert queue.depth().dropped == 0
    assert oldests(everything(queue))[:10] == list(range(10))


def test_a_batch_that_was_dropped_while_it_was_being_sent_is_no_trouble(make: Make) -> None:
    queue = make(100_000)
    queue.append([batch(0, 1, 2_000)])
    taken = everything(queue)
    queue.append([batch(time, 1, 2_000) for time in range(1, 30)])
    while taken[0].seq in [one.seq for one in everything(queue)]:
        queue.append([batch(99, 1, 2_000)])
    before = queue.depth()
    queue.settle(taken, None)
    arrived = replace(before, dropped=before.dropped - 1, lost=before.lost - 1)
    assert queue.depth() == arrived, "it arrived: it was not lost"
    queue.settle(taken, State.KEPT)
    assert queue.depth() == arrived, "once"


def test_it_does_not_grow_into_the_last_of_the_disk(make: Make) -> None:
    queue = make(reserve=2**60)
    for time in range(300):
        queue.append([batch(time, 1, 2_000)])
    assert queue.depth().size < 200_000
    assert 299 in oldests(everything(queue)), "the newest is there"


def test_refused_lines_are_kept_up_to_a_bound(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REFUSED_KEPT", 10)
    queue = make()
    for number in range(4):
        queue.settle([], None, [Refused(b"%d" % (10 * number + i), "bad") for i in range(4)])
    found = queue.refused(100)
    assert [int(r.line) for r in found] == [33, 32, 31, 30, 23, 22, 21, 20, 13, 12]
    assert found[0] == Refused(b"33", "bad", 5_000)
    assert queue.depth().refused == 16


def test_a_payload_that_the_disk_has_changed_holds_up_nothing(make: Make, path: Path) -> None:
    queue = make()
    queue.append([batch(1, 3), batch(2)])
    queue.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE batches SET payload = x'00' WHERE oldest = 1")
    connection.close()
    again = make()
    assert oldests(everything(again)) == [2]
    assert again.depth().refused == 3
    assert "incorrect" in again.refused()[0].reason or again.refused()[0].reason


def test_a_second_program_is_refused(make: Make, path: Path) -> None:
    make()
    with pytest.raises(OutboxTaken, match=r"outbox\.db"):
        Batches(path)


def test_a_file_that_is_none_of_ours_is_a_clear_error(path: Path) -> None:
    path.write_bytes(b"no database at all" * 500)
    with pytest.raises(OutboxCorrupt, match=r"outbox\.db"):
        Batches(path)
    path.unlink()
    Batches(path).close()


def test_a_folder_in_its_place_and_a_newer_layout_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match="unable to open"):
        Batches(tmp_path)
    newer = tmp_path / "newer.db"
    Batches(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(OutboxError, match="layout 99"):
        Batches(newer)


def test_a_closed_queue_says_so(make: Make) -> None:
    queue = make()
    queue.close()
    queue.close()
    with pytest.raises(OutboxUnavailable):
        queue.append([batch(1)])


def test_space_is_given_back_after_a_long_absence(
    make: Make, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPARE", 10)
    queue = make()
    queue.append([batch(time, 1, 20_000) for time in range(100)])
    queue.settle(everything(queue), None)
    steps = 0
    while queue.give_back(50):
        steps += 1
    assert steps > 3
    queue.close()
    assert path.stat().st_size < 200_000


def test_an_empty_queue_answers_everything(make: Make) -> None:
    queue = make()
    queue.append([])
    queue.settle([], None)
    depth = queue.depth()
    assert (everything(queue), queue.last, depth.oldest, depth.newest) == ([], 0, None, None)
