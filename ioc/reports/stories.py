"""The incidents of a report: all of them counted, the worst of them told."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ioc.db import StateDatabase
from ioc.db import Wanted as WantedIncidents
from ioc.engine.incident import Incident
from ioc.inventory.topology import Topology
from ioc.ledger.availability import Span
from ioc.notify.texts import Writer
from ioc.reports.model import Bar, Event
from ioc.reports.units import Period

EVENTS = 2000  # incidents that are told
PAGE = 500
BY_DAY = 62  # days of a period up to which the chart has a bar for each


@dataclass(slots=True)
class Stories:
    """worst: oldest first. counted: severity -> how many. bars: of days or months."""

    worst: list[Event] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    bars: list[Bar] = field(default_factory=list)


def stories(database: StateDatabase, period: Period) -> Stories:
    """Incidents that touch a period. Raises StateDatabaseError."""
    topology, span, days = period.units.topology, period.span, period.days
    sites = period.sites()
    found = Stories()
    by_when: Counter[tuple[str, str]] = Counter()
    width = 10 if (days[1] - days[0]).days <= BY_DAY else 7  # of an ISO day, or its month
    worst: list[tuple[tuple[int, int, int], Incident]] = []
    for incident in _touching(database, span):
        if incident.merged_into is not None or (sites is not None and incident.site not in sites):
            continue
        severity = incident.severity
        found.counted[severity.value] += 1
        if incident.since >= span.start:
            day = datetime.fromtimestamp(incident.since / 1000, topology.timezone).date()
            by_when[day.isoformat()[:width], severity.value] += 1
        rank = (severity.rank, _length(incident, span), -incident.id)
        push = heapq.heappush if len(worst) < EVENTS else heapq.heappushpop
        push(worst, (rank, incident))
    writer = Writer(topology, period.wanted.language, {})
    chosen = sorted((incident for _rank, incident in worst), key=lambda i: (i.since, i.id))
    found.worst = [_event(incident, writer, topology, span) for incident in chosen]
    found.bars = [
        Bar(
            when=when,
            critical=by_when[when, "critical"],
            warning=by_when[when, "warning"],
            info=by_when[when, "info"],
        )
        for when in dict.fromkeys(day.isoformat()[:width] for day in _every(*days))
    ]
    return found


def _touching(database: StateDatabase, span: Span) -> Iterator[Incident]:
    before: int | None = None
    while True:
        some = database.incidents(WantedIncidents(until=span.end, before=before, limit=PAGE))
        yield from (i for i in some if (i.resolved_at or span.end) > span.start)
        if len(some) < PAGE:
            return
        before = some[-1].id


def _every(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


def _length(incident: Incident, span: Span) -> int:
    return max(0, min(incident.resolved_at or span.end, span.end) - max(incident.since, span.start))


def _event(incident: Incident, writer: Writer, topology: Topology, span: Span) -> Event:
    site = topology.sites.get(incident.site or "")
    return Event(
        id=incident.id,
        severity=incident.severity.value,
        place=site.name if site else topology.area_name,
        what=writer.what(incident),
        since=incident.since,
        until=incident.resolved_at,
        length=_length(incident, span),
        cause=incident.cause or "",
    )
