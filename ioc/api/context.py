"""What the API and the pages may see of the running program. Filled in by ioc.app only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ioc.clock import Clock
from ioc.db import StateDatabase
from ioc.engine.hub import Hub
from ioc.engine.model import AreaView, CheckStatus
from ioc.engine.problems import Problems
from ioc.inventory.topology import Topology
from ioc.ledger.model import Coverage
from ioc.store.base import Store


class Monitor(Protocol):
    """The engine as read by screens. Cheap calls, on the event loop, values frozen."""

    @property
    def topology(self) -> Topology: ...

    def view(self) -> AreaView: ...

    def status(self, check: str) -> CheckStatus: ...


class Counters(Protocol):
    """Own-health numbers for /metrics and the monitor's page: name -> value."""

    def __call__(self) -> dict[str, float]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """coverage: newest readings, area and sites. simulated: demo data, to be marked on every page.

    started_at: ms UTC. counters: polls, lag, store queue… for /metrics.
    hosts: further names under which the pages may be asked for (see ioc.api.guard).
    """

    clock: Clock
    monitor: Monitor
    store: Store
    database: StateDatabase
    hub: Hub
    problems: Problems
    coverage: Callable[[], Sequence[Coverage]]
    counters: Counters
    started_at: int
    simulated: bool = False
    hosts: tuple[str, ...] = ()
