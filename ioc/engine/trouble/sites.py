"""What is wrong with the ways to a place: one condition for a site, whatever its links do.

Fiber, then 4G, then the router falling silent are one story that gets worse, not three.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collectors.base import Reason
from ioc.engine.model import SiteView
from ioc.engine.reachability import DARK, LINKS_DOWN, LINKS_SILENT
from ioc.engine.trouble.model import Condition, Facts
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Severity, Site


def site_conditions(facts: Facts) -> Iterator[Condition]:
    """Of every site whose links are not all well."""
    for site in facts.topology.sites.values():
        broken = facts.broken(site.links)
        if broken:
            yield _links(facts, site, facts.area.sites[site.id], broken)


def _links(facts: Facts, site: Site, view: SiteView, broken: Sequence[str]) -> Condition:
    began = [facts.began(name) for name in broken]
    kind, severity, subject, reason = _what(facts, site, view, broken, max(began))
    return Condition(
        key=f"site:{site.id}",
        kind=kind,
        severity=facts.severity(kind, severity),
        subject=subject,
        site=site.id,
        since=min(facts.view(name).since for name in broken),
        reason=reason,
        affected=facts.affected(broken, min(began)),
        works=tuple(facts.answering(site.links)),
        pending=facts.unasked(_others(facts, site), max(began)),
        planned=_planned(facts, broken),
    )


def _what(
    facts: Facts, site: Site, view: SiteView, broken: Sequence[str], began: int
) -> tuple[Kind, Severity, str, Reason | None]:
    """Kind, its usual severity, the subject and why. began: when the last of them failed, ms UTC.

    Equipment that answered before then proves nothing.
    """
    first = _first(facts, broken)
    if view.on_backup and view.cause is not None:
        subject = view.cause if view.cause in broken else first
        return Kind.ON_BACKUP, Severity.CRITICAL, subject, facts.view(subject).reason
    if len(broken) < len(site.links):
        return Kind.LINK_DOWN, Severity.WARNING, first, facts.view(first).reason
    if any((facts.view(name).observed_at or 0) >= began for name in facts.answering(site.devices)):
        return Kind.LINK_DOWN, Severity.WARNING, first, LINKS_SILENT
    if any(facts.asset(name).kind == "router" for name in site.devices):
        return Kind.SITE_DARK, Severity.CRITICAL, site.id, DARK
    return Kind.SITE_DOWN, Severity.CRITICAL, site.id, LINKS_DOWN


def _first(facts: Facts, broken: Sequence[str]) -> str:
    """The main link among the broken ones."""
    return min(broken, key=lambda name: facts.asset(name).backup)


def _others(facts: Facts, site: Site) -> list[str]:
    routers = [name for name in site.devices if facts.asset(name).kind == "router"]
    return [*site.links, *routers]


def _planned(facts: Facts, broken: Sequence[str]) -> int | None:
    """A window only when all that is broken is planned."""
    windows = [facts.planned(name) for name in broken]
    return None if None in windows else windows[0]
