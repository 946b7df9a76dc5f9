"""Work for a queue of batches: every kind of statement. Loads as little as it can."""

from __future__ import annotations

import os
from collections.abc import Callable

from ioc.outbox.batches import Batches
from ioc.outbox.model import Batch, Refused, State


def batch(number: int, size: int = 20_000) -> Batch:
    return Batch(os.urandom(size), 10, number, number)


def work(queue: Batches, tell: Callable[[str], object]) -> None:
    """All that is ever done to a queue. Tells "+3 " of what it put, "-3 " of what it sent."""
    for number in range(12):
        queue.append([batch(number, 5_000)])
        tell(f"+{number} ")
    queue.other_side_started(1.0, 2)
    for then in (None, State.KEPT, State.EARLY):
        some = queue.take(0, None, 30, (State.WAITING,))
        for one in some:
            if then is not State.EARLY:
                tell(f"-{one.oldest} ")
        queue.settle(some, then, [Refused(b"bad", "why")] if then is None else [])
    queue.other_side_started(2.0, 2)
    for _round in range(4):
        queue.other_side_started(2.0, 2)
    for number in range(12, 120):  # beyond the limit: the oldest go
        queue.append([batch(number, 5_000)])
