"""Reports being made: one after the other, with progress, to be cancelled at any time.

    Wanted ─▶ row in the database ─▶ gather (thread) ─▶ report.json ─▶ lay out (child process)
           ─▶ files in <data>/reports/<id>/

What a stop interrupted is marked so at the next start.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ioc._db_base import StateDatabaseError, metadata, plain, upsert
from ioc.i18n import mark
from ioc.reports.gather import Sources, gather
from ioc.reports.model import Wanted
from ioc.store.base import StoreError

log = logging.getLogger(__name__)

WAITING, RUNNING, READY, FAILED, CANCELLED = "waiting", "running", "ready", "failed", "cancelled"
LAY_OUT_WITHIN = 300.0  # seconds
QUEUE = 20  # reports that may wait
KEPT = 500  # newest reports whose files are kept

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


class TooMany(Exception):
    """So many reports wait already."""


class Cancelled(Exception):
    """Somebody does not want the report any more."""


@dataclass(frozen=True, slots=True)
class Job:
    """One report. state: waiting | running | ready | failed | cancelled. progress: 0 to 1; stage:
    a message id. created_at, ended_at: ms UTC."""

    id: str
    wanted: Wanted
    author: str
    created_at: int
    state: str = WAITING
    progress: float = 0.0
    stage: str = ""
    ended_at: int | None = None
    error: str = ""


class Reports:
    """On the event loop, but for what says that it blocks."""

    def __init__(self, sources: Sources, engine: sa.Engine, folder: Path) -> None:
        self._sources = sources
        self._engine = engine
        self._folder = folder
        self._jobs: dict[str, Job] = {}
        self._cancelled: set[str] = set()
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._child: asyncio.subprocess.Process | None = None
        self._child_of = ""
        self.done: Callable[[Job], None] = lambda _job: None

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise StateDatabaseError(plain(error)) from error

    def load(self) -> None:
        """What there was before. Blocking."""
        with self._begin() as connection:
            rows = connection.execute(
                sa.select(reports).order_by(reports.c.created_at.desc()).limit(KEPT)
            )
            found = [_job(row) for row in rows]
        for job in reversed(found):
            if job.state in (WAITING, RUNNING):
                job = replace(  # noqa: PLW2901
                    job, state=FAILED, error=mark("the program was stopped meanwhile"),
                    ended_at=self._sources.clock.now(),
                )  # fmt: skip
                self._keep(job)
            self._jobs[job.id] = job

    # --- asked for

    def submit(self, wanted: Wanted, author: str) -> Job:
        """A new report, to be made when its turn comes. Raises TooMany."""
        if sum(job.state in (WAITING, RUNNING) for job in self._jobs.values()) >= QUEUE:
            raise TooMany(QUEUE)
        now = self._sources.clock.now()
        job = Job(f"{now:x}-{secrets.token_hex(3)}", wanted, author, now)
        self._jobs[job.id] = job
        self._queue.put_nowait(job.id)
        return job

    def jobs(self) -> list[Job]:
        """Newest first."""
        return sorted(self._jobs.values(), key=lambda job: (-job.created_at, job.id))

    def job(self, id: str) -> Job | None:
        return self._jobs.get(id)

    def file(self, job: Job, form: str) -> Path | None:
        """Path of a file that is ready; None when there is none (any more)."""
        path = self._folder / job.id / f"report.{form}"
        return path if job.state == READY and path.is_file() else None

    def cancel(self, id: str) -> Job | None:
        """Stop a report, whatever it is at. None when there is no such report."""
        job = self._jobs.get(id)
        if job is None or job.state not in (WAITING, RUNNING):
            return job
        self._cancelled.add(id)
        if self._child is not None and self._child_of == id:
            with suppress(ProcessLookupError):
                self._child.kill()
        return self._set(replace(job, state=CANCELLED, ended_at=self._sources.clock.now()))

    # --- made

    async def run(self) -> None:
        """Make what is asked for, until cancelled."""
        try:
            while True:
                id = await self._queue.get()
                if id not in self._cancelled:
                    await self._make(self._jobs[id])
                await self._store(self._jobs[id])
                self._cancelled.discard(id)
        finally:
            if self._child is not None and self._child.returncode is None:
                self._child.kill()
                await self._child.wait()

    async def _make(self, job: Job) -> None:
        folder = self._folder / job.id
        self._set(replace(job, state=RUNNING))
        await self._store(self._jobs[job.id])
        try:
            await asyncio.to_thread(self._gather, job, folder)
            await self._lay_out(job.id, folder)
        except Cancelled:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            return
        except Exception as error:
            known = isinstance(error, StateDatabaseError | StoreError | OSError | LookupError)
            log.log(logging.ERROR, "report %s: %s", job.id, error, exc_info=not known)
            text = str(error) or type(error).__name__
            self._end(job.id, FAILED, text)
            return
        self._end(job.id, READY)
        self.done(self._jobs[job.id])

    def _gather(self, job: Job, folder: Path) -> None:
        """Runs in a thread."""

        def step(progress: float, stage: str) -> None:
            if job.id in self._cancelled:
                raise Cancelled
            self._set(replace(self._jobs[job.id], progress=progress, stage=stage))

        report = gather(self._sources, job.wanted, step)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")
        step(0.7, mark("layout"))

    async def _lay_out(self, id: str, folder: Path) -> None:
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ioc.reports", str(folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._child_of = id
        if id in self._cancelled:
            self._child.kill()
        try:
            _out, trouble = await asyncio.wait_for(self._child.communicate(), LAY_OUT_WITHIN)
        except TimeoutError:
            self._child.kill()
            await self._child.wait()
            raise OSError("laying it out took too long") from None
        finally:
            code, self._child = self._child.returncode, None
        if id in self._cancelled:
            raise Cancelled
        if code != 0:
            last = trouble.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise OSError(f"laying it out failed: {''.join(last)[:500]}")

    def _end(self, id: str, state: str, error: str = "") -> None:
        job = self._jobs[id]
        if job.state == RUNNING:
            now = self._sources.clock.now()
            self._set(replace(job, state=state, progress=1.0, ended_at=now, error=error[:500]))

    def _set(self, job: Job) -> Job:
        before = self._jobs.get(job.id)
        if before is not None and before.state == CANCELLED:
            return before
        self._jobs[job.id] = job
        return job

    # --- kept

    async def _store(self, job: Job) -> None:
        try:
            await asyncio.to_thread(self._keep, job)
        except StateDatabaseError as error:
            log.error("report %s is not in the database: %s", job.id, error)

    def _keep(self, job: Job) -> None:
        row = {
            "id": job.id, "created_at": job.created_at, "author": job.author, "state": job.state,
            "ended_at": job.ended_at, "error": job.error, "data": job.wanted.model_dump_json(),
        }  # fmt: skip
        with self._begin() as connection:
            upsert(connection, reports, [row])


def _job(row: Any) -> Job:
    return Job(
        row.id,
        Wanted.model_validate(json.loads(row.data)),
        row.author,
        row.created_at,
        row.state,
        1.0 if row.state == READY else 0.0,
        "",
        row.ended_at,
        row.error,
    )
