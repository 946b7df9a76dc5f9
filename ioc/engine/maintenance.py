"""Planned work: when and where trouble is expected and nobody is to be alarmed.

A window never stops a measurement and never hides a recovery: it changes what is shown of a
failure (maintenance instead of down) and keeps messages back. No clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from ioc.inventory.topology import Asset, Topology

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """Planned work. starts_at, ends_at: ms UTC, end exclusive; ends_at None = until cancelled.

    sites, assets, kinds (of asset): where; what is left empty means all, all empty is the area.
    days, hours: with weekdays (0 = Monday) it recurs: on these days from hours[0] to hours[1],
    minutes after local midnight (an end before the start is on the next day), while between
    starts_at and ends_at. Without days it is one stretch.
    """

    id: int
    text: str
    author: str
    created_at: int
    starts_at: int
    ends_at: int | None = None
    sites: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    days: frozenset[int] = frozenset()
    hours: tuple[int, int] = (0, DAY_MINUTES)
    cancelled_at: int | None = None

    def covers(self, asset: Asset) -> bool:
        """Whether the asset is among what is worked on."""
        return (
            (not self.sites or asset.site in self.sites)
            and (not self.assets or asset.id in self.assets)
            and (not self.kinds or asset.kind in self.kinds)
        )

    def active(self, at: int, zone: tzinfo) -> bool:
        """Whether work is going on at a moment, ms UTC."""
        if self.cancelled_at is not None and at >= self.cancelled_at:
            return False
        if at < self.starts_at or (self.ends_at is not None and at >= self.ends_at):
            return False
        return not self.days or self._in_hours(datetime.fromtimestamp(at / 1000, zone))

    def over(self, at: int) -> bool:
        """Whether it can never be active again."""
        ended = self.ends_at is not None and at >= self.ends_at
        return ended or (self.cancelled_at is not None and at >= self.cancelled_at)

    def _in_hours(self, local: datetime) -> bool:
        start, end = self.hours
        minute = local.hour * 60 + local.minute
        if start < end:
            return local.weekday() in self.days and start <= minute < end
        yesterday = (local - timedelta(days=1)).weekday()
        return (local.weekday() in self.days and minute >= start) or (
            yesterday in self.days and minute < end
        )


@dataclass(slots=True)
class Windows:
    """All windows that may still become active, by id."""

    by_id: dict[int, Window] = field(default_factory=dict)

    def put(self, window: Window) -> None:
        self.by_id[window.id] = window

    def next_id(self) -> int:
        return max(self.by_id, default=0) + 1

    def active(self, at: int, zone: tzinfo) -> list[Window]:
        return [window for window in self.by_id.values() if window.active(at, zone)]

    def assets(self, topology: Topology, at: int) -> dict[str, int]:
        """Asset -> the window it is in now. Empty at nearly all times, and then costs nothing."""
        windows = self.active(at, topology.timezone)
        if not windows:
            return {}
        return {
            asset.id: window.id
            for window in windows
            for asset in topology.assets.values()
            if window.covers(asset)
        }


def forget(windows: Windows, at: int) -> None:
    """Drop what can never be active again, but the newest: ids are not given twice."""
    newest = max(windows.by_id, default=0)
    for gone in [w for w in windows.by_id.values() if w.over(at) and w.id != newest]:
        del windows.by_id[gone.id]


def covered(windows: Iterable[Window], asset: Asset) -> Window | None:
    """The first of the windows that covers an asset."""
    return next((window for window in windows if window.covers(asset)), None)
