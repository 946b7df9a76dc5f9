"""What the API answers: response models, and their making from the engine's frozen values.

Times are ISO 8601 UTC with Z; what is absent is null, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, Field

from collectors.base import Check, Reason
from ioc.engine.model import AreaView, AssetView, CheckStatus, SiteView, State, Transition
from ioc.engine.problems import Problem
from ioc.i18n import render
from ioc.inventory.topology import Asset, AssetType, Site, Topology
from ioc.ledger.model import Coverage, TargetState


def iso(at: int | None) -> str | None:
    """ms UTC as `2026-02-02T02:40:00.000Z`."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Why(BaseModel):
    """A reason in the language asked for. key: the same in every language."""

    text: str
    key: str


def why(reason: Reason | None, lang: str) -> Why | None:
    return None if reason is None else Why(text=render(reason, lang), key=reason.text)


class AssetOut(BaseModel):
    id: str
    type: AssetType
    kind: str
    name: str
    site: str | None
    address: str | None
    provider: str | None
    backup: bool
    parents: list[str]
    state: State
    since: str
    cause: str | None = Field(description="asset whose failure explains this state")
    reason: Why | None
    observed_at: str | None = Field(description="newest result")
    seen_at: str | None = Field(description="newest success")
    values: dict[str, float]
    checks: list[str]


def asset_out(asset: Asset, view: AssetView, lang: str) -> AssetOut:
    return AssetOut(
        id=asset.id,
        type=asset.type,
        kind=asset.kind,
        name=asset.name,
        site=asset.site,
        address=asset.address,
        provider=asset.provider,
        backup=asset.backup,
        parents=list(asset.parents),
        state=view.state,
        since=iso(view.since) or "",
        cause=view.cause,
        reason=why(view.reason, lang),
        observed_at=iso(view.observed_at),
        seen_at=iso(view.seen_at),
        values=dict(view.values),
        checks=list(asset.checks),
    )


class ComputersOut(BaseModel):
    total: int
    expected: int = Field(description="should be on now by their calendars")
    up: int
    down: int
    off: int
    unreachable: int
    unknown: int


class LinkBrief(BaseModel):
    id: str
    kind: str
    name: str
    state: State


class SiteOut(BaseModel):
    id: str
    name: str
    kind: str
    code: str | None
    lat: float | None
    lon: float | None
    staff: int | None
    state: State
    since: str
    on_backup: bool
    dark: bool
    cause: str | None
    reason: Why | None
    observed_at: str | None
    links: list[LinkBrief]
    computers: ComputersOut


def site_out(topology: Topology, area: AreaView, site: Site, lang: str) -> SiteOut:
    view: SiteView = area.sites[site.id]
    return SiteOut(
        id=site.id,
        name=site.name,
        kind=site.kind,
        code=site.code,
        lat=site.lat,
        lon=site.lon,
        staff=site.staff,
        state=view.state,
        since=iso(view.since) or "",
        on_backup=view.on_backup,
        dark=view.dark,
        cause=view.cause,
        reason=why(view.reason, lang),
        observed_at=iso(view.observed_at),
        links=[_brief(topology.assets[link], area.assets[link]) for link in site.links],
        computers=ComputersOut(
            total=view.computers.total,
            expected=view.computers.expected,
            up=view.computers.up,
            down=view.computers.down,
            off=view.computers.off,
            unreachable=view.computers.unreachable,
            unknown=view.computers.unknown,
        ),
    )


def _brief(asset: Asset, view: AssetView) -> LinkBrief:
    return LinkBrief(id=asset.id, kind=asset.kind, name=asset.name, state=view.state)


class CheckOut(BaseModel):
    id: str
    asset: str
    site: str | None
    kind: str
    interval: float = Field(description="seconds")
    timeout: float = Field(description="seconds")
    fatal: bool
    state: State
    since: str
    observed_at: str | None
    ok_at: str | None
    reason: Why | None
    values: dict[str, float]
    details: dict[str, str]
    attempts: int | None


def check_out(check: Check, status: CheckStatus, lang: str) -> CheckOut:
    last = status.last
    return CheckOut(
        id=check.id,
        asset=check.asset,
        site=check.site,
        kind=check.kind,
        interval=check.interval,
        timeout=check.timeout,
        fatal=check.fatal,
        state=status.state,
        since=iso(status.since) or "",
        observed_at=iso(last.observed_at) if last else None,
        ok_at=iso(status.ok_at),
        reason=why(last.reason, lang) if last else None,
        values=dict(last.values) if last else {},
        details=dict(last.details) if last else {},
        attempts=last.attempts if last else None,
    )


class CoverageOut(BaseModel):
    """Coverage of a target. value, evidence: percent; null = nobody can say."""

    target: str
    name: str
    site: str | None
    numerator: int
    denominator: int | None
    known: int
    value: float | None
    evidence: float | None
    goal: float
    comparator: str
    state: TargetState
    rule: str
    source: str = "measured"
    as_of: str | None


def coverage_out(topology: Topology, reading: Coverage, lang: str) -> CoverageOut:
    target = topology.targets[reading.target]
    return CoverageOut(
        target=reading.target,
        name=target.name,
        site=reading.site,
        numerator=reading.numerator,
        denominator=reading.denominator,
        known=reading.known,
        value=reading.value,
        evidence=reading.evidence_value,
        goal=reading.goal,
        comparator=target.comparator,
        state=reading.state,
        rule=render(reading.rule, lang),
        as_of=iso(reading.as_of),
    )


class ProblemOut(BaseModel):
    """Something wrong with the monitor itself."""

    code: str
    text: str
    since: str


def problem_out(problem: Problem, lang: str) -> ProblemOut:
    return ProblemOut(
        code=problem.code, text=render(problem.reason, lang), since=iso(problem.since) or ""
    )


class TransitionOut(BaseModel):
    kind: str = Field(description="asset | site")
    id: str
    before: State
    after: State
    at: str
    cause: str | None
    reason: Why | None


def transition_out(change: Transition, lang: str) -> TransitionOut:
    return TransitionOut(
        kind=change.kind,
        id=change.id,
        before=change.before,
        after=change.after,
        at=iso(change.at) or "",
        cause=change.cause,
        reason=why(change.reason, lang),
    )


Counts = dict[State, int]


class Overview(BaseModel):
    """The area at one moment. Counts are by state."""

    area: str
    name: str
    at: str
    version: int
    started_at: str
    simulated: bool
    uplink_lost: bool
    sites: Counts
    links: dict[str, Counts]
    devices: dict[str, Counts]
    services: Counts
    computers: ComputersOut
    coverage: list[CoverageOut]
    problems: list[ProblemOut]


def count(states: Mapping[str, State]) -> Counts:
    found = dict.fromkeys(State, 0)
    for state in states.values():
        found[state] += 1
    return found
