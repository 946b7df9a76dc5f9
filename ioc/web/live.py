"""The live channel of the screens: everything once, then what changed, at most once a second."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from ioc.api.context import Context
from ioc.web.render import part
from ioc.web.wall import tiles, totals

BEAT = 5.0  # seconds: a screen that hears nothing for two of these says that it is out of date
PACE = 1.0  # seconds between two messages
SLOW = 10.0  # seconds a screen may take to accept a message
PARTS = {"summary": "summary", "goals": "goals", "problems": "problems", "services": "services"}


def router(context: Context) -> APIRouter:
    api = APIRouter()

    @api.websocket("/api/v1/ws")
    async def live(socket: WebSocket) -> None:
        if not same_origin(socket):
            await socket.close(1008)
            return
        await socket.accept()
        lang = "en" if socket.query_params.get("lang") == "en" else "vi"
        sender = asyncio.create_task(_send(socket, context, lang))
        listener = asyncio.create_task(_listen(socket))
        tasks = {sender, listener}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return api


def same_origin(socket: WebSocket) -> bool:
    """A page of another site must not read the screens through its visitor's browser."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host")


async def _send(socket: WebSocket, context: Context, lang: str) -> None:
    with context.hub.subscribe() as screen:
        await _give(socket, await asyncio.to_thread(_message, context, None, lang))
        while True:
            changes = await screen.wait(BEAT)
            sites = None if changes.everything else changes.sites
            await _give(socket, await asyncio.to_thread(_message, context, sites, lang))
            await asyncio.sleep(PACE)


async def _listen(socket: WebSocket) -> None:
    """Notice that the screen is gone; what it says means nothing."""
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError, KeyError):
        return


async def _give(socket: WebSocket, message: dict[str, Any]) -> None:
    async with asyncio.timeout(SLOW):
        await socket.send_json(message)


def _message(context: Context, sites: set[str] | None, lang: str) -> dict[str, Any]:
    """sites: only these tiles; None = all, and the page replaces what it has."""
    area = context.monitor.view()
    sums = totals(context, area, lang)
    make = partial(part, "parts.html", lang=lang, area=area)
    return {
        "all": sites is None,
        "at": area.at,
        "observed": sums["observed"],
        "parts": {name: make(macro, values=(sums,)) for name, macro in PARTS.items()},
        "tiles": {tile["id"]: make("tile", values=(tile,)) for tile in tiles(area, lang, sites)},
    }
