"""What the inventory says of alerts: from models to the values of the topology."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from ioc.inventory import models
from ioc.inventory.topology import AlertRules, Route, Severity


class Kind(StrEnum):
    """What an incident is about, its root cause in a word."""

    UPLINK_LOST = "uplink-lost"  # our own way out: nothing else is judged
    SITE_DARK = "site-dark"  # every link and the router silent together: power cut suspected
    SITE_DOWN = "site-down"  # a place cannot be reached, and it is not dark
    ON_BACKUP = "on-backup"  # the main link is out, the backup carries
    LINK_DOWN = "link-down"
    DEVICE_DOWN = "device-down"
    SERVICE_DOWN = "service-down"  # for all
    SERVICE_FROM_SITE = "service-from-site"  # from one site only
    QUALITY = "quality"  # loss or latency
    CERTIFICATE = "certificate"
    COMPUTERS_MISSING = "computers-missing"
    STALE = "stale"  # no data though the monitor runs
    MONITOR = "monitor"  # disk, store, database… of the monitor itself


KINDS = tuple(kind.value for kind in Kind)


def route(item: models.Route) -> Route:
    return Route(
        channel=item.channel,
        severities=_set(item.severities and map(Severity, item.severities)),
        sites=_set(item.sites),
        kinds=_set(item.kinds),
        hours=None if item.hours is None else tuple(sorted(item.hours)),
        after=item.after,
        language=item.language,
        plain=item.plain,
    )


def rules(item: models.Alerts) -> AlertRules:
    given: dict[str, Any] = {k: v for k, v in item if v is not None}
    if "digest" in given:
        given["digest"] = frozenset(map(Severity, given["digest"]))
    given["severities"] = {kind: Severity(name) for kind, name in item.severities.items()}
    return AlertRules(**given)


def _set(items: Any) -> Any:
    return None if items is None else frozenset(items)
