"""A durable queue of batches of samples, for a server that may be away for days.

append ─▶ WAITING ─▶ take ─▶ (sent) ─▶ settle ─┬─▶ gone
                                               ├─▶ EARLY: overtook older ones, goes again in place
                                               └─▶ KEPT: until the other side has surely stored it

Killed at any point, a batch is sent once more, never lost: sending must be idempotent. What is
read is a few batches at a time, however many wait.

When the queue may not grow any more, room is made for the new: first go batches that were sent and
are only kept, then the oldest that wait, and those are counted. The newest samples are what people
act on; the limit is chosen so that this is a matter of many days.
"""

from __future__ import annotations

import shutil
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ioc.outbox._file import QueueFile
from ioc.outbox.model import Amount, Batch, Depth, Refused, State, Taken

LIMIT = 4 * 2**30  # bytes of the file at most: 480 assets for more than a month
SHARE = 0.1  # of the disk, where that is less
RESERVE = 128 * 2**20  # bytes of the disk that are left to the other databases
MOST_BATCHES = 1_000  # taken at once
REFUSED_KEPT = 1_000  # refused lines to look at; the newest
SLACK = 8  # pages that rounding may take
EPISODE = 86_400_000  # ms without a loss after which the next is told for itself
ROW = 160  # bytes that a batch takes beside its payload, about: table and index
SPARE = 4_000  # free pages, 16 MB, that the file keeps for the next batches
LEVEL = 1  # of compression: a tenth of the size for little time


UNSENT = (State.WAITING, State.EARLY)
GIVEN_UP = (State.KEPT, State.EARLY, State.WAITING)  # in this order when room is needed


def limit_of(path: Path) -> int:
    """Bytes a queue in that place may take unless told otherwise."""
    place = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    return min(LIMIT, int(SHARE * shutil.disk_usage(place).total))


def _now() -> int:
    return time.time_ns() // 1_000_000


class Batches:
    """The queue in a file. Blocking, thread-safe; one process has it open, the others are refused.

    limit: bytes it may take, None = see limit_of. Raises OutboxError, as every method may.
    """

    _last: int
    _facts: dict[str, float]
    _amounts: dict[State, Amount]

    def __init__(
        self,
        path: Path,
        limit: int | None = None,
        *,
        reserve: int = RESERVE,
        now: Callable[[], int] = _now,
    ) -> None:
        self.path = path
        self._reserve = reserve
        self._now = now
        self._lock = threading.Lock()
        self._lately: dict[int, int] = {}  # dropped: seq -> samples; some of them may be under way
        self._file = QueueFile(path, self._load)
        self.limit = limit_of(path) if limit is None else limit

    # --- putting in

    def append(self, batches: Iterable[Batch]) -> int:
        """Keep batches; on disk when it returns. How many samples were dropped to make room."""
        packed = [replace(b, payload=zlib.compress(b.payload, LEVEL)) for b in batches]
        with self._lock:
            return self._file.transaction("FULL", lambda: self._append(packed))

    def _append(self, packed: Sequence[Batch]) -> int:
        dropped = self._make_room(sum(len(batch.payload) + ROW for batch in packed))
        now = self._now()
        for b in packed:
            put = self._file.execute(
                "INSERT INTO batches"
                " (state, round, rows, oldest, newest, created_at, size, payload)"
                " VALUES (?, 0, ?, ?, ?, ?, ?, ?)",
                (State.WAITING, b.rows, b.oldest, b.newest, now, len(b.payload), b.payload),
            )
            self._amounts[State.WAITING].add(Amount(1, b.rows, len(b.payload)))
            self._last = put.lastrowid or self._last
        return dropped

    def _make_room(self, needed: int) -> int:
        """Drop what is oldest until there is room. How many samples were lost."""
        pages, free_pages, page = self._file.pages()
        allowed = self.limit
        with suppress(OSError):
            free = shutil.disk_usage(self.path.parent).free
            allowed = min(allowed, pages * page + max(0, free - self._reserve))
        excess = (pages - free_pages + SLACK) * page + needed - allowed
        if excess <= 0:
            return 0
        excess += allowed // 100  # not again at once
        lost = 0
        for state in GIVEN_UP:
            while excess > 0 and (some := self._drop_some(state, excess)).batches:
                excess -= some.size + ROW * some.batches
                lost += some.rows if state is State.WAITING else 0
        return lost

    def _drop_some(self, state: State, excess: int) -> Amount:
        """Drop the oldest of a state, some at a time, and say so when they were never sent."""
        rows = self._file.execute(
            "SELECT seq, rows, size, oldest, newest FROM batches WHERE state = ? ORDER BY seq"
            " LIMIT 200",
            (state,),
        ).fetchall()
        gone = Amount()
        for seq, count, size, oldest, newest in rows:
            if gone.size + ROW * gone.batches >= excess:
                break
            self._file.execute("DELETE FROM batches WHERE seq = ?", (seq,))
            gone.add(Amount(1, count, size))
            if state is State.WAITING:
                self._note_dropped(count, oldest, newest)
                self._lately[seq] = count
        self._amounts[state].add(gone, -1)
        for seq in list(self._lately)[:-MOST_BATCHES]:
            del self._lately[seq]
        return gone

    def _note_dropped(self, rows: int, oldest: int, newest: int) -> None:
        known, now = self._facts, self._now()
        if now - known.get("dropped_at", 0) > EPISODE:  # another loss than the one before
            known = {"dropped": known.get("dropped", 0)}
        self._note(
            dropped=known.get("dropped", 0) + rows,
            lost=known.get("lost", 0) + rows,
            dropped_from=min(known.get("dropped_from", oldest), oldest),
            dropped_to=max(known.get("dropped_to", newest), newest),
            dropped_at=now,
        )

    # --- taking out

    def take(
        self, after: int, until: int | None, rows: int, states: Sequence[State]
    ) -> list[Taken]:
        """The oldest batches with `after` < seq <= `until`, in order: as many as have about so
        many rows together, at least one if there is any. They stay until they are settled."""
        with self._lock:
            return self._file.transaction("NORMAL", lambda: self._take(after, until, rows, states))

    def _take(
        self, after: int, until: int | None, rows: int, states: Sequence[State]
    ) -> list[Taken]:
        last = 2**62 if until is None else until
        found = sorted(
            (seq, state, count, oldest, newest)
            for state in states
            for seq, count, oldest, newest in self._file.execute(
                "SELECT seq, rows, oldest, newest FROM batches WHERE state = ? AND seq > ?"
                " AND seq <= ? ORDER BY seq LIMIT ?",
                (state, after, last, MOST_BATCHES),
            )
        )
        taken: list[Taken] = []
        for seq, state, count, oldest, newest in found[:MOST_BATCHES]:
            rows -= count
            if taken and rows < 0:
                break
            batch = Taken(b"", count, oldest, newest, seq, state)
            payload = self._payload(batch)
            if payload is not None:
                taken.append(replace(batch, payload=payload))
        return taken

    def _payload(self, batch: Taken) -> bytes | None:
        """None when the disk gave back something else: nothing that could be sent."""
        row = self._file.execute("SELECT payload FROM batches WHERE seq = ?", (batch.seq,))
        packed = row.fetchone()[0]
        try:
            return zlib.decompress(packed)
        except zlib.error as error:
            self._settle([batch], None, [Refused(packed, str(error))] * batch.rows)
            return None

    def settle(
        self, taken: Iterable[Taken], then: State | None, refused: Sequence[Refused] = ()
    ) -> None:
        """They were sent, all but the refused lines. then: what they are now, None = forget them.

        Not flushed to the disk at once: after a power cut they may be sent once more.
        """
        with self._lock:
            self._file.transaction("NORMAL", lambda: self._settle(taken, then, refused))

    def _settle(
        self, taken: Iterable[Taken], then: State | None, refused: Sequence[Refused]
    ) -> None:
        now, current = self._now(), int(self._facts.get("round", 0))
        for batch in taken:
            row = self._file.execute(
                "SELECT state, rows, size FROM batches WHERE seq = ?", (batch.seq,)
            ).fetchone()
            if row is None:  # dropped meanwhile, to make room: then it was not lost after all
                saved = self._lately.pop(batch.seq, 0)
                if saved:
                    dropped, lost = self._facts["dropped"], self._facts["lost"]
                    self._note(dropped=dropped - saved, lost=lost - saved)
                continue
            amount = Amount(1, row[1], row[2])
            self._amounts[State(row[0])].add(amount, -1)
            if then is None:
                self._file.execute("DELETE FROM batches WHERE seq = ?", (batch.seq,))
            else:
                self._file.execute(
                    "UPDATE batches SET state = ?, round = ? WHERE seq = ?",
                    (then, current, batch.seq),
                )
                self._amounts[then].add(amount)
        if refused:
            self._file.executemany(
                "INSERT INTO refused (at, reason, line) VALUES (?, ?, ?)",
                [(now, r.reason, r.line) for r in refused[-REFUSED_KEPT:]],
            )
            self._file.execute(
                "DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?", (REFUSED_KEPT,)
            )
            self._note(refused=self._facts.get("refused", 0) + len(refused), refused_at=now)

    # --- what was sent and may still be lost

    def other_side_started(self, start: float, rounds: int) -> int:
        """Note when the process of the other side was started, as asked just now; s since 1970.

        When it was started anew, what is kept waits again: how many samples. Otherwise a round is
        over, and what was sent so many rounds ago is forgotten. Rounds and not minutes, because a
        clock may be put forward.
        """
        with self._lock:
            return self._file.transaction("NORMAL", lambda: self._round(start, rounds))

    def _round(self, start: float, rounds: int) -> int:
        before = self._facts.get("start")
        self._note(start=start, round=self._facts.get("round", 0) + 1)
        kept = self._amounts[State.KEPT]
        if before is not None and abs(before - start) > 0.5:
            again = replace(kept)
            self._file.execute(
                "UPDATE batches SET state = ? WHERE state = ?", (State.WAITING, State.KEPT)
            )
            self._amounts[State.WAITING].add(again)
            kept.add(again, -1)
            return again.rows
        old = (State.KEPT, self._facts["round"] - rounds)
        which = "FROM batches WHERE state = ? AND round < ?"
        amount = self._file.execute(f"SELECT count(*), sum(rows), sum(size) {which}", old)
        batches, rows, size = amount.fetchone()
        if batches:
            self._file.execute(f"DELETE {which}", old)
            kept.add(Amount(batches, rows, size), -1)
        return 0

    def forget_kept(self) -> None:
        """The other side loses nothing."""
        with self._lock:
            if self._amounts[State.KEPT].batches:
                self._file.transaction("NORMAL", self._forget_kept)

    def _forget_kept(self) -> None:
        self._file.execute("DELETE FROM batches WHERE state = ?", (State.KEPT,))
        self._amounts[State.KEPT] = Amount()

    # --- looking at it

    @property
    def last(self) -> int:
        """seq of the newest batch, 0 before the first."""
        return self._last

    def holds(self, after: int, until: int, states: Sequence[State] = UNSENT) -> bool:
        """Whether there is a batch in one of the states with `after` < seq <= `until`."""
        query = "SELECT 1 FROM batches WHERE state = ? AND seq > ? AND seq <= ? LIMIT 1"
        bounds = (after, until)
        with self._lock:
            return self._file.transaction(
                "NORMAL",
                lambda: any(self._file.execute(query, (s, *bounds)).fetchone() for s in states),
            )

    def depth(self) -> Depth:
        """How much waits, and what became of the rest."""
        with self._lock:
            return self._file.transaction("NORMAL", self._depth)

    def _depth(self) -> Depth:
        pages, free, page = self._file.pages()
        ends = "SELECT created_at, newest FROM batches WHERE state = ? ORDER BY seq"
        oldest = self._file.execute(f"{ends} LIMIT 1", (State.WAITING,)).fetchone()
        newest = self._file.execute(f"{ends} DESC LIMIT 1", (State.WAITING,)).fetchone()
        facts = (
            "dropped",
            "lost",
            "dropped_from",
            "dropped_to",
            "dropped_at",
            "refused",
            "refused_at",
        )
        return Depth(
            self._amounts[State.WAITING].rows,
            self._amounts[State.KEPT].rows,
            (pages - free) * page,
            self.limit,
            oldest and oldest[0],
            newest and newest[1],
            *(int(self._facts.get(name, 0)) for name in facts),
        )

    def refused(self, limit: int = 20) -> list[Refused]:
        """What the other side will never take, newest first."""
        query = "SELECT line, reason, at FROM refused ORDER BY id DESC LIMIT ?"
        with self._lock:
            return self._file.transaction(
                "NORMAL",
                lambda: [Refused(*row) for row in self._file.execute(query, (limit,))],
            )

    def give_back(self, pages: int = 500) -> bool:
        """Return a little of what a long absence took to the disk. False when that was all."""
        with self._lock:
            return self._file.transaction("NORMAL", lambda: self._give_back(pages))

    def _give_back(self, pages: int) -> bool:
        if self._file.pages()[1] <= SPARE:
            return False
        self._file.execute(f"PRAGMA incremental_vacuum({int(pages)})").fetchall()
        return True

    def close(self) -> None:
        """Close the file; another program may open it then. Twice is no harm."""
        with self._lock:
            self._file.close()

    # --- what is counted

    def _note(self, **facts: float) -> None:
        for name, value in facts.items():
            self._file.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
        self._facts.update(facts)

    def _load(self, file: QueueFile) -> None:
        """After opening, and after a transaction that was not."""
        self._facts = dict(file.execute("SELECT name, value FROM facts"))
        self._amounts = {state: Amount() for state in State}
        query = "SELECT state, count(*), sum(rows), sum(size) FROM batches GROUP BY state"
        for state, *amount in file.execute(query):
            self._amounts[State(state)] = Amount(*amount)
        last = "SELECT seq FROM sqlite_sequence WHERE name = 'batches'"
        self._last = next((row[0] for row in file.execute(last)), 0)
