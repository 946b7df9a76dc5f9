"""The inventory of the simulated district: the user's own, measured in another way.

Sites, names, assets and addresses stay. Only the checks are swapped for ones that the simulated
listeners can answer and refuse: a link that is cut cannot be shown with an echo on loopback.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from ioc.inventory.models import Inventory

PORT = (
    20404  # unprivileged, below the range the kernel takes for outgoing connections (32768-60999)
)
FOR_CITIZENS = ("portal", "one-stop")  # asked as a telephone does, too
PLAIN = ("database", "mail")  # kinds of service that speak no HTTP
SPARE_NETWORK = "127.99.0."  # for things that have no address of their own
HEAD = "# Made by `ioc demo` from the inventory; written anew at every start. Edit the other one.\n"

# Short, so that a visitor need not wait; the re-checks of a failure (four tries, one second each)
# still end inside the interval.
INTERVALS = {"all": "6s", "computer": "15s"}
TIMEOUT = "1s"


def simulated(inventory: Inventory) -> str:
    """YAML text of the same district with checks for the simulated listeners."""
    values = inventory.model_dump(mode="json", exclude_unset=True)
    values.pop("include", None)
    values.pop("routes", None)  # nobody is told of a fire that is played
    for calendar in values.get("calendars", {}).values():
        calendar["hours"] = [_hours(*pair) for pair in calendar["hours"]]
        if "grace" in calendar:
            calendar["grace"] = f"{calendar['grace']:g}s"
    values["defaults"] = _defaults(values.get("defaults", {}))
    _swap_checks(values)
    return HEAD + yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=100)


def _swap_checks(values: dict[str, Any]) -> None:
    doors = _Doors()
    for asset in (*values.get("sentinels", []), *_equipment(values)):
        asset["checks"] = [doors.plain(asset)]
    for service in _services(values):
        service["checks"] = [doors.service(service)]


class _Doors:
    """Gives each thing an address and port of its own."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, int]] = set()
        self._spare = 0

    def service(self, service: dict[str, Any]) -> dict[str, Any]:
        kind = service.get("kind", "")
        if kind == "dns":
            return self.name_server(service)
        return self.plain(service) if kind in PLAIN else self.page(service)

    def plain(self, asset: dict[str, Any]) -> dict[str, Any]:
        if "addresses" in asset:  # a range: each computer has its own address
            return {"kind": "tcp", "port": PORT}
        address, port = self._place(asset)
        return {"kind": "tcp", "address": address, "port": port}

    def page(self, service: dict[str, Any]) -> dict[str, Any]:
        address, port = self._place(service)
        shown = f"[{address}]" if ":" in address else address
        check = {"kind": "http", "url": f"http://{shown}:{port}/"}
        return check | ({"mobile": True} if service.get("kind") in FOR_CITIZENS else {})

    def name_server(self, service: dict[str, Any]) -> dict[str, Any]:
        address, port = self._place(service)
        return {"kind": "dns", "address": address, "port": port, "name": "mo-phong.example"}

    def _place(self, asset: dict[str, Any]) -> tuple[str, int]:
        address = asset.get("address") or _checked_address(asset) or self._spare_address()
        port = PORT
        while (address, port) in self._taken:
            port += 1
        self._taken.add((address, port))
        return address, port

    def _spare_address(self) -> str:
        self._spare += 1
        return f"{SPARE_NETWORK}{self._spare}"


def _checked_address(asset: dict[str, Any]) -> str | None:
    """The loopback address its own check goes to, when it has one."""
    for check in asset.get("checks") or ():
        address = str(check.get("address", ""))
        if address.startswith("127.") or address == "::1":
            return address
    return None


def _equipment(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for site in values.get("sites", []):
        yield from site.get("links", [])
        yield from site.get("devices", [])


def _services(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from values.get("services", [])
    for site in values.get("sites", []):
        yield from site.get("services", [])


def _defaults(defaults: dict[str, Any]) -> dict[str, Any]:
    """Short intervals; what the inventory says of calendars stays."""
    kept = {
        kind: {k: v for k, v in given.items() if k in ("calendar", "missing_after")}
        for kind, given in defaults.items()
    }
    for kind, interval in INTERVALS.items():
        kept.setdefault(kind, {})["interval"] = interval
    kept["all"]["timeout"] = TIMEOUT
    return kept


def _hours(start: int, end: int) -> str:
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
