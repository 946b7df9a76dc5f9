"""The live channel: everything once, then what changed, at most once a second.

A slow screen is dropped. While it lags it costs the ids of what changed, never a queue of messages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

from ioc.api import read
from ioc.api.context import Context
from ioc.api.figures import Overview
from ioc.api.models import AssetOut, SiteOut, asset_out, site_out
from ioc.engine.hub import Changes
from ioc.engine.model import AreaView

PACE = 1.0  # seconds from one message to the next at least
BEAT = 3.0  # seconds to wait for a change; with PACE and the making of it well below 5
SLOW = 10.0  # seconds a screen may take to accept a message
SCREENS = 200  # at once
POLICY_VIOLATION, TRY_AGAIN_LATER = 1008, 1013  # RFC 6455, section 7.4.1, and its registry

EXPECTED = (asyncio.CancelledError, TimeoutError, WebSocketDisconnect, RuntimeError)

Make = Callable[[Changes], str]

log = logging.getLogger(__name__)


class Live(BaseModel):
    """A message of /api/v1/ws. full: replace what you have; changes: what is new since the last.

    The overview comes with each, so that one without sites and assets is the heartbeat.
    """

    type: Literal["full", "changes"]
    overview: Overview
    sites: list[SiteOut]
    assets: list[AssetOut]


def router(context: Context) -> APIRouter:
    api = APIRouter()

    @api.websocket("/api/v1/ws")
    async def live(socket: WebSocket) -> None:
        lang = language(socket)
        await serve(socket, context, lambda changes: message(context, changes, lang))

    return api


def message(context: Context, changes: Changes, lang: str) -> str:
    """The JSON of what changed."""
    area = context.monitor.view()
    return Live(
        type="full" if changes.everything else "changes",
        overview=read.overview(context, area, lang),
        sites=[
            site_out(area.topology, area, site, lang)
            for site in area.topology.sites.values()
            if changes.everything or site.id in changes.sites
        ],
        assets=_assets(area, changes, lang),
    ).model_dump_json()


def _assets(area: AreaView, changes: Changes, lang: str) -> list[AssetOut]:
    return [
        asset_out(asset, area.assets[asset.id], lang)
        for asset in area.topology.assets.values()
        if changes.everything or asset.id in changes.assets
    ]


def language(socket: WebSocket) -> str:
    return "en" if socket.query_params.get("lang") == "en" else "vi"


async def serve(socket: WebSocket, context: Context, make: Make) -> None:
    """Send a screen what `make` gives for all changes, until either side ends.

    make: blocking, called in a thread; the first time for everything.
    """
    if not same_origin(socket):
        await socket.close(POLICY_VIOLATION)
        return
    if len(context.hub) >= SCREENS:
        await socket.close(TRY_AGAIN_LATER)
        return
    await socket.accept()
    sender = asyncio.create_task(_send(socket, context, make))
    listener = asyncio.create_task(_listen(socket))
    try:
        await asyncio.wait({sender, listener}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sender.cancel()
        listener.cancel()
        ended, _ = await asyncio.gather(sender, listener, return_exceptions=True)
        if not isinstance(ended, EXPECTED):
            log.error("a screen's messages broke", exc_info=ended)


def same_origin(socket: WebSocket) -> bool:
    """A page of another site must not read the screens through its visitor's browser."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host")


async def _send(socket: WebSocket, context: Context, make: Make) -> None:
    with context.hub.subscribe() as screen:
        changes = Changes(everything=True)
        while True:
            text = await asyncio.to_thread(make, changes)
            async with asyncio.timeout(SLOW):
                await socket.send_text(text)
            await asyncio.sleep(PACE)
            changes = await screen.wait(BEAT)


async def _listen(socket: WebSocket) -> None:
    """Notice that the screen is gone; what it says means nothing."""
    try:
        while True:
            await socket.receive()
    except (WebSocketDisconnect, RuntimeError):
        return
