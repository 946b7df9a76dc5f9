"""The targets of a report: figures at its end, as the ledger has them, to the last digit.

today is the last day ─▶ the ledger as it stands
a day that is over    ─▶ what was written down for it; what of it is a reading is told with its
                         source, day and paper, and stands in for what nobody wrote down
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from collectors.base import Reason
from ioc.engine.model import AreaView
from ioc.i18n import render
from ioc.i18n import translate as _
from ioc.inventory.topology import Site, Target, Topology
from ioc.ledger.coverage import evaluate
from ioc.ledger.keeper import Keeper, Monitor
from ioc.ledger.measures import MEASURES, PROXIES
from ioc.ledger.model import Source, Standing
from ioc.ledger.places import asked_of, members_of
from ioc.ledger.records import Goal, PastFigure
from ioc.ledger.sla import day_span
from ioc.ledger.trend import Trend, joined, trend
from ioc.reports.model import Figure, TargetPart
from ioc.reports.units import Period
from ioc.reports.words import forecast_words

LOOK_BACK = timedelta(days=31)  # a figure that does not change is written down once a month
MONTHS = 13
Key = tuple[str, str | None]  # target, place or None = the area


class Figures:
    """The parts of the targets. Blocking; raises StateDatabaseError."""

    def __init__(self, keeper: Keeper, monitor: Monitor, period: Period) -> None:
        self._keeper = keeper
        self._period = period
        self._topology = period.units.topology
        self._lang = period.wanted.language
        self._place = period.wanted.place
        self._targets = _counted_then(self._topology, period.last)
        self._live = period.last == period.today
        self._goals: dict[str, list[Goal]] = {}
        for goal in keeper.records.goals():
            self._goals.setdefault(goal.target, []).append(goal)
        self._standings = self._standing(monitor)
        self._written: dict[Key, list[PastFigure]] = {}
        self._past: dict[str, list[PastFigure]] = {}

    def parts(self) -> Iterator[tuple[float, TargetPart | None]]:
        """How much is done, 0 to 1, and the next target; None where it is not asked here."""
        self._read()
        for number, target in enumerate(self._targets.values(), start=1):
            yield number / len(self._targets), self._part(target)

    # --- where it comes from

    def _standing(self, monitor: Monitor) -> Mapping[Key, Standing]:
        """Now: all there is. Of a day that is over: what is known today about it by readings."""
        period = self._period
        if self._live and not period.units.old:
            return self._keeper.ledger().standings
        view = monitor.view()
        topology, at = replace(self._topology, targets=self._targets), period.now
        if not self._live:
            reported = {
                t.id: replace(self._as_it_was(t), measure=None)
                for t in self._targets.values()
                if t.measure is None or t.supporting
            }
            topology = replace(topology, targets=reported)
            at = day_span(period.last, topology).end - 1
            view = AreaView(at, 0, False, {}, {}, topology)
        return evaluate(topology, view, monitor.calendars, at, self._keeper.given).standings

    def _read(self) -> None:
        records, last = self._keeper.records, self._period.last
        since, until = (last - LOOK_BACK).isoformat(), last.isoformat()
        if not self._live:
            for figure in records.figures(since=since, until=until):
                self._written.setdefault((figure.target, figure.place), []).append(figure)
        if self._place is None:
            for figure in records.figures(area=True, until=until):
                self._past.setdefault(figure.target, []).append(figure)

    # --- one target

    def _part(self, target: Target) -> TargetPart | None:
        places = self._period.units.places
        names = [place.id for place in asked_of(target.per, places)]
        if self._place is not None and self._place not in names:
            return None
        target = self._as_it_was(target)
        head = self._figure(target, self._place)
        moved = trend(
            self._history(target), head.value, target.goal, self._period.last, target.comparator
        )
        english = self._lang == "en"
        return TargetPart(
            id=target.id,
            name=(target.name_en or target.name) if english else target.name,
            counted=(target.counted_en or target.counted) if english else target.counted,
            goal=target.goal,
            comparator=target.comparator,
            due=target.due,
            by=target.by,
            basis=target.basis,
            rule=self._rule(target),
            area=head,
            month=moved.month,
            year=moved.year,
            forecast=self._forecast(head, moved),
            months=tuple(_months(moved)),
            places=() if self._place else self._places(target, names),
        )

    def _places(self, target: Target, names: Iterable[str]) -> tuple[Figure, ...]:
        found = [self._figure(target, name) for name in names]
        known = [figure for figure in found if figure.denominator is not None]
        alike = all(figure.source == Source.MEASURED for figure in known)
        return tuple(
            figure.model_copy(update={"summed": _adds_up(target, figure, alike=alike)})
            for figure in found
        )

    def _as_it_was(self, target: Target) -> Target:
        """With the goal that was in force on the last day; the oldest one that is known."""
        if self._live:
            return target
        end = day_span(self._period.last, self._topology).end
        known = self._goals.get(target.id, [])
        then = [goal for goal in known if goal.since < end] or known[:1]
        if not then:
            return target
        goal = then[-1] if then[-1].since < end else then[0]
        return replace(target, goal=goal.goal, comparator=goal.comparator, due=goal.due)

    def _history(self, target: Target) -> list[PastFigure]:
        if self._place is None:
            return self._past.get(target.id, [])
        last = self._period.last.isoformat()
        return [f for f in self._keeper.past(target.id, self._place) if f.day <= last]

    def _forecast(self, head: Figure, moved: Trend) -> str:
        return "" if head.state == "unknown" else forecast_words(moved.forecast, self._lang)

    def _rule(self, target: Target) -> str:
        said = (target.rule_en or target.rule) if self._lang == "en" else target.rule
        measured = render(MEASURES[target.measure][1], self._lang) if target.measure else ""
        return " ".join(rule for rule in (said, measured) if rule)

    # --- one figure

    def _figure(self, target: Target, place: str | None) -> Figure:
        standing = self._standings.get((target.id, place))
        if self._live:
            return self._told(standing, target, place)
        written = self._written.get((target.id, place), [])
        if not written and place is not None:
            written = self._of_members(target.id, place)
        told = self._told(standing, target, place)
        if not written:
            return told
        newest = written[-1]
        versions = [figure for figure in written if figure.day == newest.day]
        said = {
            "numerator": newest.numerator,
            "denominator": newest.denominator,
            "value": newest.value,
            "evidence": newest.evidence,
            "state": newest.state.value,
            "source": newest.source.value,
            "before": versions[0].value if len(versions) > 1 else None,
            "restated": len(versions) > 1,
            "stale": newest.evidence == 0 and newest.source is not Source.MEASURED,
        }
        same = (told.numerator, told.denominator) == (newest.numerator, newest.denominator)
        if same and told.source == newest.source.value:
            return told.model_copy(update=said)
        return Figure(place=told.place, name=told.name, as_of=newest.day, **said)

    def _told(self, standing: Standing | None, target: Target, place: str | None) -> Figure:
        name = self._name(place)
        if standing is None or standing.chosen.denominator is None:
            return Figure(
                place=place or "", name=name, numerator=0, denominator=None, value=None,
                evidence=None, state="unknown", source="",
                note=_("no figure yet", self._lang),
            )  # fmt: skip
        chosen = standing.chosen
        reading = chosen.reading
        return Figure(
            place=place or "",
            name=name,
            numerator=chosen.numerator,
            denominator=chosen.denominator,
            value=chosen.value,
            evidence=chosen.evidence_value,
            state=chosen.state.value,
            source=chosen.source.value,
            as_of=reading.as_of if reading else self._day(chosen.as_of),
            origin=reading.origin if reading else "",
            document=reading.document if reading else "",
            note=self._words(chosen.note),
            conflict=self._words(standing.conflict),
            stale=chosen.stale,
        )

    def _of_members(self, target: str, place: str) -> list[PastFigure]:
        """Of a unit that had no figure of its own yet: the sum of what became part of it."""
        newest = {
            member: _newest(self._written.get((target, member), ()))
            for member in members_of(self._topology, place)
        }
        targets = {**self._topology.targets, **self._topology.retired}
        return joined(newest, place, targets.get(target))

    # --- words

    def _name(self, place: str | None) -> str:
        places: Mapping[str, Site] = self._period.units.places
        return self._topology.area_name if place is None else places[place].name

    def _words(self, reason: Reason | None) -> str:
        return "" if reason is None else render(reason, self._lang)

    def _day(self, at: int | None) -> str | None:
        if at is None:
            return None
        return datetime.fromtimestamp(at / 1000, self._topology.timezone).date().isoformat()


def _counted_then(topology: Topology, last: date) -> dict[str, Target]:
    """Targets that were counted on a day: those of today, and those retired since."""
    since = {
        name: target
        for name, target in topology.retired.items()
        if target.retired is not None and target.retired > last.isoformat()
    }
    return {**topology.targets, **since}


def _adds_up(target: Target, figure: Figure, *, alike: bool) -> bool:
    """Whether the ledger adds a place's figure to the others: fresh, possible, and of the same
    things. alike: all of them are measured."""
    whole = figure.denominator
    if figure.stale or whole is None or 0 < whole < figure.numerator:
        return False
    if target.measure in PROXIES and figure.source == Source.MEASURED and not alike:
        return False
    return figure.evidence is not None or whole == 0


def _months(moved: Trend) -> Iterable[tuple[str, float]]:
    return [(p.day, p.value) for p in moved.points if p.value is not None][-MONTHS:]


def _newest(past: Sequence[PastFigure]) -> list[PastFigure]:
    """The newest version of each day."""
    return [figure for _day, figure in sorted({f.day: f for f in past}.items())]
