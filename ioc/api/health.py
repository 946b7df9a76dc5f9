"""For machines that watch the monitor: alive, ready, and its own figures."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from ioc.api.context import Context
from ioc.engine.model import State

POLLING_STOPPED = 120_000  # ms without any new result: the poller does not run


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False)

    @api.get("/healthz")
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @api.get("/readyz")
    def readyz() -> JSONResponse:
        wrong = not_ready(context)
        return JSONResponse({"ready": not wrong, "wrong": wrong}, 503 if wrong else 200)

    @api.get("/metrics")
    def metrics() -> PlainTextResponse:
        return PlainTextResponse(exposition(context), media_type="text/plain; version=0.0.4")

    return api


def not_ready(context: Context) -> dict[str, str]:
    """What keeps the monitor from doing its work, by part."""
    wrong: dict[str, str] = {}
    store = context.store.health()
    if not store.ok:
        wrong["store"] = store.problem or "unknown"
    database = context.database.health()
    if database is not None:
        wrong["database"] = database
    for problem in context.problems.present():
        if problem.code in ("store", "database"):
            wrong[problem.code] = str(problem.reason)
    newest = [v.observed_at for v in context.monitor.view().assets.values() if v.observed_at]
    now = context.clock.now()
    last = max(newest, default=context.started_at)
    if now - max(last, context.started_at) > POLLING_STOPPED:
        wrong["poller"] = "no new result for two minutes"
    return wrong


def exposition(context: Context) -> str:
    """Own figures in the Prometheus text format."""
    lines = []
    for name, value in sorted(context.counters().items()):
        lines += [f"# TYPE ioc_{name} gauge", f"ioc_{name} {value:.10g}"]
    lines.append("# TYPE ioc_site_up gauge")
    for site in context.monitor.view().sites.values():
        up = int(site.state in (State.UP, State.DEGRADED))
        lines.append(f'ioc_site_up{{site="{_label(site.id)}",state="{site.state.value}"}} {up}')
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
