"""What is wrong now: one Condition for each root cause, and what it is worked out from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from collectors.base import Reason
from ioc.engine.model import AreaView, AssetView, CheckStatus, State
from ioc.engine.problems import Problem
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Asset, Severity, Topology

BROKEN = frozenset({State.DOWN, State.MAINTENANCE})  # failed by itself, planned or not
ANSWERS = frozenset({State.UP, State.DEGRADED})


@dataclass(frozen=True, slots=True)
class Condition:
    """One root cause that is present.

    key: its identity while it changes kind and severity ("site:yen-thinh", "asset:core.router").
    subject: the asset, site, service or part of the monitor that is the cause. site: where, if
    anywhere. since: ms UTC. affected: ids of the assets that are out because of it, itself first.
    works: ids of links that carry instead. pending: what belongs to it (the other links of the
    site, the same service elsewhere) has not been asked since it began, so that its kind may
    still change. planned: the maintenance window it falls into. patience: seconds it must last
    before it counts.
    """

    key: str
    kind: Kind
    severity: Severity
    subject: str
    site: str | None
    since: int
    reason: Reason | None = None
    affected: tuple[str, ...] = ()
    works: tuple[str, ...] = ()
    pending: bool = False
    planned: int | None = None
    patience: float = 0.0


class Dependents:
    """Which assets are lost when others are: those that nothing else leads to. One inventory."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._children: dict[str, list[str]] = {}
        for asset in topology.assets.values():
            for parent in asset.parents:
                self._children.setdefault(parent, []).append(asset.id)

    def of(self, dead: Iterable[str]) -> list[str]:
        """Everything that is reached only through the dead ones, without them, in order found."""
        gone = set(dead)
        queue = list(gone)
        lost: list[str] = []
        for name in queue:  # grows while it is read
            for child in self._children.get(name, ()):
                if child not in gone and gone.issuperset(self._topology.assets[child].parents):
                    gone.add(child)
                    queue.append(child)
                    lost.append(child)
        return lost


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything conditions are worked out from. quality: check -> why it is bad, None = is not;
    clean: check -> nothing was lost lately."""

    area: AreaView
    status: Callable[[str], CheckStatus]
    quality: Callable[[str], Reason | None]
    clean: Callable[[str], bool]
    problems: Sequence[Problem]
    dependents: Dependents
    now: int = field(default=0)

    @property
    def topology(self) -> Topology:
        return self.area.topology

    def asset(self, name: str) -> Asset:
        return self.topology.assets[name]

    def view(self, name: str) -> AssetView:
        return self.area.assets[name]

    def planned(self, name: str) -> int | None:
        """The maintenance window an asset is in."""
        return self.area.planned.get(name)

    def broken(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.area.assets[name].state in BROKEN]

    def answering(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.area.assets[name].state in ANSWERS]

    def began(self, name: str) -> int:
        """When the round that found an asset broken began, ms UTC: re-checks take their time."""
        starts = [
            status.last.observed_at
            - round(1000 * (status.last.attempts - 1) * max(check.timeout, check.retry_delay))
            for check in (self.topology.checks[c] for c in self.asset(name).checks)
            if (status := self.status(check.id)).state is State.DOWN and status.last and check.fatal
        ]
        return min(starts, default=self.view(name).since)

    def unasked(self, names: Iterable[str], since: int) -> bool:
        """Whether one of the assets that seem to work has not been measured since a moment."""
        return any((self.view(name).observed_at or 0) < since for name in self.answering(names))

    def affected(self, dead: Sequence[str], since: int) -> tuple[str, ...]:
        """The dead ones and what is lost with them; not what has answered since."""
        lost = (
            name
            for name in self.dependents.of(dead)
            if self.view(name).state not in ANSWERS or (self.view(name).observed_at or 0) < since
        )
        return (*dead, *lost)

    def severity(self, kind: Kind, usual: Severity) -> Severity:
        """The district's own word on a kind of incident, else the usual."""
        return self.topology.alerts.severities.get(kind, usual)
