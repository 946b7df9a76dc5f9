"""Pipeline and incident desk over results that the test feeds: what opens, what is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from district import HandClock, commune, failed, ok, topology

from ioc.engine.hub import Hub
from ioc.engine.incident import Event, Incident
from ioc.engine.maintenance import Window
from ioc.engine.pipeline import Pipeline
from ioc.engine.problems import Problems
from ioc.engine.reachability import depths
from ioc.inventory.topology import AlertRules, Asset, AssetType, Route, Topology
from ioc.notify.desk import Desk
from ioc.notify.planner import Planner
from ioc.outbox import Message

RULES = AlertRules(quiet=5.0, patience=10.0)
TO_ALL = (Route("duty"),)


@dataclass
class Watch:
    """A district under watch. down: assets that do not answer now; all others do."""

    found: Topology
    clock: HandClock = field(default_factory=HandClock)
    people: dict[str, list[str]] = field(default_factory=lambda: {"duty": ["duty/0"]})
    down: set[str] = field(default_factory=set)
    incidents: dict[int, Incident] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problems = Problems(self.clock)
        planner = Planner(lambda channel: self.people.get(channel, []), "en")
        self.desk = Desk(self.clock, self.problems, planner, persist=self._take)
        self.pipeline = Pipeline(
            self.clock,
            self.found,
            record=lambda _: None,
            persist=lambda _: None,
            hub=Hub(),
            settled=lambda: self.desk.step(self.pipeline),
            windows=self.desk.windows,
        )
        self.poll()

    def _take(self, changes: Iterable[Incident | Event | Message | Window]) -> None:
        for change in changes:
            if isinstance(change, Incident):
                self.incidents[change.id] = change
            elif isinstance(change, Event):
                self.events.append(change)
            elif isinstance(change, Message):
                self.messages.append(change)

    def poll(self, *only: str) -> None:
        """Measure everything, or only some, parents first; a second passes."""
        self.pass_time(1)
        depth = depths(self.found.assets)
        for name in sorted(only or self.found.assets, key=lambda a: depth[a]):
            make = failed if self.silent(name) else ok
            self.pipeline.accept(make(name, self.clock.now()))
        self.pipeline.settle()

    def silent(self, name: str) -> bool:
        """Whether it fails, by itself or because nothing leads to it."""
        parents = self.found.assets[name].parents
        return name in self.down or (bool(parents) and all(self.silent(p) for p in parents))

    def pass_time(self, seconds: float) -> None:
        """Seconds pass, a tick each, without a measurement."""
        for _ in range(round(seconds)):
            self.clock.seconds += 1
            self.pipeline.tick()
            self.desk.step(self.pipeline)

    def live(self, seconds: float) -> None:
        """Seconds pass with everything measured every ten."""
        for _ in range(round(seconds / 10)):
            self.poll()
            self.pass_time(9)

    def fail(self, *names: str) -> None:
        self.down.update(names)
        self.poll()

    def repair(self, *names: str) -> None:
        self.down.difference_update(names)
        self.poll()

    @property
    def open(self) -> list[tuple[str, str]]:
        """(kind, subject) of the open incidents."""
        found = sorted(self.desk.book.open.values(), key=lambda i: i.id)
        return [(i.kind.value, i.subject) for i in found]

    def steps(self, number: int = 1) -> list[str]:
        return [e.step.value for e in self.events if e.incident == number]

    def heard(self) -> list[str]:
        """Bodies of the messages since the last time."""
        bodies = [message.body for message in self.messages]
        self.messages.clear()
        return bodies


def district(communes: int = 2, rules: AlertRules = RULES, routes: tuple[Route, ...] = TO_ALL,
             extra: Iterable[Asset] = (), computers: int = 3) -> Topology:  # fmt: skip
    pairs = [commune(f"xa-{n}", computers) for n in range(1, communes + 1)]
    portal = Asset("dvc", AssetType.SERVICE, "portal", "Cổng DVC", checks=("dvc.fake",),
                   parents=("uplink",))  # fmt: skip
    found = topology(pairs, extra=[portal, *extra])
    checks = {name: replace(c, interval=30.0) for name, c in found.checks.items()}
    return replace(found, checks=checks, alerts=rules, routes=routes)
