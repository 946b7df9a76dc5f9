"""Reports: asked for, watched, cancelled, taken home."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from ioc.api.context import Context
from ioc.api.errors import known_parameters, responses
from ioc.api.figures import Time, iso, iso_or_null
from ioc.api.params import Lang, answer
from ioc.api.targets import XLSX, author
from ioc.i18n import render, translate
from ioc.reports.asked import Asked, WrongReport, wanted_of
from ioc.reports.jobs import TooMany
from ioc.reports.kept import Job
from ioc.reports.model import FORMATS, Format, Wanted
from ioc.reports.sending import file_name

Id = Annotated[str, Path(max_length=60, pattern=r"^[0-9a-f-]+$")]
TYPES = {"pdf": "application/pdf", "xlsx": XLSX}


class ReportIn(BaseModel):
    """Which report. Without a day: the last period that is over. range: since and until."""

    model_config = ConfigDict(extra="forbid")

    every: Literal["month", "quarter", "year", "range"] = "month"
    day: Annotated[date | None, Field(description="A day of the period")] = None
    since: date | None = None
    until: date | None = None
    place: Annotated[str | None, Field(max_length=200, description="One unit only")] = None
    units: Annotated[
        Literal["now", "before"], Field(description="before: as before the last merger")
    ] = "now"
    language: Literal["vi", "en"] = "vi"
    formats: Annotated[list[Format], Field(min_length=1, max_length=2)] = list(FORMATS)


class ReportOut(BaseModel):
    """A report. progress: 0 to 1. files: addresses of what is ready."""

    id: str
    every: str
    since: str
    until: str
    place: str | None
    units: str
    language: str
    formats: list[str]
    channel: Annotated[str | None, Field(description="Who gets it when it is ready")]
    author: str
    state: Literal["waiting", "running", "ready", "failed", "cancelled"]
    progress: float
    stage: str
    error: str | None
    created_at: Time
    ended_at: str | None
    files: dict[str, str]


class ReportPage(BaseModel):
    """Newest first."""

    items: list[ReportOut]


def wanted_by(context: Context, given: ReportIn) -> Wanted:
    """The report that is meant. Raises WrongReport."""
    topology = context.monitor.topology
    today = context.today()
    return wanted_of(topology, Asked(**given.model_dump()), today)


def report_out(context: Context, job: Job, lang: str) -> ReportOut:
    wanted = job.wanted
    ready = [form for form in wanted.formats if context.reports.file(job, form) is not None]
    return ReportOut.model_validate(
        {
            "id": job.id,
            "every": wanted.every,
            "since": wanted.since.isoformat(),
            "until": wanted.until.isoformat(),
            "place": wanted.place,
            "units": wanted.units,
            "language": wanted.language,
            "formats": list(wanted.formats),
            "channel": wanted.channel,
            "author": job.author,
            "state": job.state,
            "progress": job.progress,
            "stage": translate(job.stage, lang) if job.stage else "",
            "error": translate(job.error, lang) if job.error else None,
            "created_at": iso(job.created_at),
            "ended_at": iso_or_null(job.ended_at),
            "files": {form: f"/api/v1/reports/{job.id}/{form}" for form in ready},
        }
    )


def router(context: Context) -> APIRouter:
    """All routes, bound to the running program."""
    api = APIRouter(
        prefix="/api/v1", responses=responses(422), dependencies=[Depends(known_parameters)]
    )

    @api.get("/reports", summary="Reports, newest first", response_model=ReportPage)
    async def reports(lang: Lang = "vi") -> Response:
        found = context.reports.jobs()[:100]
        return answer(ReportPage(items=[report_out(context, job, lang) for job in found]))

    @api.post(
        "/reports",
        summary="Ask for a report; it is made in the background",
        response_model=ReportOut,
        status_code=202,
        responses=responses(429, 503),
    )
    async def ask(given: ReportIn, request: Request, lang: Lang = "vi") -> Response:
        try:
            job = await context.reports.submit(wanted_by(context, given), author(request))
        except WrongReport as error:
            raise HTTPException(422, render(error.reason, lang)) from None
        except TooMany as error:
            raise HTTPException(429, f"{error} reports wait already") from None
        made = answer(report_out(context, job, lang))
        made.status_code = 202
        return made

    @api.get(
        "/reports/{id}",
        summary="One report with its progress",
        response_model=ReportOut,
        responses=responses(404),
    )
    async def report(id: Id, lang: Lang = "vi") -> Response:
        return answer(report_out(context, _find(context, id), lang))

    @api.delete(
        "/reports/{id}",
        summary="Cancel a report that is not ready yet",
        response_model=ReportOut,
        responses=responses(404),
    )
    async def cancel(id: Id, lang: Lang = "vi") -> Response:
        _find(context, id)
        job = await context.reports.cancel(id)
        assert job is not None
        return answer(report_out(context, job, lang))

    @api.get(
        "/reports/{id}/{form}",
        summary="The file",
        response_class=FileResponse,
        responses={
            200: {"content": {t: {"schema": {"type": "string", "format": "binary"}}
                              for t in TYPES.values()}},
            **responses(404),
        },
    )  # fmt: skip
    def file(id: Id, form: Format) -> Response:
        job = _find(context, id)
        path = context.reports.file(job, form)
        if path is None:
            raise HTTPException(404, f"no {form} of this report")
        return FileResponse(path, media_type=TYPES[form], filename=file_name(job.wanted, form))

    return api


def _find(context: Context, id: str) -> Job:
    job = context.reports.job(id)
    if job is None:
        raise HTTPException(404, f"no report {id}")
    return job
