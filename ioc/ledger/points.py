"""From readings and reports to points of the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView
from ioc.engine.points import asset_tags
from ioc.i18n import _
from ioc.inventory.topology import Asset, Site, Topology
from ioc.ledger.adequacy import NOMINAL, Grade, MachineReport, judge, supported_until
from ioc.ledger.availability import Seconds, Tally
from ioc.ledger.measures import Facts, seen_computer
from ioc.ledger.model import Coverage, TargetState
from ioc.ledger.places import name_of
from ioc.ledger.sla import day_span
from ioc.store.base import Point, Tags

DAY = 86_400_000
SEEN = {True: "seen", False: "missing", None: "unmeasured"}
MET = {TargetState.MET: 1, TargetState.PARTLY: 0, TargetState.NOT_MET: 0}


def coverage_point(area: str, reading: Coverage, at: int, topology: Topology) -> Point:
    """A coverage figure as a point. An unknown value is absent, not 0, and so is what it counts.

    topology: gives the names that screens show (tags name, place); gap: points of percent that
    are missing to the goal, negative when it is exceeded; met: 1 or 0, absent while not known.
    """
    tags = {"area": area, "target": reading.target}
    if reading.site is not None:
        tags["site"] = reading.site
    tags |= _names(topology, reading)
    figures = {
        "value": reading.value,
        "goal": reading.goal,
        "evidence": reading.evidence_value,
        "numerator": None if reading.value is None else reading.numerator,
        "denominator": reading.denominator,
    }
    if reading.value is not None and reading.goal is not None:
        figures["gap"] = reading.goal - reading.value
    figures["met"] = MET.get(reading.state)
    fields = {name: float(value) for name, value in figures.items() if value is not None}
    return Point("coverage", tuple(sorted(tags.items())), fields, at)


def _names(topology: Topology, reading: Coverage) -> dict[str, str]:
    target = topology.targets.get(reading.target) or topology.retired.get(reading.target)
    names = {"name": target.name if target else reading.target}
    # A figure of the whole area is named as well: a screen can then ask for one or the other.
    place = topology.area_name if reading.site is None else name_of(topology, reading.site)
    return names | {"place": place, "scope": "area" if reading.site is None else "place"}


def availability_points(
    topology: Topology, rows: Iterable[tuple[str, str, Tally]], now: int
) -> Iterator[Point]:
    """Availability of links, services and places on days that are over, round the clock: one
    point a day, at the day's last millisecond; a restated day is written again there.

    rows: asset or place, ISO day, figures. Tag type: link | service | place. Fields in seconds:
    up_s, down_s; known_s, their sum; wanted_s, the time outside of maintenance; maintenance_s.
    What is not known at all has no up_s and no down_s.
    """
    for name, day, found in rows:
        tags = _agreed_tags(topology, name)
        end = day_span(date.fromisoformat(day), topology).end
        if tags is not None and end <= now:
            yield Point("availability", tuple(sorted(tags.items())), _seconds(found.all), end - 1)


def _agreed_tags(topology: Topology, name: str) -> dict[str, str] | None:
    """None: it is not in the inventory any more."""
    if (asset := topology.assets.get(name)) is not None:
        return dict(asset_tags(topology, asset)) | {"type": asset.type.value}
    if (site := topology.sites.get(name)) is not None:
        return dict(_tags(topology, site)) | {
            "asset": site.id, "kind": site.kind, "name": site.name, "type": "place",
        }  # fmt: skip
    return None


def _seconds(found: Seconds) -> dict[str, float]:
    known = found.up + found.down
    figures = {"known_s": known, "maintenance_s": found.maintenance}
    if known:
        figures |= {"up_s": found.up, "down_s": found.down}
    if wanted := known + found.unknown:
        figures["wanted_s"] = wanted
    return {name: length / 1000 for name, length in figures.items()}


def computer_points(
    view: AreaView,
    machines: Mapping[str, MachineReport],
    calendars: Mapping[str, Calendar],
) -> Iterator[Point]:
    """The computers of each place in numbers, never one by one: `computers` and `systems`.

    Fields of computers: total; staff where declared; seen: on the network within the allowed
    working days, missing: longer ago, unmeasured: nobody can say (never seen, in maintenance,
    behind a dead link); adequate, upgrade, inadequate, unknown: by grade; reported; memory_low,
    hard_disk, antivirus_off: of those that reported it.
    Systems: one point for each family of operating systems (tag system): computers, unsupported.
    """
    for site in view.topology.sites.values():
        computers = [a for d in site.devices if (a := view.topology.assets[d]).kind == "computer"]
        if computers:
            tags = _tags(view.topology, site)
            reports = [machines[c.id] for c in computers if c.id in machines]
            fields = _seen(view, computers, calendars) | _graded(view, computers, machines)
            fields |= _health(view.topology, reports)
            if site.staff is not None:
                fields["staff"] = float(site.staff)
            yield Point("computers", tags, fields, view.at)
            yield from _systems(view, tags, reports)


def _tags(topology: Topology, site: Site) -> Tags:
    return (("area", topology.area_id), ("place", site.name), ("site", site.id))


def _seen(
    view: AreaView, computers: list[Asset], calendars: Mapping[str, Calendar]
) -> dict[str, float]:
    facts = Facts(view.topology, view, calendars, view.at)
    counts = Counter(seen=0, missing=0, unmeasured=0)
    for computer in computers:
        counts[SEEN[seen_computer(facts, computer, view.assets[computer.id]).counts]] += 1
    return {"total": float(len(computers)), **{k: float(n) for k, n in counts.items()}}


def _graded(
    view: AreaView, computers: list[Asset], machines: Mapping[str, MachineReport]
) -> dict[str, float]:
    rule = view.topology.adequacy
    grades = [
        judge(machines.get(c.id), rule, view.at, view.assets[c.id].seen_at).grade for c in computers
    ]
    return {grade.value: float(grades.count(grade)) for grade in Grade}


def _health(topology: Topology, reports: list[MachineReport]) -> dict[str, float]:
    enough = topology.adequacy.memory * 1024 * NOMINAL
    return {
        "reported": float(len(reports)),
        "memory_low": float(sum(r.memory_mb is not None and r.memory_mb < enough for r in reports)),
        "hard_disk": float(sum(r.disk == "hdd" for r in reports)),
        "antivirus_off": float(sum(r.antivirus is False for r in reports)),
    }


def _systems(view: AreaView, tags: Tags, reports: list[MachineReport]) -> Iterator[Point]:
    rule = view.topology.adequacy
    families = Counter(supported_until(r.system or "", rule) for r in reports)
    today = view.at // DAY
    for family, count in families.items():
        name, until = family or (_("not known"), None)
        over = until is not None and _day(until) < today
        fields = {"computers": float(count), "unsupported": float(count if over else 0)}
        shown = name[:1].upper() + name[1:]
        yield Point("systems", tuple(sorted([*tags, ("system", shown)])), fields, view.at)


def _day(iso: str) -> int:
    """Days since the epoch."""
    return (date.fromisoformat(iso) - date(1970, 1, 1)).days
