"""The reports' page: ask for one, watch it, take it home."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from ioc.accounts.model import Role
from ioc.api.context import Context
from ioc.api.reports import ReportIn, report_out, wanted_of
from ioc.api.targets import author
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.ledger.places import merger_days, name_of
from ioc.reports import words
from ioc.reports.jobs import CANCELLED, FAILED, READY, RUNNING, WAITING, Job, TooMany
from ioc.reports.periods import before
from ioc.web.render import page

Lang = Annotated[Literal["vi", "en"], Query()]
Line = Annotated[str, Form(max_length=200)]
STATES = {
    WAITING: (mark("waiting for its turn"), "unknown"),
    RUNNING: (mark("being made"), "degraded"),
    READY: (mark("ready"), "up"),
    FAILED: (mark("failed"), "down"),
    CANCELLED: (mark("cancelled"), "off"),
}


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def shown(request: Request, lang: str, wrong: str = "") -> Response:
        area = context.monitor.view()
        today = datetime.fromtimestamp(context.clock.now() / 1000, area.topology.timezone).date()
        jobs = context.reports.jobs()[:50]
        last, _end = before("month", today)
        answer = page(
            request,
            "reports.html",
            lang,
            area,
            simulated=context.simulated,
            jobs=[_row(context, job, lang) for job in jobs],
            busy=any(job.state in (WAITING, RUNNING) for job in jobs),
            places=context.keeper.ledger().places,
            merged=bool(merger_days(area.topology)),
            last=last.isoformat()[:7],
            today=today.isoformat(),
            may=request.state.actor.role.may(Role.OPERATOR),
            wrong=wrong,
        )
        answer.status_code = 422 if wrong else 200
        return answer

    @api.get("/reports")
    async def reports(request: Request, lang: Lang = "vi") -> Response:
        return shown(request, lang)

    @api.post("/reports")
    async def ask(  # noqa: PLR0917 - the fields of the form
        request: Request,
        every: Line = "month",
        month: Line = "",
        since: Line = "",
        until: Line = "",
        place: Line = "",
        units: Line = "now",
        language: Line = "vi",
        lang: Lang = "vi",
    ) -> Response:
        try:
            given = ReportIn.model_validate(
                {
                    "every": every, "place": place or None, "units": units, "language": language,
                    "day": f"{month}-01" if month and every != "range" else None,
                    "since": since or None, "until": until or None,
                }
            )  # fmt: skip
            context.reports.submit(wanted_of(context, given), author(request))
        except ValidationError as error:
            return shown(request, lang, str(error.errors()[0]["msg"]))
        except (ValueError, TooMany) as error:
            return shown(request, lang, str(error))
        return RedirectResponse(f"/reports?lang={lang}", status_code=303)

    @api.post("/reports/{id}/cancel")
    async def cancel(id: Annotated[str, Path(max_length=60)], lang: Lang = "vi") -> Response:
        if context.reports.cancel(id) is None:
            raise HTTPException(404, f"no report {id}")
        return RedirectResponse(f"/reports?lang={lang}", status_code=303)

    return api


def _row(context: Context, job: Job, lang: str) -> dict[str, Any]:
    out = report_out(context, job, lang)
    word, colour = STATES[job.state]
    topology = context.monitor.topology
    place = job.wanted.place
    return {
        "out": out,
        "title": words.period(job.wanted, lang),
        "place": name_of(topology, place) if place else topology.area_name,
        "word": _(word, lang),
        "colour": colour,
        "created_at": job.created_at,
        "busy": job.state in (WAITING, RUNNING),
        "width": round(100 * job.progress),
    }
