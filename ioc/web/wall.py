"""What the wall shows, as plain values: the same for the first page and for live changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ioc.api.context import Context
from ioc.api.figures import rule_text, target_name
from ioc.api.read import area_coverage, target_counts
from ioc.engine.model import AreaView, AssetView, ComputerCounts, SiteView, State
from ioc.i18n import render
from ioc.i18n import translate as _
from ioc.inventory.topology import Asset, AssetType, Site
from ioc.ledger.model import Coverage
from ioc.ledger.places import COMMUNES
from ioc.web.words import (
    link_label,
    link_word,
    percent,
    site_word,
    source_word,
    state_word,
    target_word,
)

MANY = 40  # tiles that a wall shows at once; with more, what is wrong is listed above them
LISTED = 18
WORST_FIRST = (State.DOWN, State.DEGRADED, State.UNREACHABLE, State.UNKNOWN)
# Design, section 5, rule 4: computers are told of per site, from this share of the expected on.
MISSING_SHARE = 0.4


def tiles(area: AreaView, lang: str, only: Collection[str] | None = None) -> list[dict[str, Any]]:
    """One tile for each place, in the inventory's order: a leader finds a commune by its spot."""
    return [
        _tile(area, site, area.sites[site.id], lang)
        for site in area.topology.sites.values()
        if only is None or site.id in only
    ]


def totals(context: Context, area: AreaView, lang: str) -> dict[str, Any]:
    """The area's totals, coverage, services and problems."""
    communes = [
        area.sites[site.id].state for site in area.topology.sites.values() if site.kind in COMMUNES
    ]
    services = _assets(area, AssetType.SERVICE)
    return {
        "headline": headline(area, lang),
        "communes": _parts(communes),
        "fiber": _parts(_links(area, "fiber")),
        "4g": _parts(_links(area, "4g")),
        "computers": _all_computers(view.computers for view in area.sites.values()),
        "count_services": _parts([view.state for _asset, view in services]),
        "services": [_service(asset, view, lang) for asset, view in services],
        "coverage": [coverage(area, reading, lang) for reading in area_coverage(context, area)],
        "targets": _targets(context, lang),
        "problems": [render(problem.reason, lang) for problem in context.problems.present()],
        "attention": attention(area, lang),
    }


def observed(area: AreaView) -> int | None:
    """Newest result of anything, ms UTC."""
    seen = (view.observed_at for view in area.assets.values())
    return max((at for at in seen if at is not None), default=None)


def headline(area: AreaView, lang: str) -> dict[str, str]:
    """All places in one sentence. mood: good | warn | bad | gone | unknown."""
    if area.uplink_lost:
        text = _("The monitor itself is cut off: nobody can say how the places are", lang)
        return {"text": text, "mood": "unknown"}
    views = list(area.sites.values())
    count = _parts([view.state for view in views])
    if count["unknown"] == count["total"]:
        return {"text": _("No data yet", lang), "mood": "unknown"}
    if count["up"] == count["total"]:
        return {"text": _("All {n} places normal", lang, n=count["total"]), "mood": "good"}
    backup = sum(view.on_backup for view in views)
    said = [
        _("{n} out", lang, n=count["down"]) if count["down"] else "",
        _("{n} on backup link", lang, n=backup) if backup else "",
        _("{n} degraded", lang, n=count["degraded"] - backup) if count["degraded"] > backup else "",
        _("{n} not reachable", lang, n=count["unreachable"]) if count["unreachable"] else "",
        _("{n} without data", lang, n=count["unknown"]) if count["unknown"] else "",
        _("{n} normal", lang, n=count["up"]) if count["up"] else "",
    ]
    moods = {"down": "bad", "degraded": "warn", "unreachable": "gone", "unknown": "unknown"}
    mood = next(mood for state, mood in moods.items() if count[state])
    return {"text": " · ".join(text for text in said if text), "mood": mood}


def attention(area: AreaView, lang: str) -> dict[str, Any]:
    """Where there are too many tiles to see at once: the places that are not normal, worst first.

    more: how many do not stand in the list.
    """
    if len(area.sites) <= MANY:
        return {"tiles": [], "more": 0}
    wrong = [view for view in area.sites.values() if view.state in WORST_FIRST]
    wrong.sort(key=lambda view: (WORST_FIRST.index(view.state), view.since))
    shown = [_tile(area, area.topology.sites[v.id], v, lang) for v in wrong[:LISTED]]
    return {"tiles": shown, "more": len(wrong) - len(shown)}


def coverage(area: AreaView, reading: Coverage, lang: str) -> dict[str, Any]:
    """A coverage figure with everything that must stand beside it."""
    target = area.topology.targets[reading.target]
    whole = "–" if reading.denominator is None else reading.denominator
    mark_ = ">" if target.comparator == ">" else "≥"
    return {
        "id": reading.target,
        "name": target_name(target, lang),
        "value": percent(reading.value, lang),
        "width": round(reading.value or 0, 1),
        "goal": None if reading.goal is None else round(reading.goal, 1),
        "goal_text": "" if reading.goal is None else f"{mark_} {percent(reading.goal, lang)}",
        "source": source_word(reading.source, lang),
        "count": f"{'–' if reading.value is None else reading.numerator}/{whole}",
        "evidence": percent(reading.evidence_value, lang),
        "state": reading.state.value,
        "word": target_word(reading.state, lang),
        "rule": rule_text(target, reading.rule, lang),
        "as_of": reading.as_of,
    }


def _targets(context: Context, lang: str) -> list[dict[str, Any]]:
    """How many targets are in each state, states without any left out."""
    return [
        {"state": state.value, "count": count, "word": target_word(state, lang)}
        for state, count in target_counts(context).items()
        if count
    ]


def computers_text(counts: ComputerCounts) -> str:
    """How many are on of all; a dash while nobody can say."""
    if not counts.total:
        return "–"
    unknown = counts.unknown + counts.unreachable
    return f"{'–' if unknown == counts.total else counts.up}/{counts.total}"


def _tile(area: AreaView, site: Site, view: SiteView, lang: str) -> dict[str, Any]:
    computers = view.computers
    missing = computers.expected and computers.down >= MISSING_SHARE * computers.expected
    links = [(area.topology.assets[link], area.assets[link]) for link in site.links]
    return {
        "id": site.id,
        "name": site.name,
        "state": view.state.value,
        "word": site_word(view, lang),
        "why": render(view.reason, lang) if view.reason else "",
        "since": view.since,
        "aged": view.oldest_at or view.observed_at,
        "links": [_link(asset, found, lang) for asset, found in links],
        "computers": computers_text(computers) if computers.total else "",
        "off_hours": bool(computers.total and not computers.expected),
        "missing": computers.down if missing else 0,
    }


def _link(asset: Asset, view: AssetView, lang: str) -> dict[str, str]:
    return {
        "label": link_label(asset.kind, lang),
        "state": view.state.value,
        "word": link_word(view.state, lang),
    }


def _assets(area: AreaView, of: AssetType) -> list[tuple[Asset, AssetView]]:
    found = area.topology.assets.values()
    return [(asset, area.assets[asset.id]) for asset in found if asset.type is of]


def _links(area: AreaView, kind: str) -> list[State]:
    return [view.state for asset, view in _assets(area, AssetType.LINK) if asset.kind == kind]


def _parts(states: list[State]) -> dict[str, int]:
    return {
        "total": len(states),
        "up": states.count(State.UP),
        "degraded": states.count(State.DEGRADED),
        "down": states.count(State.DOWN),
        "unreachable": states.count(State.UNREACHABLE),
        "unknown": sum(states.count(s) for s in (State.UNKNOWN, State.MAINTENANCE, State.OFF)),
    }


def _all_computers(counts: Iterable[ComputerCounts]) -> dict[str, int]:
    found = list(counts)
    return {
        "up": sum(c.up for c in found),
        "expected": sum(c.expected for c in found),
        "down": sum(c.down for c in found),
        "total": sum(c.total for c in found),
        "known": sum(c.total - c.unknown - c.unreachable for c in found),
    }


def _service(asset: Asset, view: AssetView, lang: str) -> dict[str, str]:
    return {
        "name": asset.name,
        "state": view.state.value,
        "word": state_word(view.state, lang),
        "why": render(view.reason, lang) if view.reason else "",
    }
