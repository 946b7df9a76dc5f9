"""What every engine of the store bench gets and is asked: the same samples, the same questions.

State: 1,000 devices in 20 communes, `up` every five minutes for 30 days, as the program writes it.
Latency: the devices of one commune, `rtt_ms` every minute for the last 7 days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ioc.store.base import Point, Tags

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MIDNIGHT = 1_769_965_200_000  # ms: 2026-02-02 00:00 in Việt Nam
PHASE = 7_000  # ms after the full minute: no sample on the edge of a window
COMMUNES = 20
COMMUNE = "xa-07"
STATE_EVERY, RTT_EVERY = 5 * MINUTE, MINUTE
BATCH = 1_000  # rows
WEEK = 7

Answer = Mapping[str, Sequence[float]]  # device (and hour) -> figures


@dataclass(frozen=True, slots=True)
class Plan:
    """How much: devices, and days up to `end`, ms UTC."""

    devices: int = 1_000
    days: int = 30

    @property
    def end(self) -> int:
        return MIDNIGHT + self.days * DAY

    @property
    def month(self) -> int:
        """Start of the days that availability is asked of."""
        return self.end - 30 * DAY

    @property
    def week(self) -> int:
        return self.end - WEEK * DAY

    @property
    def rows(self) -> int:
        return self.devices * (self.days - WEEK) * DAY // STATE_EVERY + self.week_rows

    @property
    def week_rows(self) -> int:
        """Rows of the last week."""
        chosen = len([i for i in range(self.devices) if of_commune(i)])
        return self.devices * WEEK * DAY // STATE_EVERY + chosen * WEEK * DAY // RTT_EVERY

    @property
    def device(self) -> str:
        """The one whose day is asked for."""
        return next(name(i) for i in range(self.devices // 2, self.devices) if of_commune(i))

    def batches(self) -> Iterator[list[Point]]:
        """All points, in the order of time, so many rows at once."""
        points = self._points()
        while batch := list(islice(points, BATCH)):
            yield batch

    def _points(self) -> Iterator[Point]:
        devices = [(i, tags(i)) for i in range(self.devices)]
        chosen = [(i, of) for i, of in devices if of_commune(i)]
        for at in range(MIDNIGHT + PHASE, self.end, MINUTE):
            tick = at // MINUTE
            if tick % 5 == 0:
                for i, of in devices:
                    yield Point("device", of, {"up": is_up(i, tick)}, at)
            if at >= self.week:
                for i, of in chosen:
                    yield Point("check", of, {"rtt_ms": rtt(i, tick)}, at)


def name(device: int) -> str:
    return f"may-{device:04}"


def commune(device: int) -> str:
    return f"xa-{device % COMMUNES:02}"


def of_commune(device: int) -> bool:
    return commune(device) == COMMUNE


def tags(device: int) -> Tags:
    return (("area", "cho-don"), ("asset", name(device)), ("site", commune(device)))


def is_up(device: int, tick: int) -> float:
    """Down for a while now and then, each device at other times."""
    return 0.0 if (tick // 15 + device * 37) % 211 == 0 else 1.0


def rtt(device: int, tick: int) -> float:
    """Milliseconds as the kernel's clock gives them, with all their digits."""
    return (3_000_000 + (tick * 7_919 + device * 104_729) % 25_000_003) / 1_000_000


def line(point: Point) -> str:
    """A point of one field in line protocol."""
    [(field, value)] = point.fields.items()
    of = ",".join(f"{key}={text}" for key, text in point.tags)
    return f"{point.measurement},{of} {field}={value!r} {point.time}"


def differences(mine: Answer, theirs: Answer, tolerance: float) -> list[str]:
    """Where two answers to one question differ, in words; the first few."""
    found = [f"only one has {key}" for key in sorted(set(mine) ^ set(theirs))]
    for key in sorted(set(mine) & set(theirs)):
        a, b = mine[key], theirs[key]
        if len(a) != len(b):
            found.append(f"{key}: {len(a)} and {len(b)} figures")
        elif any(abs(x - y) > tolerance for x, y in zip(a, b, strict=True)):
            found.append(f"{key}: {a[:2]} and {b[:2]}")
    return found[:3]
