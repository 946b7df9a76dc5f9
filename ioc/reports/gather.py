"""Everything a report says, from the ledger, the days of availability and the incidents.

    Wanted ─▶ figures at the end of the period + availability of its days + incidents ─▶ Report

Blocking; runs in a thread. `step` is called between the parts and may raise to end the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ioc.clock import Clock
from ioc.db import StateDatabase
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory.topology import Topology
from ioc.ledger.keeper import Keeper, Monitor
from ioc.ledger.sla import working_calendar
from ioc.reports import words
from ioc.reports.figures import Figures
from ioc.reports.model import Layout, Report, TargetPart, Wanted
from ioc.reports.stories import stories
from ioc.reports.units import Period, units_of
from ioc.reports.uptime import uptime

Step = Callable[[float, str], None]
SIGNER = (mark("ON BEHALF OF THE PEOPLE'S COMMITTEE"), mark("CHAIRMAN"))
RECIPIENTS = (mark("Leaders of the People's Committee;"), mark("Filed: records."))


class NoSuchPlace(Exception):
    """There is no such place, said in the language of the report."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a report is made from."""

    clock: Clock
    monitor: Monitor
    keeper: Keeper
    database: StateDatabase
    simulated: bool


def gather(sources: Sources, wanted: Wanted, step: Step) -> Report:
    """The report. Raises StateDatabaseError, NoSuchPlace."""
    topology: Topology = sources.monitor.topology
    now = sources.clock.now()
    moment = datetime.fromtimestamp(now / 1000, topology.timezone)
    today = moment.date()
    units = units_of(topology, wanted, today)
    if wanted.place is not None and wanted.place not in units.places:
        raise NoSuchPlace(_("there is no place {name}", wanted.language, name=wanted.place))
    period = Period(wanted, units, min(wanted.until, today), today, now)
    step(0.02, mark("targets"))
    targets = _targets(sources, period, step)
    step(0.45, mark("availability"))
    calendar = working_calendar(topology, sources.monitor.calendars)
    hours = uptime(sources.keeper.agreements.over(*period.days), period, calendar)
    step(0.6, mark("incidents"))
    found = stories(sources.database, period)
    name = units.places[wanted.place].name if wanted.place else topology.area_name
    return Report(
        wanted=wanted,
        subject=name,
        zone=str(topology.timezone),
        made_at=moment.isoformat(timespec="seconds"),
        running=wanted.until >= today,
        simulated=sources.simulated,
        layout=layout(topology, wanted.language),
        targets=tuple(targets),
        links=tuple(hours.links),
        services=tuple(hours.services),
        places=tuple(hours.places),
        gone=tuple(hours.gone),
        work_hours=calendar is not None,
        events=tuple(found.worst),
        counted=dict(found.counted),
        bars=tuple(found.bars),
    )


def _targets(sources: Sources, period: Period, step: Step) -> list[TargetPart]:
    found = []
    for done, part in Figures(sources.keeper, sources.monitor, period).parts():
        step(0.05 + 0.4 * done, mark("targets"))
        if part is not None:
            found.append(part)
    return found


def layout(topology: Topology, lang: str) -> Layout:
    """What stands around the report: as the inventory says, else as usual."""
    given, area = topology.reports, topology.area_name
    return Layout(
        above=given.above,
        authority=given.authority or _committee(area, lang),
        number=given.number or "/BC-UBND",
        place=given.place or _short(area),
        signer=given.signer or tuple(_(line, lang) for line in SIGNER),
        recipients=given.recipients or tuple(_(line, lang) for line in RECIPIENTS),
    )


def _committee(area: str, lang: str) -> str:
    kind = _("PEOPLE'S COMMITTEE", lang).capitalize()
    return f"{kind} {words.running(area, lang)}"


def _short(area: str) -> str:
    """`Huyện Chợ Đồn` as the place in a date line: `Chợ Đồn`."""
    for kind in words.KINDS:
        if area.casefold().startswith(f"{kind} "):
            return area[len(kind) + 1 :]
    return area
