"""A small district and a clock that the test moves: used by the tests of engine and ledger."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from collectors.base import Check, Measurement, Result, Settings, Verdict
from ioc.inventory.topology import Asset, AssetType, CalendarRule, Site, Target, Topology

T0 = 1_770_000_000_000  # 2026-02-02 02:40 UTC, a Monday, 09:40 in Vietnam


class Fake(Settings):
    name: str = ""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on which sleeping takes no time: the clock jumps to the next timer."""

    def __init__(self) -> None:
        self.virtual = 1000.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.virtual


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout:
            self._loop.virtual += timeout
        return ready


class LoopClock:
    """Both clocks on a virtual loop; `step` moves the wall clock only, as NTP does."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.step = 0.0

    def now(self) -> int:
        return T0 + round((self._loop.time() - 1000 + self.step) * 1000)

    def monotonic(self) -> float:
        return self._loop.time()


class HandClock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.step = 0.0

    def now(self) -> int:
        return T0 + round((self.seconds - 1000 + self.step) * 1000)

    def monotonic(self) -> float:
        return self.seconds


def run_virtual(main: Coroutine[Any, Any, Any], loop: VirtualLoop) -> Any:
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def check(asset: str, site: str | None = None, **changes: Any) -> Check:
    base = Check(f"{asset}.fake", asset, site, "fake", Fake(name=asset), 10.0, 1.0)
    return replace(base, **changes)


def device(
    site: str, name: str, parents: tuple[str, ...], kind: str = "computer", **more: Any
) -> Asset:
    full = f"{site}.{name}"
    return Asset(
        full,
        AssetType.DEVICE,
        kind,
        name,
        site,
        "127.0.0.1",
        parents,
        checks=(f"{full}.fake",),
        **more,
    )


def link(site: str, kind: str, parents: tuple[str, ...] = ("uplink",)) -> Asset:
    full = f"{site}.{kind}"
    return Asset(
        full, AssetType.LINK, kind, kind, site, "127.0.0.1", parents,
        backup=kind == "4g", checks=(f"{full}.fake",),
    )  # fmt: skip


def commune(
    name: str, computers: int = 3, staff: int | None = 3, **more: Any
) -> tuple[Site, list[Asset]]:
    """A commune with fiber, 4G, a router behind both, and computers behind the router."""
    links = [link(name, "fiber"), link(name, "4g")]
    router = device(name, "router", tuple(a.id for a in links), "router")
    pcs = [device(name, f"pc-{i}", (router.id,), **more) for i in range(1, computers + 1)]
    site = Site(
        name, f"Xã {name}", "commune", staff=staff,
        links=tuple(a.id for a in links), devices=(router.id, *(a.id for a in pcs)),
    )  # fmt: skip
    return site, [*links, router, *pcs]


def topology(
    communes: Iterable[tuple[Site, list[Asset]]],
    extra: Iterable[Asset] = (),
    calendars: Iterable[CalendarRule] = (),
    checks: Mapping[str, Check] | None = None,
) -> Topology:
    """Communes behind one sentinel ("uplink")."""
    sentinel = Asset("uplink", AssetType.SENTINEL, "sentinel", "Internet", checks=("uplink.fake",))
    pairs = list(communes)
    assets = {a.id: a for a in [sentinel, *extra, *(a for _, some in pairs for a in some)]}
    made = {c: check(a.id, a.site) for a in assets.values() for c in a.checks}
    targets = [
        Target("fiber-communes", "Cáp quang", 100, per="commune", measure="fiber", wall=True),
        Target(
            "networked-computers",
            "Máy tính nối mạng",
            100,
            per="site",
            measure="networked-computers",
            wall=True,
        ),
        Target("mobile-4g", "4G", 100, per="commune", measure="mobile-4g", wall=True),
    ]
    return Topology(
        area_id="huyen", area_name="Huyện thử", timezone=ZoneInfo("Asia/Ho_Chi_Minh"),
        sites={s.id: s for s, _ in pairs}, assets=assets, checks={**made, **(checks or {})},
        calendars={c.id: c for c in calendars}, targets={t.id: t for t in targets},
        sentinels=("uplink",),
    )  # fmt: skip


def ok(asset: str, at: int, **values: float) -> Result:
    return Result(f"{asset}.fake", at, Verdict.OK, values or {"rtt_ms": 1.0})


def failed(asset: str, at: int) -> Result:
    silent = Measurement.failed("no reply within {timeout} s", timeout=1)
    return Result(f"{asset}.fake", at, Verdict.FAILED, reason=silent.reason, attempts=4)


def unknown(asset: str, at: int) -> Result:
    broken = Measurement.unknown("no socket")
    return Result(f"{asset}.fake", at, Verdict.UNKNOWN, reason=broken.reason)
