"""Errors as RFC 9457 problem+json, for everything that is not an answer."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException

from ioc.db import StateDatabaseError
from ioc.store.base import StoreError

log = logging.getLogger(__name__)


class Problem(BaseModel):
    """RFC 9457. detail: what was wrong with this request. errors: each wrong parameter."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    errors: list[dict[str, str]] | None = None


RESPONSES: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "content": {"application/problem+json": {}}}
    for code in (400, 404, 422, 503)
}


def problem(status: int, detail: str | None = None, errors: Any = None) -> JSONResponse:
    body = Problem(title=_title(status), status=status, detail=detail, errors=errors)
    return JSONResponse(
        body.model_dump(exclude_none=True), status, media_type="application/problem+json"
    )


def install(app: FastAPI) -> None:
    """Let every error of the app come out as a problem."""

    @app.exception_handler(StarletteHTTPException)
    async def _http(request: Request, error: StarletteHTTPException) -> Response:
        answer = problem(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [
            {"in": ".".join(str(part) for part in item["loc"]), "message": str(item["msg"])}
            for item in error.errors()
        ]
        return problem(422, "the request has wrong parameters", errors)

    @app.exception_handler(StoreError)
    @app.exception_handler(StateDatabaseError)
    async def _unavailable(request: Request, error: Exception) -> Response:
        log.error("%s: %s", request.url.path, error)
        return problem(503, "the data cannot be read now")

    @app.exception_handler(Exception)
    async def _broken(request: Request, error: Exception) -> Response:
        log.exception("%s: an error of the program", request.url.path)
        return problem(500)


def known_parameters(request: Request) -> None:
    """Refuse query parameters that mean nothing here: a misspelt filter must not show all."""
    route = request.scope.get("route")
    known = _names(getattr(route, "dependant", None))
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        allowed = ", ".join(sorted(known)) or "none"
        raise HTTPException(422, f"unknown parameter {', '.join(unknown)}; known: {allowed}")


def _names(dependant: Any) -> set[str]:
    if dependant is None:
        return set()
    found = {field.alias for field in dependant.query_params}
    for inner in dependant.dependencies:
        found |= _names(inner)
    return found


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
