"""A server in memory that keeps the whole of `Remote`, and misbehaves as told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ioc.store.base import Point, Series, SeriesQuery, StoreHealth, StoreUnavailable


@dataclass
class MemoryRemote:
    """lines: line without its value -> value, the last written. log: requests that were taken.

    trouble: called with the lines before they are taken; what it raises is the answer.
    """

    name: str = "memory 127.0.0.1"
    lines: dict[str, float] = field(default_factory=dict)
    log: list[list[bytes]] = field(default_factory=list)
    trouble: Callable[[Sequence[bytes]], None] | None = None
    start: float | None = None
    asked: int = 0
    closed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, lines: bytes) -> None:
        some = lines.split(b"\n")
        with self.lock:
            self.asked += 1
            if self.trouble is not None:
                self.trouble(some)
            for line in some:
                head, fields, time = line.decode().rsplit(" ", 2)
                name, _sign, value = fields.partition("=")
                self.lines[f"{head} {name} {time}"] = float(value)
            self.log.append(some)

    def started_at(self) -> float | None:
        return self.start

    def read(self, query: SeriesQuery) -> list[Series]:
        raise StoreUnavailable("not of interest here")

    def maintain(self, now: int) -> None:
        pass

    def health(self) -> StoreHealth:
        return StoreHealth(ok=True)

    def close(self) -> None:
        self.closed = True

    def times(self) -> list[int]:
        """Times of what is stored, in the order in which it came, one for each line."""
        return [int(line.rsplit(b" ", 1)[1]) for some in self.log for line in some]


def points(*times: int, value: float = 1.0) -> list[Point]:
    return [Point("check", (("asset", "a"),), {"up": value}, time) for time in times]
