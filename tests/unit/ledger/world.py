"""A district of two communes and an office with the whole catalogue, and what was seen in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

from collectors.base import Reason
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView, AssetView, State
from ioc.inventory.loader import load
from ioc.inventory.topology import Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.coverage import Given, evaluate
from ioc.ledger.model import Ledger, Reading, Source, Standing

DAY = 86_400_000
SILENT = Reason("no reply within {timeout} s", {"timeout": 1})
NOW = round(datetime(2026, 9, 30, 3, 0, tzinfo=UTC).timestamp() * 1000)  # Wednesday, 10:00
TODAY = date(2026, 9, 30)

INVENTORY = """\
area: {id: huyen-thu, name: Huyện Thử}
monitor: {site: huyen}
sentinels: [{id: ra-ngoai, address: 127.1.0.1}]
calendars:
  office: {days: [mon, tue, wed, thu, fri], hours: ["07:30-11:30", "13:30-17:00"]}
defaults:
  computer: {calendar: office}
sites:
  - id: huyen
    name: UBND huyện
    kind: office
    staff: 2
    devices: [{kind: router, address: 127.1.1.1}, {kind: computer, addresses: 127.1.1.10-11}]
  - id: a
    name: Xã A
    code: "02020"
    staff: 3
    links:
      - {id: fiber, kind: fiber, address: 127.1.2.1}
      - {id: 4g, kind: 4g, address: 127.1.2.2}
    devices: [{kind: router, address: 127.1.2.3}, {kind: computer, addresses: 127.1.2.10-11}]
    services:
      - id: van-ban
        name: Văn bản
        kind: documents
        of: van-ban
        checks: [{kind: http, url: "http://127.1.9.4/2"}]
  - id: b
    name: Xã B
    code: "02021"
    staff: 1
    links:
      - {id: fiber, kind: fiber, address: 127.1.3.1}
      - {id: 4g, kind: 4g, address: 127.1.3.2}
    devices: [{kind: router, address: 127.1.3.3}, {kind: computer, address: 127.1.3.10}]
    services:
      - id: van-ban
        name: Văn bản
        kind: documents
        of: van-ban
        checks: [{kind: http, url: "http://127.1.9.4/3"}]
services:
  - id: cong
    name: Cổng huyện
    kind: portal
    checks:
      - {kind: http, url: "http://127.1.9.1/", mobile: true}
      - {kind: tls, address: 127.1.9.1}
  - id: dich-vu
    name: Dịch vụ công
    kind: public-service
    checks: [{kind: http, url: "http://127.1.9.2/", mobile: true}]
  - {id: csdl-1, name: CSDL 1, kind: database, address: 127.1.9.3}
  - {id: csdl-2, name: CSDL 2, kind: database, address: 127.1.9.5}
  - {id: van-ban, name: Văn bản, kind: documents, address: 127.1.9.4}
"""


def topology(text: str = INVENTORY, more: str = "") -> Topology:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "inventory.yaml"
        path.write_text(text + dedent(more), encoding="utf-8")
        return load(path).topology


@dataclass(frozen=True)
class Seen:
    """What is known of an asset. days: since it answered, None = never; asked: days since it was
    asked, None = never."""

    days: float | None = 0
    state: State = State.UP
    asked: float | None = 0
    values: Mapping[str, float] = field(default_factory=dict)


def view(found: Topology, seen: Mapping[str, Seen], now: int = NOW) -> AreaView:
    views = {name: AssetView(name, State.UNKNOWN, now) for name in found.assets}
    for name, one in seen.items():
        views[name] = AssetView(
            name, one.state, now,
            observed_at=None if one.asked is None else now - round(one.asked * DAY),
            seen_at=None if one.days is None else now - round(one.days * DAY),
            values=one.values, reason=None if one.state is State.UP else SILENT,
        )  # fmt: skip
    return AreaView(now, 1, False, {}, views, found)


def said(
    target: str, place: str | None, numerator: int, denominator: int, *,
    source: str = "declared", days: int = 1, origin: str = "", entered: int = 0,
) -> Reading:  # fmt: skip
    """days: since the day the figures are of."""
    as_of = (TODAY - timedelta(days=days)).isoformat()
    return Reading(
        target, place, Source(source), as_of, numerator, denominator, origin, entered_at=entered
    )


def ledger(
    found: Topology,
    readings: Iterable[Reading] = (),
    seen: Mapping[str, Seen] | None = None,
    machines: Iterable[MachineReport] = (),
    now: int = NOW,
) -> Ledger:
    calendars = {c.id: Calendar(c, found.timezone) for c in found.calendars.values()}
    given = Given(tuple(readings), {report.asset: report for report in machines})
    return evaluate(found, view(found, seen or {}, now), calendars, now, given)


def standing(
    found: Topology, target: str, readings: Iterable[Reading] = (), *, place: str | None = None,
    seen: Mapping[str, Seen] | None = None, machines: Iterable[MachineReport] = (),
) -> Standing:  # fmt: skip
    return ledger(found, readings, seen, machines).standings[target, place]
