"""What the wall shows, as plain values: the same for the first page and for live changes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ioc.api.context import Context
from ioc.engine.model import AreaView, AssetView, SiteView, State
from ioc.i18n import mark, render
from ioc.i18n import translate as _
from ioc.inventory.topology import AssetType, Site
from ioc.ledger.measures import COMMUNES
from ioc.ledger.model import Coverage, TargetState

# Colour is never alone: each state has a sign and a word.
SIGNS = {
    State.UP: "●",
    State.DEGRADED: "▲",
    State.DOWN: "✕",
    State.UNREACHABLE: "◌",
    State.OFF: "○",
    State.MAINTENANCE: "◆",
    State.UNKNOWN: "?",
}
LINK_LABELS = {
    "fiber": mark("Fiber"),
    "4g": mark("4G"),
    "leased": mark("Leased line"),
    "satellite": mark("Satellite"),
}


def state_word(state: State, lang: str) -> str:
    words = {
        State.UP: _("normal", lang),
        State.DEGRADED: _("degraded", lang),
        State.DOWN: _("outage", lang),
        State.UNREACHABLE: _("not reachable", lang),
        State.OFF: _("switched off", lang),
        State.MAINTENANCE: _("maintenance", lang),
        State.UNKNOWN: _("unknown", lang),
    }
    return words[state]


def tiles(area: AreaView, lang: str, only: Collection[str] | None = None) -> list[dict[str, Any]]:
    """One tile for each place, in the inventory's order."""
    return [
        _tile(area, site, area.sites[site.id], lang)
        for site in area.topology.sites.values()
        if site.id in area.sites and (only is None or site.id in only)
    ]


def totals(context: Context, area: AreaView, lang: str) -> dict[str, Any]:
    """The area's totals, coverage, services and problems."""
    communes = [
        area.sites[site.id].state
        for site in area.topology.sites.values()
        if site.kind in COMMUNES and site.id in area.sites
    ]
    computers = [view.computers for view in area.sites.values()]
    return {
        "communes": _parts(communes),
        "fiber": _parts(_links(area, "fiber")),
        "4g": _parts(_links(area, "4g")),
        "computers": {
            "up": sum(c.up for c in computers),
            "expected": sum(c.expected for c in computers),
            "total": sum(c.total for c in computers),
            "known": sum(c.total - c.unknown for c in computers),
        },
        "services": [
            _service(asset.name, area.assets[asset.id], lang)
            for asset in area.topology.assets.values()
            if asset.type is AssetType.SERVICE
        ],
        "coverage": [
            coverage(context, area, reading, lang)
            for reading in context.coverage()
            if reading.site is None and reading.target in area.topology.targets
        ],
        "problems": [render(problem.reason, lang) for problem in context.problems.present()],
        "observed": max(
            (v.observed_at for v in area.assets.values() if v.observed_at), default=None
        ),
    }


def coverage(context: Context, area: AreaView, reading: Coverage, lang: str) -> dict[str, Any]:
    """A coverage figure with everything that must stand beside it."""
    target = area.topology.targets[reading.target]
    words = {
        TargetState.MET: _("goal reached", lang),
        TargetState.PARTLY: _("goal not reached", lang),
        TargetState.NOT_MET: _("goal not reached", lang),
        TargetState.UNKNOWN: _("not enough evidence", lang),
    }
    return {
        "id": reading.target,
        "name": target.name,
        "value": percent(reading.value, lang),
        "width": round(reading.value or 0, 1),
        "goal": round(reading.goal, 1),
        "goal_text": f"{'>' if target.comparator == '>' else '≥'} {percent(reading.goal, lang)}",
        "count": f"{reading.numerator}/{reading.denominator}",
        "evidence": percent(reading.evidence_value, lang),
        "state": reading.state.value,
        "word": words[reading.state],
        "rule": render(reading.rule, lang),
        "as_of": reading.as_of,
    }


def percent(value: float | None, lang: str) -> str:
    """One decimal where it is not whole, never rounded up to 100 %; a dash for unknown."""
    if value is None:
        return "–"
    shown = int(value * 10 + 1e-9) / 10
    text = f"{shown:.0f}" if shown == int(shown) else f"{shown:.1f}"
    return f"{text.replace('.', ',') if lang == 'vi' else text} %"


def _tile(area: AreaView, site: Site, view: SiteView, lang: str) -> dict[str, Any]:
    computers = view.computers
    return {
        "id": site.id,
        "name": site.name,
        "state": view.state.value,
        "sign": SIGNS[view.state],
        "word": _site_word(view, lang),
        "why": render(view.reason, lang) if view.reason else "",
        "since": view.since,
        "observed": view.observed_at,
        "links": [
            {
                "label": _(LINK_LABELS[area.topology.assets[link].kind], lang),
                "state": area.assets[link].state.value,
                "sign": SIGNS[area.assets[link].state],
                "word": state_word(area.assets[link].state, lang),
            }
            for link in site.links
        ],
        "computers": {
            "label": _("Computers", lang),
            "text": _computers(computers.up, computers.total, computers.unknown),
            "note": _("off hours", lang) if computers.total and not computers.expected else "",
            "down": computers.down,
        },
    }


def _computers(up: int, total: int, unknown: int) -> str:
    if not total:
        return "–"
    return f"–/{total}" if unknown == total else f"{up}/{total}"


def _site_word(view: SiteView, lang: str) -> str:
    if view.dark:
        return _("dark, power cut suspected", lang)
    if view.on_backup:
        return _("on backup link", lang)
    return state_word(view.state, lang)


def _links(area: AreaView, kind: str) -> list[State]:
    return [
        area.assets[asset.id].state
        for asset in area.topology.assets.values()
        if asset.type is AssetType.LINK and asset.kind == kind
    ]


def _parts(states: list[State]) -> dict[str, int]:
    return {
        "total": len(states),
        "up": states.count(State.UP),
        "degraded": states.count(State.DEGRADED),
        "down": states.count(State.DOWN),
        "unreachable": states.count(State.UNREACHABLE),
        "unknown": states.count(State.UNKNOWN) + states.count(State.MAINTENANCE),
    }


def _service(name: str, view: AssetView, lang: str) -> dict[str, str]:
    return {
        "name": name,
        "state": view.state.value,
        "sign": SIGNS[view.state],
        "word": state_word(view.state, lang),
        "why": render(view.reason, lang) if view.reason else "",
    }
