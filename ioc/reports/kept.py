"""What is kept of reports: a row each in the state database, a folder each on the disk."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ioc._db_base import metadata, transaction, upsert
from ioc.reports.model import Wanted

log = logging.getLogger(__name__)

WAITING, RUNNING, READY, FAILED, CANCELLED = "waiting", "running", "ready", "failed", "cancelled"
PENDING = frozenset({WAITING, RUNNING})
KEPT = 500  # newest reports that are kept: monthly ones of ten years, and as many besides
PART = ".part"  # a folder that is not complete

reports = sa.Table(
    "reports",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One report. state: waiting | running | ready | failed | cancelled. progress: 0 to 1; stage:
    a message id. created_at, ended_at: ms UTC. tries: how often it was begun."""

    id: str
    wanted: Wanted
    author: str
    created_at: int
    state: str = WAITING
    progress: float = 0.0
    stage: str = ""
    ended_at: int | None = None
    error: str = ""
    tries: int = 0


class Rows:
    """The table of reports. Blocking; raises StateDatabaseError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def all(self) -> list[Job]:
        """Oldest first, without what another version wrote and this one cannot read."""
        with transaction(self._engine) as connection:
            rows = connection.execute(sa.select(reports).order_by(reports.c.created_at))
            return [job for row in rows if (job := _job(row)) is not None]

    def keep(self, job: Job) -> None:
        data = job.wanted.model_dump(mode="json") | {"tries": job.tries}
        row = {
            "id": job.id,
            "created_at": job.created_at,
            "author": job.author,
            "state": job.state,
            "ended_at": job.ended_at,
            "error": job.error,
            "data": json.dumps(data, ensure_ascii=False),
        }
        with transaction(self._engine) as connection:
            upsert(connection, reports, [row])

    def drop(self, id: str) -> None:
        with transaction(self._engine) as connection:
            connection.execute(reports.delete().where(reports.c.id == id))


class Folders:
    """<root>/<id>.part while a report is made, <root>/<id> when it is complete. Blocking."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def ready(self, id: str) -> Path:
        return self._root / id

    def part(self, id: str) -> Path:
        return self._root / f"{id}{PART}"

    def begin(self, id: str) -> None:
        """An empty folder to make it in. Raises OSError."""
        self.drop(id)
        self.part(id).mkdir(parents=True)

    def finish(self, id: str) -> None:
        """What was made is complete; only the files that people take home stay."""
        (self.part(id) / "report.json").unlink()
        self.part(id).rename(self.ready(id))

    def drop(self, id: str) -> None:
        for folder in (self.part(id), self.ready(id)):
            shutil.rmtree(folder, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what a stop left half done. What is complete stays, whoever it belongs to."""
        for folder in self._root.glob(f"*{PART}"):
            shutil.rmtree(folder, ignore_errors=True)


def _job(row: Any) -> Job | None:
    try:
        data = json.loads(row.data)
        tries = int(data.pop("tries", 0))
        wanted = Wanted.model_validate(data)
    except (ValueError, TypeError, AttributeError) as error:  # pydantic's are ValueErrors
        log.error("report %s cannot be read: %s", row.id, error)
        return None
    done = 1.0 if row.state == READY else 0.0
    return Job(
        row.id, wanted, row.author, row.created_at, row.state, done, "", row.ended_at, row.error,
        tries,
    )  # fmt: skip
