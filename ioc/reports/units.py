"""The units a report is made by: as they are at its end, or as they were before a merger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from ioc.inventory.topology import Site, Topology, Unit
from ioc.ledger.availability import Span
from ioc.ledger.places import merger_days, places_on
from ioc.ledger.sla import day_span
from ioc.reports.model import Wanted

NEVER = "9999-12-31"
Node = TypeVar("Node", Site, Unit)


@dataclass(frozen=True, slots=True)
class Units:
    """places: units by id, each with what stands in it. topology: the inventory in which these
    units exist on the last day. old: other units than those that exist on that day."""

    topology: Topology
    places: Mapping[str, Site]
    old: bool = False

    def site_of(self) -> dict[str, str]:
        """Place with equipment -> the unit that it belongs to."""
        assets = self.topology.assets
        found = {
            site: unit.id
            for unit in self.places.values()
            for name in (*unit.links, *unit.devices, *unit.services)
            if (site := assets[name].site) is not None
        }
        return found | {name: name for name in self.places}

    def unit_of(self, place: str) -> str | None:
        """The unit that a place belongs to; None when it does not exist on that day."""
        return self.site_of().get(place)


@dataclass(frozen=True, slots=True)
class Period:
    """What a report is of. last: the day its figures are of; now: ms UTC."""

    wanted: Wanted
    units: Units
    last: date
    today: date
    now: int

    @property
    def days(self) -> tuple[date, date]:
        """First and last day that there is anything of."""
        return self.wanted.since, self.last

    @property
    def span(self) -> Span:
        """ms UTC, up to now."""
        start = day_span(self.wanted.since, self.units.topology).start
        return Span(start, max(start, min(day_span(self.last, self.units.topology).end, self.now)))

    def sites(self) -> set[str] | None:
        """Places of the wanted unit; None = of the whole area."""
        if self.wanted.place is None:
            return None
        return {site for site, unit in self.units.site_of().items() if unit == self.wanted.place}


def units_of(topology: Topology, wanted: Wanted, today: date) -> Units:
    """The units of a report. today: the local day."""
    last = min(wanted.until, today)
    if wanted.units == "before":
        mergers = [day for day in merger_days(topology) if day < last.isoformat()]
        if mergers:
            old = _before(topology, mergers[-1])
            return Units(old, places_on(old, last), old=True)
    return Units(topology, places_on(topology, last))


def _before(topology: Topology, merger: str) -> Topology:
    """As if the units of a day had never ended, and what they became had never begun."""
    nodes: list[Site | Unit] = [*topology.sites.values(), *topology.units.values()]
    born = {node.into for node in nodes if node.valid_until == merger} - set(topology.sites)
    sites = {site.id: _kept(site, merger, born) for site in topology.sites.values()}
    units = {unit.id: _kept(unit, merger, born) for unit in topology.units.values()}
    return replace(topology, sites=sites, units=units)


def _kept(node: Node, merger: str, born: set[str | None]) -> Node:
    if node.id in born or (node.valid_from is not None and node.valid_from > merger):
        return replace(node, valid_from=NEVER, valid_until=None, into=None)
    if node.valid_until is not None and node.valid_until >= merger:
        return replace(node, valid_until=None, into=None)
    return node
