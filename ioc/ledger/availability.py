"""How long links, services and places worked: exact to the millisecond, from the samples.

    samples of the state ─▶ stretches (up, down, planned work; the rest is unknown)
                                           ─▶ all hours, working hours ─▶ one row a day

The rules, as they are printed with every figure:

- A sample holds until the next one, at most six minutes; what no sample covers is unknown.
- Unknown is neither up nor down. Time of announced maintenance counts for neither.
- Availability is up / (up + down). Beside it stands how much of the time is known at all.
- A place is up while any of its links is up, down while all of them are known to be down; it is
  in maintenance while one of them is and the others are down or in maintenance too.

The same samples give the same figures in whatever order they came and however a month is cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

from ioc.engine.model import State
from ioc.engine.points import STATE_CODES
from ioc.store.base import HOLD


class Span(NamedTuple):
    """[start, end) in ms UTC."""

    start: int
    end: int


Spans = Sequence[Span]  # ascending, disjoint, not touching


@dataclass(frozen=True, slots=True)
class Stretches:
    """When something was up, down, in announced maintenance; what is in none is unknown."""

    up: Spans = ()
    down: Spans = ()
    planned: Spans = ()


@dataclass(frozen=True, slots=True)
class Seconds:
    """ms of each; they add up to the time that was asked for."""

    up: int = 0
    down: int = 0
    maintenance: int = 0
    unknown: int = 0

    def __add__(self, other: Seconds) -> Seconds:
        names = [field.name for field in fields(self)]
        return Seconds(*(getattr(self, name) + getattr(other, name) for name in names))

    @property
    def total(self) -> int:
        return self.up + self.down + self.maintenance + self.unknown

    @property
    def availability(self) -> float | None:
        """Percent of the known time outside maintenance; None when nothing is known."""
        known = self.up + self.down
        return 100 * self.up / known if known else None

    @property
    def evidence(self) -> float | None:
        """Percent of the time outside maintenance that is known."""
        wanted = self.up + self.down + self.unknown
        return 100 * (self.up + self.down) / wanted if wanted else None


@dataclass(frozen=True, slots=True)
class Tally:
    """all: round the clock; work: in working hours. outages: stretches of being down that began
    in it."""

    all: Seconds = Seconds()
    work: Seconds = Seconds()
    outages: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.all + other.all, self.work + other.work, self.outages + other.outages)


UP = frozenset({STATE_CODES[State.UP], STATE_CODES[State.DEGRADED]})


def stretches(times: Sequence[int], codes: Sequence[float], span: Span) -> Stretches:
    """From samples of the state, ascending, from HOLD before the span to its end."""
    found: dict[str, list[Span]] = {"up": [], "down": [], "planned": []}
    for index, (time, code) in enumerate(zip(times, codes, strict=True)):
        following = times[index + 1] if index + 1 < len(times) else time + HOLD
        start, end = max(time, span.start), min(following, time + HOLD, span.end)
        kind = _KINDS.get(int(code))
        if kind is not None and start < end:
            _extend(found[kind], Span(start, end))
    return Stretches(**found)


_KINDS = {
    **dict.fromkeys(UP, "up"),
    STATE_CODES[State.DOWN]: "down",
    STATE_CODES[State.MAINTENANCE]: "planned",
}


def together(links: Sequence[Stretches], span: Span) -> Stretches:
    """A place over its links: see the rules."""
    if not links:
        return Stretches()
    down: Spans = [span]
    out: Spans = [span]
    for link in links:
        down = intersection(down, link.down)
        out = intersection(out, union([*link.down, *link.planned]))
    return Stretches(union([s for link in links for s in link.up]), down, subtract(out, down))


def tally(found: Stretches, span: Span, work: Spans) -> Tally:
    """How the time of a span divides. work: working hours.

    found: of the span and some time before it, so that an outage which begins with the span is
    told from one that goes on: each is counted once, however time is cut.
    """
    began = sum(span.start <= stretch.start < span.end for stretch in found.down)
    return Tally(_seconds(found, [span]), _seconds(found, intersection(work, [span])), began)


def _seconds(found: Stretches, hours: Spans) -> Seconds:
    up, down, planned = (
        length(intersection(some, hours)) for some in (found.up, found.down, found.planned)
    )
    return Seconds(up, down, planned, length(hours) - up - down - planned)


# --- spans


def union(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans):
        _extend(found, span)
    return found


def intersection(some: Spans, others: Spans) -> list[Span]:
    found: list[Span] = []
    i = j = 0
    while i < len(some) and j < len(others):
        start = max(some[i].start, others[j].start)
        end = min(some[i].end, others[j].end)
        if start < end:
            found.append(Span(start, end))
        if some[i].end < others[j].end:
            i += 1
        else:
            j += 1
    return found


def subtract(some: Spans, others: Spans) -> list[Span]:
    """What of the first is in none of the others."""
    found: list[Span] = []
    j = 0
    for span in some:
        start = span.start
        while j < len(others) and others[j].end <= start:
            j += 1
        k = j
        while k < len(others) and others[k].start < span.end:
            if start < others[k].start:
                found.append(Span(start, others[k].start))
            start = max(start, others[k].end)
            k += 1
        if start < span.end:
            found.append(Span(start, span.end))
    return found


def length(spans: Spans) -> int:
    return sum(span.end - span.start for span in spans)


def _extend(found: list[Span], span: Span) -> None:
    """Append a span that starts at or after the last one's start."""
    if found and span.start <= found[-1].end:
        found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
    else:
        found.append(span)
