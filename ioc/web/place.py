"""What the page of one place shows: links, router, services, computers, checks, changes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from ioc.api.context import Context
from ioc.db import StateDatabaseError
from ioc.engine.model import AreaView, Transition
from ioc.i18n import render
from ioc.i18n import translate as _
from ioc.inventory.topology import Asset, AssetType, Site
from ioc.store.base import Series, SeriesQuery, StoreError
from ioc.web import wall
from ioc.web.availability import of_place
from ioc.web.sparkline import Samples, sparkline
from ioc.web.words import decimal, link_word, measured, state_word

log = logging.getLogger(__name__)

DAY = 86_400_000
STEP = 900_000  # ms: 96 points over a day
LATENCIES = ("rtt_ms", "total_ms", "query_ms", "connect_ms")  # the first that an asset has
CHANGES = 20
MEMBERS = 12  # assets of a place whose changes are looked up beside its own


def place(context: Context, area: AreaView, site: Site, lang: str) -> dict[str, Any]:
    """Everything of one place. Asks the store and the state database: blocking."""
    assets = area.topology.assets
    links = [assets[name] for name in site.links]
    devices = [assets[name] for name in site.devices]
    gear = [asset for asset in devices if asset.kind != "computer"]
    services = [assets[name] for name in site.services]
    charts = _charts(context, [*links, *gear, *services])
    groups = (
        (_("Lines", lang), links),
        (_("Network devices", lang), gear),
        (_("Services", lang), services),
    )
    return {
        "site": site,
        "cause": _name(area, area.sites[site.id].cause),
        "tile": wall.tiles(area, lang, {site.id})[0],
        "groups": [
            (title, [_card(context, area, asset, charts, lang) for asset in found])
            for title, found in groups
            if found
        ],
        "computers": [_computer(area, a, lang) for a in devices if a.kind == "computer"],
        "availability": _availability(context, site, lang),
        "history": _history(context, area, site, [*links, *gear, *services], lang),
    }


def _basics(area: AreaView, asset: Asset, lang: str) -> dict[str, Any]:
    view = area.assets[asset.id]
    word = link_word if asset.type is AssetType.LINK else state_word
    return {
        "name": asset.name,
        "address": asset.address or "",
        "state": view.state.value,
        "word": word(view.state, lang),
        "why": render(view.reason, lang) if view.reason else "",
        "since": view.since,
        "seen": view.seen_at,
    }


_computer = _basics


def _card(
    context: Context, area: AreaView, asset: Asset, charts: Mapping[str, Samples], lang: str
) -> dict[str, Any]:
    now = area.at
    samples = charts.get(asset.id, [])
    peak = f"{decimal(max(value for _, value in samples), lang)} ms" if samples else ""
    label = _("Latency of the last 24 hours, at most {peak}", lang, peak=peak)
    return {
        **_basics(area, asset, lang),
        "provider": asset.provider or "",
        "backup": asset.backup,
        "chart": sparkline(samples, now - DAY, now, STEP, label),
        "peak": peak,
        "checks": [_check(context, area, name, lang) for name in asset.checks],
    }


def _check(context: Context, area: AreaView, name: str, lang: str) -> dict[str, Any]:
    status = context.monitor.status(name)
    last = status.last
    return {
        "name": name.rpartition(".")[2],
        "state": status.state.value,
        "word": state_word(status.state, lang),
        "why": render(last.reason, lang) if last and last.reason else "",
        "measured": measured(last.values, lang) if last else "",
        "observed": last.observed_at if last else None,
        "interval": decimal(area.topology.checks[name].interval, lang),
    }


def _charts(context: Context, assets: Iterable[Asset]) -> dict[str, Samples]:
    """Latency of the last day by asset; nothing where the store cannot say."""
    wanted = {asset.id: asset for asset in assets if asset.checks}
    found: dict[str, Samples] = {}
    for field in LATENCIES if wanted else ():
        for series in _day(context, field, tuple(wanted)):
            tags = dict(series.tags)
            asset = wanted.get(tags["asset"])
            if asset is None or asset.id in found:
                continue
            if len(asset.checks) == 1 or tags.get("check") == asset.checks[0].rpartition(".")[2]:
                found[asset.id] = list(zip(series.times, series.values, strict=True))
    return found


def _day(context: Context, field: str, assets: tuple[str, ...]) -> list[Series]:
    now = context.clock.now()
    query = SeriesQuery("check", field, max(0, now - DAY), now + 1, {"asset": assets}, STEP)
    try:
        return context.store.read(query)
    except (StoreError, ValueError) as error:
        log.warning("no latency for a page: %s", error)
        return []


def _availability(context: Context, site: Site, lang: str) -> list[dict[str, Any]]:
    """Of the last thirty days; nothing where the database cannot say."""
    try:
        return of_place(context, site.id, lang)
    except StateDatabaseError as error:
        log.warning("no availability for a page: %s", error)
        return []


def _history(
    context: Context, area: AreaView, site: Site, members: list[Asset], lang: str
) -> list[dict[str, Any]] | None:
    """Newest changes of a place and what stands in it; None when the database cannot say."""
    wanted = [("site", site.id), *(("asset", asset.id) for asset in members[:MEMBERS])]
    try:
        found = [
            change
            for kind, name in wanted
            for change in context.database.transitions(kind=kind, id=name, limit=CHANGES)
        ]
    except StateDatabaseError as error:
        log.warning("no changes for a page: %s", error)
        return None
    found.sort(key=lambda change: -change.at)
    return [_change(area, change, lang) for change in found[:CHANGES]]


def _change(area: AreaView, change: Transition, lang: str) -> dict[str, Any]:
    return {
        "at": change.at,
        "name": _name(area, change.id),
        "before": state_word(change.before, lang),
        "after": state_word(change.after, lang),
        "state": change.after.value,
        "why": render(change.reason, lang) if change.reason else "",
    }


def _name(area: AreaView, id: str | None) -> str:
    """What people call a site or an asset; its id when it is no longer in the inventory."""
    if id is None:
        return ""
    named = area.topology.assets.get(id) or area.topology.sites.get(id)
    return named.name if named else id
