"""From incidents to points of the store: what is open, for how long it lasted, how fast it went.

One measurement, `incident`, with tags area, incident (number), kind, what (the kind in words),
place, and site and name where there are such. Three kinds of rows, numbers only:

- every minute while it is open: open 1, severity (0 note, 1 warning, 2 critical), affected,
  acknowledged 1 or 0, age_s; and once, when it is over or changed its kind, open 0;
- at its beginning: until, ms UTC up to when it lasted as far as is known: grows while it is open;
- at its end: began and ended (ms UTC), repair_s between them, ack_s from opening to being taken on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ioc.engine.incident import Incident
from ioc.i18n import mark, translate
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Topology
from ioc.store.base import Point, Tags

TITLES = {
    Kind.UPLINK_LOST: mark("the center's own line is out"),
    Kind.SITE_DARK: mark("dark, power cut suspected"),
    Kind.SITE_DOWN: mark("all lines out"),
    Kind.ON_BACKUP: mark("running on the backup line"),
    Kind.LINK_DOWN: mark("line out"),
    Kind.DEVICE_DOWN: mark("device silent"),
    Kind.SERVICE_DOWN: mark("service out"),
    Kind.SERVICE_FROM_SITE: mark("service out for one place"),
    Kind.QUALITY: mark("slow or losing packets"),
    Kind.CERTIFICATE: mark("certificate expiring"),
    Kind.COMPUTERS_MISSING: mark("many computers unseen"),
    Kind.STALE: mark("data not coming in"),
    Kind.MONITOR: mark("trouble of the monitor"),
}


class Trail:
    """Remembers under which tags each open incident was written, so that none stays open in the
    store under a name that it no longer has."""

    def __init__(self) -> None:
        self._written: dict[int, Tags] = {}

    def points(
        self,
        topology: Topology,
        open_: Iterable[Incident],
        find: Callable[[int], Incident | None],
        now: int,
    ) -> list[Point]:
        """Everything that is open, and the end of what is no more. find: an incident that ended
        lately, by number. now: ms UTC."""
        current = {incident.id: incident for incident in open_}
        tags = {number: incident_tags(topology, one) for number, one in current.items()}
        points: list[Point] = []
        for number, before in self._written.items():
            if tags.get(number) != before:
                points.append(Point("incident", before, {"open": 0.0}, now))
                ended = find(number)
                if number not in current and ended is not None:
                    points += _end(before, ended)
        for number, incident in current.items():
            points += _open(tags[number], incident, now)
        self._written = tags
        return points


def ended_points(topology: Topology, incident: Incident) -> Iterator[Point]:
    """What is left of an incident that is over; nothing of one that is open or was merged."""
    return _end(incident_tags(topology, incident), incident)


def incident_tags(topology: Topology, incident: Incident) -> Tags:
    """Tags of an incident's series, sorted by key."""
    site = topology.sites.get(incident.site or "")
    tags = {
        "area": topology.area_id,
        "incident": str(incident.id),
        "kind": incident.kind.value,
        "what": translate(TITLES[incident.kind]),
        "place": site.name if site else topology.area_name,
    }
    if site is not None:
        tags["site"] = site.id
    asset = topology.assets.get(incident.subject)
    if asset is not None and asset.kind != "computer":
        tags["name"] = asset.name
    return tuple(sorted(tags.items()))


def _open(tags: Tags, incident: Incident, now: int) -> Iterator[Point]:
    fields = {
        "open": 1.0,
        "severity": float(incident.severity.rank),
        "affected": float(len(incident.affected)),
        "acknowledged": float(incident.acknowledged_at is not None),
        "age_s": max(0, now - incident.since) / 1000,
    }
    yield Point("incident", tags, fields, now)
    yield Point("incident", tags, {"until": float(max(now, incident.since))}, incident.since)


def _end(tags: Tags, incident: Incident) -> Iterator[Point]:
    """The last words on an incident; one that became part of a wider one has none of its own."""
    ended = incident.resolved_at
    if ended is None or incident.merged_into is not None:
        return
    yield Point("incident", tags, {"until": float(ended)}, incident.since)
    fields = {
        "began": float(incident.since),
        "ended": float(ended),
        "repair_s": max(0, ended - incident.since) / 1000,
    }
    if incident.acknowledged_at is not None:
        fields["ack_s"] = max(0, incident.acknowledged_at - incident.opened_at) / 1000
    yield Point("incident", tags, fields, ended)
