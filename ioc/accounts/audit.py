"""The audit log: who did what, when, from where. Lines are added, never changed."""

from __future__ import annotations

import sqlalchemy as sa

from ioc._db_base import StateDatabaseError, plain
from ioc.accounts._tables import audit
from ioc.accounts.model import Act, Actor
from ioc.clock import Clock

LONGEST = 1000  # letters of a detail


class Audit:
    """Blocking calls, for threads. StateDatabaseError when the database cannot."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def record(self, actor: Actor, action: str, subject: str = "", detail: str = "") -> None:
        """Add a line. Never give it a secret."""
        row = {
            "at": self._clock.now(), "who": actor.name[:200], "via": actor.via,
            "action": action[:200], "subject": subject[:300], "detail": detail[:LONGEST],
            "address": actor.address[:100],
        }  # fmt: skip
        try:
            with self._engine.begin() as connection:
                connection.execute(audit.insert().values(row))
        except sa.exc.SQLAlchemyError as error:
            raise StateDatabaseError(plain(error)) from error

    def list(
        self, limit: int = 100, before: int | None = None, who: str | None = None
    ) -> list[Act]:
        """Lines, newest first. before: only numbers below it."""
        query = sa.select(audit).order_by(audit.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.number < before)
        if who is not None:
            query = query.where(audit.c.who == who)
        try:
            with self._engine.begin() as connection:
                return [Act(**row._mapping) for row in connection.execute(query)]
        except sa.exc.SQLAlchemyError as error:
            raise StateDatabaseError(plain(error)) from error

    def forget(self, before: int) -> int:
        """Drop lines older than a moment, ms UTC: the retention that is set. How many."""
        try:
            with self._engine.begin() as connection:
                return connection.execute(audit.delete().where(audit.c.at < before)).rowcount
        except sa.exc.SQLAlchemyError as error:
            raise StateDatabaseError(plain(error)) from error
