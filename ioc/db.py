"""The state database: what must survive a restart. SQLite by default, PostgreSQL by URL.

SQLAlchemy Core; the tables are made and changed by the Alembic migrations in `ioc/migrations`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from collectors.base import Reason, Result, Verdict
from ioc import _db_incidents as incident_rows
from ioc._db_base import StateDatabaseError, metadata, plain, upsert
from ioc._db_incidents import SavedIncidents, Wanted
from ioc.engine.incident import Event, Incident
from ioc.engine.maintenance import Window
from ioc.engine.model import AssetView, CheckStatus, SiteView, State, Transition
from ioc.outbox import Message, put

__all__ = ["Saved", "SavedIncidents", "StateDatabase", "StateDatabaseError", "Wanted"]

log = logging.getLogger(__name__)

checks = sa.Table(
    "checks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("ok_at", sa.BigInteger),
    sa.Column("last", sa.Text),
)
states = sa.Table(
    "states",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("reason", sa.Text),
)
transitions = sa.Table(
    "transitions",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("after", sa.Text, primary_key=True),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Index("transitions_at", "at"),
)
inventories = sa.Table(
    "inventories",
    metadata,
    sa.Column("loaded_at", sa.BigInteger, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

Stored = tuple[State, int, str | None, Reason | None]


@dataclass(frozen=True, slots=True)
class Saved:
    """What was last saved. assets, sites: id -> (state, since ms UTC, cause, reason).

    skipped: rows that could not be read (written by another version), in words.
    """

    checks: Mapping[str, CheckStatus] = field(default_factory=dict)
    assets: Mapping[str, Stored] = field(default_factory=dict)
    sites: Mapping[str, Stored] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


class StateDatabase:
    """Blocking calls, safe from several threads: each takes its own connection from the pool."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> StateDatabase:
        """Open, creating and migrating as needed. Raises StateDatabaseError."""
        try:
            engine = _engine(url)
            _migrate(engine)
        except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
            raise StateDatabaseError(f"IOC_DATABASE: {plain(error)}") from error
        return cls(engine)

    @property
    def engine(self) -> sa.Engine:
        """For the parts that keep tables of their own in this database."""
        return self._engine

    def load(self) -> Saved:
        """Everything as of the last save; unreadable rows are left out and named."""
        found: dict[str, CheckStatus] = {}
        by_kind: dict[str, dict[str, Stored]] = {"asset": {}, "site": {}}
        skipped: list[str] = []
        with self._reading() as connection:
            for row in connection.execute(sa.select(checks)):
                try:
                    found[row.id] = _status(row)
                except (ValueError, KeyError, TypeError) as error:
                    skipped.append(f"check {row.id}: {error}")
            for row in connection.execute(sa.select(states)):
                try:
                    stored = (State(row.state), row.since, row.cause, _reason(row.reason))
                    by_kind[row.kind][row.id] = stored
                except (ValueError, KeyError, TypeError) as error:
                    skipped.append(f"{row.kind} {row.id}: {error}")
        for text in skipped:
            log.warning("state database: a row is left out: %s", text)
        return Saved(found, by_kind["asset"], by_kind["site"], tuple(skipped))

    def save(
        self,
        statuses: Sequence[CheckStatus],
        assets: Sequence[AssetView],
        sites: Sequence[SiteView],
        changes: Sequence[Transition],
        *,
        incidents: Sequence[Incident] = (),
        events: Sequence[Event] = (),
        windows: Sequence[Window] = (),
        messages: Sequence[Message] = (),
    ) -> None:
        """All of it in one transaction; the same transition twice is one. StateDatabaseError."""
        with self._writing() as connection:
            incident_rows.save(connection, incidents, events, windows)
            put(connection, messages)
            upsert(connection, checks, [_status_row(s) for s in statuses])
            upsert(connection, states, [_state_row("asset", view) for view in assets])
            upsert(connection, states, [_state_row("site", view) for view in sites])
            upsert(connection, transitions, [_transition_row(t) for t in changes])

    def transitions(
        self,
        kind: str | None = None,
        id: str | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int = 100,
    ) -> list[Transition]:
        """Changes of state, newest first. since inclusive, until exclusive: ms UTC."""
        table = transitions.c
        query = sa.select(transitions).order_by(table.at.desc(), table.kind, table.id).limit(limit)
        for column, value in ((table.kind, kind), (table.id, id)):
            if value is not None:
                query = query.where(column == value)
        if since is not None:
            query = query.where(table.at >= since)
        if until is not None:
            query = query.where(table.at < until)
        with self._reading() as connection:
            return [_transition(row) for row in connection.execute(query)]

    # --- incidents

    def load_incidents(self, ended_since: int) -> SavedIncidents:
        """Open incidents and those that ended since a moment, ms UTC; planned work."""
        with self._reading() as connection:
            return incident_rows.load(connection, ended_since)

    def incidents(self, wanted: Wanted) -> list[Incident]:
        """A page of incidents, newest first."""
        with self._reading() as connection:
            return incident_rows.find(connection, wanted)

    def incident(self, number: int) -> tuple[Incident, list[Event]] | None:
        """One incident with its timeline, oldest step first."""
        with self._reading() as connection:
            found = incident_rows.one(connection, number)
            if found is None:
                return None
            return found, incident_rows.timeline(connection, number)

    # --- housekeeping

    def forget(self, before: int) -> int:
        """Drop transitions and ended incidents before a moment, ms UTC. How many transitions."""
        with self._writing() as connection:
            incident_rows.forget(connection, before)
            return connection.execute(
                transitions.delete().where(transitions.c.at < before)
            ).rowcount

    def record_inventory(self, digest: str, loaded_at: int, ok: bool, text: str) -> None:
        """Remember that an inventory was applied, or refused and why."""
        row = {"digest": digest, "loaded_at": loaded_at, "ok": ok, "text": text}
        with self._writing() as connection:
            upsert(connection, inventories, [row])

    def inventory_history(self, limit: int = 50) -> list[dict[str, Any]]:
        """Applied and refused inventories, newest first."""
        query = sa.select(inventories).order_by(inventories.c.loaded_at.desc()).limit(limit)
        with self._reading() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def health(self) -> str | None:
        """None when it can be read, else why not."""
        try:
            with self._reading() as connection:
                connection.execute(sa.select(sa.func.count()).select_from(checks))
        except StateDatabaseError as error:
            return str(error)
        return None

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A connection whose errors come out as StateDatabaseError."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise StateDatabaseError(plain(error)) from error

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """The same in one transaction, committed when the block ends well."""
        with self._reading() as connection, connection.begin():
            yield connection


# --- opening


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    # One connection for all: SQLite before 3.51.3 can corrupt a WAL that two connections reset.
    engine = sa.create_engine(
        url,
        poolclass=sa.pool.QueuePool,
        pool_size=1,
        max_overflow=0,
        connect_args={"timeout": 10, "check_same_thread": False},
    )
    sa.event.listen(engine, "connect", _pragmas)
    return engine


def _pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _migrate(engine: sa.Engine) -> None:
    """Bring the tables to what this program needs; refuse a database of a newer program."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        if present is not None and present not in known:
            raise StateDatabaseError(
                f"IOC_DATABASE: written by a newer program (revision {present}); "
                "run that one, or restore the backup made before the upgrade"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


# --- rows


def _status_row(status: CheckStatus) -> dict[str, Any]:
    return {
        "id": status.check,
        "state": status.state.value,
        "since": status.since,
        "ok_at": status.ok_at,
        "last": _dump_result(status.last),
    }


def _status(row: Any) -> CheckStatus:
    return CheckStatus(row.id, State(row.state), row.since, _load_result(row.last), row.ok_at)


def _state_row(kind: str, view: AssetView | SiteView) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": view.id,
        "state": view.state.value,
        "since": view.since,
        "cause": view.cause,
        "reason": _dump_reason(view.reason),
    }


def _transition_row(change: Transition) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "id": change.id,
        "at": change.at,
        "after": change.after.value,
        "before": change.before.value,
        "cause": change.cause,
        "reason": _dump_reason(change.reason),
    }


def _transition(row: Any) -> Transition:
    return Transition(
        row.kind,
        row.id,
        State(row.before),
        State(row.after),
        row.at,
        row.cause,
        _reason(row.reason),
    )


def _dump_reason(reason: Reason | None) -> str | None:
    if reason is None:
        return None
    return json.dumps([reason.text, dict(reason.args)], ensure_ascii=False)


def _reason(text: str | None) -> Reason | None:
    if text is None:
        return None
    words, args = json.loads(text)
    return Reason(words, args)


def _dump_result(result: Result | None) -> str | None:
    if result is None:
        return None
    return json.dumps(
        {
            "check": result.check,
            "observed_at": result.observed_at,
            "verdict": result.verdict.value,
            "values": dict(result.values),
            "reason": _dump_reason(result.reason),
            "details": dict(result.details),
            "attempts": result.attempts,
            "duration": result.duration,
        },
        ensure_ascii=False,
    )


def _load_result(text: str | None) -> Result | None:
    if text is None:
        return None
    found = json.loads(text)
    return Result(
        **{**found, "verdict": Verdict(found["verdict"]), "reason": _reason(found["reason"])}
    )
