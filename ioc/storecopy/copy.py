"""The copy itself: one field after the other, each stretch written, read back and compared."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ioc.i18n import _
from ioc.store._replica import TableCopied, replicate
from ioc.store._source import SqliteSource, Stratum
from ioc.store.base import Content, Point, Series, SeriesQuery, StoreTooLarge, StoreUnavailable
from ioc.storecopy.chunks import DAY, HO_CHI_MINH, UNBOUNDED, Chunk, chunks, samples
from ioc.storecopy.compare import Difference, difference, update
from ioc.storecopy.places import (
    CopyError,
    Note,
    Source,
    Target,
    check,
    open_source,
    open_target,
    shown,
    sqlite_path,
)

PENDING = 400_000  # samples that are written before the first of them is read back
PATIENCE = 60.0  # seconds a target may take to show what it has acknowledged
AWAY = 300.0  # seconds a store may be away
Answer = TypeVar("Answer")
Progress = Callable[[str, int, int], None]  # what, done, in all (0: not known)


@dataclass(slots=True)
class Copied:
    """One field. samples: as many in both; written: of these, now. step: ms of the windows whose
    means were taken, None = samples. sum: of the source's samples, hex; rounded: whether the target
    has them in fewer digits."""

    measurement: str
    field: str
    step: int | None
    first: int
    last: int
    samples: int = 0
    written: int = 0
    rounded: bool = False
    sum: str = ""


@dataclass(slots=True)
class Report:
    """What was copied: fields, or whole tables (SQLite to a new SQLite file)."""

    fields: list[Copied] = field(default_factory=list)
    tables: list[TableCopied] = field(default_factory=list)


def copy(
    source: str, target: str, folder: Path, progress: Progress, *, add: bool = False
) -> Report:
    """Copy everything in the store `source` into `target`, URLs as in IOC_STORE.

    folder: where it is noted that this copy was begun; add: into any store that is not empty.
    Raises CopyError, StoreError. Stopped or killed, the same call goes on.
    """
    check(source, target)
    with closing(open_source(source)) as opened:
        path = sqlite_path(target)
        if isinstance(opened, SqliteSource) and path is not None and not add:
            return Report(tables=replicate(opened, path, progress))
        note = Note(folder, source, target)
        with closing(open_target(target)) as other:
            if not add and not note.is_ours() and (known := other.contents()):
                words = {"url": shown(target), "count": len(known), "name": known[0].measurement}
                message = (
                    "{url} is not empty ({count} fields, for example of {name}): name an empty "
                    "one, or add to what is there with --add"
                )
                raise CopyError(_(message, **words))
            note.begin()
            return Report(fields=_Copier(opened, other, progress, add=add).run())


def patiently(act: Callable[[], Answer]) -> Answer:
    """What a store answers. One that is away is asked again, for some minutes."""
    deadline, wait = time.monotonic() + AWAY, 0.5
    while True:
        try:
            return act()
        except StoreUnavailable as error:
            if time.monotonic() > deadline:
                raise
            time.sleep(error.retry_after or wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            wait = min(2 * wait, 15.0)


class _Patient:
    """Reads of a store that may be away for a while."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, query: SeriesQuery) -> list[Series]:
        return patiently(lambda: self._source.read(query))


class _Copier:
    def __init__(self, source: Source, target: Target, progress: Progress, *, add: bool) -> None:
        self._source, self._target, self._progress, self._add = source, target, progress, add
        self._patient = _Patient(source)
        self._there = {(one.measurement, one.field): one for one in target.contents()}
        self._pending: list[tuple[Chunk, Sequence[Series], Copied]] = []
        self._waiting = 0  # samples in it

    def run(self) -> list[Copied]:
        """Every field, of every stretch of history."""
        copied = [
            self._field(content, start, end, step)
            for content in self._source.contents()
            for start, end, step in self._strata(content)
        ]
        self._confirm()
        return [one for one in copied if one.samples]

    def _strata(self, content: Content) -> Iterator[tuple[int, int, int | None]]:
        """Stretches of a field and what is left of them: samples, or windows of a step."""
        strata: list[Stratum] = [(content.first, None)]
        if isinstance(self._source, SqliteSource):
            strata = self._source.strata()
        for number, (begin, step) in enumerate(strata):
            after = strata[number + 1][0] if number + 1 < len(strata) else content.last + 1
            first, end = max(begin, content.first), min(after, content.last + 1)
            if step is not None:
                offset = HO_CHI_MINH if step == DAY else 0
                first -= (first - offset) % step
            if first < end:
                yield first, end, step

    def _field(self, content: Content, start: int, end: int, step: int | None) -> Copied:
        copied = Copied(content.measurement, content.field, step, start, end - 1)
        whole = hashlib.sha256()
        stretch = Chunk(content.measurement, content.field, start, end, step)
        for part in chunks(self._patient, stretch):
            for chunk, found in samples(self._patient, part):
                count = update(whole, found)
                copied.samples += count
                copied.written += self._bring(chunk, found)
                self._pending.append((chunk, found, copied))
                self._waiting += count
                name = f"{content.measurement}.{content.field}"
                self._progress(name, chunk.end - start, end - start)
                if self._waiting >= PENDING:
                    self._confirm()
        copied.sum = whole.hexdigest()
        return copied

    def _bring(self, chunk: Chunk, found: Sequence[Series]) -> int:
        """Write what the target lacks of a stretch. How many samples."""
        lacking = difference(found, self._present(chunk))
        if lacking.more and not self._add:
            raise _wrong(chunk, lacking)
        points = self._to_write(lacking)
        self._write(points)
        return len(points)

    def _to_write(self, lacking: Difference) -> list[Point]:
        """What a target that is all ours has otherwise is of an earlier pass, and was written over
        in the source since; another's values are not touched."""
        return lacking.missing if self._add else lacking.missing + lacking.other

    def _present(self, chunk: Chunk) -> Sequence[Series]:
        """What the target had of it before."""
        known = self._there.get((chunk.measurement, chunk.field))
        if known is None or chunk.start > known.last or chunk.end <= known.first:
            return ()
        return self._read_back(chunk)

    def _read_back(self, chunk: Chunk) -> Sequence[Series]:
        raw = Chunk(chunk.measurement, chunk.field, chunk.start, chunk.end)
        return patiently(lambda: self._target.read(raw.query(UNBOUNDED)))

    def _confirm(self) -> None:
        """Read back what was written until it is the same; a server may need seconds to show it."""
        patience = time.monotonic() + PATIENCE
        for chunk, found, copied in self._pending:
            wait = 0.25
            while True:
                there = self._read_back(chunk)
                differs = difference(found, there)
                if not self._differs(differs):
                    break
                points = self._to_write(differs)
                if time.monotonic() > patience or not points:
                    raise _wrong(chunk, differs)
                time.sleep(wait)
                wait = min(2 * wait, 4.0)
                if time.monotonic() > patience - PATIENCE / 2:  # acknowledged, and lost
                    self._write(points)
            copied.rounded |= not self._add and _sum(there) != _sum(found)
        self._pending, self._waiting = [], 0

    def _differs(self, differs: Difference) -> bool:
        if self._add:
            return bool(differs.missing or differs.other)
        return not differs.is_none

    def _write(self, points: list[Point]) -> None:
        """Durable, or acknowledged, when it returns."""
        if not points:
            return
        try:
            patiently(lambda: self._target.write(points))
        except StoreTooLarge:
            if len(points) == 1:
                raise
            middle = len(points) // 2
            self._write(points[:middle])
            self._write(points[middle:])


def _sum(found: Sequence[Series]) -> bytes:
    whole = hashlib.sha256()
    update(whole, found)
    return whole.digest()


def _wrong(chunk: Chunk, differs: Difference) -> CopyError:
    words: dict[str, str | int] = {
        "name": f"{chunk.measurement}.{chunk.field}",
        "start": _moment(chunk.start),
        "end": _moment(chunk.end),
        "missing": len(differs.missing),
        "more": differs.more,
        "other": len(differs.other),
    }
    message = (
        "{name} from {start} to {end} is not the same in both: {missing} samples are missing, "
        "{more} more are there, {other} have another value"
    )
    return CopyError(_(message, **words))


def _moment(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at / 1000))
