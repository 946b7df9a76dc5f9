"""A field's samples in stretches of time of a size that fits into memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ioc.store.base import Aggregate, Series, SeriesQuery
from ioc.storecopy.places import Readable

DAY = 86_400_000  # ms
LOOK = 32  # days counted at once
SAMPLES = 50_000  # in a stretch, about
LARGEST = 4 * SAMPLES  # at once; beyond, a stretch is halved
COUNTS = 5_000_000  # days of series in one answer; a province has 20,000 series
UNBOUNDED = 2**62
HO_CHI_MINH = -7 * 3_600_000  # ms; days as the daily windows of SQLite have them


@dataclass(frozen=True, slots=True)
class Chunk:
    """Samples of a field from start to end, exclusive. step: ms; means of windows, None: raw."""

    measurement: str
    field: str
    start: int
    end: int
    step: int | None = None

    def query(self, limit: int) -> SeriesQuery:
        """What to ask the source for."""
        offset = HO_CHI_MINH if self.step == DAY else 0
        return SeriesQuery(
            self.measurement, self.field, self.start, self.end, {}, self.step, limit=limit,
            offset=offset,
        )  # fmt: skip

    def halves(self) -> tuple[Chunk, Chunk]:
        middle = self.start + (self.end - self.start) // 2
        if self.step is not None:
            offset = HO_CHI_MINH if self.step == DAY else 0
            middle -= (middle - offset) % self.step
        return replace(self, end=middle), replace(self, start=middle)


def chunks(source: Readable, whole: Chunk) -> Iterator[Chunk]:
    """Stretches with samples, of a long one; days without any are left out."""
    waiting: Chunk | None = None
    total = 0
    for day, count in _days(source, whole):
        part = replace(whole, start=max(day, whole.start), end=min(day + DAY, whole.end))
        if waiting is not None and total + count <= SAMPLES:
            waiting, total = replace(waiting, end=part.end), total + count
            continue
        if waiting is not None:
            yield from _cut(waiting, total)
        waiting, total = part, count
    if waiting is not None:
        yield from _cut(waiting, total)


def _cut(chunk: Chunk, count: int) -> Iterator[Chunk]:
    """One day with many samples in even parts."""
    parts, length, step = -(-count // SAMPLES), chunk.end - chunk.start, chunk.step or 1
    edges = {chunk.start + length * i // parts // step * step for i in range(parts)}
    for start, end in pairwise([*sorted(edges), chunk.end]):
        yield replace(chunk, start=start, end=end)


def _days(source: Readable, whole: Chunk) -> Iterator[tuple[int, int]]:
    """Days with samples, and about how many there are; of windows at most one a step."""
    most = DAY // (whole.step or 1)
    first = whole.start - (whole.start - HO_CHI_MINH) % DAY
    for start in range(first, whole.end, LOOK * DAY):
        query = SeriesQuery(
            whole.measurement, whole.field, max(start, whole.start),
            min(start + LOOK * DAY, whole.end), {}, DAY, Aggregate.COUNT, COUNTS, HO_CHI_MINH,
        )  # fmt: skip
        counts: Counter[int] = Counter()
        for series in source.read(query):
            for day, count in zip(series.times, series.values, strict=True):
                counts[day] += min(int(count), most)
        yield from sorted(counts.items())


def samples(source: Readable, chunk: Chunk) -> Iterator[tuple[Chunk, Sequence[Series]]]:
    """The samples of a stretch, in parts when it is more than was thought."""
    smallest = chunk.step or 1
    limit = LARGEST if chunk.end - chunk.start > smallest else UNBOUNDED
    try:
        yield chunk, source.read(chunk.query(limit))
        return
    except ValueError:
        if limit == UNBOUNDED:
            raise
    for half in chunk.halves():
        if half.start < half.end:
            yield from samples(source, half)
