"""Everything a report says, from the ledger, the days of availability and the incidents.

    Wanted ─▶ figures at the end of the period + availability of its days + incidents ─▶ Report

Blocking; runs in a thread. `step` is called between the parts and may raise to end the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from collectors.base import Reason
from ioc.clock import Clock
from ioc.db import StateDatabase
from ioc.db import Wanted as WantedIncidents
from ioc.engine.incident import Incident
from ioc.i18n import mark, render
from ioc.i18n import translate as _
from ioc.inventory.topology import Asset, AssetType, Site, Target, Topology
from ioc.ledger.availability import Seconds, Tally
from ioc.ledger.keeper import Keeper, Monitor
from ioc.ledger.measures import MEASURES
from ioc.ledger.model import Coverage, Standing
from ioc.ledger.places import asked_of, members_of, merger_days, places_on
from ioc.ledger.records import PastFigure
from ioc.ledger.sla import Agreed, day_span, filled, period_of, working_calendar
from ioc.ledger.trend import Trend, joined, trend
from ioc.notify.texts import Writer
from ioc.reports.model import Event, Figure, Hours, Layout, Report, Service, TargetPart, Wanted
from ioc.reports.words import forecast_words

Step = Callable[[float, str], None]
EVENTS = 2000  # incidents of one report
PAGE = 500


@dataclass(frozen=True, slots=True)
class Sources:
    """What a report is made from."""

    clock: Clock
    monitor: Monitor
    keeper: Keeper
    database: StateDatabase
    simulated: bool


def gather(sources: Sources, wanted: Wanted, step: Step) -> Report:
    """The report. Raises StateDatabaseError, LookupError for a place that does not exist."""
    return _Gathering(sources, wanted, step).report()


class _Gathering:
    def __init__(self, sources: Sources, wanted: Wanted, step: Step) -> None:
        self.sources = sources
        self.wanted = wanted
        self.step = step
        self.topology: Topology = sources.monitor.topology
        self.now = sources.clock.now()
        self.lang = wanted.language
        self.today = datetime.fromtimestamp(self.now / 1000, self.topology.timezone).date()
        self.last = min(wanted.until, self.today)
        self.places = self._places()
        if wanted.place is not None and wanted.place not in self.places:
            raise LookupError(wanted.place)

    def report(self) -> Report:
        self.step(0.02, mark("targets"))
        targets = self._targets()
        self.step(0.45, mark("availability"))
        links, services, places = self._availability()
        self.step(0.6, mark("incidents"))
        events, dropped = self._events()
        layout = self.topology.reports
        area = self.topology.area_name
        subject = self.places[self.wanted.place].name if self.wanted.place else area
        made = datetime.fromtimestamp(self.now / 1000, self.topology.timezone)
        calendar = working_calendar(self.topology, self.sources.monitor.calendars)
        return Report(
            wanted=self.wanted,
            subject=subject,
            zone=str(self.topology.timezone),
            made_at=made.isoformat(timespec="seconds"),
            running=self.wanted.until >= self.today,
            simulated=self.sources.simulated,
            layout=Layout(
                above=layout.above,
                authority=layout.authority or _("PEOPLE'S COMMITTEE", self.lang) + f" {area}",
                number=layout.number or "/BC-UBND",
                place=layout.place or _short(area),
                signer=layout.signer or tuple(_(line, self.lang) for line in SIGNER),
                recipients=layout.recipients or tuple(_(line, self.lang) for line in RECIPIENTS),
            ),
            targets=tuple(targets),
            links=tuple(links),
            services=tuple(services),
            places=tuple(places),
            work_hours=calendar is not None,
            events=tuple(events),
            dropped_events=dropped,
        )

    def _places(self) -> dict[str, Site]:
        day = self.last
        if self.wanted.units == "before":
            mergers = [d for d in merger_days(self.topology) if d <= self.last.isoformat()]
            day = date.fromisoformat(mergers[-1]) if mergers else day
        return places_on(self.topology, day)

    # --- targets

    def _targets(self) -> Iterable[TargetPart]:
        records = self.sources.keeper.records
        month_before = (self.last - timedelta(days=31)).isoformat()
        last = self.last.isoformat()
        recent: dict[tuple[str, str | None], list[PastFigure]] = {}
        for figure in records.figures(since=month_before, until=last):
            recent.setdefault((figure.target, figure.place), []).append(figure)
        past: dict[str, list[PastFigure]] = {}
        for figure in records.figures(area=True, until=last):
            past.setdefault(figure.target, []).append(figure)
        ledger = self.sources.keeper.ledger()
        live = self.last == self.today and self.wanted.units == "now"
        found = []
        for number, target in enumerate(self.topology.targets.values()):
            self.step(0.05 + 0.4 * number / len(self.topology.targets), mark("targets"))
            names = [place.id for place in asked_of(target.per, self.places)]
            if self.wanted.place is not None:
                names = [self.wanted.place] if self.wanted.place in names else []
                if not names:
                    continue
            figures = [
                self._figure(target, name, recent, ledger.standings if live else {})
                for name in names
            ]
            if self.wanted.place is not None:
                head = figures[0]
                moved = trend(
                    self.sources.keeper.past(target.id, self.wanted.place),
                    head.value, target.goal, self.last, target.comparator,
                )  # fmt: skip
            else:
                head = self._figure(target, None, recent, ledger.standings if live else {})
                known = past.get(target.id, ())
                moved = trend(known, head.value, target.goal, self.last, target.comparator)
            found.append(self._part(target, head, moved, figures))
        return found

    def _figure(
        self,
        target: Target,
        place: str | None,
        recent: Mapping[tuple[str, str | None], Sequence[PastFigure]],
        standings: Mapping[tuple[str, str | None], Standing],
    ) -> Figure:
        name = self.topology.area_name if place is None else self.places[place].name
        live = standings.get((target.id, place))
        past = list(recent.get((target.id, place), ()))
        if live is not None:
            return self._live(live, place, name)
        if not past and place is not None:
            past = self._of_members(target.id, place, recent)
        if not past:
            return Figure(
                place=place or "", name=name, numerator=0, denominator=None, value=None,
                evidence=None, state="unknown", source=target.sources[0] if target.sources else "",
                note=_("no figure yet", self.lang),
            )  # fmt: skip
        newest = past[-1]
        versions = [figure for figure in past if figure.day == newest.day]
        return Figure(
            place=place or "",
            name=name,
            numerator=newest.numerator,
            denominator=newest.denominator,
            value=newest.value,
            evidence=newest.evidence,
            state=newest.state.value,
            source=newest.source.value,
            as_of=newest.day,
            before=versions[0].value if len(versions) > 1 else None,
            restated=len(versions) > 1,
        )

    def _of_members(
        self,
        target: str,
        place: str,
        recent: Mapping[tuple[str, str | None], Sequence[PastFigure]],
    ) -> list[PastFigure]:
        """Of a unit that had no figure of its own yet: the sum of what became part of it."""
        members = members_of(self.topology, place)
        newest = {
            member: sorted(
                {f.day: f for f in recent.get((target, member), ())}.values(), key=lambda f: f.day
            )
            for member in members
        }
        return joined(newest, place)

    def _live(self, standing: Standing, place: str | None, name: str) -> Figure:
        chosen: Coverage = standing.chosen
        return Figure(
            place=place or "",
            name=name,
            numerator=chosen.numerator,
            denominator=chosen.denominator,
            value=chosen.value,
            evidence=chosen.evidence_value,
            state=chosen.state.value,
            source=chosen.source.value,
            as_of=self._day(chosen.as_of),
            note=self._words(chosen.note),
            conflict=self._words(standing.conflict),
        )

    def _part(
        self, target: Target, head: Figure, moved: Trend, figures: Sequence[Figure]
    ) -> TargetPart:
        english = self.lang == "en"
        rules = [(target.rule_en or target.rule) if english else target.rule]
        if target.measure:
            rules.append(render(MEASURES[target.measure][1], self.lang))
        points = [(p.day, p.value) for p in moved.points if p.value is not None]
        unknown = head.state == "unknown"
        return TargetPart(
            id=target.id,
            name=(target.name_en or target.name) if english else target.name,
            counted=(target.counted_en or target.counted) if english else target.counted,
            goal=target.goal,
            comparator=target.comparator,
            due=target.due,
            by=target.by,
            basis=target.basis,
            rule=" ".join(rule for rule in rules if rule),
            area=head,
            month=moved.month,
            year=moved.year,
            forecast="" if unknown else forecast_words(moved.forecast, self.lang),
            months=tuple(points[-13:]),
            places=tuple(figures) if self.wanted.place is None else (),
        )

    # --- availability

    def _availability(self) -> tuple[list[Service], list[Service], list[Service]]:
        topology = self.topology
        calendar = working_calendar(topology, self.sources.monitor.calendars)
        whole, hours = period_of(self.wanted.since, self.last, topology, calendar, self.now)
        found = self.sources.keeper.agreements.over(self.wanted.since, self.last)
        wanted = self.places[self.wanted.place] if self.wanted.place else None

        def made(asset: Asset) -> Service:
            site = topology.sites.get(asset.site or "")
            return self._service(
                asset.id, asset.name, site.name if site else "", asset.provider or "", asset.kind,
                found.get(asset.id), whole, hours,
            )  # fmt: skip

        links, services = [], []
        for asset in topology.assets.values():
            if asset.type is AssetType.LINK and (wanted is None or asset.id in wanted.links):
                links.append(made(asset))
            elif asset.type is AssetType.SERVICE and (
                wanted is None or asset.id in wanted.services or asset.site is None
            ):
                services.append(made(asset))
        places = [
            self._service(site.id, site.name, site.name, "", site.kind, found.get(site.id),
                          whole, hours)
            for site in topology.sites.values()
            if site.links and (wanted is None or set(site.links) <= set(wanted.links))
        ]  # fmt: skip
        return links, services, places

    def _service(  # noqa: PLR0917 - the columns of a row
        self,
        id: str,
        name: str,
        place: str,
        provider: str,
        kind: str,
        found: Agreed | None,
        whole: int,
        hours: int,
    ) -> Service:
        total: Tally = filled(found, whole, hours)
        return Service(
            id=id,
            name=name,
            place=place,
            provider=provider,
            kind=kind,
            day=_hours(total.all),
            work=_hours(total.work),
            outages=total.outages,
            restated=found.restated if found else 0,
        )

    # --- incidents

    def _events(self) -> tuple[list[Event], int]:
        """Incidents that touch the period, oldest first, and how many more there are."""
        start = day_span(self.wanted.since, self.topology).start
        end = min(day_span(self.wanted.until, self.topology).end, self.now)
        writer = Writer(self.topology, self.lang, {})
        wanted = self.places[self.wanted.place] if self.wanted.place else None
        inside: list[Incident] = []
        before: int | None = None
        while len(inside) <= EVENTS:
            some = self.sources.database.incidents(
                WantedIncidents(until=end, before=before, limit=PAGE)
            )
            inside += [i for i in some if (i.resolved_at or end) > start and self._of(i, wanted)]
            if len(some) < PAGE:
                break
            before = some[-1].id
        inside.sort(key=lambda i: i.since)
        events = [self._event(i, writer, start, end) for i in inside[:EVENTS]]
        return events, max(0, len(inside) - EVENTS)

    def _of(self, incident: Incident, wanted: Site | None) -> bool:
        if incident.merged_into is not None:
            return False
        if wanted is None:
            return True
        site = incident.site or ""
        members = {self.topology.assets[name].site for name in (*wanted.links, *wanted.devices)}
        return site == wanted.id or site in members

    def _event(self, incident: Incident, writer: Writer, start: int, end: int) -> Event:
        site = self.topology.sites.get(incident.site or "")
        until = incident.resolved_at
        return Event(
            id=incident.id,
            severity=incident.severity.value,
            place=site.name if site else self.topology.area_name,
            what=writer.what(incident),
            since=incident.since,
            until=until,
            length=max(0, min(until or end, end) - max(incident.since, start)),
            cause=incident.cause or "",
        )

    # --- words

    def _words(self, reason: Reason | None) -> str:
        return "" if reason is None else render(reason, self.lang)

    def _day(self, at: int | None) -> str | None:
        if at is None:
            return None
        return datetime.fromtimestamp(at / 1000, self.topology.timezone).date().isoformat()


SIGNER = (mark("ON BEHALF OF THE PEOPLE'S COMMITTEE"), mark("CHAIRMAN"))
RECIPIENTS = (mark("As above;"), mark("Filed: records."))


def _hours(found: Seconds) -> Hours:
    return Hours(
        up=found.up,
        down=found.down,
        maintenance=found.maintenance,
        unknown=found.unknown,
        availability=found.availability,
        evidence=found.evidence,
    )


def _short(area: str) -> str:
    """`Huyện Chợ Đồn` as the place in a date line: `Chợ Đồn`."""
    for kind in ("Huyện ", "Tỉnh ", "Xã ", "Thành phố ", "Thị xã "):
        if area.startswith(kind):
            return area.removeprefix(kind)
    return area
