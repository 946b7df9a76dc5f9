"""The units that are counted on a day: places as they are, or merged into one another.

A unit that others became part of is one place with all that stands in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from ioc.inventory.topology import Site, Topology, Unit

COMMUNES = frozenset({"commune", "township"})


def places_on(topology: Topology, day: date) -> dict[str, Site]:
    """Units that exist on a day, by id, each with the equipment of all that became part of it."""
    sites = topology.sites.values()
    if not topology.units and not any(site.valid_until or site.valid_from for site in sites):
        return dict(topology.sites)
    today = day.isoformat()
    groups: dict[str, tuple[Site | Unit, list[Site]]] = {}
    for site in topology.sites.values():
        holder = _holder(topology, site, today)
        if holder is not None:
            groups.setdefault(holder.id, (holder, []))[1].append(site)
    for unit in topology.units.values():
        if _holder(topology, unit, today) is unit:
            groups.setdefault(unit.id, (unit, []))
    return {holder.id: _joined(holder, sites) for holder, sites in groups.values()}


def members_of(topology: Topology, place: str) -> Iterator[str]:
    """Sites and units that became part of a place, directly."""
    for node in _nodes(topology):
        if node.into == place:
            yield node.id


def existed(topology: Topology, place: str, day: str) -> bool:
    """Whether a place was a unit of its own on an ISO day."""
    known = place in topology.sites or place in topology.units
    return known and (first_day(topology, place) or "") <= day <= last_day(topology, place)


def first_day(topology: Topology, place: str) -> str | None:
    """Of a place as a unit of its own, ISO; None = always."""
    found = topology.sites.get(place) or topology.units.get(place)
    return found.valid_from if found is not None else None


def last_day(topology: Topology, place: str) -> str:
    """Of a place as a unit of its own, ISO; 9999-12-31 = it still is."""
    found = topology.sites.get(place) or topology.units.get(place)
    return (found.valid_until if found is not None else None) or "9999-12-31"


def name_of(topology: Topology, place: str) -> str:
    """What people call a place; its id when it is no longer in the inventory."""
    found = topology.sites.get(place) or topology.units.get(place)
    return found.name if found is not None else place


def merger_days(topology: Topology) -> list[str]:
    """Last ISO days before units were merged, oldest first."""
    return sorted({node.valid_until for node in _nodes(topology) if node.into and node.valid_until})


def asked_of(per: str, places: Mapping[str, Site]) -> list[Site]:
    """The places that a target asks for a figure, by its `per`. Where nobody works (a relay
    station: kind other, no staff declared) nobody can give one."""
    if per == "area":
        return []
    if per == "site":
        return [p for p in places.values() if p.kind != "other" or p.staff is not None]
    return [p for p in places.values() if p.kind in COMMUNES]


def _nodes(topology: Topology) -> list[Site | Unit]:
    return [*topology.sites.values(), *topology.units.values()]


def _holder(topology: Topology, node: Site | Unit, today: str) -> Site | Unit | None:
    """What a place belongs to on a day; None when it does not exist then."""
    while node.valid_until is not None and today > node.valid_until:
        following = topology.sites.get(node.into or "") or topology.units.get(node.into or "")
        if following is None:
            return None
        node = following
    return None if node.valid_from is not None and today < node.valid_from else node


def _joined(holder: Site | Unit, sites: list[Site]) -> Site:
    """A unit's own head count, else the sum of its places'; None when one of them did not say."""
    if sites == [holder]:
        return sites[0]
    said = [site.staff for site in sites if site.devices or site.staff is not None]
    known = [staff for staff in said if staff is not None]
    own = holder.staff if isinstance(holder, Unit) else None
    total = sum(known) if known and len(known) == len(said) else None
    return Site(
        holder.id,
        holder.name,
        holder.kind,
        code=holder.code,
        staff=own if own is not None else total,
        links=tuple(link for site in sites for link in site.links),
        devices=tuple(device for site in sites for device in site.devices),
        services=tuple(service for site in sites for service in site.services),
        valid_from=holder.valid_from,
        valid_until=holder.valid_until,
        into=holder.into,
    )
