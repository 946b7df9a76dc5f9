"""From models to the topology: defaults applied, ranges expanded, references resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from ipaddress import ip_address
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from holidays import list_supported_countries
from pydantic import ValidationError

from collectors import collector, kinds
from collectors.base import Check, Threshold
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory import models
from ioc.inventory.document import Path_
from ioc.inventory.ranges import expand, suffix
from ioc.inventory.topology import Asset, AssetType, CalendarRule, Site, Target, Topology
from ioc.inventory.words import words

INTERVALS = {"link": 15.0, "router": 15.0, "switch": 15.0, "computer": 60.0, "tls": 21_600.0}
INTERVAL = 60.0
TIMEOUTS = {"icmp": 1.0, "tcp": 3.0, "dns": 3.0}
TIMEOUT = 10.0
NOT_FATAL = frozenset({"tls"})
BACKUP_KINDS = frozenset({"4g", "satellite"})
DEFAULT_KINDS = (
    "all", "link", "service", "sentinel",
    "computer", "router", "switch", "server", "modem", "ups", "other",
)  # fmt: skip


class Places(Protocol):
    """Where a path of the merged tree stands in the files (see ioc.inventory.loader)."""

    def wrong(self, path: Path_, message: str) -> None: ...

    def where(self, path: Path_) -> str: ...


def compile_topology(inventory: models.Inventory, places: Places, digest: str) -> Topology | None:
    """The topology, or None after every mistake has been told to `places`."""
    return _Compiler(inventory, places).compile(digest)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What checks are compiled for. kind: of the defaults that apply."""

    asset: str
    site: str | None
    kind: str
    address: str | None


@dataclass(frozen=True, slots=True)
class _One:
    """One device of a line of the inventory, which may stand for twenty."""

    local: str
    title: str
    address: str | None


class _Compiler:
    def __init__(self, inventory: models.Inventory, places: Places) -> None:
        self.inventory = inventory
        self.places = places
        self.assets: dict[str, Asset] = {}
        self.checks: dict[str, Check] = {}
        self.sites: dict[str, Site] = {}
        self.paths: dict[str, Path_] = {}  # asset or site id -> where it stands
        self.parents: dict[str, tuple[str, Path_]] = {}  # asset -> the parent the user names
        self.addresses: dict[str, Path_] = {}
        self.clean = True

    def compile(self, digest: str) -> Topology | None:
        inventory = self.inventory
        self._defaults_and_calendars()
        for i, sentinel in enumerate(inventory.sentinels):
            self._sentinel(sentinel, ("sentinels", i))
        for i, site in enumerate(inventory.sites):
            self._site(site, ("sites", i))
        for i, service in enumerate(inventory.services):
            self._service(service, None, ("services", i))
        self._monitor()
        self._targets()
        if self.clean:
            self._resolve_parents()
            self._no_circles()
        if not self.clean:
            return None
        return Topology(
            area_id=inventory.area.id,
            area_name=inventory.area.name,
            timezone=ZoneInfo(inventory.area.timezone),
            sites=self.sites,
            assets=self.assets,
            checks=self.checks,
            calendars={name: _calendar(name, c) for name, c in inventory.calendars.items()},
            targets={
                t.id: Target(t.id, t.name, t.goal, t.comparator, t.due) for t in inventory.targets
            },
            sentinels=tuple(s.id for s in inventory.sentinels),
            monitor_site=inventory.monitor.site if inventory.monitor else None,
            freshness=inventory.freshness,
            digest=digest,
        )

    def wrong(self, path: Path_, message: str) -> None:
        self.clean = False
        self.places.wrong(path, message)

    # --- parts

    def _defaults_and_calendars(self) -> None:
        for kind, defaults in self.inventory.defaults.items():
            if kind not in DEFAULT_KINDS:
                known = ", ".join(DEFAULT_KINDS)
                self.wrong(("defaults", kind), _("no such kind; one of {known}", known=known))
            self._calendar_exists(defaults.calendar, ("defaults", kind, "calendar"))
        countries = list_supported_countries()
        for name, calendar in self.inventory.calendars.items():
            if calendar.holidays is not None and calendar.holidays not in countries:
                here = ("calendars", name, "holidays")
                self.wrong(here, _("no such country; write for example VN"))

    def _sentinel(self, item: models.Sentinel, path: Path_) -> None:
        if self._claim(item.id, path):
            checks = self._checks(
                _Subject(item.id, None, "sentinel", item.address), item.checks, path
            )
            self.assets[item.id] = Asset(
                item.id, AssetType.SENTINEL, "sentinel", item.name or item.id,
                address=item.address, checks=checks,
            )  # fmt: skip

    def _site(self, item: models.SiteModel, path: Path_) -> None:
        if not self._claim(item.id, path):
            return
        links = [self._link(k, item.id, (*path, "links", i)) for i, k in enumerate(item.links)]
        devices: list[str] = []
        for i, device in enumerate(item.devices):
            devices.extend(self._devices(device, item.id, (*path, "devices", i)))
        services = [
            self._service(s, item.id, (*path, "services", i)) for i, s in enumerate(item.services)
        ]
        self.sites[item.id] = Site(
            id=item.id, name=item.name, kind=item.kind, code=item.code, lat=item.lat, lon=item.lon,
            staff=item.staff, links=tuple(filter(None, links)), devices=tuple(devices),
            services=tuple(filter(None, services)),
        )  # fmt: skip

    def _link(self, item: models.Link, site: str, path: Path_) -> str | None:
        name = f"{site}.{item.id}"
        if not self._claim(name, path):
            return None
        self._parent(name, item.parent, site, path)
        backup = item.role == "backup" if item.role else item.kind in BACKUP_KINDS
        self.assets[name] = Asset(
            name, AssetType.LINK, item.kind, item.name or LINK_NAMES[item.kind](), site=site,
            address=item.address, provider=item.provider, backup=backup,
            checks=self._checks(_Subject(name, site, "link", item.address), item.checks, path),
        )  # fmt: skip
        return name

    def _devices(self, item: models.Device, site: str, path: Path_) -> list[str]:
        if item.addresses is not None:
            if item.address is not None:
                self.wrong((*path, "address"), _("`address` and `addresses` exclude each other"))
            return self._range(item, site, path)
        local = item.id or item.kind
        title = item.name or DEVICE_NAMES[item.kind]()
        return self._device(item, site, _One(local, title, item.address), path)

    def _range(self, item: models.Device, site: str, path: Path_) -> list[str]:
        addresses = expand(item.addresses or "")
        prefix = item.id or PREFIXES.get(item.kind, item.kind)
        title = item.name or DEVICE_NAMES[item.kind]()
        found: list[str] = []
        for address in addresses:
            end = suffix(address, addresses[0], addresses[-1])
            one = _One(f"{prefix}-{end}", f"{title} {end}", str(address))
            found += self._device(item, site, one, (*path, "addresses"))
        return found

    def _device(self, item: models.Device, site: str, one: _One, path: Path_) -> list[str]:
        name = f"{site}.{one.local}"
        if not self._claim(name, path):
            return []
        self._parent(name, item.parent, site, path)
        self._calendar_exists(item.calendar, (*path, "calendar"))
        default = self._default(item.kind)
        self.assets[name] = Asset(
            name, AssetType.DEVICE, item.kind, one.title, site=site, address=one.address,
            calendar=item.calendar or default.calendar,
            missing_after=item.missing_after or default.missing_after or 5,
            checks=self._checks(_Subject(name, site, item.kind, one.address), item.checks, path),
        )  # fmt: skip
        return [name]

    def _service(self, item: models.Service, site: str | None, path: Path_) -> str | None:
        name = f"{site}.{item.id}" if site else item.id
        if not self._claim(name, path):
            return None
        self._calendar_exists(item.calendar, (*path, "calendar"))
        calendar = item.calendar or self._default("service").calendar
        self.assets[name] = Asset(
            name, AssetType.SERVICE, item.kind, item.name, site=site, address=item.address,
            calendar=calendar,
            checks=self._checks(_Subject(name, site, "service", item.address), item.checks, path),
        )  # fmt: skip
        return name

    # --- checks

    def _checks(
        self, of: _Subject, items: Sequence[models.CheckModel] | None, path: Path_
    ) -> tuple[str, ...]:
        if items is None:
            if of.address is None:
                self.wrong(path, _("needs an `address`, or `checks` that say how to measure it"))
                return ()
            self._unique_address(of.address, path)
            items = [models.CheckModel(kind="icmp")]
        elif not items:
            self.wrong((*path, "checks"), _("an empty list measures nothing; remove it"))
        names: list[str] = []
        for i, item in enumerate(items):
            here = (*path, "checks", i)
            check = self._check(of, item, here)
            if check is not None and check.id in self.checks:
                self.wrong(here, _("a second check of this name; give it another `name`"))
            elif check is not None:
                self.checks[check.id] = check
                names.append(check.id)
        return tuple(names)

    def _check(self, of: _Subject, item: models.CheckModel, path: Path_) -> Check | None:
        if item.kind not in kinds():
            close = get_close_matches(item.kind, kinds(), n=1) or kinds()
            message = _("no such kind of check; one of {known}", known=", ".join(close))
            self.wrong((*path, "kind"), message)
            return None
        settings = self._settings(item, of.address, path)
        interval, timeout = self._times(item, of.kind, path)
        default = self._default(of.kind)
        if settings is None or interval is None:
            return None
        return Check(
            id=f"{of.asset}.{item.name or item.kind}", asset=of.asset, site=of.site, kind=item.kind,
            settings=settings, interval=interval, timeout=timeout,
            retries=_first(item.retries, default.retries, 3),
            retry_delay=_first(item.retry_delay, default.retry_delay, 1.0),
            thresholds=tuple(
                Threshold(value, limit.above, limit.below)
                for value, limit in item.thresholds.items()
            ),
            fatal=_first(item.fatal, item.kind not in NOT_FATAL),
        )  # fmt: skip

    def _settings(self, item: models.CheckModel, address: str | None, path: Path_) -> Any:
        model = collector(item.kind).Settings
        given = dict(item.model_extra or {})
        if "address" in model.model_fields and "address" not in given and address is not None:
            given["address"] = address
        try:
            return model.model_validate(given)
        except ValidationError as error:
            for problem in error.errors():
                self.wrong((*path, *problem["loc"]), words(problem, model))
            return None

    def _times(self, item: models.CheckModel, kind: str, path: Path_) -> tuple[float | None, float]:
        default = self._default(kind)
        usual = INTERVALS.get(item.kind, INTERVALS.get(kind, INTERVAL))
        interval = _first(item.interval, default.interval, usual)
        timeout = _first(item.timeout, default.timeout, TIMEOUTS.get(item.kind, TIMEOUT))
        if item.timeout is None and timeout >= interval:
            timeout = interval / 2
        if interval < 1:
            self.wrong((*path, "interval"), _("must be at least 1s"))
            return None, timeout
        if timeout >= interval:
            text = mark("the timeout ({timeout} s) must be below the interval ({interval} s)")
            self.wrong((*path, "timeout"), _(text, timeout=timeout, interval=interval))
            return None, timeout
        return interval, timeout

    def _default(self, kind: str) -> models.Defaults:
        """Defaults of a kind, what it leaves out taken from `all`."""
        defaults = self.inventory.defaults
        common, own = defaults.get("all", models.Defaults()), defaults.get(kind, models.Defaults())
        chosen = {**common.model_dump(exclude_none=True), **own.model_dump(exclude_none=True)}
        return models.Defaults.model_construct(**{**models.Defaults().model_dump(), **chosen})

    # --- references

    def _claim(self, name: str, path: Path_) -> bool:
        if name in self.paths:
            first = self.places.where(self.paths[name])
            self.wrong((*path, "id"), _("{id} exists already: {first}", id=name, first=first))
            return False
        self.paths[name] = path
        return True

    def _unique_address(self, address: str, path: Path_) -> None:
        """One address measured as two things is a slip of the hand."""
        key = str(ip_address(address))
        if key in self.addresses:
            first = self.places.where(self.addresses[key])
            message = _("{address} is used already: {first}", address=address, first=first)
            self.wrong(path, message)
        else:
            self.addresses[key] = path

    def _calendar_exists(self, name: str | None, path: Path_) -> None:
        if name is not None and name not in self.inventory.calendars:
            self.wrong(path, self._no_such(name, self.inventory.calendars))

    def _no_such(self, name: str, known: Iterable[str]) -> str:
        close = get_close_matches(name, list(known), n=1)
        if close:
            return _("{name} does not exist; did you mean {close}?", name=name, close=close[0])
        return _("{name} does not exist", name=name)

    def _parent(self, asset: str, parent: str | None, site: str, path: Path_) -> None:
        if parent is not None:
            self.parents[asset] = (parent, (*path, "parent"))

    def _monitor(self) -> None:
        monitor = self.inventory.monitor
        if monitor is not None and monitor.site not in self.sites:
            self.wrong(("monitor", "site"), self._no_such(monitor.site, self.sites))

    def _targets(self) -> None:
        seen: dict[str, Path_] = {}
        for i, target in enumerate(self.inventory.targets):
            here = ("targets", i)
            if target.id in seen:
                first = self.places.where(seen[target.id])
                message = _("{id} exists already: {first}", id=target.id, first=first)
                self.wrong((*here, "id"), message)
            seen.setdefault(target.id, here)

    def _resolve_parents(self) -> None:
        """Fill in what every asset is reached through (see topology.Asset)."""
        for name, asset in list(self.assets.items()):
            parents = self._parents_of(asset)
            self.assets[name] = replace(asset, parents=parents)

    def _parents_of(self, asset: Asset) -> tuple[str, ...]:
        """What the user named, else by the rules of topology.Asset."""
        if asset.id in self.parents:
            return self._named_parent(asset)
        if asset.type is AssetType.SENTINEL:
            return ()
        sentinels = tuple(s.id for s in self.inventory.sentinels)
        return sentinels if asset.site is None else self._by_site(asset, sentinels)

    def _named_parent(self, asset: Asset) -> tuple[str, ...]:
        parent, path = self.parents[asset.id]
        for candidate in (f"{asset.site}.{parent}", parent):
            if candidate in self.assets:
                return (candidate,)
        self.wrong(path, self._no_such(parent, self.assets))
        return ()

    def _by_site(self, asset: Asset, sentinels: tuple[str, ...]) -> tuple[str, ...]:
        site = self.sites[asset.site or ""]
        router = next((d for d in site.devices if self.assets[d].kind == "router"), None)
        here = self.inventory.monitor is not None and self.inventory.monitor.site == asset.site
        if here:
            return (router,) if asset.type is not AssetType.DEVICE and router else ()
        if asset.type is AssetType.LINK:
            return sentinels
        if router is not None and asset.id != router:
            return (router,)
        return site.links or sentinels

    def _no_circles(self) -> None:
        try:
            TopologicalSorter({a.id: a.parents for a in self.assets.values()}).prepare()
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            at = next((a for a in circle if a in self.parents), circle[0])
            path = self.parents[at][1] if at in self.parents else self.paths[at]
            self.wrong(path, _("parents in a circle: {circle}", circle=" → ".join(circle)))


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


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


PREFIXES: Mapping[str, str] = {"computer": "pc"}
LINK_NAMES: Mapping[str, Any] = {
    "fiber": lambda: _("Fiber"),
    "4g": lambda: _("4G"),
    "leased": lambda: _("Leased line"),
    "satellite": lambda: _("Satellite"),
}
DEVICE_NAMES: Mapping[str, Any] = {
    "computer": lambda: _("Computer"),
    "router": lambda: _("Router"),
    "switch": lambda: _("Switch"),
    "server": lambda: _("Server"),
    "modem": lambda: _("Modem"),
    "ups": lambda: _("UPS"),
    "other": lambda: _("Device"),
}
