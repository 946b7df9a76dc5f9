"""The web application: pages, API, live channels, static files, and the guard around them all."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic.json_schema import models_json_schema

from ioc import __version__
from ioc.api import accounts, availability, errors, health, incidents, live, reports, targets, v1
from ioc.api.context import Context
from ioc.api.door import COOKIE, Door, is_open, needs
from ioc.api.guard import Guard
from ioc.web import availability as availability_pages
from ioc.web import console, login, pages, screens
from ioc.web import reports as report_pages
from ioc.web import targets as target_pages
from ioc.web.render import HERE, error_page

DOCS = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/docs.css"></head><body>
<main id="description"><noscript><a href="/api/openapi.json">/api/openapi.json</a></noscript></main>
<script type="module" src="/static/docs.js"></script></body></html>"""
DESCRIPTION = """What the monitor knows, to be read by other programs.

Times are ISO 8601 in UTC. What is not known is null, never 0. Lists come in pages, in order of
id: pass `next` as `cursor` until it is null. Unknown parameters are refused. Errors are problem
details (RFC 9457). The WebSocket `/api/v1/ws` sends everything once (`type` full), then what
changed, at most once a second and at least every five: `overview`, `sites`, `assets`."""


def create_app(context: Context) -> FastAPI:
    """The application over a running program."""
    app = FastAPI(
        title="Mini IOC",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    errors.install(app, error_page)
    app.add_middleware(Door, accounts=context.accounts, audit=context.audit, local=context.local)
    app.add_middleware(Guard, hosts=context.hosts)
    for api in (v1, incidents, targets, availability, reports, accounts, live, health, screens):
        app.include_router(api.router(context))
    for part in (pages, target_pages, availability_pages, report_pages, login, console):
        app.include_router(part.router(context), dependencies=[Depends(errors.known_parameters)])
    app.get("/api/docs", include_in_schema=False)(_docs)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    _describe_problems(app)
    return app


def _docs() -> HTMLResponse:
    return HTMLResponse(DOCS)


def _describe_problems(app: FastAPI) -> None:
    """Put the error model, which no route gives back as its answer, into the description."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _, found = models_json_schema(
                [(errors.Problem, "serialization")], ref_template="#/components/schemas/{model}"
            )
            described = made()
            described["components"]["schemas"].update(found["$defs"])
            _describe_door(described)
        return made()

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation does it


def _describe_door(described: dict[str, Any]) -> None:
    """What the door answers, for every operation behind it."""
    described["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    refusals = errors.responses(401, 403)
    for path, item in described["paths"].items():
        for method, operation in item.items():
            if is_open(path):
                continue
            operation["security"] = [{"token": []}, {"session": []}]
            operation["x-role"] = needs(method.upper(), path).value
            for code, answer in refusals.items():
                operation["responses"].setdefault(str(code), answer)
