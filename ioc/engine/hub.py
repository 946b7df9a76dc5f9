"""Tells live screens what changed. A slow screen costs memory for ids, never for history."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Changes:
    """Ids that changed since the subscriber last asked."""

    assets: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    everything: bool = False  # the inventory was replaced: read all anew

    def __bool__(self) -> bool:
        return bool(self.assets or self.sites or self.everything)


class Subscription:
    def __init__(self) -> None:
        self._changes = Changes()
        self._event = asyncio.Event()

    def add(self, assets: Iterable[str], sites: Iterable[str], everything: bool) -> None:
        self._changes.assets.update(assets)
        self._changes.sites.update(sites)
        self._changes.everything |= everything
        self._event.set()

    async def wait(self, timeout: float) -> Changes:
        """Changes so far, waiting up to `timeout` seconds for the first; empty when none came."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            pass
        changes, self._changes = self._changes, Changes()
        self._event.clear()
        return changes


class Hub:
    """Publish on the event loop; any number of subscribers, each at its own pace."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def publish(
        self, assets: Iterable[str] = (), sites: Iterable[str] = (), everything: bool = False
    ) -> None:
        for subscription in self._subscriptions:
            subscription.add(assets, sites, everything)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def __len__(self) -> int:
        return len(self._subscriptions)
