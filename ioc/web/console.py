"""The pages for IT staff: what is open, one incident with what to do about it, planned work."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from ioc.api.context import Context
from ioc.api.incident_models import DAYS, WindowIn, stage, window_in
from ioc.api.incidents import author, change, messages_of, stored
from ioc.db import Wanted
from ioc.engine.incident import Event, Incident, Step
from ioc.engine.maintenance import Window
from ioc.engine.model import AreaView
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory.topology import Severity
from ioc.notify.texts import Writer, duration
from ioc.web.render import page

Lang = Annotated[Literal["vi", "en"], Query()]
Number = Annotated[int, Path(ge=1, le=2**53)]
Line = Annotated[str, Form(max_length=2000)]
ENDED = 50  # ended incidents on one page
NAMED = 200  # assets that a page names

SEVERITIES = {
    Severity.CRITICAL: mark("critical"),
    Severity.WARNING: mark("warning"),
    Severity.INFO: mark("note"),
}
COLOURS = {Severity.CRITICAL: "down", Severity.WARNING: "degraded", Severity.INFO: "unknown"}
STEPS = {
    Step.NOTICED: mark("noticed"),
    Step.OPENED: mark("opened"),
    Step.WORSENED: mark("got worse"),
    Step.EASED: mark("partly restored"),
    Step.UNSTABLE: mark("unstable"),
    Step.STABLE: mark("no longer unstable"),
    Step.RESOLVED: mark("resolved"),
    Step.ESCALATED: mark("nobody acknowledged: told further"),
    Step.WIDENED: mark("takes more along"),
    Step.MERGED: mark("part of a wider incident"),
    Step.SPLIT: mark("on its own again"),
    Step.RETURNED: mark("there again"),
    Step.PAUSED: mark("gone for the moment"),
    Step.ACKNOWLEDGED: mark("acknowledged"),
    Step.ASSIGNED: mark("given to"),
    Step.COMMENTED: mark("comment"),
    Step.CAUSE: mark("cause"),
}
MESSAGE_STATES = {
    "waiting": mark("on its way"),
    "sent": mark("delivered"),
    "dead": mark("could not be delivered"),
    "dropped": mark("dropped"),
}


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _incidents(api, context)
    _acts(api, context)
    _work(api, context)
    return api


def _incidents(api: APIRouter, context: Context) -> None:
    @api.get("/console")
    def console(
        request: Request,
        lang: Lang = "vi",
        before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    ) -> Response:
        area = context.monitor.view()
        open_ = [] if before else context.database.incidents(Wanted(open=True, limit=500))
        worst = sorted(open_, key=lambda i: (-i.severity.rank, -i.since))
        ended = context.database.incidents(Wanted(open=False, before=before, limit=ENDED + 1))
        return page(
            request,
            "console.html",
            lang,
            area,
            simulated=context.simulated,
            open=[row(incident, area, lang) for incident in worst],
            ended=[row(incident, area, lang) for incident in ended[:ENDED]],
            more=ended[ENDED - 1].id if len(ended) > ENDED else None,
            first=before is None,
        )

    @api.get("/console/incidents/{id}")
    def one(request: Request, id: Number, lang: Lang = "vi") -> Response:
        found = context.database.incident(id)
        if found is None:
            raise HTTPException(404, f"no incident {id}")
        area = context.monitor.view()
        incident, timeline = found
        names = area.topology.assets
        return page(
            request,
            "incident.html",
            lang,
            area,
            simulated=context.simulated,
            incident=row(incident, area, lang),
            affected=[
                names[name].name if name in names else name for name in incident.affected[:NAMED]
            ],
            beyond=max(0, len(incident.affected) - NAMED),
            timeline=[_step(event, lang) for event in timeline],
            messages=[
                {"state": _(MESSAGE_STATES[one.state], lang), "one": one}
                for one in messages_of(context, id)
            ],
        )


def row(incident: Incident, area: AreaView, lang: str) -> dict[str, Any]:
    """One incident as the pages show it."""
    site = area.topology.sites.get(incident.site or "")
    end = incident.resolved_at or area.at
    return {
        "id": incident.id,
        "colour": COLOURS[incident.severity] if incident.open else "up",
        "severity": _(SEVERITIES[incident.severity], lang),
        "place": site.name if site else area.topology.area_name,
        "site": site.id if site else None,
        "what": Writer(area.topology, lang, {}).what(incident),
        "since": incident.since,
        "until": incident.resolved_at,
        "length": duration(end - incident.since, lang),
        "open": incident.open,
        "stage": stage(incident),
        "merged_into": incident.merged_into,
        "unstable": incident.unstable,
        "recovering": incident.open and incident.quiet_since is not None,
        "planned": incident.planned,
        "waiting": incident.waiting,
        "acknowledged_by": incident.acknowledged_by,
        "acknowledged_at": incident.acknowledged_at,
        "assigned_to": incident.assigned_to,
        "cause": incident.cause,
        "count": len(incident.affected),
    }


def _step(event: Event, lang: str) -> dict[str, Any]:
    severity = event.severity or Severity.INFO
    colour = "up" if event.step is Step.RESOLVED else COLOURS[severity]
    return {
        "at": event.at,
        "what": _(STEPS[event.step], lang),
        "text": event.text,
        "author": event.author,
        "severity": _(SEVERITIES[severity], lang),
        "colour": "off" if event.author else colour,
        "count": event.count,
    }


def _acts(api: APIRouter, context: Context) -> None:
    desk = context.desk

    @api.post("/console/incidents/{id}/acknowledge")
    async def acknowledge(
        request: Request, id: Number, text: Line = "", lang: Lang = "vi"
    ) -> Response:
        await change(context, lambda: desk.acknowledge(id, author(request), text), id)
        return _back(id, lang)

    @api.post("/console/incidents/{id}/assign")
    async def assign(request: Request, id: Number, text: Line = "", lang: Lang = "vi") -> Response:
        await change(context, lambda: desk.assign(id, author(request), text.strip()), id)
        return _back(id, lang)

    @api.post("/console/incidents/{id}/comment")
    async def comment(request: Request, id: Number, text: Line = "", lang: Lang = "vi") -> Response:
        if text.strip():
            await change(context, lambda: desk.comment(id, author(request), text.strip()), id)
        return _back(id, lang)

    @api.post("/console/incidents/{id}/resolve")
    async def resolve(request: Request, id: Number, text: Line = "", lang: Lang = "vi") -> Response:
        if text.strip():
            await change(context, lambda: desk.resolve(id, author(request), text.strip()), id)
        return _back(id, lang)


def _back(number: int, lang: str) -> Response:
    return RedirectResponse(f"/console/incidents/{number}?lang={lang}", status_code=303)


def _work(api: APIRouter, context: Context) -> None:
    def shown(
        request: Request, lang: str, wrong: str = "", given: dict[str, Any] | None = None
    ) -> Response:
        area, now = context.monitor.view(), context.clock.now()
        windows = [w for w in context.desk.windows.by_id.values() if not w.over(now)]
        zone = area.topology.timezone
        local = datetime.fromtimestamp(now / 1000, zone).replace(second=0, microsecond=0)
        form = given or {
            **dict.fromkeys(("text", "assets", "hours"), ""),
            "site": [],
            "days": [],
            "starts_at": local.strftime("%Y-%m-%dT%H:%M"),
            "ends_at": (local + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M"),
        }
        answer = page(
            request,
            "maintenance.html",
            lang,
            area,
            simulated=context.simulated,
            windows=[_window(window, area, now, lang) for window in windows],
            wrong=wrong,
            form=form,
            days=[(day, _(DAY_WORDS[day], lang)) for day in DAYS],
        )
        answer.status_code = 422 if wrong else 200
        return answer

    @api.get("/console/maintenance")
    async def work(request: Request, lang: Lang = "vi") -> Response:
        return shown(request, lang)

    @api.post("/console/maintenance")
    async def plan(  # noqa: PLR0917 - the fields of the form
        request: Request,
        text: Line = "",
        starts_at: Annotated[str, Form(max_length=30)] = "",
        ends_at: Annotated[str, Form(max_length=30)] = "",
        site: Annotated[list[str], Form(max_length=1000)] = [],  # noqa: B006 - FastAPI copies it
        assets: Annotated[str, Form(max_length=5000)] = "",
        days: Annotated[list[str], Form(max_length=7)] = [],  # noqa: B006
        hours: Annotated[str, Form(max_length=11)] = "",
        lang: Lang = "vi",
    ) -> Response:
        area, now = context.monitor.view(), context.clock.now()
        zone = area.topology.timezone
        given = {"text": text, "starts_at": starts_at, "ends_at": ends_at, "assets": assets,
                 "site": site, "days": days, "hours": hours}  # fmt: skip
        try:
            wanted = WindowIn(
                text=text,
                starts_at=_moment(starts_at, zone),
                ends_at=_moment(ends_at, zone),
                sites=site,
                assets=assets.replace(",", " ").split(),
                days=days,
                hours=hours.replace(" ", "") or "00:00-24:00",
            )
            window = window_in(wanted, author(request), area.topology, now)
        except ValidationError as error:
            first = error.errors()[0]
            return shown(request, lang, f"{first['loc'][0]}: {first['msg']}", given)
        except ValueError as error:
            return shown(request, lang, str(error), given)
        context.desk.plan_work(window)
        await stored(context)
        return RedirectResponse(f"/console/maintenance?lang={lang}", status_code=303)

    @api.post("/console/maintenance/{id}/cancel")
    async def cancel(id: Number, lang: Lang = "vi") -> Response:
        if context.desk.cancel_work(id) is None:
            raise HTTPException(404, f"no planned work {id}")
        await stored(context)
        return RedirectResponse(f"/console/maintenance?lang={lang}", status_code=303)


DAY_WORDS = {
    "mon": mark("Monday"),
    "tue": mark("Tuesday"),
    "wed": mark("Wednesday"),
    "thu": mark("Thursday"),
    "fri": mark("Friday"),
    "sat": mark("Saturday"),
    "sun": mark("Sunday"),
}


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """What a date field of a form gives, in the area's time. ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=zone) if text.strip() else None


def _window(window: Window, area: AreaView, now: int, lang: str) -> dict[str, Any]:
    topology = area.topology
    places = [topology.sites[s].name for s in sorted(window.sites) if s in topology.sites]
    assets = [topology.assets[a].name for a in sorted(window.assets) if a in topology.assets]
    where = ", ".join([*places, *assets, *sorted(window.kinds)]) or _("the whole area", lang)
    start, end = window.hours
    return {
        "id": window.id,
        "text": window.text,
        "author": window.author,
        "where": where,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "days": ", ".join(_(DAY_WORDS[DAYS[day]], lang) for day in sorted(window.days)),
        "hours": f"{start // 60:02}:{start % 60:02}–{end // 60:02}:{end % 60:02}",
        "active": window.active(now, topology.timezone),
    }
