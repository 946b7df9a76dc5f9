"""The pages: the wall at `/`, one place at `/sites/{id}`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from ioc.api.context import Context
from ioc.web import place, wall
from ioc.web.render import page

Lang = Annotated[Literal["vi", "en"], Query()]
LEGEND = ("up", "degraded", "down", "unreachable", "unknown")


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @api.get("/")
    def district(request: Request, lang: Lang = "vi") -> Response:
        area = context.monitor.view()
        return page(
            request,
            "wall.html",
            lang,
            area,
            simulated=context.simulated,
            tiles=wall.tiles(area, lang),
            totals=wall.totals(context, area, lang),
            observed=wall.observed(area),
            many=len(area.sites) > wall.MANY,
        )

    @api.get("/sites/{id}")
    def site(
        request: Request, id: Annotated[str, Path(max_length=200)], lang: Lang = "vi"
    ) -> Response:
        area = context.monitor.view()
        found = area.topology.sites.get(id)
        if found is None:
            raise HTTPException(404, f"no site {id}")
        shown = place.place(context, area, found, lang)
        return page(request, "site.html", lang, area, simulated=context.simulated, **shown)

    return api
