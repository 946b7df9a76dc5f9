"""http: does a web address answer as it should, and where does the time go."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from collectors import _match, base
from collectors._http import Answer, exchange
from collectors._net import connect
from collectors._tls import context, shake_hands
from collectors._trouble import Failed, Progress, Unmeasured, measured, shown, tick
from collectors._url import Url, parse_url
from collectors.base import Measurement

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
VARIABLE = re.compile(r"\$\{(IOC_[A-Z0-9_]+)\}")
OURS = {"connection", "content-length", "transfer-encoding", "te", "upgrade", "accept-encoding"}
SECRET = ("authorization", "cookie", "token", "key", "secret", "password")
AGENT = "mini-ioc"
TELEPHONE = (
    "Mozilla/5.0 (Linux; Android 14; Mobile) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Mobile Safari/537.36 mini-ioc"
)
HEAD = 200_000  # characters in which a page says how it wants to be shown
META = re.compile(r"<meta\b[^<>]{0,2000}>", re.IGNORECASE)
VIEWPORT = re.compile(r"""\bname\s*=\s*["']?viewport\b""", re.IGNORECASE)
DEVICE_WIDTH = re.compile(r"\bwidth\s*=\s*device-width\b", re.IGNORECASE)


def _url(text: str) -> str:
    parse_url(text)
    return text


def _ranges(value: Any) -> Any:
    """200, "200-299" or a list of them, as pairs of first and last status."""
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(item if isinstance(item, list | tuple) else _range(str(item)) for item in items)


def _range(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"\s*([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?\s*", text)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise ValueError('must be a status such as 200 or a range such as "200-299"')
    return int(match[1]), int(match[2] or match[1])


Statuses = Annotated[tuple[tuple[int, int], ...], BeforeValidator(_ranges), Field(min_length=1)]


class Settings(base.Settings):
    """url: http:// or https:// address. status: expected statuses, as 200, "200-299" or a list.

    follow: how many redirects are followed; 0 refuses them. A redirect whose status is expected
    is not followed. location: expect a redirect to an address in which this pattern is found.
    body / body_not: patterns that must / must not be found in the first `max_body` bytes.
    headers: sent to the url's own server only; a value may contain ${IOC_NAME}, the environment
    variable's value at that moment: the only place for a secret.
    verify: check certificate and name; ca_file: PEM of the authorities to trust instead.
    mobile: ask as a telephone's browser does, and see whether the page is made for small screens:
    value `mobile`, 1 or 0, of a page that answered as expected. That decides nothing else.

    Values, ms, summed over redirects: dns_ms (a name), connect_ms, tls_ms (https), first_byte_ms
    (from the request sent to the first byte back), total_ms; status, body_bytes, redirects.
    """

    url: Annotated[str, AfterValidator(_url)]
    method: Literal["GET", "HEAD", "OPTIONS"] = "GET"
    status: Statuses = ((200, 299),)
    follow: int = Field(default=5, ge=0, le=20)
    location: _match.Pattern | None = None
    body: _match.Pattern | None = None
    body_not: _match.Pattern | None = None
    max_body: int = Field(default=1_000_000, ge=1, le=10_000_000)
    headers: dict[str, str] = Field(default_factory=dict, max_length=50)
    user_agent: str = Field(default=AGENT, max_length=200, pattern=r"^[ -~]+$")
    mobile: bool = False
    verify: bool = True
    ca_file: str | None = None

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not TOKEN.fullmatch(name) or name.lower() in OURS:
                raise ValueError("a header name that cannot be set")
            if not _sendable(value) or "${" in VARIABLE.sub("", value):
                raise ValueError("a header value must be one line; variables are ${IOC_NAME}")
            if name.lower().endswith(SECRET) and not VARIABLE.search(value):
                raise ValueError("a secret belongs in the environment: write ${IOC_NAME}")
        return headers

    @model_validator(mode="after")
    def _has_a_page(self) -> Settings:
        if self.mobile and self.method != "GET":
            raise ValueError("mobile looks at the page: the method must be GET")
        return self


async def measure(settings: Settings, timeout: float) -> Measurement:
    """Ask once, redirects included; timeout in seconds for all of it."""

    async def steps(progress: Progress) -> None:
        started = tick()
        answer = await _final_answer(settings, progress)
        progress.values["total_ms"] = (tick() - started) * 1000
        await _judge(settings, answer, progress)
        if settings.mobile and settings.location is None:
            _look_at_screen(settings, answer, progress)

    return await measured(timeout, steps)


async def _final_answer(settings: Settings, progress: Progress) -> Answer:
    first = url = parse_url(settings.url)
    headers = _headers(settings)
    for count in range(settings.follow + 1):
        progress.values["redirects"] = count
        own = headers if url.origin == first.origin else {}
        answer = await _ask(settings, url, own, progress)
        location = answer.header("location") if 300 <= answer.status < 400 else None
        if location is None or settings.location or _expected(settings, answer):
            return answer
        url = _next(url, location)
        progress.details["url"] = shown(str(url))
    if settings.follow:
        raise Failed("redirected more than {count} times", count=settings.follow)
    raise Failed("redirected to {location}", location=shown(str(url)))


def _next(url: Url, location: str) -> Url:
    try:
        return url.join(location)
    except ValueError:
        raise Failed(
            "redirected to {location}, which is no web address", location=shown(location)
        ) from None


async def _ask(settings: Settings, url: Url, headers: dict[str, str], progress: Progress) -> Answer:
    telephone = settings.mobile and settings.user_agent == AGENT
    agent = TELEPHONE if telephone else settings.user_agent
    ours = {"Host": url.authority, "User-Agent": agent, "Accept": "*/*"}
    given = {name.lower() for name in headers}
    ours = {name: value for name, value in ours.items() if name.lower() not in given}
    ours |= {"Accept-Encoding": "identity", "Connection": "close"}
    using = await context(settings.verify, settings.ca_file) if url.scheme == "https" else None
    stream = await connect(url.host, url.port, progress)
    try:
        if using is not None:
            await shake_hands(stream, using, url.host, progress, "tls_ms")
        return await exchange(
            stream,
            url,
            method=settings.method,
            headers=ours | headers,
            limit=settings.max_body,
            progress=progress,
        )
    finally:
        stream.close()


def _look_at_screen(settings: Settings, answer: Answer, progress: Progress) -> None:
    with suppress(Failed):  # a coding that cannot be read: nothing is known of the page
        page = answer.text(settings.max_body)
        progress.values["mobile"] = float(made_for_telephones(page))


def made_for_telephones(page: str) -> bool:
    """Whether a page says `<meta name="viewport" content="width=device-width…">`.

    That is how a page made for small screens tells a browser so (CSS Viewport Module, WHATWG).
    What stands in a comment says nothing.
    """
    tags = META.findall(_without_comments(page[:HEAD]))
    return any(VIEWPORT.search(tag) and DEVICE_WIDTH.search(tag) for tag in tags)


def _without_comments(page: str) -> str:
    kept, at = [], 0
    while (start := page.find("<!--", at)) >= 0:
        kept.append(page[at:start])
        end = page.find("-->", start + 4)
        if end < 0:
            return "".join(kept)
        at = end + 3
    return "".join([*kept, page[at:]])


def _headers(settings: Settings) -> dict[str, str]:
    """Own headers with variables filled in. Values never reach a reason, a detail or a log."""
    return {name: _filled(name, value) for name, value in settings.headers.items()}


def _filled(header: str, value: str) -> str:
    for name in VARIABLE.findall(value):
        if name not in os.environ:
            raise Unmeasured("the environment variable {name} is not set", name=name)
    filled = VARIABLE.sub(lambda match: os.environ[match[1]], value)
    if not _sendable(filled):
        raise Unmeasured("the value for the header {header} cannot be sent", header=header)
    return filled


def _sendable(value: str) -> bool:
    return (
        len(value) <= 8192 and value.strip() == value and not re.search(r"[\x00-\x1f\x7f]", value)
    )


def _expected(settings: Settings, answer: Answer) -> bool:
    return any(first <= answer.status <= last for first, last in settings.status)


async def _judge(settings: Settings, answer: Answer, progress: Progress) -> None:
    """Raises Failed unless the answer is as it should be."""
    if settings.location is not None:
        await _judge_location(settings.location, answer, progress)
    elif not _expected(settings, answer):
        raise Failed("answered with status {status}", status=progress.details["status"])
    if settings.body is None and settings.body_not is None:
        return
    text = answer.text(settings.max_body)
    if settings.body is not None and not await _match.found(settings.body, text, progress):
        raise Failed("the page does not contain {pattern}", pattern=settings.body)
    if settings.body_not is not None and await _match.found(settings.body_not, text, progress):
        raise Failed("the page contains {pattern}", pattern=settings.body_not)
    if answer.cut:
        progress.details["body"] = f"> {settings.max_body}"


async def _judge_location(pattern: str, answer: Answer, progress: Progress) -> None:
    location = answer.header("location") if 300 <= answer.status < 400 else None
    if location is None:
        raise Failed(
            "answered with status {status} instead of a redirect", status=progress.details["status"]
        )
    if not await _match.found(pattern, location, progress):
        raise Failed("redirected to {location}", location=shown(location))
