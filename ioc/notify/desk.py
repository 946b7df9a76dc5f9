"""The incident desk: what is seen becomes incidents, incidents become messages, people act on them.

view ─▶ conditions ─▶ Book ─▶ notes ─▶ Planner ─▶ messages
                                └───────────────────┴─▶ persist: all of it in one transaction

Lives on the event loop; nothing here blocks. Nothing is sent from here: a message is first stored
(`ioc.outbox`), then delivered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from collectors.base import Reason
from ioc.clock import Clock
from ioc.engine.calendars import Calendar
from ioc.engine.incident import Event, Incident, Note, Step
from ioc.engine.incidents import Book
from ioc.engine.maintenance import Window, Windows
from ioc.engine.model import AreaView, CheckStatus
from ioc.engine.problems import Problems
from ioc.engine.quality import Quality
from ioc.engine.trouble import Dependents, Facts, conditions, is_over
from ioc.inventory.topology import AssetType, Topology
from ioc.notify.planner import Moment, Planner
from ioc.notify.texts import RSRP
from ioc.outbox import Message

log = logging.getLogger(__name__)

Change = Incident | Event | Message | Window


class Monitor(Protocol):
    """What the desk reads of the engine."""

    @property
    def quality(self) -> Quality: ...

    @property
    def calendars(self) -> Mapping[str, Calendar]: ...

    def view(self) -> AreaView: ...

    def suppose(self, dead: Iterable[str]) -> tuple[AreaView, Mapping[str, CheckStatus]]: ...

    def status(self, check: str) -> CheckStatus: ...


class UnknownIncident(LookupError):
    """There is no such incident, or it ended too long ago to be acted on."""


class Desk:
    """persist: takes what is to be written, at once; changed: told when an incident changed."""

    def __init__(
        self,
        clock: Clock,
        problems: Problems,
        planner: Planner,
        *,
        persist: Callable[[Iterable[Change]], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.book = Book()
        self.windows = Windows()
        self.planner = planner
        self._clock = clock
        self._problems = problems
        self._persist = persist
        self._changed = changed
        self._waiting: dict[int, Incident] = {}
        self._dependents: tuple[Topology, Dependents] | None = None
        self.version = 0

    def load(
        self,
        incidents: Iterable[Incident],
        events: Mapping[int, int],
        waiting: Iterable[Incident],
        windows: Iterable[Window],
    ) -> None:
        """What was known before a restart. events: incident -> its newest event's number."""
        self.book.load(incidents, events, 1000 * self._clock.monotonic())
        self._waiting = {incident.id: incident for incident in waiting}
        for window in windows:
            self.windows.put(window)

    # --- what is seen

    def watch(self, monitor: Monitor) -> None:
        """The same as step; a fault in it is shown, and stops nothing else."""
        try:
            self.step(monitor)
        except Exception as error:
            log.exception("incidents cannot be worked out; measuring goes on")
            words = {"error": f"{type(error).__name__}: {error}"}
            reason = Reason("incidents cannot be worked out: {error}", words)
            self._problems.report("incidents", reason)
        else:
            self._problems.clear("incidents")

    def step(self, monitor: Monitor) -> None:
        """Bring incidents in step with the monitor's view; tell who must know."""
        facts = self.facts(monitor)
        notes = self.book.step(
            conditions(facts),
            lambda incident: is_over(incident.key, incident.affected, facts),
            facts.topology.alerts,
            facts.now,
            1000 * self._clock.monotonic(),
        )
        plan = self.planner.plan(
            notes, self.book.open.values(), list(self._waiting.values()), self.moment(monitor)
        )
        for incident, step, text in plan.marked:
            self.book.mark(incident, step, text)
        self._write([*notes, *self.book.take()], plan.messages)

    def facts(
        self,
        monitor: Monitor,
        supposed: tuple[AreaView, Mapping[str, CheckStatus]] | None = None,
    ) -> Facts:
        """What conditions are worked out from. supposed: another view and other statuses than
        the real ones."""
        view, statuses = supposed or (monitor.view(), None)
        return Facts(
            area=view,
            status=monitor.status if statuses is None else statuses.__getitem__,
            quality=monitor.quality.reason,
            clean=monitor.quality.clean,
            problems=self._problems.present(),
            dependents=self._dependents_of(view.topology),
            now=self._clock.now(),
        )

    def moment(self, monitor: Monitor) -> Moment:
        """Now, as the planner wants it."""
        view = monitor.view()
        topology = view.topology
        signal = {
            name: asset.values[RSRP]
            for name, asset in view.assets.items()
            if topology.assets[name].type is AssetType.LINK and RSRP in asset.values
        }
        calendar = monitor.calendars.get(topology.alerts.calendar or "")
        return Moment(topology, calendar, signal, self._clock.now())

    # --- what people do

    def acknowledge(self, number: int, author: str, text: str = "") -> Incident:
        """Somebody takes it on: nothing escalates any more. UnknownIncident."""
        return self._act(number, Step.ACKNOWLEDGED, author, text)

    def assign(self, number: int, author: str, to: str) -> Incident:
        """Give it to somebody; empty = to nobody. UnknownIncident."""
        return self._act(number, Step.ASSIGNED, author, to)

    def comment(self, number: int, author: str, text: str) -> Incident:
        """Note something in its timeline. UnknownIncident."""
        return self._act(number, Step.COMMENTED, author, text)

    def resolve(self, number: int, author: str, cause: str) -> Incident:
        """Note the cause; what is still measured stays open until it works. UnknownIncident."""
        incident = self.book.resolve(self._find(number), self._clock.now(), author, cause)
        self._write(self.book.take(), [])
        return incident

    def adopt(self, incident: Incident, events: int) -> None:
        """Take back an incident that ended long ago, so that it can be acted on."""
        if self.book.by_id(incident.id) is None and incident.key not in self.book.open:
            self.book.load([incident], {incident.id: events}, 1000 * self._clock.monotonic())

    def plan_work(self, window: Window) -> Window:
        """Announce a maintenance window; its id is given here."""
        planned = replace(window, id=self.windows.next_id())
        self.windows.put(planned)
        self._persist([planned])
        return planned

    def cancel_work(self, number: int) -> Window | None:
        """End a window now; None when there is none."""
        window = self.windows.by_id.get(number)
        if window is None or window.cancelled_at is not None:
            return window
        cancelled = replace(window, cancelled_at=self._clock.now())
        self.windows.put(cancelled)
        self._persist([cancelled])
        return cancelled

    def _act(self, number: int, step: Step, author: str, text: str) -> Incident:
        incident = self._find(number)
        changed = self.book.act(incident, step, self._clock.now(), author, text)
        self._write(self.book.take(), [])
        return changed

    def _find(self, number: int) -> Incident:
        incident = self.book.by_id(number)
        if incident is None:
            raise UnknownIncident(f"no incident {number}")
        return incident

    # --- writing down

    def _write(self, notes: Sequence[Note], messages: Sequence[Message]) -> None:
        """The newest of each incident, every event, every message, in this order."""
        newest = {incident.id: incident for incident, _ in notes}
        for incident in newest.values():
            if incident.waiting:
                self._waiting[incident.id] = incident
            else:
                self._waiting.pop(incident.id, None)
        events = [event for _, event in notes if event is not None]
        if newest:
            self.version += 1
            self._persist([*newest.values(), *events, *messages])
            self._changed()

    def _dependents_of(self, topology: Topology) -> Dependents:
        if self._dependents is None or self._dependents[0] is not topology:
            self._dependents = (topology, Dependents(topology))
        return self._dependents[1]
