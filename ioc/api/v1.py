"""The API below /api/v1: lists, single things, series, history."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from ioc.api import read
from ioc.api.context import Context
from ioc.api.errors import RESPONSES, known_parameters
from ioc.api.models import (
    AssetOut,
    CheckOut,
    Overview,
    ProblemOut,
    SiteOut,
    TransitionOut,
    asset_out,
    check_out,
    iso,
    problem_out,
    site_out,
    transition_out,
)
from ioc.engine.model import State
from ioc.inventory.topology import AssetType
from ioc.store.base import Aggregate, Series, SeriesQuery

LIMIT = 1000
SAMPLES = 100_000
LATEST = 253_402_300_799_999  # ms UTC: the end of the year 9999
Item = TypeVar("Item")

Id = Annotated[str, Path(max_length=200, pattern=r"^[A-Za-z0-9._-]+$")]
Lang = Annotated[Literal["vi", "en"], Query(description="language of reasons")]
Limit = Annotated[int, Query(ge=1, le=LIMIT)]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before")]
Text = Annotated[str | None, Query(max_length=200)]
Moment = Annotated[int | None, Query(ge=0, le=LATEST, description="ms since the epoch, UTC")]


class SitePage(BaseModel):
    items: list[SiteOut]
    next: str | None


class AssetPage(BaseModel):
    items: list[AssetOut]
    next: str | None


class CheckPage(BaseModel):
    items: list[CheckOut]
    next: str | None


class TransitionPage(BaseModel):
    items: list[TransitionOut]


class ProblemPage(BaseModel):
    items: list[ProblemOut]


class SeriesOut(BaseModel):
    """times: ms UTC; values beside them."""

    measurement: str
    field: str
    tags: dict[str, str]
    times: list[int]
    values: list[float]


class SeriesPage(BaseModel):
    items: list[SeriesOut]


def page(
    items: Iterable[Item], ids: Iterable[str], limit: int, cursor: str | None
) -> tuple[list[Item], str | None]:
    """Items after the cursor, in order of id, and the cursor of the next page."""
    ordered = sorted(zip(ids, items, strict=True), key=lambda pair: pair[0])
    rest = [pair for pair in ordered if cursor is None or pair[0] > cursor]
    more = rest[limit - 1][0] if len(rest) > limit else None
    return [item for _, item in rest[:limit]], more


def router(context: Context) -> APIRouter:
    """All routes, bound to the running program."""
    api = APIRouter(prefix="/api/v1", responses=RESPONSES, dependencies=[Depends(known_parameters)])
    _area(api, context)
    _sites(api, context)
    for name, of in (
        ("devices", AssetType.DEVICE),
        ("links", AssetType.LINK),
        ("services", AssetType.SERVICE),
        ("sentinels", AssetType.SENTINEL),
    ):
        _assets(api, context, name, of)
    _checks(api, context)
    _series(api, context)
    return api


def _area(api: APIRouter, context: Context) -> None:
    @api.get("/overview", summary="Totals, coverage and problems of the monitor")
    def overview(lang: Lang = "vi") -> Overview:
        return read.overview(context, lang)

    @api.get("/problems", summary="What is wrong with the monitor itself")
    def problems(lang: Lang = "vi") -> ProblemPage:
        return ProblemPage(items=[problem_out(p, lang) for p in context.problems.present()])

    @api.get("/transitions", summary="Changes of state, newest first")
    def transitions(
        kind: Annotated[Literal["asset", "site"] | None, Query()] = None,
        id: Text = None,
        since: Moment = None,
        until: Moment = None,
        limit: Limit = 100,
        lang: Lang = "vi",
    ) -> TransitionPage:
        found = context.database.transitions(kind, id, since, until, limit)
        return TransitionPage(items=[transition_out(change, lang) for change in found])


def _sites(api: APIRouter, context: Context) -> None:
    @api.get("/sites", summary="Places with their state, links and computers")
    def sites(
        state: Annotated[State | None, Query()] = None,
        kind: Text = None,
        q: Text = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        lang: Lang = "vi",
    ) -> SitePage:
        area = context.monitor.view()
        topology = area.topology
        found = [
            site
            for site in topology.sites.values()
            if site.id in area.sites
            and (state is None or area.sites[site.id].state is state)
            and (kind is None or site.kind == kind)
            and _about(q, site.id, site.name, site.code)
        ]
        some, more = page(found, [s.id for s in found], limit, cursor)
        return SitePage(items=[site_out(topology, area, s, lang) for s in some], next=more)

    @api.get("/sites/{id}", summary="One place")
    def site(id: Id, lang: Lang = "vi") -> SiteOut:
        area = context.monitor.view()
        topology = area.topology
        if id not in topology.sites or id not in area.sites:
            raise HTTPException(404, f"no site {id}")
        return site_out(topology, area, topology.sites[id], lang)


def _assets(api: APIRouter, context: Context, name: str, of: AssetType) -> None:
    def many(
        site: Text = None,
        state: Annotated[State | None, Query()] = None,
        kind: Text = None,
        q: Text = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        lang: Lang = "vi",
    ) -> AssetPage:
        area = context.monitor.view()
        topology = area.topology
        found = [
            asset
            for asset in topology.assets.values()
            if asset.type is of
            and asset.id in area.assets
            and (site is None or asset.site == site)
            and (state is None or area.assets[asset.id].state is state)
            and (kind is None or asset.kind == kind)
            and _about(q, asset.id, asset.name, asset.address)
        ]
        some, more = page(found, [a.id for a in found], limit, cursor)
        return AssetPage(items=[asset_out(a, area.assets[a.id], lang) for a in some], next=more)

    def one(id: Id, lang: Lang = "vi") -> AssetOut:
        area = context.monitor.view()
        topology = area.topology
        asset = topology.assets.get(id)
        if asset is None or asset.type is not of or id not in area.assets:
            raise HTTPException(404, f"nothing of this kind has the id {id}")
        return asset_out(asset, area.assets[id], lang)

    api.get(f"/{name}", name=name, summary=f"All {name}")(many)
    api.get(f"/{name}/{{id}}", name=name.removesuffix("s"), summary=f"One of the {name}")(one)


def _checks(api: APIRouter, context: Context) -> None:
    @api.get("/checks", summary="How each asset is measured, with its newest result")
    def checks(
        asset: Text = None,
        site: Text = None,
        kind: Text = None,
        state: Annotated[State | None, Query()] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        lang: Lang = "vi",
    ) -> CheckPage:
        topology = context.monitor.topology
        found = [
            check
            for check in topology.checks.values()
            if (asset is None or check.asset == asset)
            and (site is None or check.site == site)
            and (kind is None or check.kind == kind)
            and (state is None or context.monitor.status(check.id).state is state)
        ]
        some, more = page(found, [c.id for c in found], limit, cursor)
        items = [check_out(c, context.monitor.status(c.id), lang) for c in some]
        return CheckPage(items=items, next=more)

    @api.get("/checks/{id}", summary="One check")
    def check(id: Id, lang: Lang = "vi") -> CheckOut:
        found = context.monitor.topology.checks.get(id)
        if found is None:
            raise HTTPException(404, f"no check {id}")
        return check_out(found, context.monitor.status(id), lang)


def _series(api: APIRouter, context: Context) -> None:
    @api.get(
        "/series",
        summary="Samples of a field, raw or one value a step",
        response_model=SeriesPage,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    def series(
        measurement: Annotated[str, Query(max_length=100)],
        field: Annotated[str, Query(max_length=100)],
        asset: Annotated[list[str] | None, Query(max_length=200)] = None,
        site: Annotated[list[str] | None, Query(max_length=200)] = None,
        target: Annotated[list[str] | None, Query(max_length=200)] = None,
        start: Moment = None,
        end: Moment = None,
        step: Annotated[int | None, Query(ge=1000, le=31_622_400_000, description="ms")] = None,
        aggregate: Aggregate = Aggregate.MEAN,
        format: Literal["json", "csv"] = "json",
    ) -> SeriesPage | StreamingResponse:
        last = context.clock.now() + 1 if end is None else end
        tags = {
            name: tuple(values)
            for name, values in (("asset", asset), ("site", site), ("target", target))
            if values
        }
        first = max(0, last - 86_400_000) if start is None else start
        query = SeriesQuery(measurement, field, first, last, tags, step, aggregate, SAMPLES)
        try:
            found = context.store.read(query)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        if format == "csv":
            return StreamingResponse(_csv(found), media_type="text/csv; charset=utf-8")
        return SeriesPage(items=[_series_out(one) for one in found])


def _series_out(series: Series) -> SeriesOut:
    return SeriesOut(
        measurement=series.measurement,
        field=series.field,
        tags=dict(series.tags),
        times=list(series.times),
        values=list(series.values),
    )


def _csv(found: list[Series]) -> Iterator[str]:
    names = sorted({name for series in found for name, _ in series.tags})
    yield _row([*names, "time", "value"])
    for series in found:
        tags = dict(series.tags)
        head = [_inert(tags.get(name, "")) for name in names]
        for time, value in zip(series.times, series.values, strict=True):
            yield _row([*head, iso(time), value])


def _row(cells: list[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _inert(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is shown as text."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _about(q: str | None, *texts: str | None) -> bool:
    return q is None or any(q.casefold() in text.casefold() for text in texts if text)
