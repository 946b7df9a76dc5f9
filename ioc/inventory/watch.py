"""Hot reload: tells when the inventory or a file it includes has changed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from watchfiles import awatch

from ioc.inventory.document import MAX_BYTES
from ioc.inventory.loader import InventoryError, Loaded, included, load

DEBOUNCE = 300  # ms: editors write in several steps
POLL = 2.0  # seconds: what no file event announced (network folders, a new folder) is seen by then
SETTLE = 1.0  # seconds a file may be missing while an editor replaces it


async def watch(
    loaded: Loaded,
    applied: Callable[[Loaded], None],
    refused: Callable[[InventoryError], None],
    poll: float = POLL,
) -> None:
    """Call back for each new content of the inventory's files, until cancelled.

    loaded: what is in force now; files[0] is the inventory. The same content gives no call.
    """
    path = loaded.files[0]
    last = _fingerprint(loaded)
    while True:
        await _change({file.parent for file in loaded.files}, poll)
        now = _fingerprint(loaded)
        if now == last:
            continue
        if not path.exists():
            await asyncio.sleep(SETTLE)
        last = _fingerprint(loaded)
        try:
            loaded = await asyncio.to_thread(load, path)
        except InventoryError as error:
            refused(error)
        else:
            applied(loaded)
            last = _fingerprint(loaded)


async def _change(folders: set[Path], poll: float) -> None:
    """Return after an event on a file in the folders, or after `poll` seconds."""
    stop = asyncio.Event()
    timer = asyncio.get_running_loop().call_later(poll, stop.set)
    try:
        async for _ in awatch(*folders, stop_event=stop, debounce=DEBOUNCE, recursive=False):
            return
    except (OSError, RuntimeError):  # a folder is missing for a moment, or cannot be watched
        await stop.wait()
    finally:
        timer.cancel()


def _fingerprint(loaded: Loaded) -> frozenset[tuple[str, bytes]]:
    """Name and digest of each file that the inventory is or would be made of."""
    path = loaded.files[0]
    files = {*loaded.files, *included(path.parent, loaded.inventory.include)}
    return frozenset((str(file), _digest(file)) for file in files)


def _digest(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            return str(file.stat()).encode()
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return b""
