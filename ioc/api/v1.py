"""The API below /api/v1: lists, single things, history.

Every question runs in a thread and makes its JSON there: a list of 1,000 rows never holds up
the event loop. A view of the area is frozen, so that reading it from a thread is safe.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import Response

from ioc.api import read, series
from ioc.api.context import Context
from ioc.api.errors import known_parameters, responses
from ioc.api.figures import Overview, problem_out
from ioc.api.models import (
    AssetOut,
    AssetPage,
    CheckOut,
    CheckPage,
    ProblemPage,
    SiteOut,
    SitePage,
    TransitionPage,
    asset_out,
    check_out,
    site_out,
    transition_out,
)
from ioc.api.params import (
    Cursor,
    Id,
    Lang,
    Limit,
    Moment,
    Search,
    Text,
    about,
    answer,
    moment,
    page,
)
from ioc.engine.model import State
from ioc.inventory.topology import AssetType

OfState = Annotated[State | None, Query(description="Only what is in this state")]
LISTS = (
    ("devices", "device", AssetType.DEVICE),
    ("links", "link", AssetType.LINK),
    ("services", "service", AssetType.SERVICE),
    ("sentinels", "sentinel", AssetType.SENTINEL),
)


def router(context: Context) -> APIRouter:
    """All routes, bound to the running program."""
    api = APIRouter(
        prefix="/api/v1", responses=responses(422), dependencies=[Depends(known_parameters)]
    )
    _area(api, context)
    _history(api, context)
    _sites(api, context)
    for many, one, of in LISTS:
        _assets(api, context, many, one, of)
    _checks(api, context)
    series.add(api, context)
    return api


def _area(api: APIRouter, context: Context) -> None:
    @api.get(
        "/overview", summary="Totals, coverage, problems of the monitor", response_model=Overview
    )
    def overview(lang: Lang = "vi") -> Response:
        return answer(read.overview(context, context.monitor.view(), lang))

    @api.get(
        "/problems", summary="What is wrong with the monitor itself", response_model=ProblemPage
    )
    def problems(lang: Lang = "vi") -> Response:
        found = context.problems.present()
        return answer(ProblemPage(items=[problem_out(p, lang) for p in found]))


def _history(api: APIRouter, context: Context) -> None:
    @api.get(
        "/transitions",
        summary="Changes of state, newest first",
        response_model=TransitionPage,
        responses=responses(503),
    )
    def transitions(
        kind: Annotated[Literal["asset", "site"] | None, Query()] = None,
        id: Annotated[str | None, Query(max_length=200, description="Of this one only")] = None,
        since: Moment = None,
        until: Moment = None,
        limit: Limit = 100,
        lang: Lang = "vi",
    ) -> Response:
        found = context.database.transitions(kind, id, moment(since), moment(until), limit)
        return answer(TransitionPage(items=[transition_out(change, lang) for change in found]))


def _sites(api: APIRouter, context: Context) -> None:
    @api.get(
        "/sites",
        summary="Places with their state, links and computers",
        response_model=SitePage,
    )
    def sites(
        state: OfState = None,
        kind: Text = None,
        q: Search = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        lang: Lang = "vi",
    ) -> Response:
        area = context.monitor.view()
        found = (
            site
            for site in area.topology.sites.values()
            if state in (None, area.sites[site.id].state)
            and kind in (None, site.kind)
            and about(q, site.id, site.name, site.code)
        )
        some, more = page(found, lambda site: site.id, limit, cursor)
        items = [site_out(area.topology, area, site, lang) for site in some]
        return answer(SitePage(items=items, next=more))

    @api.get("/sites/{id}", summary="One place", response_model=SiteOut, responses=responses(404))
    def site(id: Id, lang: Lang = "vi") -> Response:
        area = context.monitor.view()
        found = area.topology.sites.get(id)
        if found is None:
            raise HTTPException(404, f"no site {id}")
        return answer(site_out(area.topology, area, found, lang))


def _assets(api: APIRouter, context: Context, many: str, one: str, of: AssetType) -> None:
    @api.get(f"/{many}", name=many, summary=f"All {many}", response_model=AssetPage)
    def some_assets(
        site: Text = None,
        state: OfState = None,
        kind: Text = None,
        q: Search = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        lang: Lang = "vi",
    ) -> Response:
        area = context.monitor.view()
        found = (
            asset
            for asset in area.topology.assets.values()
            if asset.type is of
            and site in (None, asset.site)
            and state in (None, area.assets[asset.id].state)
            and kind in (None, asset.kind)
            and about(q, asset.id, asset.name, asset.address)
        )
        some, more = page(found, lambda asset: asset.id, limit, cursor)
        items = [asset_out(asset, area.assets[asset.id], lang) for asset in some]
        return answer(AssetPage(items=items, next=more))

    @api.get(
        f"/{many}/{{id}}",
        name=one,
        summary=f"One {one}",
        response_model=AssetOut,
        responses=responses(404),
    )
    def one_asset(id: Id, lang: Lang = "vi") -> Response:
        area = context.monitor.view()
        asset = area.topology.assets.get(id)
        if asset is None or asset.type is not of:
            raise HTTPException(404, f"no {one} {id}")
        return answer(asset_out(asset, area.assets[id], lang))


def _checks(api: APIRouter, context: Context) -> None:
    @api.get(
        "/checks",
        summary="How each asset is measured, with its newest result",
        response_model=CheckPage,
    )
    def checks(
        asset: Text = None,
        site: Text = None,
        kind: Text = None,
        state: OfState = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        lang: Lang = "vi",
    ) -> Response:
        found = (
            check
            for check in context.monitor.topology.checks.values()
            if asset in (None, check.asset)
            and site in (None, check.site)
            and kind in (None, check.kind)
            and state in (None, context.monitor.status(check.id).state)
        )
        some, more = page(found, lambda check: check.id, limit, cursor)
        items = [check_out(check, context.monitor.status(check.id), lang) for check in some]
        return answer(CheckPage(items=items, next=more))

    @api.get("/checks/{id}", summary="One check", response_model=CheckOut, responses=responses(404))
    def check(id: Id, lang: Lang = "vi") -> Response:
        found = context.monitor.topology.checks.get(id)
        if found is None:
            raise HTTPException(404, f"no check {id}")
        return answer(check_out(found, context.monitor.status(id), lang))
