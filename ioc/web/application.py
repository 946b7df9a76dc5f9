"""The web application: pages, API, live channel, and what every answer must carry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from ioc import __version__
from ioc.api import errors, health, v1
from ioc.api.context import Context
from ioc.web import live, pages

HERE = Path(__file__).parent

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

DOCS = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API</title>
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/docs.css"></head><body><h1>API</h1>
<p>OpenAPI: <a href="/api/openapi.json">/api/openapi.json</a></p>
<main id="routes"></main><script type="module" src="/static/docs.js"></script></body></html>"""


def create_app(context: Context) -> FastAPI:
    """The application over a running program."""
    app = FastAPI(
        title="Mini IOC",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    errors.install(app)
    app.middleware("http")(_with_headers)
    app.include_router(v1.router(context))
    app.include_router(live.router(context))
    app.include_router(health.router(context))
    app.include_router(pages.router(context), dependencies=[Depends(errors.known_parameters)])
    app.get("/api/docs", include_in_schema=False)(_docs)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    return app


def _docs() -> HTMLResponse:
    return HTMLResponse(DOCS)


async def _with_headers(
    request: Request, handle: Callable[[Request], Awaitable[Response]]
) -> Response:
    answer = await handle(request)
    answer.headers.update(HEADERS)
    if not request.url.path.startswith("/static"):
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer
