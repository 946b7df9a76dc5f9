"""The demo district with a past, readings and incidents, without a running program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from parts import At, Monitor

from collectors.base import Reason
from ioc.db import StateDatabase
from ioc.demo.inventory import simulated
from ioc.demo.past import Past
from ioc.demo.scenario import Scenario
from ioc.engine.calendars import Calendar
from ioc.engine.incident import Incident
from ioc.engine.model import AreaView
from ioc.inventory.alerting import Kind
from ioc.inventory.loader import load
from ioc.inventory.topology import Severity, Topology
from ioc.ledger.keeper import Keeper
from ioc.ledger.records import Records
from ioc.ledger.sla import Agreements
from ioc.reports.gather import Sources
from ioc.store import open_store

SHIPPED = Path(__file__).parents[3] / "inventory.yaml"
NOW = 1_795_568_400_000  # 2026-11-25 08:00 in Vietnam, a Wednesday
DAY = 86_400_000


@contextmanager
def world(folder: Path, topology: Topology | None = None, now: int = NOW) -> Iterator[Sources]:
    """Sources of reports at a moment: the past of the demo, and sixty incidents."""
    found = topology or demo_topology(folder)
    past = Past(found, Scenario(found, now), now)
    store = open_store("memory://")
    database = StateDatabase.open(f"sqlite:///{folder}/state.db")
    try:
        past.write(store, database)
        views = {name: track.at(now - 1) for name, track in past.tracks.items()}
        calendars = {r.id: Calendar(r, found.timezone) for r in found.calendars.values()}
        monitor = Monitor(found, calendars, AreaView(now, 1, False, {}, views, found))
        clock = At(now)
        keeper = Keeper(
            clock, monitor, store, Records(database.engine), Agreements(database.engine)
        )
        keeper.load()
        today = local(found, now)
        keeper.measure_days([today - timedelta(days=1), today])
        database.save([], [], [], [], incidents=list(incidents(found, now)))
        yield Sources(clock, monitor, keeper, database, simulated=False)
    finally:
        database.close()
        store.close()


def demo_topology(folder: Path) -> Topology:
    """The shipped district as the demo measures it, with two computers in each place."""
    few = folder / "few.yaml"
    text = SHIPPED.read_text(encoding="utf-8")
    few.write_text(re.sub(r"(\d+\.\d+\.\d+)\.10-\d+", r"\1.10-11", text), encoding="utf-8")
    path = folder / "inventory.yaml"
    path.write_text(simulated(load(few).inventory), encoding="utf-8")
    return load(path).topology


def local(topology: Topology, now: int) -> date:
    return datetime.fromtimestamp(now / 1000, topology.timezone).date()


def incidents(topology: Topology, now: int) -> Iterator[Incident]:
    """Sixty of all severities over two months, the last one still open."""
    sites = [site for site in topology.sites.values() if site.links]
    ranks = list(Severity)
    for number in range(60):
        site = sites[number % len(sites)]
        since = now - 60 * DAY + number * DAY
        kind = (Kind.LINK_DOWN, Kind.ON_BACKUP, Kind.SITE_DARK)[number % 3]
        yield Incident(
            number + 1, f"{site.id}:{number}", kind, ranks[number % 3], site.links[0], site.id,
            since, since + 60_000, Reason("no reply within {timeout} s", {"timeout": 1}),
            affected=(site.links[0],),
            resolved_at=None if number == 59 else since + (number % 9 + 1) * 1_500_000,
            cause="Đứt cáp do thi công đường tỉnh 257" if number % 4 == 0 else None,
        )  # fmt: skip
