"""What the store knows of before a restart. To know nothing is no reason not to start."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from ioc.store.base import Aggregate, Series, SeriesQuery, Store, StoreError

log = logging.getLogger(__name__)

LATELY = 5 * 60_000  # ms: a restart that took longer starts with unknown states anyway
HOUR, WEEK = 3_600_000, 7 * 86_400_000  # ms
PATIENCE = 5.0  # seconds that the start may wait for a store on the network


async def last_sample(store: Store, now: int) -> tuple[int, bool]:
    """ms UTC of the newest sample of a check, 0 when there is none lately; whether it answers.

    Of a store on the network: of the newest that waits for it, where that is newer.
    """
    found = await _read(store, SeriesQuery("check", "up", max(0, now - LATELY), now + 1))
    newest = max((series.times[-1] for series in found or [] if series.times), default=0)
    backlog = (await asyncio.to_thread(store.health)).backlog
    waiting = backlog.newest if backlog is not None else None
    if waiting is not None and now - LATELY <= waiting <= now:
        newest = max(newest, waiting)
    return newest, found is not None


async def usual_latency(store: Store, now: int) -> dict[str, list[float]] | None:
    """Check -> hourly means of its round trip in the last week, ms, oldest first. None when the
    store does not answer now."""
    query = SeriesQuery("check", "rtt_ms", max(0, now - WEEK), now, {}, HOUR, Aggregate.MEAN)
    answer = await _read(store, query)
    if answer is None:
        return None
    found: dict[str, list[tuple[int, float]]] = {}
    for series in answer:  # several of one check that was given another name meanwhile
        tags = dict(series.tags)
        known = found.setdefault(f"{tags['asset']}.{tags['check']}", [])
        known += zip(series.times, series.values, strict=True)
    return {check: [value for _at, value in sorted(known)] for check, known in found.items()}


async def _read(store: Store, query: SeriesQuery) -> list[Series] | None:
    """None when the store does not answer in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _in_daemon(lambda: store.read(query))
    except ValueError as error:  # more than is worth reading
        log.warning("what was measured before cannot be read: %s", error)
        return []
    except StoreError as error:
        log.warning("what was measured before cannot be read: %s", error)
    except TimeoutError:
        log.warning("what was measured before cannot be read: the store does not answer")
    return None


async def _in_daemon(read: Callable[[], list[Series]]) -> list[Series]:
    """Read in a daemon thread: what hangs there does not keep the program from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Series]] = loop.create_future()

    def finish(found: list[Series], error: Exception | None) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(found)

    def work() -> None:
        found: list[Series] = []
        failed: Exception | None = None
        try:
            found = read()
        except Exception as error:
            failed = error
        with suppress(RuntimeError):  # the program has ended
            loop.call_soon_threadsafe(finish, found, failed)

    threading.Thread(target=work, name="recall", daemon=True).start()
    return await done
