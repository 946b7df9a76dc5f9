"""Which batches go next: the newest first, the older ones beside them, oldest first.

What has waited for longer than `LIVE` is behind, up to a frontier; what is newer overtakes it.
While nothing is behind, everything goes in the order in which it was put. What overtook older
batches stays in the queue and is sent again in its turn, because of two values of one moment the
one that was written last must count.
"""

from __future__ import annotations

from dataclasses import dataclass

from ioc.outbox.batches import UNSENT, Batches
from ioc.outbox.model import State, Taken
from ioc.store._delivery import Delivery, Experience

LIVE = 4.0  # seconds after which a batch does not count as new any more


@dataclass(slots=True)
class Parcel:
    """Batches that are sent together. early: they overtake others."""

    taken: list[Taken]
    delivery: Delivery
    early: bool


class Lanes:
    """Two lanes of one queue, a request of each in turn. Not thread-safe."""

    def __init__(self, batches: Batches, server: Experience, live: float = LIVE) -> None:
        self._batches = batches
        self._server = server
        self._live = live
        self._frontier = 0  # seq up to which batches are behind; 0: none is
        self._mark = (batches.last, float("-inf"))  # the newest batch, as of
        self._fast: Parcel | None = None
        self._slow: Parcel | None = None
        self._fast_turn = True

    def next(self, now: float) -> Parcel | None:
        """What to send a request of; None when there is nothing. now: monotonic seconds."""
        self._look_behind(now)
        if self._fast is None and self._frontier:
            self._fast = self._parcel(self._frontier, None, early=True)
        if self._slow is None:
            self._slow = self._parcel(0, self._frontier or None, early=False)
        if self._slow is None and self._fast is None and self._frontier:
            self._frontier = 0  # nothing is behind; what overtook is sent again, in order
            self._slow = self._parcel(0, None, early=False)
        first, second = self._fast, self._slow
        if not self._fast_turn:
            first, second = second, first
        self._fast_turn = not self._fast_turn
        return first or second

    def finished(self, parcel: Parcel) -> None:
        """All of it was sent, and is settled."""
        if parcel is self._fast:
            self._fast = None
        else:
            self._slow = None

    def reset(self) -> None:
        """Older batches are to be sent again: what was begun goes after them."""
        self._fast = self._slow = None

    def _look_behind(self, now: float) -> None:
        """Move the frontier to what has waited for too long."""
        marked, since = self._mark
        if now - since < self._live:
            return
        self._mark = (self._batches.last, now)
        states = (State.WAITING,) if self._frontier else UNSENT
        if self._batches.holds(self._frontier, marked, states):
            self._frontier = marked
            self._fast = None

    def _parcel(self, after: int, until: int | None, *, early: bool) -> Parcel | None:
        states = (State.WAITING,) if early else UNSENT
        taken = self._batches.take(after, until, self._server.most, states)
        if not taken:
            return None
        lines = [line for batch in taken for line in batch.payload.split(b"\n")]
        return Parcel(taken, Delivery(lines), early)
