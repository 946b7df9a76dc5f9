"""Who hears of an incident: the inventory's routes. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from ioc.engine.calendars import Calendar
from ioc.engine.incident import Incident
from ioc.inventory.topology import AlertRules, Route, Topology


def matches(route: Route, incident: Incident, topology: Topology) -> bool:
    """Whether the route is for this incident, whatever the hour."""
    return (
        (route.severities is None or incident.severity in route.severities)
        and (route.kinds is None or not route.kinds.isdisjoint(_kinds(incident, topology)))
        and (route.sites is None or not route.sites.isdisjoint(sites(incident, topology)))
    )


def in_hours(route: Route, now: int, zone: tzinfo) -> bool:
    """Whether somebody is there on this route. now: ms UTC."""
    if route.hours is None:
        return True
    local = datetime.fromtimestamp(now / 1000, zone)
    minute = local.hour * 60 + local.minute
    return any(
        start <= minute < end if start < end else minute >= start or minute < end
        for start, end in route.hours
    )


def active(topology: Topology, incident: Incident, now: int) -> Iterator[Route]:
    """The routes that hear of the incident now or later (`after`)."""
    for route in topology.routes:
        if matches(route, incident, topology) and in_hours(route, now, topology.timezone):
            yield route


def can_wait(incident: Incident, rules: AlertRules, calendar: Calendar | None, now: int) -> bool:
    """Whether the incident is told at the next working hour, together with others."""
    if calendar is None or incident.severity not in rules.digest:
        return False
    return not calendar.expected_on(now)


def sites(incident: Incident, topology: Topology) -> set[str]:
    """The sites an incident is about: its own, and those it takes along."""
    found = {topology.assets[a].site for a in incident.affected if a in topology.assets}
    return {site for site in (*found, incident.site) if site is not None}


def _kinds(incident: Incident, topology: Topology) -> set[str]:
    asset = topology.assets.get(incident.subject)
    own = set() if asset is None else {asset.kind, asset.type.value}
    return {incident.kind.value, *own}
