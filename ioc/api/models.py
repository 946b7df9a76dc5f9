"""Sites, assets, checks and their changes, as the API answers them.

Times are ISO 8601 UTC with Z; what is absent is null, never 0.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from collectors.base import Check
from ioc.api.figures import (
    ComputersOut,
    ProblemOut,
    Time,
    Why,
    computers_out,
    iso,
    iso_or_null,
    why,
)
from ioc.engine.model import AreaView, AssetView, CheckStatus, State, Transition
from ioc.inventory.topology import Asset, AssetType, Site, Topology

Values = Annotated[
    dict[str, float],
    Field(description="Newest values, units in the names", examples=[{"rtt_ms": 12.4}]),
]
Cause = Annotated[
    str | None, Field(description="The asset whose failure explains this", examples=[None])
]
Next = Annotated[str | None, Field(description="`cursor` of the next page; null: the last one")]


class AssetOut(BaseModel):
    """A device, link, service or sentinel with what is known of it."""

    id: Annotated[str, Field(examples=["yen-thinh.fiber"])]
    type: AssetType
    kind: Annotated[str, Field(examples=["fiber"])]
    name: Annotated[str, Field(examples=["Cáp quang"])]
    site: Annotated[str | None, Field(examples=["yen-thinh"])]
    address: Annotated[str | None, Field(examples=["127.20.9.1"])]
    provider: Annotated[str | None, Field(examples=["VNPT"])]
    backup: Annotated[bool, Field(description="A link used when no other works")]
    parents: Annotated[list[str], Field(description="Reached through any of these")]
    state: State
    since: Time
    cause: Cause
    reason: Why | None
    observed_at: Annotated[str | None, Field(description="Newest result")]
    seen_at: Annotated[str | None, Field(description="Newest success")]
    values: Values
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
        since=iso(view.since),
        cause=view.cause,
        reason=why(view.reason, lang),
        observed_at=iso_or_null(view.observed_at),
        seen_at=iso_or_null(view.seen_at),
        values=dict(view.values),
        checks=list(asset.checks),
    )


class LinkBrief(BaseModel):
    """A link, as a site shows it."""

    id: str
    kind: str
    name: str
    state: State


class SiteOut(BaseModel):
    """A place with its state, links and computers."""

    id: Annotated[str, Field(examples=["yen-thinh"])]
    name: Annotated[str, Field(examples=["Xã Yên Thịnh"])]
    kind: Annotated[str, Field(examples=["commune"])]
    code: Annotated[str | None, Field(description="Administrative code", examples=["02044"])]
    lat: Annotated[float | None, Field(examples=[22.2161])]
    lon: Annotated[float | None, Field(examples=[105.4654])]
    staff: Annotated[int | None, Field(description="Head count; null: not declared")]
    state: State
    since: Time
    on_backup: Annotated[bool, Field(description="Reached over a backup link only")]
    dark: Annotated[bool, Field(description="All silent at once: power cut suspected")]
    cause: Cause
    reason: Why | None
    observed_at: Annotated[str | None, Field(description="Newest result of anything there")]
    links: list[LinkBrief]
    computers: ComputersOut


def site_out(topology: Topology, area: AreaView, site: Site, lang: str) -> SiteOut:
    view = area.sites[site.id]
    return SiteOut(
        id=site.id,
        name=site.name,
        kind=site.kind,
        code=site.code,
        lat=site.lat,
        lon=site.lon,
        staff=site.staff,
        state=view.state,
        since=iso(view.since),
        on_backup=view.on_backup,
        dark=view.dark,
        cause=view.cause,
        reason=why(view.reason, lang),
        observed_at=iso_or_null(view.observed_at),
        links=[_brief(topology.assets[link], area.assets[link]) for link in site.links],
        computers=computers_out([view.computers]),
    )


def _brief(asset: Asset, view: AssetView) -> LinkBrief:
    return LinkBrief(id=asset.id, kind=asset.kind, name=asset.name, state=view.state)


class CheckOut(BaseModel):
    """How an asset is measured, with the newest result."""

    id: Annotated[str, Field(examples=["yen-thinh.fiber.icmp"])]
    asset: Annotated[str, Field(examples=["yen-thinh.fiber"])]
    site: str | None
    kind: Annotated[str, Field(examples=["icmp"])]
    interval: Annotated[float, Field(description="s", examples=[10.0])]
    timeout: Annotated[float, Field(description="s", examples=[1.0])]
    fatal: Annotated[bool, Field(description="Its failure means that the asset is down")]
    state: State
    since: Time
    observed_at: Annotated[str | None, Field(description="Newest result")]
    ok_at: Annotated[str | None, Field(description="Newest success")]
    reason: Why | None
    values: Values
    details: Annotated[dict[str, str], Field(description="Short texts for people")]
    attempts: Annotated[int | None, Field(description="Measurements behind the newest result")]


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
        since=iso(status.since),
        observed_at=iso(last.observed_at) if last else None,
        ok_at=iso_or_null(status.ok_at),
        reason=why(last.reason, lang) if last else None,
        values=dict(last.values) if last else {},
        details=dict(last.details) if last else {},
        attempts=last.attempts if last else None,
    )


class TransitionOut(BaseModel):
    """A change of state of an asset or a site."""

    kind: Literal["asset", "site"]
    id: Annotated[str, Field(examples=["yen-thinh.fiber"])]
    before: State
    after: State
    at: Time
    cause: Cause
    reason: Why | None


def transition_out(change: Transition, lang: str) -> TransitionOut:
    return TransitionOut(
        kind="site" if change.kind == "site" else "asset",
        id=change.id,
        before=change.before,
        after=change.after,
        at=iso(change.at),
        cause=change.cause,
        reason=why(change.reason, lang),
    )


class SitePage(BaseModel):
    """Sites in order of id."""

    items: list[SiteOut]
    next: Next


class AssetPage(BaseModel):
    """Assets in order of id."""

    items: list[AssetOut]
    next: Next


class CheckPage(BaseModel):
    """Checks in order of id."""

    items: list[CheckOut]
    next: Next


class TransitionPage(BaseModel):
    """Changes, newest first. The next page: `until` the last one's time."""

    items: list[TransitionOut]


class ProblemPage(BaseModel):
    """All present problems of the monitor."""

    items: list[ProblemOut]
