"""Targets: where they stand, why, how they move; readings and machine reports in.

Everything runs in threads: the ledger is kept in memory, the past and the readings in the state
database.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, HTTPException, Query, Request
from fastapi.responses import Response

from collectors.base import Reason
from ioc.accounts.model import Actor
from ioc.api.context import Context
from ioc.api.errors import WrongParameter, known_parameters, problem, responses
from ioc.api.figures import iso
from ioc.api.params import Cursor, Id, Lang, Limit, Search, Text, about, answer, page
from ioc.api.reading_models import (
    ImportOut,
    KeptOut,
    MachinePage,
    MachinesIn,
    ReadingIn,
    ReadingPage,
    RowMistakeOut,
    TakenOut,
    import_out,
    machine_out,
    reading_out,
)
from ioc.api.target_models import (
    EvidenceOut,
    EvidencePage,
    TargetDetail,
    TargetPage,
    evidence_out,
    target_detail,
    target_out,
)
from ioc.i18n import render
from ioc.inventory.topology import AssetType, Target
from ioc.ledger import intake, sheets
from ioc.ledger.adequacy import Grade, judge
from ioc.ledger.model import Coverage, Source, Standing, TargetState
from ioc.ledger.records import Outcome
from ioc.ledger.sheets import FileError

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Commit = Annotated[
    Literal["no", "all", "good"],
    Query(description="no: only look; all: enter when every row is good; good: the good rows"),
]
PlaceParam = Annotated[str | None, Query(max_length=200, description="A place instead of the area")]


def router(context: Context) -> APIRouter:
    """All routes, bound to the running program."""
    api = APIRouter(
        prefix="/api/v1", responses=responses(422), dependencies=[Depends(known_parameters)]
    )
    _standings(api, context)
    _readings(api, context)
    _machines(api, context)
    return api


def find(context: Context, name: str) -> Target:
    """A target by id, one that is no longer counted as well. Raises HTTPException 404."""
    topology = context.monitor.topology
    target = topology.targets.get(name) or topology.retired.get(name)
    if target is None:
        raise HTTPException(404, f"no target {name}")
    return target


def standing_of(context: Context, target: Target, place: str | None) -> Standing:
    """Where a target stands. Raises HTTPException 404 for a place it is not asked of."""
    found = context.keeper.ledger().standings.get((target.id, place))
    if found is not None:
        return found
    if target.retired is None:
        raise HTTPException(404, f"{target.id} has no figure for {place}")
    return retired(target, place)


def retired(target: Target, place: str | None) -> Standing:
    """A target that is no longer counted stands nowhere; what was said of it stays to be read."""
    day = "/".join(reversed((target.retired or "").split("-")))
    note = Reason("not counted any more since {day}", {"day": day})
    state = TargetState.UNKNOWN
    figure = Coverage(
        target.id, place, 0, None, 0, None, None, target.goal, state, None, None,
        source=Source(target.sources[0]) if target.sources else Source.DECLARED, note=note,
    )  # fmt: skip
    return Standing(target.id, place, figure)


def detail(context: Context, target: Target, place: str | None, lang: str) -> TargetDetail:
    """One target with its places and its past. Reads the database."""
    standing = standing_of(context, target, place)
    ledger = context.keeper.ledger()
    return target_detail(
        context.monitor.topology,
        target,
        standing,
        list(ledger.of(target.id)) if place is None else [],
        context.keeper.trend(target, standing.chosen),
        context.keeper.records.goals(target.id),
        lang,
    )


def all_targets(
    context: Context, lang: str, state: TargetState | None = None, place: str | None = None,
    q: str | None = None,
) -> TargetPage:  # fmt: skip
    """Every target that fits, in the catalogue's order."""
    topology, ledger = context.monitor.topology, context.keeper.ledger()
    found = []
    for target in topology.targets.values():
        standing = ledger.standings.get((target.id, place))
        if standing is None or state not in (None, standing.chosen.state):
            continue
        if about(q, target.id, target.name, target.name_en):
            found.append(target_out(topology, target, standing, lang))
    return TargetPage(items=found, at=iso(ledger.at))


def evidence(
    context: Context, target: Target, place: str | None, lang: str
) -> list[tuple[str, EvidenceOut]]:
    """What was counted, with a key to order it by; of every measured figure at the place."""
    topology = context.monitor.topology
    found = []
    for figure in standing_of(context, target, place).figures:
        for number, entry in enumerate(figure.evidence):
            asset = topology.assets.get(entry.id)
            at = asset.site if asset else entry.id
            found.append(
                (f"{at or ''}|{entry.id}|{number:06}", evidence_out(topology, entry, at, lang))
            )
    return sorted(found, key=lambda pair: pair[0])


def _standings(api: APIRouter, context: Context) -> None:
    @api.get("/targets", summary="Every target with where it stands", response_model=TargetPage)
    def targets(
        state: TargetState | None = None,
        place: PlaceParam = None,
        q: Search = None,
        lang: Lang = "vi",
    ) -> Response:
        return answer(all_targets(context, lang, state, place, q))

    @api.get(
        "/targets/template",
        summary="A workbook to fill in and hand in",
        response_class=Response,
        responses={200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def template(lang: Lang = "vi") -> Response:
        topology = context.monitor.topology
        today = context.today()
        name = f"chi-tieu-{today.isoformat()}.xlsx"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(sheets.template(topology, today, lang), 200, disposition, XLSX)

    @api.post(
        "/targets/import",
        summary="Readings and machine reports from a workbook or CSV",
        response_model=ImportOut,
        responses=responses(400, 413, 503),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            }
        },
    )
    async def take_file(request: Request, commit: Commit = "no", lang: Lang = "vi") -> Response:
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > sheets.LARGEST:
                return problem(413, f"larger than {sheets.LARGEST // 2**20} MB")
        return await asyncio.to_thread(_take, context, request, bytes(content), commit, lang)

    @api.get(
        "/targets/{id}",
        summary="One target: every place, how it moves, goals before",
        response_model=TargetDetail,
        responses=responses(404, 503),
    )
    def target(id: Id, place: PlaceParam = None, lang: Lang = "vi") -> Response:
        return answer(detail(context, find(context, id), place, lang))

    @api.get(
        "/targets/{id}/evidence",
        summary="Each thing that counts or fails, and why",
        response_model=EvidencePage,
        responses=responses(404),
    )
    def why_so(
        id: Id,
        place: PlaceParam = None,
        counts: Annotated[Literal["yes", "no", "unknown"] | None, Query()] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        lang: Lang = "vi",
    ) -> Response:
        wanted = {"yes": True, "no": False, "unknown": None}
        found = evidence(context, find(context, id), place, lang)
        if counts is not None:
            found = [pair for pair in found if pair[1].counts is wanted[counts]]
        some, more = page(found, lambda pair: pair[0], limit, cursor)
        items = [entry for _, entry in some]
        return answer(EvidencePage(items=items, total=len(found), next=more))


def _take(context: Context, request: Request, content: bytes, commit: str, lang: str) -> Response:
    keeper, topology = context.keeper, context.monitor.topology
    try:
        found = sheets.read_table(content, topology, context.clock.now(), keeper.given.withdrawn)
    except FileError as error:
        return problem(400, render(error.reason, lang))
    enter = commit == "good" or (commit == "all" and not found.mistakes)
    counts = sheets.outcomes(found, keeper.given.readings)
    if enter:
        counts = dict.fromkeys(Outcome, 0)
        for kept in keeper.declare(found.readings, author(request)):
            counts[kept.outcome] += 1
        keeper.take_machines(found.machines)
    request.state.detail = f"{sum(counts.values())} readings" if enter else "looked at only"
    return answer(import_out(found, counts, entered=enter, lang=lang))


def author(request: Request) -> str:
    """Who hands it in."""
    actor: Actor = request.state.actor
    return actor.name


def _readings(api: APIRouter, context: Context) -> None:
    @api.get(
        "/targets/{id}/readings",
        summary="Every version of what was declared and exported, newest first",
        response_model=ReadingPage,
        responses=responses(404, 503),
    )
    def readings(id: Id, place: PlaceParam = None) -> Response:
        target = find(context, id)
        found = context.keeper.records.readings(target.id)
        items = [reading_out(r) for r in reversed(found) if place in (None, r.place)]
        return answer(ReadingPage(items=items[:1000]))

    @api.post(
        "/targets/{id}/readings",
        summary="Declare a reading; the same day and source again is a correction",
        response_model=KeptOut,
        status_code=201,
        responses=responses(404, 503),
    )
    def declare(id: Id, given: ReadingIn, request: Request, lang: Lang = "vi") -> Response:
        target = find(context, id)
        topology = context.monitor.topology
        today = context.today()
        try:
            reading = intake.reading(topology, {**given.model_dump(), "target": target.id}, today)
        except intake.Wrong as wrong:
            return wrong_field(wrong, lang)
        [kept] = context.keeper.declare([reading], author(request))
        request.state.detail = f"{reading.numerator}/{reading.denominator} {reading.as_of}"
        made = answer(KeptOut(outcome=kept.outcome, reading=reading_out(kept.reading)))
        made.status_code = 201
        return made


def wrong_field(wrong: intake.Wrong, lang: str) -> Response:
    """One field that cannot be used, as a problem."""
    text = render(wrong.reason, lang)
    return problem(
        422, f"{wrong.field}: {text}", [WrongParameter(where=f"body.{wrong.field}", message=text)]
    )


def _machines(api: APIRouter, context: Context) -> None:
    @api.post(
        "/machines",
        summary="What computers say of their health",
        response_model=TakenOut,
        responses=responses(503),
    )
    def take(given: Annotated[MachinesIn, Body()], lang: Lang = "vi") -> Response:
        topology, now = context.monitor.topology, context.clock.now()
        reports, mistakes = [], []
        for number, item in enumerate(given.items):
            try:
                reports.append(intake.machine(topology, item.model_dump(), now))
            except intake.Wrong as wrong:
                text = render(wrong.reason, lang)
                mistakes.append(
                    RowMistakeOut(sheet="", row=number, column=wrong.field, message=text)
                )
        taken = context.keeper.take_machines(reports)
        return answer(TakenOut(taken=taken, mistakes=mistakes))

    @api.get("/machines", summary="Computers by grade", response_model=MachinePage)
    def machines(
        site: Text = None,
        grade: Grade | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        lang: Lang = "vi",
    ) -> Response:
        area, now = context.monitor.view(), context.clock.now()
        reports = context.keeper.given.machines
        found = [
            (asset, judge(reports.get(asset.id), area.topology.adequacy, now,
                          area.assets[asset.id].seen_at))
            for asset in area.topology.assets.values()
            if asset.type is AssetType.DEVICE and asset.kind == "computer"
            and site in (None, asset.site)
        ]  # fmt: skip
        wanted = [pair for pair in found if grade in (None, pair[1].grade)]
        some, more = page(wanted, lambda pair: pair[0].id, limit, cursor)
        items = [
            machine_out(asset.id, asset.site, reports.get(asset.id), judged, lang)
            for asset, judged in some
        ]
        return answer(MachinePage(items=items, next=more))
