"""Jinja templates in the reader's language; everything put into them is escaped."""

from __future__ import annotations

import gzip
import hashlib
from datetime import datetime
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.environment import TemplateModule

from ioc.engine.model import AreaView
from ioc.i18n import translate
from ioc.web.words import percent

HERE = Path(__file__).parent
SMALL = 1_400  # bytes that one packet carries: not worth packing

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@cache
def build() -> str:
    """Names this version of the pages: a screen that hangs for months loads the new one."""
    digest = hashlib.sha256()
    for path in sorted((HERE / "static").iterdir()) + sorted((HERE / "templates").iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def page(request: Request, template: str, lang: str, area: AreaView, **values: Any) -> Response:
    """A page of the area. `_` translates; `clock` shows a moment in the area's time zone, `percent`
    a percentage.

    Filled in and packed where this is called: in the thread of the question.
    """
    tools = _tools(lang, area.topology.timezone) | {
        "csrf": getattr(request.state, "csrf", ""),
        "actor": getattr(request.state, "actor", None),
    }
    html = _environment.get_template(template).render(**tools, build=build(), area=area, **values)
    return _packed(request, html.encode())


def part(macro: str, lang: str, zone: ZoneInfo, *values: Any) -> str:
    """One part of the wall, for a live change: a macro of parts.html."""
    return str(getattr(_parts(lang, zone), macro)(*values))


def error_page(request: Request, status: int) -> Response | None:
    """What a person sees instead of an error; None for programs, which get a problem."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if not wants_page or request.url.path.startswith("/api/"):
        return None
    lang = "en" if request.query_params.get("lang") == "en" else "vi"
    words = partial(_words, lang)
    html = _environment.get_template("error.html").render(_=words, lang=lang, status=status)
    return HTMLResponse(html, status)


@lru_cache(maxsize=8)
def _parts(lang: str, zone: ZoneInfo) -> TemplateModule:
    return _environment.get_template("parts.html").make_module(_tools(lang, zone))


def _tools(lang: str, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "_": partial(_words, lang),
        "lang": lang,
        "clock": partial(_clock, zone=zone),
        "percent": partial(percent, lang=lang),
    }


def _words(lang: str, text: str, **args: Any) -> str:
    return translate(text, lang, **args)


def _clock(at: int | str | None, zone: ZoneInfo) -> str:
    """ms UTC, or ISO 8601 with its zone, as the area's wall time, day first."""
    if at is None:
        return "–"
    if isinstance(at, str):
        moment = datetime.fromisoformat(at).astimezone(zone)
    else:
        moment = datetime.fromtimestamp(at / 1000, zone)
    return moment.strftime("%H:%M %d/%m/%Y")


def _packed(request: Request, html: bytes) -> Response:
    headers = {"Vary": "Accept-Encoding"}
    if len(html) > SMALL and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        html = gzip.compress(html, compresslevel=5, mtime=0)
    return HTMLResponse(html, headers=headers)
