"""The words of incidents: the incident, its steps, its timeline. Frozen values only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from collectors.base import Reason
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Severity


class Step(StrEnum):
    """What happened in an incident. The first group is told to people."""

    OPENED = "opened"
    WORSENED = "worsened"
    EASED = "eased"
    UNSTABLE = "unstable"
    STABLE = "stable"
    RESOLVED = "resolved"
    ESCALATED = "escalated"

    NOTICED = "noticed"  # opened, and not told yet
    WIDENED = "widened"
    MERGED = "merged"
    SPLIT = "split"
    RETURNED = "returned"  # opened again
    PAUSED = "paused"  # gone for the moment, not yet over
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    CAUSE = "cause"


@dataclass(frozen=True, slots=True)
class Incident:
    """One root cause, as it stands. Times in ms UTC; None = not (yet).

    since: when the trouble began; opened_at: when it was noticed. kind, severity, subject, reason,
    affected, works: of the newest condition. told_at: when people were to hear of it, or of its
    getting worse; told_kind, told_severity: what they last heard. unstable: it comes and goes;
    unstable_told: people know. quiet_since: its cause is gone since. merged_into: the wider
    incident that holds it. planned: the maintenance window it falls into. waiting: there is
    something to tell at the next working hour. cause: what people found it to be. told: recipients
    that heard of it. escalated: channels told because nobody acknowledged.
    """

    id: int
    key: str
    kind: Kind
    severity: Severity
    subject: str
    site: str | None
    since: int
    opened_at: int
    reason: Reason | None = None
    affected: tuple[str, ...] = ()
    works: tuple[str, ...] = ()
    told_at: int | None = None
    told_kind: Kind | None = None
    told_severity: Severity | None = None
    unstable: bool = False
    unstable_told: bool = False
    quiet_since: int | None = None
    resolved_at: int | None = None
    merged_into: int | None = None
    planned: int | None = None
    waiting: bool = False
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    assigned_to: str | None = None
    cause: str | None = None
    told: tuple[str, ...] = ()
    escalated: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        return self.resolved_at is None


@dataclass(frozen=True, slots=True)
class Event:
    """One step of an incident's timeline. number: from 1, in order. author: None = the monitor."""

    incident: int
    number: int
    at: int
    step: Step
    author: str | None = None
    text: str = ""
    kind: Kind | None = None
    severity: Severity | None = None
    count: int = 0  # assets affected


Note = tuple[Incident, Event | None]

# Kinds from least to worst, for incidents that change kind without changing severity.
GRAVITY = {
    kind: number
    for number, kind in enumerate(
        (
            Kind.QUALITY,
            Kind.LINK_DOWN,
            Kind.SERVICE_FROM_SITE,
            Kind.ON_BACKUP,
            Kind.SITE_DOWN,
            Kind.SERVICE_DOWN,
            Kind.SITE_DARK,
        )
    )
}


def gravity(kind: Kind, severity: Severity) -> tuple[int, int]:
    """For comparing how bad two states of one incident are."""
    return severity.rank, GRAVITY.get(kind, 0)


def open_counts(incidents: Iterable[Incident]) -> dict[str, float]:
    """How many are open, by severity."""
    counts = {severity.value: 0.0 for severity in Severity}
    for incident in incidents:
        counts[incident.severity.value] += 1
    return counts
