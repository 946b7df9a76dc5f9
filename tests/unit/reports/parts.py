"""Parts for tests of reports: a district with a merger, a ledger over it, a report by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from district import T0, commune, topology

from ioc.clock import SystemClock
from ioc.db import StateDatabase
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView, AssetView, State
from ioc.inventory.topology import Target, Topology, Unit
from ioc.ledger.keeper import Keeper
from ioc.ledger.model import Reading, Source
from ioc.ledger.records import Records
from ioc.ledger.sla import Agreements
from ioc.reports.gather import Sources
from ioc.reports.model import Figure, Hours, Layout, Report, Service, TargetPart, Wanted
from ioc.store import open_store

MERGED = "2025-06-30"
TODAY = date(2026, 2, 2)  # of T0, in Vietnam


class At(SystemClock):
    def __init__(self, moment: int) -> None:
        self.moment = moment

    def now(self) -> int:
        return self.moment


@dataclass
class Monitor:
    topology: Topology
    calendars: Mapping[str, Calendar]
    shown: AreaView

    def view(self) -> AreaView:
        return self.shown


def district(**more: Any) -> Topology:
    """Xã a and b, since 1 July 2025 together Xã mới; c as it always was; figures by commune."""
    found = topology([commune("a"), commune("b"), commune("c")])
    sites = {
        name: site if name == "c" else replace(site, valid_until=MERGED, into="moi")
        for name, site in found.sites.items()
    }
    units = {"moi": Unit("moi", "Xã mới", valid_from="2025-07-01")}
    files = Target(
        "files", "Hồ sơ trên mạng", 80, per="commune", sources=("exported", "declared"),
        counted="hồ sơ", rule="Số hồ sơ xử lý trên mạng chia cho tổng số.", fresh=400 * 86_400_000,
    )  # fmt: skip
    targets = {**found.targets, "files": files}
    return replace(found, sites=sites, units=units, targets=targets, **more)


def reading(place: str | None, day: str, numerator: int, whole: int, **more: Any) -> Reading:
    given = {"source": Source.EXPORTED, "origin": "Sở Nội vụ", "document": "12/BC-SNV"} | more
    return Reading("files", place, as_of=day, numerator=numerator, denominator=whole, **given)


@contextmanager
def sources(folder: Path, found: Topology | None = None, now: int = T0) -> Iterator[Sources]:
    """Everything up a moment ago."""
    found = found or district()
    store = open_store("memory://")
    database = StateDatabase.open(f"sqlite:///{folder}/state.db")
    views = {
        name: AssetView(name, State.UP, now, observed_at=now, seen_at=now) for name in found.assets
    }
    monitor = Monitor(found, {}, AreaView(now, 1, False, {}, views, found))
    clock = At(now)
    records, agreements = Records(database.engine), Agreements(database.engine)
    keeper = Keeper(clock, monitor, store, records, agreements)
    keeper.load()
    try:
        yield Sources(clock, monitor, keeper, database, simulated=False)
    finally:
        database.close()
        store.close()


def wanted(since: str, until: str, **more: Any) -> Wanted:
    days = {"since": date.fromisoformat(since), "until": date.fromisoformat(until)}
    return Wanted(**{"every": "range"} | days | more)


def figure(name: str, numerator: int = 1, whole: int | None = 2, **more: Any) -> Figure:
    value = 100 * numerator / whole if whole else None
    given = {
        "place": name, "name": name, "numerator": numerator, "denominator": whole, "value": value,
        "evidence": 100.0 if whole else None, "state": "partly" if whole else "unknown",
        "source": "declared" if whole else "", "as_of": "2026-01-31" if whole else None,
        "summed": whole is not None,
    }  # fmt: skip
    return Figure(**given | more)


def part(id: str, area: Figure, places: tuple[Figure, ...] = (), **more: Any) -> TargetPart:
    given = {
        "id": id, "name": f"Chỉ tiêu {id}", "counted": "hồ sơ", "goal": 80.0, "comparator": ">=",
        "due": "2026-12-31", "by": "Phòng Nội vụ", "basis": "Nghị quyết 12", "rule": "Chia.",
        "area": area, "month": None, "year": None, "forecast": "", "months": (), "places": places,
    }  # fmt: skip
    return TargetPart(**given | more)


HOUR = 3_600_000


def service(name: str, up: int = 700, down: int = 20, **more: Any) -> Service:
    """up, down: hours."""
    known = up + down
    hours = Hours(
        up=up * HOUR, down=down * HOUR, maintenance=0, unknown=HOUR,
        availability=100 * up / known if known else None, evidence=100 * known / (known + 1),
    )  # fmt: skip
    given = {
        "id": name, "name": name, "place": "Xã a", "provider": "VNPT", "kind": "fiber",
        "day": hours, "work": hours, "outages": 2, "restated": 0,
    }  # fmt: skip
    return Service(**given | more)


def report(**more: Any) -> Report:
    given = {
        "wanted": wanted("2026-01-01", "2026-01-31", every="month"), "subject": "Huyện thử",
        "zone": "Asia/Ho_Chi_Minh", "made_at": "2026-02-02T09:40:00+07:00", "running": False,
        "simulated": False,
        "layout": Layout(above="", authority="Ủy ban nhân dân huyện thử", number="/BC-UBND",
                         place="Thử", signer=("TM. ỦY BAN NHÂN DÂN",), recipients=("Lưu: VT.",)),
        "targets": (), "links": (), "services": (), "places": (), "work_hours": True,
        "events": (), "counted": {},
    }  # fmt: skip
    return Report(**given | more)
