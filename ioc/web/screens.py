"""The wall's own live channel: parts of the page, made on the server, already escaped."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, WebSocket

from ioc.api.context import Context
from ioc.api.live import language, serve
from ioc.engine.hub import Changes
from ioc.engine.model import AreaView
from ioc.web import wall
from ioc.web.render import build, part

PARTS = ("headline", "summary", "goals", "problems", "services", "attention")
Parts = dict[str, str]


def router(context: Context) -> APIRouter:
    api = APIRouter()
    parts = Shared(context)

    @api.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await serve(socket, context, screen(context, parts.of, language(socket)))

    return api


class Shared:
    """The parts that all screens show alike, made once for each change."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._made: dict[str, tuple[object, Parts]] = {}

    def of(self, area: AreaView, lang: str) -> Parts:
        key = (area.version, self._context.problems.present())
        known = self._made.get(lang)
        if known is None or known[0] != key:
            sums = wall.totals(self._context, area, lang)
            zone = area.topology.timezone
            known = key, {name: part(name, lang, zone, sums) for name in PARTS}
            self._made[lang] = known
        return known[1]


def screen(
    context: Context, parts_of: Callable[[AreaView, str], Parts], lang: str
) -> Callable[[Changes], str]:
    """What makes the messages of one screen: tiles that changed, parts that it has not yet.

    all: replace the tiles you have. now, observed: ms UTC.
    """
    sent: Parts = {}

    def message(changes: Changes) -> str:
        area = context.monitor.view()
        parts = parts_of(area, lang)
        fresh = {name: html for name, html in parts.items() if sent.get(name) != html}
        sent.update(fresh)
        only = None if changes.everything else changes.sites
        return json.dumps(
            {
                "build": build(),
                "now": area.at,
                "observed": wall.observed(area),
                "all": changes.everything,
                "parts": fresh,
                "tiles": {
                    tile["id"]: _html(tile, area, lang) for tile in wall.tiles(area, lang, only)
                },
            },
            ensure_ascii=False,
        )

    return message


def _html(tile: dict[str, Any], area: AreaView, lang: str) -> str:
    return part("tile", lang, area.topology.timezone, tile)
