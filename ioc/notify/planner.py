"""From the steps of incidents to messages: one for each recipient, at the right hour.

notes ─▶ who ─▶ now, or at the next working hour ─▶ Messages, and the incidents marked as told

No clock, no I/O. A message's key is made of what it says and to whom: planned twice, it is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ioc.engine.calendars import Calendar
from ioc.engine.incident import Incident, Note, Step
from ioc.inventory.topology import Route, Topology
from ioc.notify.routing import active, can_wait
from ioc.notify.texts import Words, Writer, digest, without_marks
from ioc.outbox import Message

QUEUE = "notify"
SEVERAL = 5  # messages to one recipient in one moment from which they come as one
TOLD = frozenset(
    {Step.OPENED, Step.WORSENED, Step.EASED, Step.UNSTABLE, Step.STABLE, Step.RESOLVED}
)
FRESH = frozenset({Step.OPENED, Step.WORSENED})  # also for those who have not heard of it yet

Recipients = Callable[[str], Sequence[str]]  # channel -> its recipients


@dataclass(frozen=True, slots=True)
class Moment:
    """What planning needs to know of now. signal: link -> RSRP in dBm. at: ms UTC."""

    topology: Topology
    calendar: Calendar | None
    signal: Mapping[str, float]
    at: int


@dataclass(slots=True)
class Plan:
    """messages: to be put into the outbox. marked: incidents as told or waiting, with the step
    and words of their timeline, if any."""

    messages: list[Message] = field(default_factory=list)
    marked: list[tuple[Incident, Step | None, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    """One message to one recipient before several are put together."""

    recipient: str
    route: Route
    key: str
    about: str
    words: Words


class Planner:
    """recipients: who is behind a channel. language: of routes that name none."""

    def __init__(self, recipients: Recipients, language: str) -> None:
        self._recipients = recipients
        self._language = language

    def plan(
        self,
        notes: Iterable[Note],
        present: Iterable[Incident],
        waiting: Iterable[Incident],
        now: Moment,
    ) -> Plan:
        """Messages for what happened, for what nobody acknowledged, and for what has waited.

        present: open incidents. waiting: open and ended ones with something to tell.
        """
        plan = Plan()
        lines: list[_Line] = []
        told: dict[int, Incident] = {incident.id: incident for incident in present}
        for incident, event in notes:
            if event is not None and event.step in TOLD:
                newest = told.get(incident.id, incident)
                self._happened(newest, event.step, event.number, now, lines, plan, told)
        for incident in waiting:
            newest = told.get(incident.id, incident)
            if newest.waiting:
                self._waited(newest, now, lines, plan)
        for incident in list(told.values()):
            if incident.open:
                self._escalate(incident, now, lines, plan)
        plan.messages = list(self._messages(lines, now))
        return plan

    def people(self, channel: str) -> tuple[str, ...]:
        """The recipients behind a channel."""
        return tuple(self._recipients(channel))

    def immediate(self, incident: Incident, now: Moment) -> list[tuple[str, Route]]:
        """Recipients that hear of the incident at once, each by its first route."""
        return self._of(active(now.topology, incident, now.at), after=False)

    def later(self, incident: Incident, now: Moment) -> list[Route]:
        """Routes that hear of it when nobody acknowledges, soonest first."""
        routes = [r for r in active(now.topology, incident, now.at) if r.after > 0]
        return sorted(routes, key=lambda route: route.after)

    def _of(self, routes: Iterable[Route], *, after: bool) -> list[tuple[str, Route]]:
        found: dict[str, Route] = {}
        for route in routes:
            if (route.after > 0) is after:
                for recipient in self._recipients(route.channel):
                    found.setdefault(recipient, route)
        return list(found.items())

    # --- what happened

    def _happened(  # noqa: PLR0917 - what is gathered is handed along
        self,
        incident: Incident,
        step: Step,
        number: int,
        now: Moment,
        lines: list[_Line],
        plan: Plan,
        told: dict[int, Incident],
    ) -> None:
        whom = self._whom(incident, step, now)
        if not whom:
            return
        if incident.waiting or can_wait(incident, now.topology.alerts, now.calendar, now.at):
            if not incident.waiting:
                marked = replace(incident, waiting=True)
                told[incident.id] = marked
                plan.marked.append((marked, None, ""))
            return
        self._add(lines, incident, step, str(number), whom, now)
        marked = _heard(incident, whom)
        if marked != incident:
            told[incident.id] = marked
            plan.marked.append((marked, None, ""))

    def _whom(self, incident: Incident, step: Step, now: Moment) -> list[tuple[str, Route]]:
        """Who is told of a step: those of the routes when it is new, those who heard of it."""
        fresh = self.immediate(incident, now) if step in FRESH or not incident.told else []
        if step is Step.RESOLVED and not incident.told:
            fresh = self.immediate(incident, now) if incident.waiting else []
        known = dict(fresh)
        for recipient in incident.told:
            route = self._route_of(recipient, now.topology)
            if route is not None:
                known.setdefault(recipient, route)
        return list(known.items())

    def _route_of(self, recipient: str, topology: Topology) -> Route | None:
        """A route that leads to a recipient; None when the inventory has none any more."""
        return next((r for r in topology.routes if recipient in self._recipients(r.channel)), None)

    # --- what has waited for the working hour

    def _waited(self, incident: Incident, now: Moment, lines: list[_Line], plan: Plan) -> None:
        if can_wait(incident, now.topology.alerts, now.calendar, now.at):
            return
        step = Step.OPENED if incident.open else Step.RESOLVED
        whom = self._whom(incident, step, now)
        self._add(lines, incident, step, f"waited-{now.at}", whom, now)
        told_at = now.at if incident.open else incident.told_at
        heard = replace(_heard(incident, whom), waiting=False, told_at=told_at)
        plan.marked.append((heard, None, ""))

    # --- what nobody acknowledged

    def _escalate(self, incident: Incident, now: Moment, lines: list[_Line], plan: Plan) -> None:
        if incident.told_at is None or incident.acknowledged_at is not None:
            return
        if incident.planned is not None or incident.waiting or incident.quiet_since is not None:
            return
        waited = (now.at - incident.told_at) / 1000
        due = [
            route
            for route in self.later(incident, now)
            if waited >= route.after and route.channel not in incident.escalated
        ]
        if not due:
            return
        whom = self._of(due, after=True)
        channels = tuple(dict.fromkeys(route.channel for route in due))
        self._add(lines, incident, Step.ESCALATED, f"late-{'-'.join(channels)}-{incident.told_at}",
                  whom, now, waited)  # fmt: skip
        marked = replace(_heard(incident, whom), escalated=(*incident.escalated, *channels))
        plan.marked.append((marked, Step.ESCALATED, ", ".join(channels)))

    # --- words

    def _add(  # noqa: PLR0917 - as above
        self,
        lines: list[_Line],
        incident: Incident,
        step: Step,
        number: str,
        whom: Sequence[tuple[str, Route]],
        now: Moment,
        waited: float = 0.0,
    ) -> None:
        for recipient, route in whom:
            writer = Writer(now.topology, route.language or self._language, dict(now.signal))
            words = writer.write(incident, step, now.at, waited)
            key = f"{incident.id}/{number}/{recipient}"
            lines.append(_Line(recipient, route, key, f"incident:{incident.id}", words))

    def _messages(self, lines: Sequence[_Line], now: Moment) -> Iterator[Message]:
        """One message a line; many to one recipient at once become one."""
        by_recipient: dict[str, list[_Line]] = {}
        for line in lines:
            by_recipient.setdefault(line.recipient, []).append(line)
        for recipient, some in by_recipient.items():
            if len(some) < SEVERAL:
                yield from (_message(line, line.words, now.at) for line in some)
                continue
            lang = some[0].route.language or self._language
            words = digest([line.words.body for line in some], lang)
            whole = replace(some[0], key=f"{some[0].key}+{len(some)}", about="incidents")
            yield _message(replace(whole, recipient=recipient), words, now.at)


def _heard(incident: Incident, whom: Sequence[tuple[str, Route]]) -> Incident:
    told = tuple(dict.fromkeys((*incident.told, *(recipient for recipient, _ in whom))))
    return incident if told == incident.told else replace(incident, told=told)


def _message(line: _Line, words: Words, at: int) -> Message:
    if line.route.plain:
        words = Words(without_marks(words.title), without_marks(words.body))
    return Message(line.key, QUEUE, line.recipient, line.about, words.title, words.body, at, at)
