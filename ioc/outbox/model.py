"""What a queue of batches holds, and what it tells of itself. Times are ms UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    WAITING = 0
    EARLY = 1  # sent before older ones; once more when it is its turn, so that the newer value wins
    KEPT = 2  # sent, and kept while the other side may still lose it


@dataclass(frozen=True, slots=True)
class Batch:
    """rows: samples in it. oldest, newest: their times, ms UTC. payload: as it will be sent."""

    payload: bytes
    rows: int
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class Taken(Batch):
    """A batch of the queue. seq: unique as long as the file exists, in the order of appending."""

    seq: int
    state: State


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that the other side will never take. at: ms UTC."""

    line: bytes
    reason: str
    at: int = 0


@dataclass(slots=True)
class Amount:
    """How much is in one state. size: bytes of the payloads."""

    batches: int = 0
    rows: int = 0
    size: int = 0

    def add(self, other: Amount, sign: int = 1) -> None:
        self.batches += sign * other.batches
        self.rows += sign * other.rows
        self.size += sign * other.size


@dataclass(frozen=True, slots=True)
class Depth:
    """rows: samples that wait. size, limit: bytes of the file in use, and at most. oldest: when the
    one that waits longest was put there; newest: time of the newest sample; None = nothing waits.

    dropped: samples lost for want of room, ever; lost: those of the last time that it came to that,
    measured between dropped_from and dropped_to, the last of them dropped at dropped_at.
    refused: lines the other side will never take, refused_at the last.
    """

    rows: int
    kept: int
    size: int
    limit: int
    oldest: int | None
    newest: int | None
    dropped: int
    lost: int
    dropped_from: int
    dropped_to: int
    dropped_at: int
    refused: int
    refused_at: int
