"""Where every target stands: a district of 20 communes, a province of 300 with 50,000 assets.

    python -m tests.bench ledger

Every target of the catalogue, a reading for each target and unit that reports, a machine report
for each computer, everything seen lately. Then what the night costs: a day of availability from
the samples of the embedded store, the figures of the day into the state database; and what a late
reading costs, and a workbook of 50,000 rows.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from openpyxl import Workbook

from ioc.clock import SystemClock
from ioc.db import StateDatabase
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView, AssetView, State
from ioc.engine.points import STATE_MEASUREMENTS
from ioc.inventory.loader import load
from ioc.inventory.topology import Asset, AssetType, Site, Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.coverage import Given, evaluate
from ioc.ledger.keeper import Keeper
from ioc.ledger.model import Reading, Source
from ioc.ledger.places import asked_of
from ioc.ledger.records import Records
from ioc.ledger.sheets import read_table
from ioc.ledger.sla import Agreements, day_span
from ioc.store import open_store
from ioc.store.base import Point, Store

SHIPPED = Path(__file__).parents[2] / "inventory.yaml"
NOW = round(datetime(2026, 9, 30, 3, tzinfo=UTC).timestamp() * 1000)
TODAY = datetime(2026, 9, 30, tzinfo=UTC).date()
DISTRICT = (20, 20)  # communes, computers in each
PROVINCE = (300, 164)
STEP = 300_000  # ms between two samples of a state
ROWS = 50_000


class At(SystemClock):
    def now(self) -> int:
        return NOW


@dataclass(frozen=True)
class World:
    """What the ledger sees of the running program."""

    topology: Topology
    area: AreaView
    calendars: dict[str, Calendar]
    given: Given

    def view(self) -> AreaView:
        return self.area


def run() -> list[dict[str, Any]]:
    """Rows for the bench runner."""
    small, large = world(*DISTRICT), world(*PROVINCE)
    names = [
        f"{len(w.topology.sites)} communes, {len(w.topology.assets):,} assets"
        for w in (small, large)
    ]
    rows = [
        _row(f"ledger: {names[0]}", 1000 * best(small, 5), "ms", 200.0),
        _row(f"ledger: {names[1]}", best(large, 3), "s", 5.0),
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows += _night(large, Path(folder), names[1])
    rows.append(_row(f"import of {ROWS:,} rows (.xlsx)", _import(large), "s", None))
    return rows


def best(found: World, times: int) -> float:
    """Seconds, the median of some."""
    return median(
        seconds(lambda: evaluate(found.topology, found.area, found.calendars, NOW, found.given))
        for _ in range(times)
    )


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _night(found: World, folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """A day's availability, a day's figures, a late reading of a year ago."""
    store = open_store(f"sqlite:///{folder / 'series.db'}")
    database = StateDatabase.open(f"sqlite:///{folder / 'state.db'}")
    keeper = Keeper(At(), found, store, Records(database.engine), Agreements(database.engine))
    yesterday = TODAY - timedelta(days=1)
    _samples(found, store)
    try:
        yield _row(
            f"a day of availability: {name}",
            seconds(lambda: keeper.measure_days([yesterday])), "s", None,
        )  # fmt: skip
        yield _row(
            f"{len(found.given.readings):,} readings entered, a month restated: {name}",
            seconds(lambda: keeper.declare(found.given.readings, "bench")), "s", None,
        )  # fmt: skip
        yield _row(f"a day closed: {name}", seconds(lambda: keeper.close_day(yesterday)), "s", None)
        late = replace(found.given.readings[0], as_of="2025-10-31", numerator=1)
        yield _row(
            f"a reading of a year ago, restated: {name}",
            seconds(lambda: keeper.declare([late], "bench")), "s", None,
        )  # fmt: skip
    finally:
        store.close()
        database.close()


def world(communes: int, computers: int) -> World:
    """An area of communes, each with fiber, 4G, a router and computers, and what is known."""
    shipped = load(SHIPPED).topology
    assets: dict[str, Asset] = {
        a.id: replace(a, checks=()) for a in shipped.assets.values()
        if a.type is AssetType.SERVICE and a.site is None
    }  # fmt: skip
    sites: dict[str, Site] = {}
    for number in range(communes):
        site, own = _commune(f"xa-{number}", computers)
        sites[site.id] = site
        assets |= {asset.id: asset for asset in own}
    topology = replace(
        shipped, sites=sites, assets=assets, checks={}, units={}, monitor_site=None, digest="bench"
    )
    views = {
        name: AssetView(name, State.UP, NOW, observed_at=NOW, seen_at=NOW - 60_000 * (n % 9000))
        for n, name in enumerate(assets)
    }
    area = AreaView(NOW, 1, False, {}, views, topology)
    calendars = {c.id: Calendar(c, topology.timezone) for c in topology.calendars.values()}
    machines = {
        a.id: MachineReport(a.id, NOW, "Windows 11 Pro 25H2", 8192, "ssd", True, NOW)
        for a in assets.values() if a.kind == "computer"
    }  # fmt: skip
    return World(topology, area, calendars, Given(tuple(_readings(topology)), machines))


def _commune(name: str, computers: int) -> tuple[Site, list[Asset]]:
    links = [Asset(f"{name}.{kind}", AssetType.LINK, kind, kind, name) for kind in ("fiber", "4g")]
    devices = [
        Asset(f"{name}.router", AssetType.DEVICE, "router", "router", name),
        *(
            Asset(f"{name}.pc-{n}", AssetType.DEVICE, "computer", "pc", name, calendar="office")
            for n in range(computers)
        ),
    ]
    site = Site(
        name, f"Xã {name}", "commune", staff=computers,
        links=tuple(a.id for a in links), devices=tuple(a.id for a in devices),
    )  # fmt: skip
    return site, [*links, *devices]


def _readings(topology: Topology) -> Iterator[Reading]:
    day = "2026-08-31"
    for target in topology.targets.values():
        reported = [s for s in target.sources if s != "measured"]
        for place in asked_of(target.per, topology.sites) or [None]:
            if reported:
                name = place.id if place else None
                yield Reading(target.id, name, Source(reported[0]), day, 90, 100, "bench")


def _samples(found: World, store: Store) -> None:
    """Two days of states of every link and service."""
    span = day_span(TODAY - timedelta(days=1), found.topology)
    for asset in found.topology.assets.values():
        if asset.type in (AssetType.LINK, AssetType.SERVICE):
            tags = (("area", found.topology.area_id), ("asset", asset.id), ("kind", asset.kind))
            times = range(span.start - 6 * STEP, span.end + 6 * STEP, STEP)
            store.write(
                [Point(STATE_MEASUREMENTS[asset.type], tags, {"state": 0.0}, at) for at in times]
            )


def _import(found: World) -> float:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Số liệu")
    sheet.append(["target", "place", "as_of", "numerator", "denominator", "origin"])
    sites = list(found.topology.sites)
    for n in range(ROWS - 1):
        sheet.append(["e-signature", sites[n % len(sites)], "31/08/2026", 9, 10, f"{n}"])
    packed = io.BytesIO()
    book.save(packed)
    content = packed.getvalue()
    taken = []
    spent = seconds(lambda: taken.append(read_table(content, found.topology, NOW)))
    assert len(taken[0].readings) == ROWS - 1
    return spent


def _row(name: str, ours: float, unit: str, goal: float | None) -> dict[str, Any]:
    """goal: at most this; None = told, not judged."""
    return {
        "name": name,
        "ours": round(ours, 3),
        "unit": unit,
        "peers": {},
        "goal": None if goal is None else f"<= {goal:g} {unit}",
        "met": None if goal is None else ours <= goal,
    }


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']}: {row['ours']:g} {row['unit']} (goal {row['goal'] or 'none'})")
