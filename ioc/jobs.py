"""What follows the calendar: ledger, upkeep of the store, retention, reports, backups.

Polling does not stand here: a step of the wall clock may delay these, never a measurement.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from ioc.api.context import Context
from ioc.backup import scheduled
from ioc.clock import Clock
from ioc.db import StateDatabase, StateDatabaseError
from ioc.engine import maintenance
from ioc.engine.pipeline import Pipeline
from ioc.engine.problems import Problems
from ioc.engine.sink import Sink
from ioc.ledger.keeper import NIGHT, Keeper
from ioc.ledger.points import availability_points
from ioc.notify.desk import Desk
from ioc.outbox import Outbox
from ioc.reports.post import Post
from ioc.series import Drawn
from ioc.settings import Settings
from ioc.store.base import Point, Store, StoreError

log = logging.getLogger(__name__)

HOUR = 3_600_000  # ms by which one look overlaps the one before
AGAIN = timedelta(minutes=10)  # after which work that broke off is tried again
TOLD = 40 * 24 * HOUR  # ms that the first look after a start goes back
KEEP = 10 * 366 * 86_400_000  # ms: incidents and history are kept for years


class Parts(Protocol):
    """What the jobs need of the running program."""

    settings: Settings
    clock: Clock
    problems: Problems
    store: Store
    database: StateDatabase
    points: Sink[Point]
    pipeline: Pipeline
    keeper: Keeper
    drawn: Drawn
    post: Post
    outbox: Outbox
    desk: Desk
    context: Context


class Jobs:
    """Each job runs its blocking work in a thread and logs what it cannot do."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._told = parts.clock.now() - TOLD  # up to when rows of availability are points

    def scheduled(self) -> AsyncIOScheduler:
        """All jobs in the area's time zone; one that was missed runs once, late. Nights that passed
        before the start are made up for at once, or as soon as store and database allow."""
        parts = self._parts
        self._scheduler = scheduler = AsyncIOScheduler(
            timezone=parts.pipeline.topology.timezone,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        add = scheduler.add_job
        add(self._coverage, "cron", minute="*/5", id="ledger")
        add(self._ledger, "date", [parts.keeper.catch_up, "missed"], id="missed")
        add(self._ledger, "cron", [parts.keeper.hourly], minute=2, id="availability")
        night = [parts.keeper.nightly, "night"]
        add(self._ledger, "cron", night, hour=0, minute=NIGHT // 60_000, id="days")
        add(parts.post.daily, "cron", hour=6, minute=30, id="reports")
        add(self._maintain, "cron", minute=7, id="store")
        add(self._forget, "cron", hour=3, minute=20, id="retention")
        if not parts.context.simulated:  # a demo's backups would push out the real ones
            ours = [parts.settings, parts.problems, scheduler.timezone]
            add(scheduled, "cron", ours, minute=40, id="backup")
        return scheduler

    async def _coverage(self) -> None:
        """Where the targets stand, as points; in a thread, since a province takes a second."""
        self._parts.points.add(await asyncio.to_thread(self._parts.drawn.ledger))

    async def _ledger(self, work: Callable[[], None], again: str | None = None) -> None:
        """again: the name under which it is tried again, as long as it breaks off."""
        try:
            await asyncio.to_thread(work)
            self._parts.points.add(await asyncio.to_thread(self._whole_days))
        except (StoreError, StateDatabaseError) as error:
            log.error("ledger: %s", error)
            if again is not None:
                self._scheduler.add_job(
                    self._ledger, "date", [work, again], id=f"again: {again}",
                    run_date=datetime.now(self._scheduler.timezone) + AGAIN, replace_existing=True,
                )  # fmt: skip

    def _whole_days(self) -> list[Point]:
        """Availability of days that are over and were written down or restated lately."""
        parts = self._parts
        now = parts.clock.now()
        since, self._told = self._told, now - HOUR
        rows = parts.keeper.agreements.recorded(since)
        return list(availability_points(parts.pipeline.topology, rows, now))

    async def _maintain(self) -> None:
        try:
            await asyncio.to_thread(self._parts.store.maintain, self._parts.clock.now())
        except StoreError as error:
            log.error("store maintenance: %s", error)

    async def _forget(self) -> None:
        parts = self._parts
        before = parts.clock.now() - KEEP
        for forget in (parts.database.forget, parts.context.audit.forget, parts.outbox.forget):
            await asyncio.to_thread(forget, before)
        maintenance.forget(parts.desk.windows, parts.clock.now())
