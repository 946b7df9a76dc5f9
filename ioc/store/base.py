"""The seam to every time-series store. Implementations: one file each in this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as with_default
from enum import StrEnum
from typing import Protocol, runtime_checkable

Tags = tuple[tuple[str, str], ...]  # sorted by key

# What a state says holds for at most this long, ms: the states of assets are written at every
# change and every five minutes, so a longer silence means that nobody was looking.
HOLD = 360_000


class StoreError(Exception):
    """The store could not do it. The one root of the tree:

    StoreError
    ├── StoreUnavailable   try again later: disk full, locked, server away
    ├── StoreRefused       these points will never be taken, however often they are sent
    ├── StoreTooLarge      too much at once: send less
    └── StoreCorrupt       the data cannot be read; a person must look
    """


class StoreUnavailable(StoreError):
    """retry_after: seconds that the server asked us to wait, None = it did not say."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreRefused(StoreError):
    pass


class StoreTooLarge(StoreError):
    pass


class StoreCorrupt(StoreError):
    pass


@dataclass(frozen=True, slots=True)
class Point:
    """One row of a measurement: several fields observed at one time.

    time: milliseconds since the epoch, UTC. fields: finite numbers only;
    -0.0 reads as 0.
    The key is (measurement, tags, field, time): writing it again replaces the value.
    """

    measurement: str
    tags: Tags
    fields: Mapping[str, float]
    time: int


class Aggregate(StrEnum):
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    LAST = "last"
    UP_SECONDS = "up_seconds"  # of fields named `up`: how long it was up; see KNOWN_SECONDS
    KNOWN_SECONDS = "known_seconds"  # how long it is known at all; what is missing is unknown
    AVAILABILITY = "availability"  # the one divided by the other: 0 to 1


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """Which samples. start (inclusive), end (exclusive): ms UTC. step: ms, None = raw samples.

    tags: every given tag must equal one of the given values. A step's window is aligned to the
    epoch plus `offset` (ms; local days of UTC+7: -25_200_000) and labelled by its start; windows
    without samples are absent.
    UP_SECONDS, KNOWN_SECONDS and AVAILABILITY need a step and a field named `up`: a sample (0 down,
    1 up) holds until the next one, at most six minutes, and belongs to the window it was seen in.
    limit: samples over all series; more raises ValueError, as does a step of 0 or less.
    """

    measurement: str
    field: str
    start: int
    end: int
    tags: Mapping[str, tuple[str, ...]] = with_default(default_factory=dict)
    step: int | None = None
    aggregate: Aggregate = Aggregate.MEAN
    limit: int = 100_000
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: samples ascending in time. times: ms UTC."""

    measurement: str
    field: str
    tags: Tags
    times: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in front of a store on the network. Times: ms UTC, None = there is none.

    name: of the server. away_since: since when it takes nothing, and error: why.
    rows: samples that wait, the newest of them measured at `newest`, the one that waits longest
    put there at `oldest`; kept: sent, and kept for the case that the server loses them.
    size, limit: bytes of the outbox, and at most. sent: samples since the start of the program.
    refused: lines the server will never take, the last at refused_at, for example `example`.
    dropped: samples lost because the outbox was full, ever; lost: the last time that it was,
    measured from dropped_from to dropped_to, the last of them dropped at dropped_at.
    """

    name: str
    away_since: int | None
    error: str
    rows: int
    kept: int
    size: int
    limit: int
    oldest: int | None
    newest: int | None
    sent: int
    refused: int
    refused_at: int | None
    example: str
    dropped: int
    lost: int
    dropped_from: int | None
    dropped_to: int | None
    dropped_at: int | None


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """ok, or why not; sizes in bytes (None where the store cannot tell).

    backlog: of a store on the network. Such a store is ok while the outbox takes what is written.
    """

    ok: bool
    problem: str | None = None
    size: int | None = None
    free: int | None = None
    backlog: Backlog | None = None


class Store(Protocol):
    """A time-series store. All calls are blocking and thread-safe; the caller uses a thread.

    When write() has returned, the points survive kill -9 and a power cut.
    """

    def write(self, points: Sequence[Point]) -> None: ...

    def read(self, query: SeriesQuery) -> list[Series]: ...

    def maintain(self, now: int) -> None:
        """Merge, roll up, drop what is past retention. Idempotent; called about hourly."""
        ...

    def health(self) -> StoreHealth: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Content:
    """A field that there are samples of. first, last: times of the oldest and newest, ms UTC."""

    measurement: str
    field: str
    first: int
    last: int


class Listed(Protocol):
    """A store that can tell what is in it; all that can be copied can."""

    def contents(self) -> list[Content]:
        """Every field with samples, sorted. Raises StoreError."""
        ...


@runtime_checkable
class Remote(Protocol):
    """A time-series server on the network. What is handed to it waits in an outbox before.

    Blocking and thread-safe, like a Store; writing is `send` instead of `write`.
    """

    name: str  # for messages: kind and address, never a secret

    def send(self, lines: bytes) -> None:
        """Hand over lines of line protocol, newline between them, milliseconds. Idempotent: the
        same lines again change nothing.

        Raises StoreUnavailable (away, overloaded, wrong token: try again), StoreTooLarge (send
        fewer at once), StoreRefused (a line among them is bad; the others may be stored).
        """
        ...

    def started_at(self) -> float | None:
        """A number that changes when a process of the server was started anew, in whole seconds
        at least, of a server that may lose what it has acknowledged when it is killed; None of any
        other. Raises StoreUnavailable."""
        ...

    def read(self, query: SeriesQuery) -> list[Series]: ...

    def maintain(self, now: int) -> None: ...

    def health(self) -> StoreHealth: ...

    def close(self) -> None: ...
