"""Errors as RFC 9457 problem+json, for everything that is not an answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from ioc.db import StateDatabaseError
from ioc.store.base import StoreError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
AsPage = Callable[[Request, int], Response | None]


class WrongParameter(BaseModel):
    where: Annotated[str, Field(examples=["query.limit"])]
    message: Annotated[str, Field(examples=["Input should be less than or equal to 1000"])]


class Problem(BaseModel):
    """An error (RFC 9457). detail: what was wrong with this request."""

    type: str = "about:blank"
    title: Annotated[str, Field(examples=["Not Found"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str | None, Field(examples=["no site yen-thin"])] = None
    errors: list[WrongParameter] | None = None


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """These errors for the API's description."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"description": _title(code), "content": content} for code in codes}


def problem(
    status: int, detail: str | None = None, errors: list[WrongParameter] | None = None
) -> JSONResponse:
    body = Problem(title=_title(status), status=status, detail=detail, errors=errors)
    return JSONResponse(body.model_dump(exclude_none=True), status, media_type=MEDIA_TYPE)


def install(app: FastAPI, as_page: AsPage) -> None:
    """Let every error of the app come out as a problem, or as the page that `as_page` makes."""

    @app.exception_handler(StarletteHTTPException)
    async def _http(request: Request, error: StarletteHTTPException) -> Response:
        answer = as_page(request, error.status_code) or problem(
            error.status_code, str(error.detail)
        )
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = [
            WrongParameter(where=".".join(str(part) for part in item["loc"]), message=item["msg"])
            for item in error.errors()
        ]
        return as_page(request, 422) or problem(422, "the request has wrong parameters", wrong)

    @app.exception_handler(StoreError)
    @app.exception_handler(StateDatabaseError)
    async def _unavailable(request: Request, error: Exception) -> Response:
        log.error("%s: %s", request.url.path, error)
        return as_page(request, 503) or problem(503, "the data cannot be read now")


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
