"""Rows of incidents, their timelines and planned work: to and from the engine's values."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import sqlalchemy as sa

from collectors.base import Reason
from ioc._db_base import metadata, upsert
from ioc.engine.incident import Event, Incident, Step
from ioc.engine.maintenance import Window
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Severity

log = logging.getLogger(__name__)

Value = TypeVar("Value")

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("site", sa.Text),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("resolved_at", sa.BigInteger),
    sa.Column("waiting", sa.Boolean, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Index("incidents_resolved", "resolved_at"),
    sa.Index("incidents_since", "since"),
)
events = sa.Table(
    "incident_events",
    metadata,
    sa.Column("incident", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("author", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("kind", sa.Text),
    sa.Column("severity", sa.Text),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Index("incident_events_at", "at"),
)
maintenance = sa.Table(
    "maintenance",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("starts_at", sa.BigInteger, nullable=False),
    sa.Column("ends_at", sa.BigInteger),
    sa.Column("cancelled_at", sa.BigInteger),
    sa.Column("data", sa.Text, nullable=False),
)
COLUMNS = ("id", "key", "kind", "severity", "subject", "site", "since", "opened_at", "resolved_at",
           "waiting")  # fmt: skip


@dataclass(frozen=True, slots=True)
class SavedIncidents:
    """recent: open ones and those that ended since the moment asked for. events: incident ->
    number of its newest event. waiting: with something to tell. last: the newest of all, if any."""

    recent: tuple[Incident, ...] = ()
    events: Mapping[int, int] = field(default_factory=dict)
    waiting: tuple[Incident, ...] = ()
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents to list. open: None = both. since, until: ms UTC, of their beginning.

    before: only ids below it (the cursor); newest first.
    """

    open: bool | None = None
    severity: str | None = None
    kind: str | None = None
    site: str | None = None
    since: int | None = None
    until: int | None = None
    before: int | None = None
    limit: int = 100


def save(
    connection: sa.Connection,
    some: Iterable[Incident],
    happened: Iterable[Event],
    windows: Iterable[Window],
) -> None:
    """The newest of each; an event written twice is one."""
    upsert(connection, incidents, [_row(incident) for incident in some])
    upsert(connection, events, [asdict(event) for event in happened])
    upsert(connection, maintenance, [_window_row(window) for window in windows])


def load(connection: sa.Connection, ended_since: int) -> SavedIncidents:
    """What the desk goes on with after a restart. Rows of another version are left out."""
    table = incidents.c
    newest = sa.select(sa.func.max(table.id)).scalar_subquery()
    query = sa.select(table.data).where(
        sa.or_(table.resolved_at.is_(None), table.resolved_at >= ended_since, table.id == newest)
    )
    recent = _readable(connection.execute(query), _incident)
    waiting = sa.select(table.data).where(table.waiting.is_(True))
    numbers = (
        sa.select(events.c.incident, sa.func.max(events.c.number).label("number"))
        .where(events.c.incident.in_([incident.id for incident in recent]))
        .group_by(events.c.incident)
    )
    return SavedIncidents(
        recent,
        {row.incident: row.number for row in connection.execute(numbers)},
        _readable(connection.execute(waiting), _incident),
        _readable(connection.execute(sa.select(maintenance.c.data)), _window),
    )


def find(connection: sa.Connection, wanted: Wanted) -> list[Incident]:
    """Newest first."""
    table = incidents.c
    query = sa.select(table.data).order_by(table.id.desc()).limit(wanted.limit)
    if wanted.open is not None:
        open_ = table.resolved_at.is_(None)
        query = query.where(open_ if wanted.open else sa.not_(open_))
    for column, value in (
        (table.severity, wanted.severity),
        (table.kind, wanted.kind),
        (table.site, wanted.site),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(table.since >= wanted.since)
    if wanted.until is not None:
        query = query.where(table.since < wanted.until)
    if wanted.before is not None:
        query = query.where(table.id < wanted.before)
    return list(_readable(connection.execute(query), _incident))


def one(connection: sa.Connection, number: int) -> Incident | None:
    row = connection.execute(sa.select(incidents.c.data).where(incidents.c.id == number)).first()
    return None if row is None else _incident(row.data)


def timeline(connection: sa.Connection, number: int) -> list[Event]:
    """Every step of an incident, oldest first."""
    query = sa.select(events).where(events.c.incident == number).order_by(events.c.number)
    return [
        Event(
            row.incident,
            row.number,
            row.at,
            Step(row.step),
            row.author,
            row.text,
            row.kind and Kind(row.kind),
            row.severity and Severity(row.severity),
            row._mapping["count"],
        )
        for row in connection.execute(query)
    ]


def forget(connection: sa.Connection, before: int) -> None:
    """Drop incidents that ended before a moment, ms UTC, with their timelines."""
    old = sa.select(incidents.c.id).where(incidents.c.resolved_at < before)
    connection.execute(events.delete().where(events.c.incident.in_(old)))
    connection.execute(incidents.delete().where(incidents.c.resolved_at < before))


# --- rows


def _readable(rows: Iterable[Any], make: Callable[[str], Value]) -> tuple[Value, ...]:
    """What the rows hold; one that cannot be read is left out and named, never fatal."""
    found = []
    for row in rows:
        try:
            found.append(make(row.data))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("state database: a row is left out: %s", error)
    return tuple(found)


def _row(incident: Incident) -> dict[str, Any]:
    row = {name: _plain(getattr(incident, name)) for name in COLUMNS}
    return row | {"data": _dump(asdict(incident))}


def _incident(text: str) -> Incident:
    found = json.loads(text)
    reason = found["reason"]
    tuples = {name: tuple(found[name]) for name in ("affected", "works", "told", "escalated")}
    told = found["told_kind"], found["told_severity"]
    return Incident(
        **found
        | tuples
        | {
            "kind": Kind(found["kind"]),
            "severity": Severity(found["severity"]),
            "reason": reason and Reason(reason["text"], reason["args"]),
            "told_kind": told[0] and Kind(told[0]),
            "told_severity": told[1] and Severity(told[1]),
        }
    )


def _window_row(window: Window) -> dict[str, Any]:
    row = {name: getattr(window, name) for name in ("id", "starts_at", "ends_at", "cancelled_at")}
    return row | {"data": _dump(asdict(window))}


def _window(text: str) -> Window:
    found = json.loads(text)
    sets = {name: frozenset(found[name]) for name in ("sites", "assets", "kinds", "days")}
    return Window(**found | sets | {"hours": tuple(found["hours"])})


def _dump(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, default=sorted)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value
