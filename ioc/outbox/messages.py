"""Messages: what must reach somebody, stored before it is sent, deleted never, marked when sent.

put() in the transaction of what it tells about ─▶ due() ─▶ channel ─▶ sent | retry | dead

A message has one recipient and a key: put twice, it is one. A crash between sending and marking
sends it once more, never loses it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ioc._db_base import metadata, transaction

WAITING, SENT, DEAD, DROPPED = "waiting", "sent", "dead", "dropped"

table = sa.Table(
    "outbox",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("sent_at", sa.BigInteger),
    sa.Index("outbox_due", "queue", "state", "due_at"),
    sa.Index("outbox_about", "about"),
)


@dataclass(frozen=True, slots=True)
class Message:
    """key: makes it one however often it is put. recipient: "<channel>/<number>", never an
    address. about: "incident:12". created_at, due_at: ms UTC."""

    key: str
    queue: str
    recipient: str
    about: str
    title: str
    body: str
    created_at: int
    due_at: int


@dataclass(frozen=True, slots=True)
class Stored(Message):
    """A message with what became of it. state: waiting | sent | dead | dropped."""

    state: str = WAITING
    attempts: int = 0
    last_error: str = ""
    sent_at: int | None = None


def put(connection: sa.Connection, messages: Sequence[Message]) -> None:
    """Store messages within the caller's transaction; those that are there already stay."""
    if not messages:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = {"state": WAITING, "attempts": 0, "last_error": "", "sent_at": None}
    rows = [asdict(message) | fresh for message in messages]
    connection.execute(insert(table).on_conflict_do_nothing(index_elements=["key"]), rows)


class Outbox:
    """Blocking calls, for threads. All raise StateDatabaseError when the database cannot."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def due(
        self, queue: str, now: int, limit: int = 100, without: Collection[str] = ()
    ) -> list[Stored]:
        """The oldest waiting message of each recipient that is due. without: recipients that are
        served already."""
        c = table.c
        waiting = sa.and_(c.queue == queue, c.state == WAITING)
        first = (
            sa.select(c.key, sa.func.row_number().over(
                partition_by=c.recipient, order_by=(c.created_at, c.key)).label("place"))
            .where(waiting)
            .subquery()
        )  # fmt: skip
        query = (
            sa.select(table)
            .join(first, first.c.key == c.key)
            .where(first.c.place == 1, c.due_at <= now, c.recipient.not_in(list(without)))
            .order_by(c.created_at)
            .limit(limit)
        )
        with transaction(self._engine) as connection:
            return [_stored(row) for row in connection.execute(query)]

    def waiting(self, queue: str, recipient: str, now: int, limit: int) -> list[Stored]:
        """What one recipient still has to get and is due, oldest first."""
        c = table.c
        query = (
            sa.select(table)
            .where(c.queue == queue, c.state == WAITING, c.recipient == recipient, c.due_at <= now)
            .order_by(c.created_at, c.key)
            .limit(limit)
        )
        with transaction(self._engine) as connection:
            return [_stored(row) for row in connection.execute(query)]

    def sent(self, key: str, at: int) -> None:
        """It arrived."""
        self._mark(key, state=SENT, sent_at=at, last_error="", attempts=table.c.attempts + 1)

    def retry(self, key: str, due_at: int, error: str) -> None:
        """It did not; try again then."""
        self._mark(key, due_at=due_at, last_error=error, attempts=table.c.attempts + 1)

    def dead(self, key: str, error: str) -> None:
        """It never will."""
        self._mark(key, state=DEAD, last_error=error, attempts=table.c.attempts + 1)

    def due_again(self, queue: str, latest: int, now: int) -> int:
        """Bring back what is due later than is ever planned: the clock was ahead. How many."""
        c = table.c
        late = sa.and_(c.queue == queue, c.state == WAITING, c.due_at > latest)
        with transaction(self._engine) as connection:
            return connection.execute(table.update().where(late).values(due_at=now)).rowcount

    def list(
        self,
        about: str | None = None,
        state: str | None = None,
        recipient: str | None = None,
        limit: int = 100,
    ) -> list[Stored]:
        """What became of messages, newest first."""
        c = table.c
        query = sa.select(table).order_by(c.created_at.desc(), c.key).limit(limit)
        for column, value in ((c.about, about), (c.state, state), (c.recipient, recipient)):
            if value is not None:
                query = query.where(column == value)
        with transaction(self._engine) as connection:
            return [_stored(row) for row in connection.execute(query)]

    def counts(self, queue: str) -> dict[str, int]:
        """How many are in each state."""
        query = (
            sa.select(table.c.state, sa.func.count())
            .where(table.c.queue == queue)
            .group_by(table.c.state)
        )
        with transaction(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def forget(self, before: int) -> int:
        """Drop what was created before a moment and waits no more. How many."""
        c = table.c
        old = sa.and_(c.created_at < before, c.state != WAITING)
        with transaction(self._engine) as connection:
            return connection.execute(table.delete().where(old)).rowcount

    def _mark(self, key: str, **values: Any) -> None:
        with transaction(self._engine) as connection:
            connection.execute(table.update().where(table.c.key == key).values(**values))


def _stored(row: Any) -> Stored:
    return Stored(**row._mapping)
