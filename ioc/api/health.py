"""For machines that watch the monitor: is it alive, is it ready, and its own figures."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from ioc.api.context import Context
from ioc.api.metrics import exposition
from ioc.engine.model import AreaView

POLLING_STOPPED = 120_000  # ms without any new result, when checks come at least as often
# Codes of problems that keep results from being kept, and of those that only keep them waiting.
STANDS_IN_THE_WAY = ("store", "database", "outbox-full")
WAITS = ("store-away", "store-behind")


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False)

    @api.get("/healthz")
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @api.get("/readyz")
    def readyz() -> JSONResponse:
        wrong = not_ready(context)
        answer = {"ready": not wrong, "wrong": wrong}
        if waits := _problems(context, WAITS):
            answer["waits"] = waits
        return JSONResponse(answer, 503 if wrong else 200)

    @api.get("/metrics")
    def metrics() -> PlainTextResponse:
        return PlainTextResponse(exposition(context), media_type="text/plain; version=0.0.4")

    return api


def not_ready(context: Context) -> dict[str, str]:
    """What keeps the monitor from doing its work: part -> why. Asks the store: blocking."""
    area = context.monitor.view()
    wrong: dict[str, str] = {}
    if not area.topology.sites and not area.topology.assets:
        wrong["inventory"] = "nothing to watch"
    store = context.store.health()
    if not store.ok:
        wrong["store"] = store.problem or "it does not say why"
    database = context.database.health()
    if database is not None:
        wrong["database"] = database
    wrong = _problems(context, STANDS_IN_THE_WAY) | wrong
    silence = _silence(context, area)
    if silence is not None:
        wrong["poller"] = f"no new result for {silence // 1000} s"
    return wrong


def _problems(context: Context, codes: Collection[str]) -> dict[str, str]:
    present = context.problems.present()
    return {problem.code: str(problem.reason) for problem in present if problem.code in codes}


def _silence(context: Context, area: AreaView) -> int | None:
    """ms since the newest result (or the start) when that is too long; else None."""
    checks = area.topology.checks.values()
    if not checks:
        return None
    allowed = max(POLLING_STOPPED, round(3000 * min(check.interval for check in checks)))
    seen = [view.observed_at for view in area.assets.values() if view.observed_at is not None]
    silence = area.at - max([context.started_at, *seen])
    return silence if silence > allowed else None
