"""What the store knows of before a restart. Blocking; to know nothing is no reason not to start."""

from __future__ import annotations

import logging

from ioc.store.base import Aggregate, Series, SeriesQuery, Store, StoreError

log = logging.getLogger(__name__)

LATELY = 5 * 60_000  # ms: a restart that took longer starts with unknown states anyway
HOUR, WEEK = 3_600_000, 7 * 86_400_000  # ms


def last_sample(store: Store, now: int) -> int:
    """ms UTC of the newest sample of a check, 0 when there is none lately."""
    found = _read(store, SeriesQuery("check", "up", max(0, now - LATELY), now + 1))
    return max((series.times[-1] for series in found if series.times), default=0)


def usual_latency(store: Store, now: int) -> dict[str, list[float]]:
    """Check -> hourly means of its round trip in the last week, ms, oldest first."""
    query = SeriesQuery("check", "rtt_ms", max(0, now - WEEK), now, {}, HOUR, Aggregate.MEAN)
    found: dict[str, list[float]] = {}
    for series in _read(store, query):
        tags = dict(series.tags)
        values = [value for value in series.values if value is not None]
        found[f"{tags['asset']}.{tags['check']}"] = values
    return found


def _read(store: Store, query: SeriesQuery) -> list[Series]:
    try:
        return store.read(query)
    except (StoreError, ValueError) as error:
        log.warning("what was measured before cannot be read: %s", error)
        return []
