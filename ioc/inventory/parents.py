"""What every asset is reached through: the user's word, else the rules of topology.Asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from ioc.i18n import translate as _
from ioc.inventory.checks import Places
from ioc.inventory.document import Path_
from ioc.inventory.topology import Asset, AssetType, Site
from ioc.inventory.words import did_you_mean


@dataclass(frozen=True, slots=True)
class Named:
    """The parent a user names, and where."""

    parent: str
    path: Path_


def resolve(
    assets: Mapping[str, Asset],
    sites: Mapping[str, Site],
    named: Mapping[str, Named],
    monitor_site: str | None,
    places: Places,
) -> dict[str, Asset]:
    """The assets with their parents. Unknown parents and circles are told to `places`."""
    rules = _Rules(assets, sites, monitor_site)
    found: dict[str, tuple[str, ...]] = {}
    for asset in assets.values():
        wish = named.get(asset.id)
        chosen = None if wish is None else _named(asset, wish, assets, places)
        found[asset.id] = rules.parents(asset) if chosen is None else chosen
    _refuse_circles(found, named, places)
    return {name: replace(asset, parents=found[name]) for name, asset in assets.items()}


def no_such(name: str, known: Iterable[str]) -> str:
    """That a reference leads nowhere, with the most similar name there is."""
    close = did_you_mean(name, known)
    if close:
        return _("{name} does not exist; did you mean {close}?", name=name, close=close)
    return _("{name} does not exist", name=name)


def _named(
    asset: Asset, wish: Named, assets: Mapping[str, Asset], places: Places
) -> tuple[str, ...] | None:
    """A parent is looked for in the asset's own site first."""
    for candidate in (f"{asset.site}.{wish.parent}", wish.parent):
        if candidate in assets:
            return (candidate,)
    if not places.hides(wish.parent):
        near = [a.id for a in assets.values() if a.site == asset.site]
        local = [name.partition(".")[2] for name in near]
        places.wrong(wish.path, no_such(wish.parent, [*local, *near]))
    return None


class _Rules:
    """The parents of what the user names none for."""

    def __init__(
        self, assets: Mapping[str, Asset], sites: Mapping[str, Site], monitor_site: str | None
    ) -> None:
        self._sites = sites
        self._monitor_site = monitor_site
        self._sentinels = tuple(a.id for a in assets.values() if a.type is AssetType.SENTINEL)
        self._routers = {
            site.id: next((d for d in site.devices if assets[d].kind == "router"), None)
            for site in sites.values()
        }

    def parents(self, asset: Asset) -> tuple[str, ...]:
        if asset.type is AssetType.SENTINEL:
            return ()
        if asset.site is None:
            return self._sentinels
        router = self._routers[asset.site]
        if asset.site == self._monitor_site:
            behind = router is not None and asset.type is not AssetType.DEVICE
            return (router,) if router and behind else ()
        if asset.type is AssetType.LINK:
            return self._sentinels
        if router is not None and asset.kind != "router":
            return (router,)
        return self._sites[asset.site].links or self._sentinels


def _refuse_circles(
    parents: Mapping[str, tuple[str, ...]], named: Mapping[str, Named], places: Places
) -> None:
    """Tell of each circle at a parent that the user named (the rules alone make none)."""
    graph = dict(parents)
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            at = min((a for a in circle if a in named), key=lambda a: named[a].path[1:])
            shown = " → ".join(circle)
            places.wrong(named[at].path, _("parents in a circle: {circle}", circle=shown))
            graph[at] = ()
        else:
            return
