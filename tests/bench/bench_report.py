"""A yearly report of 300 communes, PDF and workbook, from asking for it to the finished files.

    python -m tests.bench report

A year of days of 600 lines, 300 places and 20 services, every target of the catalogue with monthly
figures of each commune, readings, and 4,000 incidents, in the embedded database.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from ioc.clock import SystemClock
from ioc.db import StateDatabase
from ioc.engine.calendars import Calendar
from ioc.engine.incident import Incident
from ioc.engine.model import AreaView, AssetView, State
from ioc.inventory.alerting import Kind
from ioc.inventory.loader import load
from ioc.inventory.topology import Severity, Topology
from ioc.ledger.availability import Seconds, Tally
from ioc.ledger.keeper import Keeper
from ioc.ledger.model import Source, TargetState
from ioc.ledger.places import asked_of, places_on
from ioc.ledger.records import PastFigure, Records, readings
from ioc.ledger.sla import Agreements
from ioc.reports.gather import Sources, gather
from ioc.reports.jobs import Reports
from ioc.reports.kept import PENDING, READY
from ioc.reports.model import Wanted
from ioc.store import open_store

COMMUNES, COMPUTERS, SERVICES, INCIDENTS = 300, 20, 20, 4000
GOAL = 20.0  # seconds
ROUNDS = 3
PROVIDERS = ("VNPT", "Viettel", "MobiFone")
HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_798_767_000_000  # 2027-01-01 08:30 in Vietnam: the report of 2026
YEAR = Wanted(every="year", since=date(2026, 1, 1), until=date(2026, 12, 31))


def run() -> list[dict[str, Any]]:
    """Rows for the bench runner."""
    with tempfile.TemporaryDirectory() as folder, province(Path(folder)) as sources:
        took = [asyncio.run(_whole(sources, Path(folder) / str(n))) for n in range(ROUNDS)]
        began = time.perf_counter()
        gather(sources, YEAR, lambda _share, _stage: None)
        gathered = time.perf_counter() - began
        late = asyncio.run(_lag(sources))
    rows = [
        ("report: a year of 300 communes, PDF and workbook", min(took), "s", GOAL),
        ("report: of this, gathered inside the program", gathered, "s", None),
        ("report: longest wait of others meanwhile", late, "ms", None),
    ]
    return [
        {
            "name": name, "ours": ours, "unit": unit, "peers": {},
            "goal": None if goal is None else f"< {goal:.0f} {unit}",
            "met": None if goal is None else ours < goal,
        }
        for name, ours, unit, goal in rows
    ]  # fmt: skip


async def _whole(sources: Sources, folder: Path) -> float:
    reports = Reports(sources, sources.database.engine, folder)
    running = asyncio.create_task(reports.run())
    began = time.perf_counter()
    job = await reports.submit(YEAR, "bench")
    while (found := reports.job(job.id)) is not None and found.state in PENDING:
        await asyncio.sleep(0.02)
    took = time.perf_counter() - began
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert found is not None
    assert found.state == READY, found.error
    sizes = {form: reports.file(found, form).stat().st_size for form in ("pdf", "xlsx")}  # type: ignore[union-attr]
    print(f"{took:.1f} s, {sizes}")
    return took


async def _lag(sources: Sources) -> float:
    """Longest time in ms that the loop did not run while a report was gathered in a thread."""
    work = asyncio.create_task(
        asyncio.to_thread(gather, sources, YEAR, lambda _share, _stage: None)
    )
    longest, before = 0.0, time.perf_counter()
    while not work.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    return 1000 * longest


# --- the province


class At(SystemClock):
    def now(self) -> int:
        return NOW


@dataclass
class Monitor:
    topology: Topology
    calendars: Mapping[str, Calendar]
    shown: AreaView

    def view(self) -> AreaView:
        return self.shown


@contextmanager
def province(folder: Path) -> Iterator[Sources]:
    """Everything that the report of the year is made from."""
    topology = _topology(folder)
    database = StateDatabase.open(f"sqlite:///{folder}/state.db")
    store = open_store("memory://")
    chance = random.Random(1)
    views = {n: AssetView(n, State.UP, NOW, observed_at=NOW, seen_at=NOW) for n in topology.assets}
    calendars = {rule.id: Calendar(rule, topology.timezone) for rule in topology.calendars.values()}
    monitor = Monitor(topology, calendars, AreaView(NOW, 1, False, {}, views, topology))
    records, agreements = Records(database.engine), Agreements(database.engine)
    try:
        _days(agreements, topology, chance)
        _figures(records, topology, chance)
        _readings(database, topology, chance)
        _incidents(database, topology, chance)
        keeper = Keeper(At(), monitor, store, records, agreements)
        keeper.load()
        yield Sources(At(), monitor, keeper, database, simulated=False)
    finally:
        database.close()
        store.close()


def _topology(folder: Path) -> Topology:
    sites = "".join(
        f"""
  - id: xa-{n}
    name: Xã Thượng Nguyễn Khuê số {n}
    kind: commune
    staff: {COMPUTERS}
    links:
      - {{id: cap, kind: fiber, provider: {PROVIDERS[n % 3]}, address: {at(n)}.1}}
      - {{id: 4g, kind: 4g, provider: Viettel, address: {at(n)}.2}}
    devices:
      - {{kind: router, address: {at(n)}.3}}
      - {{kind: computer, addresses: {at(n)}.10-{9 + COMPUTERS}}}"""
        for n in range(COMMUNES)
    )
    services = "".join(
        f"\n  - {{id: dv-{n}, name: Cổng dịch vụ số {n}, kind: portal, address: 127.60.0.{n + 1}}}"
        for n in range(SERVICES)
    )
    path = folder / "inventory.yaml"
    path.write_text(
        "area: {id: tinh, name: Tỉnh thử}\nsentinels: [{id: ra, address: 127.10.0.1}]\n"
        "calendars: {office: {days: [mon, tue, wed, thu, fri], hours: ['07:30-11:30'], "
        f"holidays: VN}}}}\nsites:{sites}\nservices:{services}\n",
        encoding="utf-8",
    )
    return load(path).topology


def at(number: int) -> str:
    return f"127.{20 + number // 250}.{number % 250}"


def _days(agreements: Agreements, topology: Topology, chance: random.Random) -> None:
    counted = [a.id for a in topology.assets.values() if a.type.value in ("link", "service")]
    names = [*counted, *topology.sites]
    day = YEAR.since
    while day <= YEAR.until:
        found = {}
        for name in names:
            down = chance.choice((0, 0, 0, 0, 1, 2, 5)) * HOUR // 4
            unknown = chance.choice((0, 0, 0, HOUR))
            whole = Seconds(DAY - down - unknown, down, 0, unknown)
            found[name] = Tally(whole, Seconds(4 * HOUR), int(down > 0))
        agreements.put(day, found, NOW, over=True)
        day += timedelta(days=1)


def _figures(records: Records, topology: Topology, chance: random.Random) -> None:
    places = places_on(topology, YEAR.until)
    for month in range(1, 13):
        day = (date(2026 + month // 12, month % 12 + 1, 1) - timedelta(days=1)).isoformat()
        some = []
        for target in topology.targets.values():
            for place in (None, *(p.id for p in asked_of(target.per, places))):
                whole = 40 if place else 40 * COMMUNES
                part = int(whole * (0.4 + 0.04 * month + 0.1 * chance.random()))
                some.append(PastFigure(
                    target.id, place, day, part, whole, whole, 100 * part / whole, 100.0,
                    TargetState.PARTLY, Source(target.sources[0]), NOW,
                ))  # fmt: skip
        records.write_figures(some)


def _readings(database: StateDatabase, topology: Topology, chance: random.Random) -> None:
    places = places_on(topology, YEAR.until)
    days = ("2026-03-31", "2026-06-30", "2026-09-30", "2026-12-31")
    rows = [
        {
            "target": target.id, "place": place.id, "source": "declared", "origin": "UBND xã",
            "as_of": day, "version": 1, "numerator": chance.randint(10, 40), "denominator": 40,
            "document": f"{chance.randint(1, 400)}/BC-UBND", "note": "", "links": "[]",
            "author": "an", "entered_at": NOW, "withdrawn": False,
        }
        for target in topology.targets.values()
        for place in asked_of(target.per, places)
        for day in days
    ]  # fmt: skip
    with database.engine.begin() as connection:
        for some in batches(rows, 5000):
            connection.execute(readings.insert(), some)


def _incidents(database: StateDatabase, topology: Topology, chance: random.Random) -> None:
    sites = [site for site in topology.sites.values() if site.links]
    ranks = list(Severity)
    begin = round(datetime(2026, 1, 1, tzinfo=topology.timezone).timestamp() * 1000)
    made = []
    for number in range(INCIDENTS):
        site, since = chance.choice(sites), begin + chance.randrange(360 * DAY)
        made.append(Incident(
            number + 1, f"k{number}", Kind.LINK_DOWN, ranks[number % 3], site.links[0], site.id,
            since, since, resolved_at=since + chance.randrange(HOUR),
            cause="Đứt cáp do thi công đường" if number % 5 == 0 else None,
        ))  # fmt: skip
    for some in batches(made, 1000):
        database.save([], [], [], [], incidents=some)


def batches(some: list[Any], size: int) -> Iterator[list[Any]]:
    return (some[start : start + size] for start in range(0, len(some), size))
