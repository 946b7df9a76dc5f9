"""From models to the topology: ranges expanded, defaults applied, references resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from zoneinfo import ZoneInfo

from holidays import list_supported_countries

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory import alerting, models, parents, targets, units
from ioc.inventory.checks import CheckCompiler, Places, Subject
from ioc.inventory.document import Path_
from ioc.inventory.ranges import PREFIXES, expand, suffix
from ioc.inventory.topology import Asset, AssetType, CalendarRule, Site, Topology

MISSING_AFTER = 5  # working days
BACKUP_KINDS = frozenset({"4g", "satellite"})
DEVICES = ("computer", "router", "switch", "server", "modem", "ups", "other")
LINKS = ("fiber", "4g", "leased", "satellite")
DEFAULT_KINDS = ("all", "link", "service", "sentinel", *DEVICES)
NAMES: Mapping[str, str] = {
    "fiber": mark("Fiber"),
    "4g": mark("4G"),
    "leased": mark("Leased line"),
    "satellite": mark("Satellite"),
    "computer": mark("Computer"),
    "router": mark("Router"),
    "switch": mark("Switch"),
    "server": mark("Server"),
    "modem": mark("Modem"),
    "ups": mark("UPS"),
    "other": mark("Device"),
}


def compile_topology(inventory: models.Inventory, places: Places, digest: str) -> Topology:
    """The topology. What is wrong is told to `places`; the topology is of no use then."""
    return _Compiler(inventory, places).compile(digest)


@dataclass(frozen=True, slots=True)
class _One:
    """One device of a line of the inventory, which may stand for twenty."""

    local: str
    title: str
    address: str | None
    address_key: str


class _Compiler:
    def __init__(self, inventory: models.Inventory, places: Places) -> None:
        self.inventory = inventory
        self.places = places
        self.checks = CheckCompiler(inventory.defaults, places)
        self.assets: dict[str, Asset] = {}
        self.sites: dict[str, Site] = {}
        self.paths: dict[str, Path_] = {}  # id of an asset or a site -> where it stands
        self.named: dict[str, parents.Named] = {}

    def compile(self, digest: str) -> Topology:
        inventory = self.inventory
        self._check_defaults()
        self._check_calendars()
        for i, sentinel in enumerate(inventory.sentinels):
            self._sentinel(sentinel, ("sentinels", i))
        for i, site in enumerate(inventory.sites):
            self._site(site, ("sites", i))
        for i, service in enumerate(inventory.services):
            self._service(service, None, ("services", i))
        monitor_site = inventory.monitor.site if inventory.monitor else None
        self._exists(monitor_site, self.sites, ("monitor", "site"))
        active, retired = targets.compile_targets(inventory.targets, self.places)
        units.check(inventory, self.paths, self.places)
        self._check_routes()
        self._warn()
        return Topology(
            area_id=inventory.area.id,
            area_name=inventory.area.name,
            timezone=ZoneInfo(inventory.area.timezone),
            sites=self.sites,
            assets=parents.resolve(self.assets, self.sites, self.named, monitor_site, self.places),
            checks=self.checks.checks,
            calendars={name: _calendar(name, c) for name, c in inventory.calendars.items()},
            targets=active,
            sentinels=tuple(s.id for s in inventory.sentinels),
            monitor_site=monitor_site,
            freshness=inventory.freshness,
            routes=tuple(alerting.route(route) for route in inventory.routes),
            alerts=alerting.rules(inventory.alerts),
            units={unit.id: units.unit(unit) for unit in inventory.units},
            retired=retired,
            adequacy=targets.adequacy(inventory.adequacy),
            reports=targets.layout(inventory.reports),
            digest=digest,
        )

    # --- what exists

    def _sentinel(self, item: models.Sentinel, path: Path_) -> None:
        if self._claim(item.id, path):
            self.assets[item.id] = Asset(
                item.id, AssetType.SENTINEL, "sentinel", item.name or item.id,
                address=item.address,
                checks=self.checks.compile(
                    Subject(item.id, None, "sentinel", item.address, path), item.checks
                ),
            )  # fmt: skip

    def _site(self, item: models.SiteModel, path: Path_) -> None:
        if not self._claim(item.id, path):
            return
        links = [self._link(k, item.id, (*path, "links", i)) for i, k in enumerate(item.links)]
        devices = [
            name
            for i, device in enumerate(item.devices)
            for name in self._devices(device, item.id, (*path, "devices", i))
        ]
        services = [
            self._service(s, item.id, (*path, "services", i)) for i, s in enumerate(item.services)
        ]
        self.sites[item.id] = Site(
            id=item.id, name=item.name, kind=item.kind, code=item.code, lat=item.lat, lon=item.lon,
            staff=item.staff, responsible=item.responsible,
            links=tuple(filter(None, links)), devices=tuple(devices),
            services=tuple(filter(None, services)),
            valid_from=item.valid_from, valid_until=item.valid_until, into=item.into,
        )  # fmt: skip

    def _link(self, item: models.Link, site: str, path: Path_) -> str | None:
        name = f"{site}.{item.id}"
        if not self._claim(name, path):
            return None
        self._parent(name, item.parent, path)
        backup = item.role == "backup" if item.role else item.kind in BACKUP_KINDS
        self.assets[name] = Asset(
            name, AssetType.LINK, item.kind, item.name or _(NAMES[item.kind]), site=site,
            address=item.address, provider=item.provider, backup=backup,
            checks=self.checks.compile(
                Subject(name, site, "link", item.address, path), item.checks
            ),
        )  # fmt: skip
        return name

    def _devices(self, item: models.Device, site: str, path: Path_) -> list[str]:
        if item.address is not None and item.addresses is not None:
            self.places.wrong((*path, "addresses"), _("write `address` or `addresses`, not both"))
        self._exists(item.calendar, self.inventory.calendars, (*path, "calendar"))
        found = [self._device(item, site, one, path) for one in _each(item)]
        return [name for name in found if name is not None]

    def _device(self, item: models.Device, site: str, one: _One, path: Path_) -> str | None:
        name = f"{site}.{one.local}"
        if not self._claim(name, path):
            return None
        self._parent(name, item.parent, path)
        default = self.checks.default(item.kind)
        subject = Subject(name, site, item.kind, one.address, path, one.address_key)
        self.assets[name] = Asset(
            name, AssetType.DEVICE, item.kind, one.title, site=site, address=one.address,
            calendar=item.calendar or default.calendar,
            missing_after=item.missing_after or default.missing_after or MISSING_AFTER,
            checks=self.checks.compile(subject, item.checks),
        )  # fmt: skip
        return name

    def _service(self, item: models.Service, site: str | None, path: Path_) -> str | None:
        name = f"{site}.{item.id}" if site else item.id
        if not self._claim(name, path):
            return None
        self._exists(item.calendar, self.inventory.calendars, (*path, "calendar"))
        self.assets[name] = Asset(
            name, AssetType.SERVICE, item.kind, item.name, site=site, address=item.address,
            calendar=item.calendar or self.checks.default("service").calendar, of=item.of,
            checks=self.checks.compile(
                Subject(name, site, "service", item.address, path), item.checks
            ),
        )  # fmt: skip
        return name

    # --- ids and references

    def _claim(self, name: str, path: Path_) -> bool:
        first = self.paths.setdefault(name, path)
        if first is path:
            return True
        where = self.places.where(first)
        text = mark("{id} exists already: {first}; give this one another id")
        self.places.wrong((*path, "id"), _(text, id=name, first=where))
        return False

    def _parent(self, asset: str, parent: str | None, path: Path_) -> None:
        if parent is not None:
            self.named[asset] = parents.Named(parent, (*path, "parent"))

    def _exists(self, name: str | None, known: Iterable[str], path: Path_) -> None:
        if name is not None and name not in known and not self.places.hides(name):
            self.places.wrong(path, parents.no_such(name, known))

    def _check_defaults(self) -> None:
        for kind, given in self.inventory.defaults.items():
            path = ("defaults", kind)
            if kind not in DEFAULT_KINDS:
                known = ", ".join(DEFAULT_KINDS)
                self.places.wrong(path, _("no such kind; write one of {known}", known=known))
            self._exists(given.calendar, self.inventory.calendars, (*path, "calendar"))
            if given.interval and given.timeout and given.timeout >= given.interval:
                text = mark("the timeout ({timeout} s) must be below the interval ({interval} s)")
                words = {"timeout": given.timeout, "interval": given.interval}
                self.places.wrong((*path, "timeout"), _(text, None, **words))

    def _check_calendars(self) -> None:
        for name, calendar in self.inventory.calendars.items():
            country = calendar.holidays
            if country is not None and country not in list_supported_countries():
                path = ("calendars", name, "holidays")
                self.places.wrong(path, _("no such country; write for example VN"))

    def _check_routes(self) -> None:
        alerts = self.inventory.alerts
        self._exists(alerts.calendar, self.inventory.calendars, ("alerts", "calendar"))
        for kind in alerts.severities:
            self._exists(kind, alerting.KINDS, ("alerts", "severities", kind))
        services = {a.kind for a in self.assets.values() if a.type is AssetType.SERVICE}
        known = {*DEFAULT_KINDS[1:], *LINKS, *services, *alerting.KINDS}
        for i, route in enumerate(self.inventory.routes):
            for j, site in enumerate(route.sites or ()):
                self._exists(site, self.sites, ("routes", i, "sites", j))
            for j, kind in enumerate(route.kinds or ()):
                self._exists(kind, sorted(known), ("routes", i, "kinds", j))

    def _warn(self) -> None:
        """What makes a valid inventory tell untruths later."""
        if self.sites and not self.inventory.sentinels:
            text = mark(
                "no sentinels: when the monitor's own uplink fails, every site will look down"
            )
            self.places.warn((), _(text))
        for i, site in enumerate(self.inventory.sites):
            for j, device in enumerate(site.devices):
                calendar = device.calendar or self.checks.default(device.kind).calendar
                if device.kind == "computer" and calendar is None:
                    text = mark(
                        "computers without a calendar count as down when they are off at night"
                    )
                    self.places.warn(("sites", i, "devices", j), _(text))
                    return  # once is enough


def _each(item: models.Device) -> Iterable[_One]:
    """The devices one line stands for."""
    title = item.name or _(NAMES[item.kind])
    if item.addresses is None:
        yield _single(item, title)
        return
    addresses = expand(item.addresses)
    prefix = item.id or PREFIXES.get(item.kind, item.kind)
    for address in addresses:
        end = suffix(address, addresses[0], addresses[-1])
        yield _One(f"{prefix}-{end}", f"{title} {end}", str(address), "addresses")


def _single(item: models.Device, title: str) -> _One:
    """A computer of its own is named as it would be in a range."""
    local = item.id or item.kind
    if item.id is None and item.kind in PREFIXES and item.address is not None:
        address = ip_address(item.address)
        end = suffix(address, address, address)
        local = f"{PREFIXES[item.kind]}-{end}"
        title = item.name or f"{title} {end}"
    return _One(local, title, item.address, "address")


def _calendar(name: str, item: models.CalendarModel) -> CalendarRule:
    return CalendarRule(
        id=name,
        days=frozenset(models.DAYS.index(day) for day in item.days),
        hours=tuple(sorted(item.hours)),
        holidays=item.holidays,
        closed=frozenset(item.closed),
        make_up=frozenset(item.make_up),
        grace=round(item.grace / 60),
    )
