"""When the data disk will be full, told from how its free space went, before it is.

What other programs write to the same disk counts as well: it is the disk that gets full. Hours of
the last two weeks are kept in a small file, so that a restart forgets nothing and `ioc doctor` can
tell it too.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import NamedTuple

from collectors.base import Reason

FILE = "space.log"  # in the data directory
HOUR, DAY = 3_600_000, 86_400_000  # ms
KEPT = 14 * DAY
SHORTEST = DAY  # ms of history: less says nothing about tomorrow
PAIRED = 60  # samples that are compared with each other
SOON = 14.0  # days: time to order a disk


class Free(NamedTuple):
    """at: ms UTC. free: bytes."""

    at: int
    free: int


class Forecast(NamedTuple):
    """days: until no more than the reserve is free. daily: bytes that go each day. span: days
    that this is told from."""

    days: float
    daily: float
    span: float

    @property
    def soon(self) -> bool:
        return self.days < SOON


def troubles(folder: Path, now: int, reserve: int) -> Mapping[str, Reason | None]:
    """What is wrong with the disk of a folder, by code; None where nothing is. Notes the hour.

    reserve: bytes; less is a trouble of its own. Raises OSError when it cannot be looked at.
    """
    free = shutil.disk_usage(folder).free
    soon = forecast(note(folder, now, free), reserve)
    low = {"free": free // 2**20}
    return {
        "disk": Reason("only {free} MB left on the data disk", low) if free < reserve else None,
        "space": reason(soon) if soon is not None and soon.soon else None,
    }


def reason(found: Forecast) -> Reason:
    """A forecast in words."""
    words = {
        "days": round(found.days),
        "daily": round(found.daily / 2**20),
        "span": round(found.span),
    }
    return Reason(
        "data disk full in {days} days: {daily} MB a day, as in the last {span} days", words
    )


def note(folder: Path, now: int, free: int) -> Sequence[Free]:
    """Keep the free space of this hour, once. All that is kept; a full disk keeps what there was.

    What lies in the future was noted by a wrong clock, and is let go.
    """
    known = [one for one in read(folder) if now - KEPT <= one.at <= now]
    if known and now - known[-1].at < HOUR:
        return known
    known.append(Free(now, free))
    path = folder / FILE
    new = path.with_suffix(".new")
    with suppress(OSError):
        new.write_text("".join(f"{at} {left}\n" for at, left in known), encoding="utf-8")
        new.replace(path)
    return known


def read(folder: Path) -> list[Free]:
    """What was noted, ascending; nothing when there is no such file, and no line that is none."""
    found = []
    with suppress(OSError, UnicodeDecodeError):
        for line in (folder / FILE).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                at, free = line.split()
                found.append(Free(int(at), int(free)))
    return sorted(found)


def forecast(known: Sequence[Free], reserve: int) -> Forecast | None:
    """When the reserve, bytes, is reached. None when it is not shrinking, or too little is known.

    The slope is the median of those of all pairs (Theil and Sen): a file of another program that
    comes or goes changes it little.
    """
    if not known or known[-1].at - known[0].at < SHORTEST:
        return None
    some = known[:: -(-len(known) // PAIRED)]
    pairs = combinations(some, 2)
    slope = DAY * median((b.free - a.free) / (b.at - a.at) for a, b in pairs if b.at > a.at)
    if slope >= 0:
        return None
    left = max(0, known[-1].free - reserve)
    return Forecast(left / -slope, -slope, (known[-1].at - known[0].at) / DAY)
