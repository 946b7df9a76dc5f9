"""Reports being made: one after the other, with progress, to be cancelled at any time.

    Wanted ─▶ row in the database ─▶ gather (thread) ─▶ report.json ─▶ lay out (child process)
           ─▶ <data>/reports/<id>.part/ ─▶ <data>/reports/<id>/

A report that is asked for is in the database before anybody is told so. What a stop interrupted is
made again at the next start, at most three times in all.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ioc._db_base import StateDatabaseError
from ioc.i18n import mark
from ioc.reports.gather import NoSuchPlace, Sources, gather
from ioc.reports.kept import (
    CANCELLED,
    FAILED,
    KEPT,
    PENDING,
    READY,
    RUNNING,
    WAITING,
    Folders,
    Job,
    Rows,
)
from ioc.reports.layout import Cancelled, Child, LayoutError
from ioc.reports.model import Wanted
from ioc.store.base import StoreError

log = logging.getLogger(__name__)

QUEUE = 20  # reports that may wait
TRIES = 3  # times a report is begun that a stop of the program interrupts
STOPPED = mark("the program was stopped while it was made, several times")
INTERNAL = mark("internal error; the log of the program says more")
KNOWN = (StateDatabaseError, StoreError, OSError, NoSuchPlace, LayoutError)
NO_SPACE = mark("no space is left on the disk for reports")


class TooMany(Exception):
    """So many reports wait already."""


class Reports:
    """On the event loop, but for what says that it blocks.

    done: awaited with every report that is ready, the moment it is.
    """

    def __init__(self, sources: Sources, engine: sa.Engine, folder: Path, kept: int = KEPT) -> None:
        self._sources = sources
        self._rows = Rows(engine)
        self._folders = Folders(folder)
        self._kept = kept
        self._jobs: dict[str, Job] = {}
        self._cancelled: set[str] = set()
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._child = Child()
        self._changing = threading.Lock()
        self.done: Callable[[Job], Awaitable[None]] = _nothing

    def load(self) -> None:
        """What there was before; what was interrupted waits again. Blocking.

        Raises StateDatabaseError.
        """
        for job in self._rows.all():
            self._jobs[job.id] = job
        for job in [job for job in self._jobs.values() if job.state in PENDING]:
            again = replace(job, state=WAITING)
            if job.tries >= TRIES:
                now = self._sources.clock.now()
                again = replace(job, state=FAILED, error=STOPPED, ended_at=now)
            self._jobs[job.id] = again
            self._rows.keep(again)
            if again.state == WAITING:
                self._queue.put_nowait(job.id)
        self._folders.tidy()
        self._forget()

    # --- asked for

    async def submit(self, wanted: Wanted, author: str) -> Job:
        """A new report, to be made when its turn comes; it is in the database then.

        Raises TooMany, StateDatabaseError.
        """
        if sum(job.state in PENDING for job in self._jobs.values()) >= QUEUE:
            raise TooMany(QUEUE)
        now = self._sources.clock.now()
        job = Job(f"{now:x}-{secrets.token_hex(3)}", wanted, author, now)
        self._jobs[job.id] = job
        try:
            await asyncio.to_thread(self._rows.keep, job)
        except StateDatabaseError:
            del self._jobs[job.id]
            raise
        self._queue.put_nowait(job.id)
        return job

    def jobs(self) -> list[Job]:
        """Newest first."""
        return sorted(self._jobs.values(), key=lambda job: (-job.created_at, job.id))

    def job(self, id: str) -> Job | None:
        return self._jobs.get(id)

    def file(self, job: Job, form: str) -> Path | None:
        """Path of a file that is ready; None when there is none (any more)."""
        path = self._folders.ready(job.id) / f"report.{form}"
        return path if job.state == READY and path.is_file() else None

    async def cancel(self, id: str) -> Job | None:
        """Stop a report, whatever it is at. None when there is no such report."""
        job = self._jobs.get(id)
        if job is None or job.state not in PENDING:
            return job
        self._cancelled.add(id)
        self._child.end(id)
        now = self._sources.clock.now()
        job = self._set(id, state=CANCELLED, ended_at=now)
        await self._store(job)
        return job

    # --- made

    async def run(self) -> None:
        """Make what is asked for, until cancelled."""
        try:
            while True:
                id = await self._queue.get()
                if id not in self._cancelled:
                    await self._make(self._jobs[id])
                self._cancelled.discard(id)
                await self._in_thread(self._forget)
        finally:
            await self._child.close()

    async def _make(self, job: Job) -> None:
        job = self._set(job.id, state=RUNNING, tries=job.tries + 1)
        await self._store(job)
        folder = self._folders.part(job.id)
        try:
            await asyncio.to_thread(self._gather, job, folder)
            await self._child.lay_out(job.id, folder, self._progress)
            self._stop_if_cancelled(job.id)
            await asyncio.to_thread(self._folders.finish, job.id)
        except Cancelled:
            await asyncio.to_thread(self._folders.drop, job.id)
            await self._end(job.id, CANCELLED)
        except Exception as error:
            await asyncio.to_thread(self._folders.drop, job.id)
            await self._end(job.id, FAILED, self._said(job, error))
        else:
            await self._end(job.id, READY)
            if self._jobs[job.id].state == CANCELLED:
                await asyncio.to_thread(self._folders.drop, job.id)

    def _said(self, job: Job, error: Exception) -> str:
        """What people read of a failure."""
        known = isinstance(error, KNOWN)
        log.error("report %s: %s", job.id, error, exc_info=None if known else error)
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or (isinstance(error, LayoutError) and error.full):
            return NO_SPACE
        return (str(error) or type(error).__name__) if known else INTERNAL

    def _gather(self, job: Job, folder: Path) -> None:
        """Runs in a thread."""
        report = gather(
            self._sources, job.wanted, lambda share, stage: self._progress(job.id, share, stage)
        )
        self._folders.begin(job.id)
        (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")

    def _progress(self, id: str, progress: float, stage: str) -> None:
        self._stop_if_cancelled(id)
        self._set(id, progress=progress, stage=stage)

    def _stop_if_cancelled(self, id: str) -> None:
        if id in self._cancelled:
            raise Cancelled

    async def _end(self, id: str, state: str, error: str = "") -> None:
        changes: dict[str, Any] = {"progress": 1.0} if state == READY else {}
        now = self._sources.clock.now()
        job = self._set(id, state=state, ended_at=now, error=error[:500], **changes)
        await self._store(job)
        if job.state == READY:
            await self._tell(job)

    async def _tell(self, job: Job) -> None:
        try:
            await self.done(job)
        except StateDatabaseError as error:
            log.error("report %s is ready, and nobody is told yet: %s", job.id, error)

    def _set(self, id: str, **changes: Any) -> Job:
        """From the loop and from the thread that gathers; what is cancelled stays as it is."""
        with self._changing:
            job = self._jobs[id]
            if job.state != CANCELLED:
                job = self._jobs[id] = replace(job, **changes)
        return job

    # --- kept

    async def _store(self, job: Job) -> None:
        await self._in_thread(lambda: self._rows.keep(job))

    async def _in_thread(self, work: Callable[[], None]) -> None:
        """Something that must not stop the others when the database or the disk cannot."""
        try:
            await asyncio.to_thread(work)
        except (StateDatabaseError, OSError) as error:
            log.error("reports: %s", error)

    def _forget(self) -> None:
        """Drop what is older than the newest so many that are kept. Blocking."""
        ended = [job for job in self.jobs() if job.state not in PENDING]
        for job in ended[self._kept :]:
            self._folders.drop(job.id)
            self._rows.drop(job.id)
            self._jobs.pop(job.id, None)


async def _nothing(_job: Job) -> None:
    pass
