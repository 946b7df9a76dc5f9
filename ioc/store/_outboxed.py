"""A server on the network as a store that never loses a sample: an outbox in front of it.

write ─▶ lines ─▶ outbox (on disk) ─▶ Drain ─▶ server
read  ◀────────────────────────────────────── server

What waits in the outbox is not in the answers of read(): the server's own answer, or
StoreUnavailable. Opening and closing need no server.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from ioc.i18n import _
from ioc.outbox.batches import Batches
from ioc.outbox.errors import OutboxCorrupt, OutboxError, OutboxTaken, OutboxUnavailable
from ioc.outbox.model import Batch
from ioc.store._breaker import Breaker
from ioc.store._drain import Drain, Pace
from ioc.store._lines import encode
from ioc.store.base import (
    Backlog,
    Point,
    Remote,
    Series,
    SeriesQuery,
    StoreCorrupt,
    StoreError,
    StoreHealth,
    StoreUnavailable,
)

ROWS = 5_000  # samples in a batch at most
EXAMPLE = 200  # letters of a refused line that are shown

Result = TypeVar("Result")


class OutboxedStore:
    """See ioc.store.base.Store. remote, batches: closed with it."""

    def __init__(self, remote: Remote, batches: Batches, pace: Pace = Pace()) -> None:  # noqa: B008 - frozen
        self._remote = remote
        self._batches = batches
        self._breaker = Breaker()
        self._broken: str | None = None  # why the outbox took nothing, the last time
        self._drain = Drain(remote, batches, pace)

    def write(self, points: Sequence[Point]) -> None:
        """In the outbox, on disk, when it returns. Raises ValueError for what cannot be kept,
        StoreUnavailable when the outbox cannot be written."""
        batches = list(_cut(points))
        if not batches:
            return
        try:
            self._own(lambda: self._batches.append(batches))
        except StoreError as error:
            self._broken = str(error)
            raise
        self._broken = None
        self._drain.wake()

    def read(self, query: SeriesQuery) -> list[Series]:
        """What the server has. Raises ValueError, StoreError."""
        return self._breaker.call(lambda: self._remote.read(query))

    def maintain(self, now: int) -> None:
        """Upkeep of the server, where it needs any. Raises StoreError."""
        self._remote.maintain(now)

    def health(self) -> StoreHealth:
        """What is known by now: asks no server, waits for nothing."""
        try:
            backlog = self._own(self._backlog)
            free = shutil.disk_usage(self._batches.path.parent).free
        except (StoreError, OSError) as error:
            return StoreHealth(False, str(error))
        if self._broken is not None:
            return StoreHealth(False, self._broken, None, free, backlog)
        return StoreHealth(True, None, self._drain.health.size, free, backlog)

    def close(self) -> None:
        """Send what waits if that is quick, and end. Twice is no harm."""
        self._drain.stop()
        self._remote.close()
        self._batches.close()

    def _backlog(self) -> Backlog:
        depth, drain = self._batches.depth(), self._drain
        refused = self._batches.refused(1)
        return Backlog(
            self._remote.name,
            drain.away_since,
            drain.error,
            depth.rows,
            depth.kept,
            depth.size,
            depth.limit,
            depth.oldest,
            depth.newest,
            drain.sent,
            depth.refused,
            refused[0].at if refused else None,
            " · ".join(
                f"{r.reason}: {r.line.decode(errors='replace'):.{EXAMPLE}}" for r in refused
            ),
            depth.dropped,
            depth.lost,
            *(
                (depth.dropped_from, depth.dropped_to, depth.dropped_at)
                if depth.dropped
                else (None, None, None)
            ),
        )

    def _own(self, act: Callable[[], Result]) -> Result:
        """The outbox's errors as those of a store."""
        try:
            return act()
        except OutboxError as error:
            raise _translated(error) from error


def _cut(points: Sequence[Point]) -> Iterator[Batch]:
    """Points as batches of lines; points without fields say nothing."""
    for start in range(0, len(points), ROWS):
        some = points[start : start + ROWS]
        lines = encode(some)
        if lines:
            times = [point.time for point in some]
            yield Batch("\n".join(lines).encode(), len(lines), min(times), max(times))


def _translated(error: OutboxError) -> StoreError:
    words = {"path": str(error.path), "error": error.what}
    if isinstance(error, OutboxCorrupt):
        return StoreCorrupt(
            _("{path}: the outbox is damaged ({error}); move the file away", **words)
        )
    if isinstance(error, OutboxTaken):
        return StoreError(
            _("{path}: another program is writing to it; stop that one first", **words)
        )
    assert isinstance(error, OutboxUnavailable)
    return StoreUnavailable(str(error))


def open_outboxed(remote: Remote, path: Path, limit: int | None) -> OutboxedStore:
    """The outbox at a path before a server. Raises StoreError; the server is not asked."""
    try:
        return OutboxedStore(remote, Batches(path, limit))
    except OutboxError as error:
        remote.close()
        raise _translated(error) from error
