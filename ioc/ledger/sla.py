"""Availability of every link, service and place, one row a day in the state database.

A row is worked out from the samples again while late ones may come: what changes is written with
the moment it was restated, and the first figure is kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from ioc._db_base import metadata, transaction, upsert
from ioc.engine.calendars import Calendar
from ioc.engine.points import STATE_MEASUREMENTS
from ioc.inventory.topology import AssetType, Topology
from ioc.ledger.availability import (
    Seconds,
    Span,
    Stretches,
    Tally,
    stretches,
    tally,
    together,
    union,
)
from ioc.store.base import HOLD, Series, SeriesQuery, Store

RESTATED_FOR = 7  # days for which late samples are looked for every night
RESTATED_MONDAYS = 35  # and once a week: a site that was cut off for weeks pushes what it kept
COUNTED = (AssetType.LINK, AssetType.SERVICE)
SAMPLES = 20_000_000  # a bound for one day of a province

availability = sa.Table(
    "availability",
    metadata,
    sa.Column("asset", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    *(
        sa.Column(f"{hours}_{what}", sa.BigInteger, nullable=False)
        for hours in ("all", "work")
        for what in ("up", "down", "maintenance", "unknown")
    ),
    sa.Column("outages", sa.Integer, nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Column("first_up", sa.BigInteger),
    sa.Column("restated_at", sa.BigInteger),
    sa.Index("availability_day", "day"),
)
SUMS = tuple(
    f"{hours}_{what}"
    for hours in ("all", "work")
    for what in ("up", "down", "maintenance", "unknown")
)


@dataclass(frozen=True, slots=True)
class Agreed:
    """Availability of one asset or place over a period. days: with a row. restated: days whose
    figure late samples changed; before: what up time was said first, ms, of all days."""

    tally: Tally
    days: int
    restated: int = 0
    before: int = 0


def working_calendar(topology: Topology, calendars: Mapping[str, Calendar]) -> Calendar | None:
    """The calendar of working hours: that of the alerts, else the first; None = there is none."""
    name = topology.alerts.calendar or next(iter(topology.calendars), None)
    return calendars.get(name) if name else None


def day_span(day: date, topology: Topology) -> Span:
    """A local day, ms UTC."""
    zone = topology.timezone
    edges = (datetime.combine(d, time(), zone) for d in (day, day + timedelta(days=1)))
    return Span(*(round(edge.timestamp() * 1000) for edge in edges))


def work_out(
    store: Store, topology: Topology, calendar: Calendar | None, day: date, now: int
) -> dict[str, Tally]:
    """Each link, service and place of the inventory on one local day, up to now. Reads samples."""
    whole = day_span(day, topology)
    span = Span(whole.start, min(whole.end, now))
    if span.end <= span.start:
        return {}
    work = union(Span(*hours) for hours in calendar.hours_on(day)) if calendar else []
    wide = Span(span.start - HOLD, span.end)
    found = {
        asset: stretches(series.times, series.values, wide)
        for asset, series in _samples(store, topology, span)
    }
    tallies = {
        asset.id: tally(found.get(asset.id, Stretches()), span, work)
        for asset in topology.assets.values()
        if asset.type in COUNTED
    }
    for site in topology.sites.values():
        if site.links:
            links = [found.get(link, Stretches()) for link in site.links]
            tallies[site.id] = tally(together(links, wide), span, work)
    return tallies


def _samples(store: Store, topology: Topology, span: Span) -> Iterator[tuple[str, Series]]:
    for of in COUNTED:
        measurement = STATE_MEASUREMENTS[of]
        query = SeriesQuery(
            measurement, "state", span.start - 2 * HOLD, span.end + 1, limit=SAMPLES,
            tags={"area": (topology.area_id,)},
        )  # fmt: skip
        merged: dict[str, list[Series]] = {}
        for series in store.read(query):
            merged.setdefault(dict(series.tags)["asset"], []).append(series)
        for asset, some in merged.items():
            yield asset, some[0] if len(some) == 1 else _merged(some)


def _merged(some: Sequence[Series]) -> Series:
    """An asset whose tags changed (another provider) within the day has two series."""
    samples = sorted(
        pair for series in some for pair in zip(series.times, series.values, strict=True)
    )
    times, values = zip(*samples, strict=True)
    first = some[0]
    return Series(first.measurement, first.field, first.tags, times, values)


class Agreements:
    """The table of days. Blocking; raises StateDatabaseError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, day: date, found: Mapping[str, Tally], now: int, *, over: bool) -> int:
        """Write a day. over: the day has ended, so that another figure than before restates it.
        How many rows were restated."""
        table = availability
        with transaction(self._engine) as connection:
            rows = connection.execute(sa.select(table).where(table.c.day == day.isoformat()))
            known = {row.asset: row for row in rows}
            fresh = [
                row
                for asset, one in found.items()
                if (row := _row(asset, day, one, now, known.get(asset), over=over)) is not None
            ]
            upsert(connection, table, fresh)
        return sum(row["restated_at"] == now for row in fresh)

    def newest(self) -> int | None:
        """ms UTC when the table was last written, which a running program does every hour."""
        query = sa.select(sa.func.max(availability.c.recorded_at))
        with transaction(self._engine) as connection:
            found: int | None = connection.execute(query).scalar()
        return found

    def over(self, since: date, until: date) -> dict[str, Agreed]:
        """Sums of the days from one to another, both included."""
        columns = [sa.func.sum(availability.c[name]).label(name) for name in SUMS]
        query = (
            sa.select(
                availability.c.asset,
                *columns,
                sa.func.sum(availability.c.outages).label("outages"),
                sa.func.count().label("days"),
                sa.func.count(availability.c.restated_at).label("restated"),
                sa.func.sum(sa.func.coalesce(availability.c.first_up, availability.c.all_up)).label(
                    "before"
                ),
            )
            .where(availability.c.day >= since.isoformat(), availability.c.day <= until.isoformat())
            .group_by(availability.c.asset)
        )
        with transaction(self._engine) as connection:
            return {row.asset: _agreed(row) for row in connection.execute(query)}

    def days_of(self, asset: str, since: date, until: date) -> list[tuple[str, Tally]]:
        """Each day of one asset or place, oldest first."""
        query = (
            sa.select(availability)
            .where(
                availability.c.asset == asset,
                availability.c.day >= since.isoformat(),
                availability.c.day <= until.isoformat(),
            )
            .order_by(availability.c.day)
        )
        with transaction(self._engine) as connection:
            return [(row.day, _tally(row)) for row in connection.execute(query)]

    def recorded(self, since: int) -> list[tuple[str, str, Tally]]:
        """(asset or place, day, figures) of the rows written since a moment, ms UTC."""
        query = sa.select(availability).where(availability.c.recorded_at >= since)
        with transaction(self._engine) as connection:
            rows = connection.execute(query.order_by(availability.c.day))
            return [(row.asset, row.day, _tally(row)) for row in rows]


def _row(
    asset: str, day: date, one: Tally, now: int, known: Any, *, over: bool
) -> dict[str, Any] | None:
    row = {
        "asset": asset,
        "day": day.isoformat(),
        **{f"all_{name}": getattr(one.all, name) for name in PARTS},
        **{f"work_{name}": getattr(one.work, name) for name in PARTS},
        "outages": one.outages,
    }
    if known is None:
        return row | {"recorded_at": now, "first_up": None, "restated_at": None}
    before = known._mapping
    if all(before[name] == row[name] for name in row) or _knew_more(before, one):
        return None
    length = one.all.total
    restated = over and sum(before[f"all_{name}"] for name in PARTS) == length
    return row | {
        "recorded_at": now,
        "first_up": (before["first_up"] if before["first_up"] is not None else before["all_up"])
        if restated
        else before["first_up"],
        "restated_at": now if restated else before["restated_at"],
    }


def _knew_more(before: Mapping[str, Any], one: Tally) -> bool:
    """Late samples only ever add: what is known less now was dropped by the store since."""
    known = sum(int(before[f"all_{name}"]) for name in ("up", "down", "maintenance"))
    return known > one.all.total - one.all.unknown


PARTS = ("up", "down", "maintenance", "unknown")


def _tally(row: Any) -> Tally:
    values = row._mapping
    day, work = (
        Seconds(*(int(values[f"{hours}_{name}"]) for name in PARTS)) for hours in ("all", "work")
    )
    return Tally(day, work, int(values["outages"]))


def _agreed(row: Any) -> Agreed:
    return Agreed(_tally(row), int(row.days), int(row.restated), int(row.before))


def period_of(
    since: date, until: date, topology: Topology, calendar: Calendar | None, now: int
) -> tuple[int, int]:
    """ms of a period up to now, both days included: all of it, and its working hours."""
    start, end = day_span(since, topology).start, min(day_span(until, topology).end, now)
    hours = 0
    day = since
    while calendar is not None and day <= until:
        spans = [Span(*edges) for edges in calendar.hours_on(day)]
        hours += sum(max(0, min(span.end, end) - span.start) for span in spans)
        day += timedelta(days=1)
    return max(0, end - start), hours


def filled(found: Agreed | None, whole: int, hours: int) -> Tally:
    """An asset over a period of so many ms: what has no row is unknown."""
    known = found.tally if found else Tally()
    return known + Tally(
        Seconds(unknown=max(0, whole - known.all.total)),
        Seconds(unknown=max(0, hours - known.work.total)),
    )
