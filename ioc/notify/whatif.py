"""What if this failed now: which incident, what stays quiet, who hears of it and when.

The same code as for a real failure, on a supposed view: nothing is opened, stored or sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ioc.engine.calendars import Calendar
from ioc.engine.incident import Incident, Step, gravity
from ioc.engine.incidents import Book
from ioc.engine.trouble import Condition, conditions
from ioc.inventory.topology import Topology
from ioc.notify.desk import Desk, Monitor
from ioc.notify.planner import Moment
from ioc.notify.routing import active, can_wait
from ioc.notify.texts import Writer


@dataclass(frozen=True, slots=True)
class Telling:
    """Who hears of it. after: seconds without an acknowledgement (0 = at once); at: ms UTC when
    it would be told, None = when that hour comes is unknown. text: in the route's language."""

    channel: str
    recipients: tuple[str, ...]
    after: float
    at: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Supposed:
    """One incident that would be open. quiet: assets that would be lost with it, of which nobody
    is told. new: it is not open already. planned: the maintenance window that keeps it quiet."""

    incident: Incident
    new: bool
    quiet: tuple[str, ...]
    planned: int | None
    tellings: tuple[Telling, ...]


def what_if(desk: Desk, monitor: Monitor, subject: str, language: str) -> list[Supposed]:
    """What would happen if an asset or all of a site failed now. Raises LookupError.

    A site fails as in a power cut: links, devices and services together.
    """
    topology = monitor.view().topology
    dead = _dead(topology, subject)
    present = conditions(desk.facts(monitor))
    facts = desk.facts(monitor, monitor.suppose([*dead, *desk.facts(monitor).dependents.of(dead)]))
    found = conditions(facts)
    changed = {key: c for key, c in found.items() if _is_news(c, present.get(key))}
    book = Book()
    book.step(
        {key: _at_once(c) for key, c in changed.items()},
        lambda _: False,
        topology.alerts,
        facts.now,
        0.0,
    )
    moment = desk.moment(monitor)
    return [
        Supposed(
            incident=incident,
            new=incident.key not in desk.book.open,
            quiet=tuple(name for name in incident.affected if name != incident.subject),
            planned=incident.planned,
            tellings=()
            if incident.planned is not None
            else tuple(_tellings(desk, incident, moment, language)),
        )
        for incident in book.open.values()
    ]


def _dead(topology: Topology, subject: str) -> list[str]:
    if subject in topology.assets:
        return [subject]
    site = topology.sites.get(subject)
    if site is None:
        raise LookupError(f"no site or asset {subject}")
    return [*site.links, *site.devices, *site.services]


def _is_news(condition: Condition, before: Condition | None) -> bool:
    if before is None:
        return True
    then, now = (gravity(c.kind, c.severity) for c in (before, condition))
    return now > then


def _at_once(condition: Condition) -> Condition:
    return replace(condition, patience=0.0, pending=False)


def _tellings(desk: Desk, incident: Incident, moment: Moment, language: str) -> list[Telling]:
    waits = can_wait(incident, moment.topology.alerts, moment.calendar, moment.at)
    start = _next_start(moment.calendar, moment.at) if waits else moment.at
    routes = sorted(active(moment.topology, incident, moment.at), key=lambda route: route.after)
    heard: set[str] = set()
    found = []
    for route in routes:
        people = desk.planner.people(route.channel)
        fresh = tuple(name for name in people if route.after or name not in heard)
        heard.update(people)
        at = None if start is None else start + round(1000 * route.after)
        text = _text(incident, moment, route.language or language)
        if fresh or not people:  # a channel with nobody behind it is shown: it is a mistake
            found.append(Telling(route.channel, fresh, route.after, at, text))
    return found


def _text(incident: Incident, moment: Moment, language: str) -> str:
    writer = Writer(moment.topology, language, dict(moment.signal))
    return writer.write(incident, Step.OPENED, moment.at).body


def _next_start(calendar: Calendar | None, at: int) -> int | None:
    """When the next working hour begins, ms UTC."""
    if calendar is None:
        return at
    change = calendar.next_change(at)
    return change if change is not None and calendar.expected_on(change) else None
