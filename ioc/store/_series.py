"""The dictionary of series: (measurement, tags, field) on one side, a number on the other."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from operator import index

from ioc.store._windows import LATEST
from ioc.store.base import Point, Tags

Row = tuple[int, int, float]  # series, ms UTC, value
Key = tuple[str, Tags, str]  # measurement, tags, field
Fields = dict[str, int]  # field -> series
Entry = tuple[Tags, Mapping[str, str], int]  # tags, the same, series


class Named:
    """Series of one measurement and field, and by the values of those tags that are asked for: a
    province has tens of thousands, of which a page wants a few."""

    def __init__(self) -> None:
        self.all: list[Entry] = []  # only ever grows
        self._by: dict[str, tuple[dict[str, list[Entry]], int]] = {}  # and how many are in it
        self._lock = threading.Lock()

    def having(self, tag: str, values: Sequence[str]) -> list[Entry]:
        """Those whose tag has one of these values."""
        with self._lock:
            by, done = self._by.get(tag, ({}, 0))
            more = self.all[done:]
            for entry in more:
                value = entry[1].get(tag)
                if value is not None:
                    by.setdefault(value, []).append(entry)
            self._by[tag] = by, done + len(more)
            return [entry for value in dict.fromkeys(values) for entry in by.get(value, ())]


class SeriesIndex:
    """Numbers of the series that are known for sure. The caller sees to it that one thread adds."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, Tags], Fields] = {}
        self._named: dict[tuple[str, str], Named] = {}
        self._up: set[int] = set()
        self.last = 0  # number of the newest series; they are numbered from 1 on

    def add(self, key: Key, series: int) -> None:
        measurement, tags, field = key
        self._ids.setdefault((measurement, tags), {})[field] = series
        self._named.setdefault((measurement, field), Named()).all.append((tags, dict(tags), series))
        self.last = max(self.last, series)
        if field == "up":
            self._up.add(series)

    def is_up(self, series: int) -> bool:
        """Whether it is a series of a field named `up`."""
        return series in self._up

    def find(
        self, measurement: str, field: str, wanted: Mapping[str, tuple[str, ...]]
    ) -> list[tuple[Tags, int]]:
        """Series whose tags have, for every wanted tag, one of its values; sorted by tags."""
        named = self._named.get((measurement, field))
        if named is None:
            return []
        known = min((named.having(*tag) for tag in wanted.items()), key=len, default=named.all[:])
        return sorted((tags, series) for tags, found, series in known if matches(found, wanted))

    def rows(self, points: Sequence[Point], first: int) -> tuple[list[Row], dict[Key, int]]:
        """Points as rows, and the series among them that are new, numbered from `first` on.

        Raises ValueError, naming the point, for what no store can keep.
        """
        rows: list[Row] = []
        fresh: dict[Key, int] = {}
        none: Fields = {}
        for point in points:
            time = checked_time(point)
            known = self._ids.get((point.measurement, point.tags), none)
            for field, value in point.fields.items():
                number = finite(value, field, point)
                series = known.get(field) or self._series(point, field, fresh, first)
                rows.append((series, time, number))
        return rows, fresh

    def _series(self, point: Point, field: str, fresh: dict[Key, int], first: int) -> int:
        """Number of a series that the fast look-up did not find: tags out of order, or new."""
        key = checked_key(point, field)
        series = self._ids.get(key[:2], {}).get(field)
        return series or fresh.setdefault(key, first + len(fresh))


def checked_time(point: Point) -> int:
    """Time of a point. ValueError when it is no whole number of milliseconds in a sane range."""
    try:
        time = index(point.time)
    except TypeError:
        time = LATEST
    if -LATEST < time < LATEST:
        return time
    raise ValueError(f"not a time in milliseconds: {named(point)}")


def finite(value: float, field: str, point: Point) -> float:
    """The value as a float; -0.0 is 0. ValueError naming the point for what is no such number."""
    try:
        if isfinite(value):
            return float(value) + 0.0
    except (TypeError, OverflowError):
        pass
    raise ValueError(f"not a finite number: {value!r:.100} for {field} in {named(point)}")


def checked_key(point: Point, field: str) -> Key:
    """Key of a point's series, tags sorted. ValueError for names that no store can keep."""
    tags = tuple(sorted(point.tags))
    names = [name for name, _ in tags]
    if len(set(names)) < len(names):
        raise ValueError(f"a tag twice in {named(point)}")
    try:
        "".join([point.measurement, field, *names, *(value for _, value in tags)]).encode()
    except (UnicodeEncodeError, TypeError):
        raise ValueError(
            f"names and tags must be valid text: {field!r} in {named(point)}"
        ) from None
    return point.measurement, tags, field


def named(point: Point) -> str:
    """A point in the words of an error."""
    return f"{point.measurement} {dict(point.tags)} at {point.time}"


def matches(tags: Mapping[str, str], wanted: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether every wanted tag has one of its wanted values."""
    return all(tags.get(name) in values for name, values in wanted.items())


def dump_tags(tags: Tags) -> str:
    return json.dumps(tags, ensure_ascii=False, separators=(",", ":"))


def load_tags(text: str) -> Tags:
    return tuple((name, value) for name, value in json.loads(text))


def series_rows(fresh: Mapping[Key, int]) -> Iterable[tuple[int, str, str, str]]:
    """New series as rows of the table `series`."""
    for (measurement, tags, field), series in fresh.items():
        yield series, measurement, dump_tags(tags), field
