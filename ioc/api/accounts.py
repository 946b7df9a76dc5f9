"""Accounts over the API: who am I, users, tokens, the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from ioc.accounts.model import AccountError, Act, Actor, Role, Token, UnknownAccount, User
from ioc.api.context import Context
from ioc.api.errors import known_parameters, responses
from ioc.api.figures import Time, iso, iso_or_null
from ioc.api.params import Limit, Text, answer

Name = Annotated[str, Path(max_length=64, examples=["an.nguyen"])]
Late = Annotated[str | None, Field(description="ISO 8601, UTC; null: never")]


class Me(BaseModel):
    name: Annotated[str, Field(examples=["an.nguyen"])]
    role: Role
    via: Annotated[str, Field(examples=["session"], description="session, token or local")]


class UserOut(BaseModel):
    name: Annotated[str, Field(examples=["an.nguyen"])]
    role: Role
    enabled: bool
    ready: Annotated[bool, Field(description="A password was chosen")]
    created_at: Time
    seen_at: Late


class UserMade(UserOut):
    link: Annotated[str, Field(description="Where the user chooses a password, once, within a day")]


class UserPage(BaseModel):
    items: list[UserOut]


class UserIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=64)]
    role: Role = Role.VIEWER


class UserChange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Role | None = None
    enabled: bool | None = None
    link: Annotated[bool, Field(description="Give a new link to choose a password")] = False


class UserChanged(UserOut):
    link: str | None


class TokenOut(BaseModel):
    id: Annotated[str, Field(examples=["9f2c01ab"])]
    name: Annotated[str, Field(examples=["telegraf"])]
    role: Role
    author: str
    created_at: Time
    expires_at: Late
    used_at: Late
    revoked_at: Late


class TokenMade(TokenOut):
    secret: Annotated[str, Field(description="Shown this once")]


class TokenPage(BaseModel):
    items: list[TokenOut]


class TokenIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=64)]
    role: Role = Role.VIEWER
    days: Annotated[float | None, Field(gt=0, le=3650, description="null: until revoked")] = 365


class ActOut(BaseModel):
    number: int
    at: Time
    who: Annotated[str, Field(examples=["an.nguyen"])]
    via: str
    action: Annotated[str, Field(examples=["POST /api/v1/incidents/12/acknowledge"])]
    subject: str
    detail: str
    address: str


class ActPage(BaseModel):
    items: list[ActOut]
    next: int | None


def router(context: Context) -> APIRouter:
    api = APIRouter(
        prefix="/api/v1", responses=responses(422), dependencies=[Depends(known_parameters)]
    )

    @api.get("/me", summary="Who am I", response_model=Me)
    async def me(request: Request) -> Response:
        who: Actor = request.state.actor
        return answer(Me(name=who.name, role=who.role, via=who.via))

    _users(api, context)
    _tokens(api, context)

    @api.get("/audit", summary="Who did what, newest first", response_model=ActPage,
             responses=responses(503))  # fmt: skip
    def audit(
        limit: Limit = 100,
        cursor: Annotated[int | None, Query(ge=1, le=2**53)] = None,
        who: Text = None,
    ) -> Response:
        found = context.audit.list(limit + 1, cursor, who)
        more = found[limit - 1].number if len(found) > limit else None
        return answer(ActPage(items=[_act(act) for act in found[:limit]], next=more))

    return api


def _users(api: APIRouter, context: Context) -> None:
    accounts = context.accounts

    @api.get("/users", summary="Accounts", response_model=UserPage, responses=responses(503))
    def users() -> Response:
        return answer(UserPage(items=[UserOut(**_user(user)) for user in accounts.users()]))

    @api.post("/users", summary="A new account, and the link to choose its password",
              status_code=201, response_model=UserMade, responses=responses(409, 503))  # fmt: skip
    def add(body: UserIn, request: Request) -> Response:
        try:
            user = accounts.add(body.name, body.role)
        except AccountError as error:
            raise HTTPException(409, str(error)) from None
        request.state.detail = f"{user.name}: {user.role.value}"
        made = answer(UserMade(**_user(user), link=_link(request, accounts.create_link(user.name))))
        made.status_code = 201
        return made

    @api.patch("/users/{name}", summary="Another role, let in or out, a new password link",
               response_model=UserChanged, responses=responses(404, 409, 503))  # fmt: skip
    def change(name: Name, body: UserChange, request: Request) -> Response:
        try:
            user = accounts.change(name, role=body.role, enabled=body.enabled)
            secret = accounts.create_link(name) if body.link else None
        except UnknownAccount as error:
            raise HTTPException(404, str(error)) from None
        except AccountError as error:
            raise HTTPException(409, str(error)) from None
        request.state.detail = body.model_dump_json(exclude_none=True)
        link = None if secret is None else _link(request, secret)
        return answer(UserChanged(**_user(user), link=link))


def _tokens(api: APIRouter, context: Context) -> None:
    accounts = context.accounts

    @api.get("/tokens", summary="Bearer tokens, without their secrets", response_model=TokenPage,
             responses=responses(503))  # fmt: skip
    def tokens() -> Response:
        return answer(TokenPage(items=[TokenOut(**_token(one)) for one in accounts.tokens()]))

    @api.post("/tokens", summary="A new bearer token for another program", status_code=201,
              response_model=TokenMade, responses=responses(409, 503))  # fmt: skip
    def create(body: TokenIn, request: Request) -> Response:
        try:
            secret, token = accounts.create_token(
                body.name, body.role, request.state.actor.name, body.days
            )
        except AccountError as error:
            raise HTTPException(409, str(error)) from None
        request.state.detail = f"{token.name}: {token.role.value}, {token.id}"
        made = answer(TokenMade(**_token(token), secret=secret))
        made.status_code = 201
        return made

    @api.delete("/tokens/{id}", summary="Revoke a token", status_code=204,
                response_class=Response, responses=responses(404, 503))  # fmt: skip
    def revoke(id: Annotated[str, Path(max_length=64)]) -> Response:
        try:
            accounts.revoke_token(id)
        except UnknownAccount as error:
            raise HTTPException(404, str(error)) from None
        return Response(status_code=204)


def _link(request: Request, secret: str) -> str:
    return str(request.base_url).rstrip("/") + f"/setup/{secret}"


def _user(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "role": user.role,
        "enabled": user.enabled,
        "ready": user.ready,
        "created_at": iso(user.created_at),
        "seen_at": iso_or_null(user.seen_at),
    }


def _token(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "author": token.author,
        "created_at": iso(token.created_at),
        "expires_at": iso_or_null(token.expires_at),
        "used_at": iso_or_null(token.used_at),
        "revoked_at": iso_or_null(token.revoked_at),
    }


def _act(act: Act) -> ActOut:
    return ActOut(
        number=act.number, at=iso(act.at), who=act.who, via=act.via, action=act.action,
        subject=act.subject, detail=act.detail, address=act.address,
    )  # fmt: skip
