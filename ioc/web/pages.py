"""The pages: the wall at `/`, one place at `/sites/{id}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import HTMLResponse

from ioc.api.context import Context
from ioc.engine.model import AreaView, Transition
from ioc.i18n import render as render_reason
from ioc.inventory.topology import Asset, Site
from ioc.store.base import SeriesQuery, StoreError
from ioc.web.render import page
from ioc.web.sparkline import sparkline
from ioc.web.wall import SIGNS, state_word, tiles, totals

Lang = Annotated[Literal["vi", "en"], Query()]
DAY = 86_400_000
STEP = 900_000  # ms: 96 points over a day


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @api.get("/")
    def wall(lang: Lang = "vi") -> str:
        area = context.monitor.view()
        return page(
            "wall.html",
            lang,
            area=area,
            simulated=context.simulated,
            tiles=tiles(area, lang),
            totals=totals(context, area, lang),
        )

    @api.get("/sites/{id}")
    def site(id: Annotated[str, Path(max_length=100)], lang: Lang = "vi") -> str:
        area = context.monitor.view()
        found = area.topology.sites.get(id)
        if found is None:
            raise HTTPException(404, f"no site {id}")
        return page("site.html", lang, **_site(context, area, found, lang))

    return api


def _site(context: Context, area: AreaView, site: Site, lang: str) -> dict[str, Any]:
    assets = area.topology.assets
    links = [_asset(context, area, assets[i], lang, chart=True) for i in site.links]
    devices = [assets[i] for i in site.devices]
    gear = [_asset(context, area, a, lang, chart=True) for a in devices if a.kind != "computer"]
    computers = [_asset(context, area, a, lang) for a in devices if a.kind == "computer"]
    services = [_asset(context, area, assets[i], lang, chart=True) for i in site.services]
    return {
        "area": area,
        "simulated": context.simulated,
        "site": site,
        "tile": tiles(area, lang, {site.id})[0],
        "groups": [group for group in (links, gear, services) if group],
        "computers": computers,
        "history": [_change(area, change, lang) for change in _history(context, site)],
    }


def _asset(
    context: Context, area: AreaView, asset: Asset, lang: str, chart: bool = False
) -> dict[str, Any]:
    view = area.assets[asset.id]
    return {
        "id": asset.id,
        "name": asset.name,
        "address": asset.address or "",
        "provider": asset.provider or "",
        "state": view.state.value,
        "sign": SIGNS[view.state],
        "word": state_word(view.state, lang),
        "why": render_reason(view.reason, lang) if view.reason else "",
        "since": view.since,
        "observed": view.observed_at,
        "seen": view.seen_at,
        "rtt": view.values.get("rtt_ms") or view.values.get("connect_ms"),
        "chart": _chart(context, asset) if chart else "",
    }


def _chart(context: Context, asset: Asset) -> str:
    """Latency of the last day as SVG; empty when the store cannot say."""
    now = context.clock.now()
    check = asset.checks[0] if asset.checks else ""
    field = "rtt_ms" if check.endswith("icmp") else "connect_ms"
    query = SeriesQuery("check", field, now - DAY, now + 1, {"asset": (asset.id,)}, STEP)
    try:
        found = context.store.read(query)
    except (StoreError, ValueError):
        return ""
    if not found:
        return ""
    samples = list(zip(found[0].times, found[0].values, strict=True))
    return sparkline(samples, now - DAY, now, STEP)


def _history(context: Context, site: Site) -> Sequence[Transition]:
    own = context.database.transitions(kind="site", id=site.id, limit=20)
    members = [*site.links, *(d for d in site.devices if ".pc-" not in d)]
    for member in members[:10]:
        own += context.database.transitions(kind="asset", id=member, limit=10)
    return sorted(own, key=lambda change: -change.at)[:20]


def _change(area: AreaView, change: Transition, lang: str) -> dict[str, Any]:
    asset = area.topology.assets.get(change.id)
    place = area.topology.sites.get(change.id)
    return {
        "at": change.at,
        "name": asset.name if asset else place.name if place else change.id,
        "before": state_word(change.before, lang),
        "after": state_word(change.after, lang),
        "state": change.after.value,
        "sign": SIGNS[change.after],
        "why": render_reason(change.reason, lang) if change.reason else "",
    }
