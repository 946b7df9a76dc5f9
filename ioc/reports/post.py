"""The reports of the running program as one part of it: made, and sent where they are wanted."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import sqlalchemy as sa

from ioc._db_base import StateDatabaseError
from ioc.engine.problems import Problems
from ioc.notify.channels import Channels
from ioc.notify.delivery import Deliverer
from ioc.outbox import Outbox
from ioc.reports.gather import Sources
from ioc.reports.jobs import Reports
from ioc.reports.kept import Job
from ioc.reports.sending import LATE_MS, QUEUE, Sending

log = logging.getLogger(__name__)

DEADLINE = 120.0  # seconds for one mail with its files
SOON = 120.0  # seconds after the start: reports that were to go out while we did not run


class Post:
    """On the event loop, but for what says that it blocks."""

    def __init__(
        self,
        sources: Sources,
        engine: sa.Engine,
        data_dir: Path,
        channels: Channels,
        problems: Problems,
    ) -> None:
        self.reports = Reports(sources, engine, data_dir / "reports")
        self.sending = Sending(
            clock=sources.clock,
            reports=self.reports,
            engine=engine,
            channels=channels,
            problems=problems,
            topology=lambda: sources.monitor.topology,
        )
        self.deliverer = Deliverer(
            sources.clock,
            Outbox(engine),
            channels,
            problems,
            queue=QUEUE,
            deadline=DEADLINE,
            give_up=LATE_MS,
            files=self.sending.files,
        )
        self.reports.done = self._ready

    def load(self) -> None:
        """What there was before. Blocking; raises StateDatabaseError."""
        self.reports.load()

    async def run(self, soon: float = SOON) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self.reports.run())
            parts.create_task(self.deliverer.run())
            parts.create_task(self._missed(soon))

    async def _missed(self, soon: float) -> None:
        await asyncio.sleep(soon)
        try:
            await self.daily()
        except Exception:
            log.exception("reports that are to be sent; the next try is tomorrow")

    async def daily(self) -> None:
        """Ask for what the inventory wants sent, and tell of what is ready."""
        try:
            await self.sending.submit()
            await asyncio.to_thread(self.sending.announce_all)
        except StateDatabaseError as error:
            log.error("reports: %s", error)
        self.deliverer.wake()

    async def _ready(self, job: Job) -> None:
        await asyncio.to_thread(self.sending.announce, job)
        self.deliverer.wake()
