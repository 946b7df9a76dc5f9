"""Signing in and out, the first admin, one's own account; users and audit for admins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ioc.accounts.model import AccountError, Actor, Role, UnknownAccount
from ioc.accounts.tries import Tries
from ioc.api.context import Context
from ioc.api.door import cookie_name, cookie_of, same_site
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.web.render import page

Lang = Annotated[Literal["vi", "en"], Query()]
Line = Annotated[str, Form(max_length=1000)]
Chosen = Annotated[Role, Form()]
Next = Annotated[str, Query(max_length=2000)]
Secret = Annotated[str, Path(max_length=200)]
ROLES = {
    Role.VIEWER: mark("viewer"),
    Role.OPERATOR: mark("operator"),
    Role.ADMIN: mark("administrator"),
}
SHOWN = 100  # lines of the audit log on one page
YEARS = 400 * 86_400  # seconds that a wall's cookie lasts


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _doors(api, context)
    _setup(api, context)
    _own(api, context)
    _admin(api, context)
    return api


def _doors(api: APIRouter, context: Context) -> None:
    tries = Tries()

    def form(  # noqa: PLR0917 - what the page shows
        request: Request, lang: str, back: str, wrong: str = "", name: str = "", status: int = 403
    ) -> Response:
        return _page(context, request, "login.html", lang, status if wrong else 200,
                     back=_local(back), wrong=wrong, name=name,
                     empty=not context.accounts.has_users())  # fmt: skip

    @api.get("/login")
    def login(request: Request, next: Next = "/", lang: Lang = "vi") -> Response:
        return form(request, lang, next)

    @api.post("/login")
    def enter(  # noqa: PLR0917 - the fields of the form
        request: Request,
        name: Line = "",
        password: Line = "",
        screen: Line = "",
        next: Next = "/",
        lang: Lang = "vi",
    ) -> Response:
        address = request.client.host if request.client else ""
        actor = Actor(name, Role.VIEWER, "session", address=address)
        if not same_site(request.scope, request.headers):
            raise HTTPException(403, "the form comes from elsewhere")
        if tries.too_many(address):
            text = _("too many wrong passwords from this address; try again later", lang)
            return form(request, lang, next, text, name, 429)
        try:
            user = context.accounts.authenticate(name, password)
        except AccountError as error:
            tries.wrong(address)
            context.audit.record(actor, "login refused")
            return form(request, lang, next, str(error), name)
        context.audit.record(actor, "login")
        return _signed_in(context, request, user.name, _local(next), screen == "1")

    @api.post("/logout")
    def leave(request: Request, lang: Lang = "vi") -> Response:
        context.accounts.close_session(request.state.actor.id)
        answer = RedirectResponse(f"/login?lang={lang}", 303)
        answer.delete_cookie(cookie_name(request.scope), secure=_secure(request), httponly=True)
        return answer


def _setup(api: APIRouter, context: Context) -> None:
    def form(request: Request, secret: str, lang: str, wrong: str = "", name: str = "") -> Response:
        try:
            user = context.accounts.link_user(secret)
        except UnknownAccount as error:
            raise HTTPException(404, str(error)) from None
        return _page(context, request, "setup.html", lang, 422 if wrong else 200,
                     user=user, wrong=wrong, name=name)  # fmt: skip

    @api.get("/setup/{secret}")
    def setup(request: Request, secret: Secret, lang: Lang = "vi") -> Response:
        return form(request, secret, lang)

    @api.post("/setup/{secret}")
    def choose(  # noqa: PLR0917 - the fields of the form
        request: Request,
        secret: Secret,
        name: Line = "",
        password: Line = "",
        again: Line = "",
        lang: Lang = "vi",
    ) -> Response:
        if not same_site(request.scope, request.headers):
            raise HTTPException(403, "the form comes from elsewhere")
        if password != again:
            return form(request, secret, lang, _("the two passwords differ", lang), name)
        try:
            user = context.accounts.use_link(secret, name, password)
        except UnknownAccount as error:
            raise HTTPException(404, str(error)) from None
        except AccountError as error:
            return form(request, secret, lang, str(error), name)
        address = request.client.host if request.client else ""
        context.audit.record(Actor(user.name, user.role, "session", address=address), "setup")
        return _signed_in(context, request, user.name, "/", False)


def _own(api: APIRouter, context: Context) -> None:
    def form(request: Request, lang: str, wrong: str = "") -> Response:
        name = request.state.actor.name
        return _page(context, request, "account.html", lang, 422 if wrong else 200,
                     wrong=wrong, role=_(ROLES[request.state.actor.role], lang),
                     sessions=context.accounts.sessions(name))  # fmt: skip

    @api.get("/account")
    def account(request: Request, lang: Lang = "vi") -> Response:
        return form(request, lang)

    @api.post("/account")
    def password(
        request: Request, old: Line = "", password: Line = "", again: Line = "", lang: Lang = "vi"
    ) -> Response:
        name = request.state.actor.name
        if password != again:
            return form(request, lang, _("the two passwords differ", lang))
        try:
            context.accounts.authenticate(name, old)
            context.accounts.set_password(name, password)
        except AccountError as error:
            return form(request, lang, str(error))
        return _signed_in(context, request, name, f"/account?lang={lang}", False)

    @api.post("/account/leave")
    def everywhere(request: Request, lang: Lang = "vi") -> Response:
        context.accounts.close_sessions(request.state.actor.name)
        return RedirectResponse(f"/login?lang={lang}", 303)


def _admin(api: APIRouter, context: Context) -> None:
    def form(request: Request, lang: str, wrong: str = "", link: str = "") -> Response:
        return _page(context, request, "users.html", lang, 422 if wrong else 200,
                     wrong=wrong, made=link, users=context.accounts.users(),
                     roles=[(role.value, _(text, lang)) for role, text in ROLES.items()],
                     words={role.value: _(text, lang) for role, text in ROLES.items()})  # fmt: skip

    @api.get("/console/users")
    def users(request: Request, lang: Lang = "vi") -> Response:
        return form(request, lang)

    @api.post("/console/users")
    def add(
        request: Request, name: Line = "", role: Chosen = Role.VIEWER, lang: Lang = "vi"
    ) -> Response:
        try:
            user = context.accounts.add(name, role)
        except AccountError as error:
            return form(request, lang, str(error))
        request.state.detail = f"{user.name}: {role.value}"
        return form(request, lang, link=_link(request, context.accounts.create_link(user.name)))

    @api.post("/console/users/{name}/{what}")
    def change(
        request: Request, name: str, what: Literal["in", "out", "link"], lang: Lang = "vi"
    ) -> Response:
        try:
            if what == "link":
                secret = context.accounts.create_link(name)
                return form(request, lang, link=_link(request, secret))
            context.accounts.change(name, enabled=what == "in")
        except AccountError as error:
            return form(request, lang, str(error))
        return RedirectResponse(f"/console/users?lang={lang}", 303)

    @api.get("/console/audit")
    def audit(
        request: Request,
        before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
        lang: Lang = "vi",
    ) -> Response:
        found = context.audit.list(SHOWN + 1, before)
        more = found[SHOWN - 1].number if len(found) > SHOWN else None
        return _page(context, request, "audit.html", lang, 200, acts=found[:SHOWN], more=more)


def _page(
    context: Context, request: Request, template: str, lang: str, status: int, **values: Any
) -> Response:
    area = context.monitor.view()
    answer = page(request, template, lang, area, simulated=context.simulated, **values)
    answer.status_code = status
    return answer


def _signed_in(context: Context, request: Request, name: str, back: str, screen: bool) -> Response:
    """To where the user wanted to go, with a session of his own: never one from before."""
    old = cookie_of(request.scope, request.headers)
    if old is not None:
        actor = context.accounts.by_session(old)
        if actor is not None:
            context.accounts.close_session(actor.id)
    address = request.client.host if request.client else ""
    agent = request.headers.get("user-agent", "")
    secret = context.accounts.open_session(name, address, agent, screen=screen)
    answer = RedirectResponse(back, 303)
    answer.set_cookie(
        cookie_name(request.scope), secret, max_age=YEARS if screen else None,
        secure=_secure(request), httponly=True, samesite="lax", path="/",
    )  # fmt: skip
    return answer


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _local(path: str) -> str:
    """A path of ours to go back to; anything that could lead elsewhere leads to the wall."""
    plain = path.replace("\\", "/")
    safe = plain.startswith("/") and not plain.startswith("//") and plain.isprintable()
    return path if safe else "/"


def _link(request: Request, secret: str) -> str:
    return str(request.base_url).rstrip("/") + f"/setup/{secret}"
