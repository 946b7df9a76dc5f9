"""What all tables of the state database share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

metadata = sa.MetaData()


class StateDatabaseError(Exception):
    """The state database cannot be opened, read or written; the message says why."""


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """All of it or nothing. What the database cannot do is a StateDatabaseError."""
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        raise StateDatabaseError(plain(error)) from error


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; one that exists already is replaced."""
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    rest = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest), rows)


def plain(error: BaseException) -> str:
    """The database's own words, without SQL and its parameters."""
    return str(getattr(error, "orig", None) or error)
