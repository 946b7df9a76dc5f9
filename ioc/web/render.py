"""Jinja templates in the reader's language; everything put into them is escaped."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ioc.i18n import translate

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, lang: str, **values: Any) -> str:
    """A template filled in. `_` translates; `area` gives the time zone of `clock`."""
    return _environment.get_template(template).render(**_tools(lang, values["area"]), **values)


def part(template: str, macro: str, *, values: tuple[Any, ...], lang: str, area: Any) -> str:
    """One macro of a template, for a live change."""
    module = _environment.get_template(template).make_module(_tools(lang, area))
    return str(getattr(module, macro)(*values))


def _tools(lang: str, area: Any) -> dict[str, Any]:
    def words(text: str, **args: Any) -> str:
        return translate(text, lang, **args)

    return {"_": words, "lang": lang, "clock": partial(_clock, zone=area.topology.timezone)}


def _clock(at: int | None, zone: ZoneInfo) -> str:
    """ms UTC as the area's wall time, day first."""
    if at is None:
        return "–"
    return datetime.fromtimestamp(at / 1000, zone).strftime("%H:%M %d/%m/%Y")
