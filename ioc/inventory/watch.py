"""Hot reload: tells when the inventory or a file it includes has changed.

File events only make it quick. What decides is the content, looked at every POLL seconds as well:
that also sees network folders (which send no events), folders that vanish and come back, and
included files that appear later.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from time import monotonic

from watchfiles import awatch

from ioc.inventory.document import MAX_BYTES
from ioc.inventory.loader import InventoryError, Loaded, included, load

POLL = 2.0  # seconds
DEBOUNCE = 100  # ms: events that come together are one
STEP = 0.2  # seconds between two looks at a file that is being written
SETTLE = 3.0  # seconds after which a file is taken as it is; an editor may remove it for a moment

Contents = dict[Path, str]  # file -> SHA-256, empty when it cannot be read


async def watch(
    loaded: Loaded,
    applied: Callable[[Loaded], None],
    refused: Callable[[InventoryError], None],
    poll: float = POLL,
) -> None:
    """Call back for each new content of the inventory's files, until cancelled.

    loaded: what is in force now; files[0] is the inventory. The same content gives no call.
    poll: seconds until a change is seen that no file event announced.
    """
    path = loaded.files[0]
    outcome: Loaded | InventoryError = loaded
    while True:
        known = await asyncio.to_thread(_contents, path, outcome.patterns)
        if _as_read(known, outcome):
            folders = {file.parent for file in (path, *outcome.read)}
            await _changed(known, path, outcome.patterns, folders, poll)
        if _as_read(await _settled(path, outcome.patterns), outcome):
            continue  # changed and changed back
        outcome = await asyncio.to_thread(_outcome, path)
        if isinstance(outcome, InventoryError):
            refused(outcome)
        else:
            applied(outcome)


def _as_read(contents: Contents, outcome: Loaded | InventoryError) -> bool:
    """Whether the files are those, and hold what, the outcome came from."""
    return contents.keys() == outcome.read.keys() and all(
        content in (None, contents[file]) for file, content in outcome.read.items()
    )


def _outcome(path: Path) -> Loaded | InventoryError:
    try:
        return load(path)
    except InventoryError as error:
        return error


async def _changed(
    known: Contents, path: Path, patterns: Iterable[str], folders: set[Path], poll: float
) -> None:
    """Return when the files do not hold any more what is known of them."""
    async with aclosing(_looks(folders, {file.name for file in known}, poll)) as looks:
        async for _look in looks:
            if await asyncio.to_thread(_contents, path, patterns) != known:
                return


async def _looks(folders: set[Path], names: set[str], poll: float) -> AsyncGenerator[None, None]:
    """A turn for each event on a file of these names, and one every `poll` seconds."""
    due = monotonic() + poll
    while True:
        try:
            events = awatch(
                *folders,
                debounce=DEBOUNCE,
                rust_timeout=round(poll * 1000),
                yield_on_timeout=True,
                recursive=False,
            )
            async with aclosing(events):
                async for changes in events:
                    if monotonic() >= due or any(Path(file).name in names for _, file in changes):
                        yield
                        due = monotonic() + poll
        except (OSError, RuntimeError):  # a folder is missing, or no more can be watched
            await asyncio.sleep(poll)
            yield


async def _settled(path: Path, patterns: Iterable[str]) -> Contents:
    """The contents when nobody writes any more: the same twice, the inventory among them."""
    end = monotonic() + SETTLE
    before: Contents = {}
    while True:
        now = await asyncio.to_thread(_contents, path, patterns)
        if (now == before and now[path]) or monotonic() >= end:
            return now
        before = now
        await asyncio.sleep(STEP)


def _contents(path: Path, patterns: Iterable[str]) -> Contents:
    """What the inventory and the files its patterns name hold now."""
    return {file: _digest(file) for file in (path, *included(path.parent, patterns))}


def _digest(file: Path) -> str:
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as stream:
            return hashlib.sha256(stream.read(MAX_BYTES + 1)).hexdigest()
    except OSError:
        return ""
