"""Incidents: lists, timelines, what people do about them, planned work, what-if.

Reading runs in threads on the database; what changes an incident runs on the event loop, where the
desk lives, and answers only when the change is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response

from ioc.accounts.model import Actor
from ioc.api.context import Context
from ioc.api.errors import known_parameters, responses
from ioc.api.figures import iso, iso_or_null
from ioc.api.incident_models import (
    Acknowledge,
    Assign,
    Comment,
    IncidentDetail,
    IncidentOut,
    IncidentPage,
    MessageOut,
    Resolve,
    SupposedPage,
    WindowIn,
    WindowOut,
    WindowPage,
    detail_out,
    incident_out,
    supposed_out,
    window_in,
    window_out,
)
from ioc.api.params import Lang, Limit, Moment, Text, answer, moment
from ioc.db import Wanted
from ioc.engine.incident import Incident
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Severity
from ioc.notify.desk import UnknownIncident
from ioc.notify.whatif import what_if

STORED_WITHIN = 5.0  # seconds for a change to reach the database before we say it has not
Number = Annotated[int, Path(ge=1, le=2**53, examples=[12])]
MESSAGES = 200  # of one incident


def router(context: Context) -> APIRouter:
    """All routes, bound to the running program."""
    api = APIRouter(
        prefix="/api/v1", responses=responses(422), dependencies=[Depends(known_parameters)]
    )
    _reading(api, context)
    _acting(api, context)
    _planning(api, context)
    return api


def _reading(api: APIRouter, context: Context) -> None:
    @api.get(
        "/incidents",
        summary="Incidents, newest first",
        response_model=IncidentPage,
        responses=responses(503),
    )
    def incidents(
        state: Annotated[Literal["open", "ended"] | None, Query()] = None,
        severity: Severity | None = None,
        kind: Kind | None = None,
        site: Text = None,
        since: Moment = None,
        until: Moment = None,
        limit: Limit = 100,
        cursor: Annotated[int | None, Query(ge=1, le=2**53)] = None,
        lang: Lang = "vi",
    ) -> Response:
        wanted = Wanted(
            open=None if state is None else state == "open",
            severity=severity,
            kind=kind,
            site=site,
            since=moment(since),
            until=moment(until),
            before=cursor,
            limit=limit + 1,
        )
        found = context.database.incidents(wanted)
        topology = context.monitor.topology
        items = [incident_out(incident, topology, lang) for incident in found[:limit]]
        more = items[-1].id if len(found) > limit else None
        return answer(IncidentPage(items=items, next=more))

    @api.get(
        "/incidents/what-if",
        summary="What would happen if an asset or a site failed now",
        response_model=SupposedPage,
        responses=responses(404),
    )
    async def supposed(
        subject: Annotated[str, Query(max_length=200, examples=["yen-thinh"])], lang: Lang = "vi"
    ) -> Response:
        try:
            found = what_if(context.desk, context.monitor, subject, lang)
        except LookupError as error:
            raise HTTPException(404, str(error.args[0])) from None
        return answer(supposed_out(subject, found, context.monitor.topology, lang))

    @api.get(
        "/incidents/{id}",
        summary="One incident with its timeline and messages",
        response_model=IncidentDetail,
        responses=responses(404, 503),
    )
    def incident(id: Number, lang: Lang = "vi") -> Response:
        found = context.database.incident(id)
        if found is None:
            raise HTTPException(404, f"no incident {id}")
        topology = context.monitor.topology
        return answer(detail_out(*found, messages_of(context, id), topology, lang))


def messages_of(context: Context, number: int) -> list[MessageOut]:
    """The messages about an incident with their receipts, oldest first."""
    found = context.outbox.list(about=f"incident:{number}", limit=MESSAGES)
    return [
        MessageOut(
            recipient=one.recipient,
            body=one.body,
            created_at=iso(one.created_at),
            state=one.state,
            attempts=one.attempts,
            sent_at=iso_or_null(one.sent_at),
            error=one.last_error or None,
        )
        for one in sorted(found, key=lambda one: one.created_at)
    ]


def _acting(api: APIRouter, context: Context) -> None:
    common = responses(404, 503)

    async def changed(act: Callable[[], Incident], number: int, lang: str) -> Response:
        incident = await change(context, act, number)
        return answer(incident_out(incident, context.monitor.topology, lang))

    @api.post("/incidents/{id}/acknowledge", summary="Take it on: nothing escalates any more",
              response_model=IncidentOut, responses=common)  # fmt: skip
    async def acknowledge(
        id: Number, request: Request, body: Acknowledge, lang: Lang = "vi"
    ) -> Response:
        who = author(request)
        return await changed(lambda: context.desk.acknowledge(id, who, body.text), id, lang)

    @api.post("/incidents/{id}/assign", summary="Give it to somebody",
              response_model=IncidentOut, responses=common)  # fmt: skip
    async def assign(id: Number, request: Request, body: Assign, lang: Lang = "vi") -> Response:
        who = author(request)
        return await changed(lambda: context.desk.assign(id, who, body.to), id, lang)

    @api.post("/incidents/{id}/comment", summary="Note something in its timeline",
              response_model=IncidentOut, responses=common)  # fmt: skip
    async def comment(id: Number, request: Request, body: Comment, lang: Lang = "vi") -> Response:
        who = author(request)
        return await changed(lambda: context.desk.comment(id, who, body.text), id, lang)

    @api.post(
        "/incidents/{id}/resolve",
        summary="Note what it was; it ends as soon as it is measured to work",
        response_model=IncidentOut,
        responses=common,
    )
    async def resolve(id: Number, request: Request, body: Resolve, lang: Lang = "vi") -> Response:
        who = author(request)
        return await changed(lambda: context.desk.resolve(id, who, body.cause), id, lang)


async def change(context: Context, act: Callable[[], Incident], number: int) -> Incident:
    """Do something to an incident, also to one that ended long ago; answer when it is stored."""
    try:
        incident = act()
    except UnknownIncident:
        found = await asyncio.to_thread(context.database.incident, number)
        if found is None:
            raise HTTPException(404, f"no incident {number}") from None
        context.desk.adopt(found[0], len(found[1]))
        try:
            incident = act()
        except UnknownIncident:
            raise HTTPException(404, f"incident {number} came back under another number") from None
    await stored(context)
    return incident


async def stored(context: Context) -> None:
    """Wait until what was changed is in the database."""
    if not await context.flush(STORED_WITHIN):
        raise HTTPException(503, "noted, but not yet stored: the database cannot be written now")


def author(request: Request) -> str:
    """Who acts."""
    actor: Actor = request.state.actor
    return actor.name


def _planning(api: APIRouter, context: Context) -> None:
    @api.get("/maintenance", summary="Planned work that is not over", response_model=WindowPage)
    async def windows() -> Response:
        now, topology = context.clock.now(), context.monitor.topology
        found = [w for w in context.desk.windows.by_id.values() if not w.over(now)]
        return answer(WindowPage(items=[window_out(w, topology, now) for w in found]))

    @api.post(
        "/maintenance",
        summary="Plan work: trouble there alarms nobody meanwhile",
        status_code=201,
        response_model=WindowOut,
        responses=responses(503),
    )
    async def plan(request: Request, body: WindowIn) -> Response:
        now, topology = context.clock.now(), context.monitor.topology
        try:
            window = window_in(body, author(request), topology, now)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        planned = context.desk.plan_work(window)
        await stored(context)
        made = answer(window_out(planned, topology, now))
        made.status_code = 201
        return made

    @api.delete(
        "/maintenance/{id}",
        summary="End planned work now",
        response_model=WindowOut,
        responses=responses(404, 503),
    )
    async def cancel(id: Number) -> Response:
        window = context.desk.cancel_work(id)
        if window is None:
            raise HTTPException(404, f"no planned work {id}")
        await stored(context)
        return answer(window_out(window, context.monitor.topology, context.clock.now()))
