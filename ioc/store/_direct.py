"""A server on the network as a store without an outbox, for tools that can wait and try again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ioc.store._delivery import Delivery, Experience
from ioc.store._lines import encode
from ioc.store.base import (
    Content,
    Listed,
    Point,
    Remote,
    Series,
    SeriesQuery,
    StoreHealth,
    StoreRefused,
)


class DirectStore:
    """See ioc.store.base.Store. write() returns when the server has acknowledged all of it."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._server = Experience()

    def write(self, points: Sequence[Point]) -> None:
        """Raises StoreUnavailable, with perhaps a part of it written; StoreRefused, naming the
        first of the refused lines, with the others written; ValueError as every store."""
        delivery = Delivery([line.encode() for line in encode(points)])
        while not delivery.done:
            delivery.step(self._remote, self._server)
        if delivery.refused:
            first = delivery.refused[0]
            line = first.line.decode(errors="replace")
            raise StoreRefused(f"{first.reason} ({len(delivery.refused)}: {line:.200})")

    def read(self, query: SeriesQuery) -> list[Series]:
        return self._remote.read(query)

    def contents(self) -> list[Content]:
        """See ioc.store.base.Listed."""
        return cast("Listed", self._remote).contents()

    def maintain(self, now: int) -> None:
        self._remote.maintain(now)

    def health(self) -> StoreHealth:
        return self._remote.health()

    def close(self) -> None:
        self._remote.close()
