"""The availability part of a report: every link, service and place over the days of a period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ioc.engine.calendars import Calendar
from ioc.inventory.topology import Asset, AssetType, Topology
from ioc.ledger.availability import Seconds, Tally
from ioc.ledger.sla import Agreed, filled, period_of
from ioc.reports.model import Hours, Service
from ioc.reports.units import Period, Units


@dataclass(slots=True)
class Uptime:
    """gone: what has figures and is no longer in the inventory."""

    links: list[Service] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    places: list[Service] = field(default_factory=list)
    gone: list[Service] = field(default_factory=list)


def uptime(found: Mapping[str, Agreed], period: Period, calendar: Calendar | None) -> Uptime:
    """found: sums of the days, by asset or place. Of one unit: its own, and what is shared."""
    units, place = period.units, period.wanted.place
    topology = units.topology
    whole, hours = period_of(*period.days, topology, calendar, period.now)
    unit_of = units.site_of()
    rows = _Rows(topology, units, unit_of, found, whole, hours)
    made = Uptime()
    for asset in topology.assets.values():
        mine = place is None or unit_of.get(asset.site or "") == place
        if asset.type is AssetType.LINK and mine:
            made.links.append(rows.asset(asset))
        elif asset.type is AssetType.SERVICE and (mine or asset.site is None):
            made.services.append(rows.asset(asset))
    for site in topology.sites.values():
        if site.links and (place is None or unit_of.get(site.id) == place):
            made.places.append(rows.row(site.id, site.name, site.id, kind=site.kind))
    if place is None:
        known = {*topology.assets, *topology.sites}
        made.gone = [rows.row(name, name, "") for name in sorted(set(found) - known)]
    return made


@dataclass(frozen=True, slots=True)
class _Rows:
    topology: Topology
    units: Units
    unit_of: Mapping[str, str]
    found: Mapping[str, Agreed]
    whole: int
    hours: int

    def asset(self, asset: Asset) -> Service:
        return self.row(asset.id, asset.name, asset.site or "", asset.provider or "", asset.kind)

    def row(self, id: str, name: str, site: str, provider: str = "", kind: str = "") -> Service:
        found = self.found.get(id)
        total: Tally = filled(found, self.whole, self.hours)
        return Service(
            id=id,
            name=name,
            place=self._unit(site),
            provider=provider,
            kind=kind,
            day=_hours(total.all),
            work=_hours(total.work),
            outages=total.outages,
            restated=found.restated if found else 0,
        )

    def _unit(self, site: str) -> str:
        """The unit's name; the place's own where it belongs to none on that day."""
        unit = self.units.places.get(self.unit_of.get(site, ""))
        if unit is not None:
            return unit.name
        own = self.topology.sites.get(site)
        return own.name if own else ""


def _hours(found: Seconds) -> Hours:
    return Hours(
        up=found.up,
        down=found.down,
        maintenance=found.maintenance,
        unknown=found.unknown,
        availability=found.availability,
        evidence=found.evidence,
    )
