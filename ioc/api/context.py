"""What the API and the pages may see of the running program. Filled in by ioc.app only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from ioc.accounts.audit import Audit
from ioc.accounts.model import Actor
from ioc.accounts.store import Accounts
from ioc.clock import Clock
from ioc.db import StateDatabase
from ioc.engine.calendars import Calendar
from ioc.engine.hub import Hub
from ioc.engine.model import AreaView, CheckStatus
from ioc.engine.problems import Problems
from ioc.engine.quality import Quality
from ioc.inventory.topology import Topology
from ioc.ledger.keeper import Keeper
from ioc.notify.desk import Desk
from ioc.outbox import Outbox
from ioc.reports.jobs import Reports
from ioc.store.base import Store


class Monitor(Protocol):
    """The engine as read by screens. Cheap calls, on the event loop, values frozen."""

    @property
    def topology(self) -> Topology: ...

    def view(self) -> AreaView: ...

    def status(self, check: str) -> CheckStatus: ...

    @property
    def calendars(self) -> Mapping[str, Calendar]: ...

    @property
    def quality(self) -> Quality: ...

    def suppose(self, dead: Iterable[str]) -> tuple[AreaView, Mapping[str, CheckStatus]]: ...


class Counters(Protocol):
    """Own-health numbers for /metrics and the monitor's page: name -> value."""

    def __call__(self) -> dict[str, float]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """keeper: where every target stands. simulated: demo data, to be marked on every page.

    local: secrets of this machine's own command line.

    started_at: ms UTC. counters: polls, lag, store queue… for /metrics.
    hosts: further names under which the pages may be asked for (see ioc.api.guard). flush: wait,
    at most so many seconds, until all changes so far are in the database; False = they are not.
    """

    clock: Clock
    monitor: Monitor
    store: Store
    database: StateDatabase
    accounts: Accounts
    audit: Audit
    local: dict[str, Actor]
    desk: Desk
    outbox: Outbox
    hub: Hub
    problems: Problems
    keeper: Keeper
    reports: Reports
    counters: Counters
    flush: Callable[[float], Awaitable[bool]]
    started_at: int
    simulated: bool = False
    hosts: tuple[str, ...] = ()

    def today(self) -> date:
        """The local day of the area."""
        zone = self.monitor.topology.timezone
        return datetime.fromtimestamp(self.clock.now() / 1000, zone).date()
