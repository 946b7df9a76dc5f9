"""Readings as rows: every version of each, none ever overwritten. Used by ioc.ledger.records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ioc._db_base import metadata
from ioc.ledger.model import Key, Reading, Source

readings = sa.Table(
    "readings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("as_of", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("numerator", sa.BigInteger, nullable=False),
    sa.Column("denominator", sa.BigInteger, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("links", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("entered_at", sa.BigInteger, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False),
    sa.UniqueConstraint("target", "place", "source", "origin", "as_of", "version"),
)


FEW = 20  # readings that are looked up one by one


class Outcome(StrEnum):
    """What became of a reading that was handed in."""

    NEW = "new"
    CORRECTED = "corrected"  # a new version
    UNCHANGED = "unchanged"  # said already, word for word


@dataclass(frozen=True, slots=True)
class Kept:
    outcome: Outcome
    reading: Reading


Newest = dict[Key, Reading]


def newest_of(connection: sa.Connection, given: Sequence[Reading]) -> Newest:
    """The newest version of each reading that is known, of those that are handed in: one query
    for a few, one for each target for many."""
    table = readings.c
    if len(given) <= FEW:
        conditions = [
            sa.and_(
                table.target == one.target,
                table.place == (one.place or ""),
                table.source == one.source.value,
                table.origin == one.origin,
                table.as_of == one.as_of,
            )
            for one in given
        ]
    else:
        conditions = [table.target == name for name in sorted({one.target for one in given})]
    found: Newest = {}
    for condition in conditions:
        query = sa.select(readings).where(condition).order_by(table.version)
        for row in connection.execute(query):
            reading = from_row(row)
            found[reading.key] = reading
    return found


def versioned(newest: Newest, given: Reading, author: str, now: int) -> Kept:
    before = newest.get(given.key)
    if before is not None and before.said == given.said:
        return Kept(Outcome.UNCHANGED, before)
    version = before.version + 1 if before else 1
    kept = replace(given, author=author, entered_at=now, version=version)
    newest[given.key] = kept
    return Kept(Outcome.CORRECTED if before else Outcome.NEW, kept)


def insert(connection: sa.Connection, fresh: Sequence[Reading]) -> list[int]:
    """Their ids, in the same order."""
    if not fresh:
        return []
    statement = readings.insert().returning(readings.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, [_row(one) for one in fresh]).scalars())


def _row(reading: Reading) -> dict[str, Any]:
    row = asdict(reading)
    row.pop("id")
    return row | {
        "place": reading.place or "",
        "source": reading.source.value,
        "links": json.dumps(reading.links, ensure_ascii=False),
    }


def from_row(row: Any) -> Reading:
    found = dict(row._mapping)
    return Reading(
        **found
        | {
            "place": row.place or None,
            "source": Source(row.source),
            "links": tuple(json.loads(row.links)),
        }
    )
