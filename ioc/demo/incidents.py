"""Incidents that never were: one for each fault of the past, with the timeline people leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from ioc.demo.scenario import MINUTE, SECOND, Fault
from ioc.engine.incident import Event, Incident, Step
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import AssetType, Severity, Topology

NOTICED_AFTER = 20 * SECOND  # tries, parents and the word that is waited for
OVER_AFTER = 60 * SECOND  # of working again
SHORTEST = 2 * MINUTE
PEOPLE = ("Hoàng Văn Bình", "Nông Thị Hoa", "Lý Văn Tuấn")
CAUSES = {
    Kind.ON_BACKUP: ("Đứt cáp quang do sạt lở", "Nhà mạng bảo trì tuyến cáp", "Xe vướng cáp treo"),
    Kind.SITE_DARK: ("Mất điện lưới khu vực", "Nhảy áp-tô-mát tủ mạng"),
    Kind.LINK_DOWN: ("Trạm phát sóng mất điện", "SIM hết dung lượng"),
    Kind.SERVICE_DOWN: ("Máy chủ của tỉnh khởi động lại", "Quá tải giờ cao điểm"),
}
Story = tuple[list[Incident], list[Event]]


def incidents_of(topology: Topology, faults: Iterable[Fault], started: int) -> Story:
    """Incidents and their events, numbered from 1 in order of time. started: ms UTC, when the demo
    begins: what is not over by then is left to the program itself."""
    incidents: list[Incident] = []
    events: list[Event] = []
    over = [f for f in faults if f.end + OVER_AFTER < started and f.end - f.start >= SHORTEST]
    for number, fault in enumerate(sorted(over, key=lambda f: f.start), start=1):
        incident = _incident(topology, fault, number)
        incidents.append(incident)
        events += _events(incident)
    return incidents, events


def _incident(topology: Topology, fault: Fault, number: int) -> Incident:
    random = Random(f"incident|{fault.start}")  # noqa: S311 - a story, not a secret
    kind, severity, subject, site = _what(topology, fault)
    opened = fault.start + NOTICED_AFTER
    taken = opened + random.randint(2, 25) * MINUTE
    ended = fault.end + OVER_AFTER
    known = taken < ended and random.random() < 0.8
    who = random.choice(PEOPLE)
    works = topology.sites[site].links if site and kind is not Kind.SITE_DARK else ()
    return Incident(
        id=number,
        key=f"site:{site}" if site else f"service:{subject}",
        kind=kind,
        severity=severity,
        subject=subject,
        site=site,
        since=fault.start,
        opened_at=opened,
        affected=tuple(sorted(fault.assets)),
        works=tuple(link for link in works if link not in fault.assets),
        told_at=opened,
        told_kind=kind,
        told_severity=severity,
        resolved_at=ended,
        acknowledged_at=taken if known else None,
        acknowledged_by=who if known else None,
        cause=random.choice(CAUSES[kind]) if known else None,
    )


def _what(topology: Topology, fault: Fault) -> tuple[Kind, Severity, str, str | None]:
    """Kind, severity, subject and site, as the engine would have judged."""
    some = [topology.assets[name] for name in sorted(fault.assets)]
    links = [asset for asset in some if asset.type is AssetType.LINK]
    if not links:
        return Kind.SERVICE_DOWN, Severity.CRITICAL, some[0].id, some[0].site
    site = links[0].site
    assert site is not None
    if set(topology.sites[site].links) <= fault.assets:
        return Kind.SITE_DARK, Severity.CRITICAL, site, site
    if links[0].backup:
        return Kind.LINK_DOWN, Severity.WARNING, links[0].id, site
    return Kind.ON_BACKUP, Severity.CRITICAL, links[0].id, site


def _events(incident: Incident) -> Iterator[Event]:
    assert incident.resolved_at is not None
    steps: list[tuple[int, Step, str | None, str]] = [(incident.opened_at, Step.OPENED, None, "")]
    if incident.acknowledged_at is not None:
        who = incident.acknowledged_by
        steps.append((incident.acknowledged_at, Step.ACKNOWLEDGED, who, ""))
        steps.append((incident.resolved_at - SECOND, Step.CAUSE, who, incident.cause or ""))
    steps.append((incident.resolved_at, Step.RESOLVED, None, ""))
    for number, (at, step, who, text) in enumerate(steps, start=1):
        yield Event(
            incident.id, number, at, step, who, text,
            incident.kind, incident.severity, len(incident.affected),
        )  # fmt: skip
