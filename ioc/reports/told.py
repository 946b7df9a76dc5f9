"""A report in words: texts for the template, and numbers between 0 and 1 for what it draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.reports import words
from ioc.reports.model import Figure, Report, TargetPart
from ioc.reports.told_events import events
from ioc.reports.told_uptime import hours_of, providers, total_evidence
from ioc.reports.words import breakable

WORST = 40  # rows of units in one table; the workbook has all
LEAST = 12  # places in the chart of those that worked least
MATRIX = 15  # targets side by side in one table of units
LABELS = {
    "summary": mark("Summary"),
    "targets": mark("Targets"),
    "number": mark("No."),
    "target": mark("Target"),
    "goal": mark("Goal"),
    "value": mark("Value"),
    "state": mark("State"),
    "trend": mark("12 months"),
    "change": mark("Change (points)"),
    "by_place": mark("By unit"),
    "unit": mark("Unit"),
    "numerator": mark("Numerator"),
    "denominator": mark("Denominator"),
    "total": mark("Total"),
    "availability": mark("Availability"),
    "name": mark("Name"),
    "provider": mark("Provider"),
    "lines": mark("Lines"),
    "all_hours": mark("24/7"),
    "work_hours": mark("Working hours"),
    "known": mark("Known"),
    "down": mark("Down"),
    "maintenance": mark("Maintenance"),
    "unknown": mark("Unknown"),
    "outages": mark("Outages"),
    "incidents": mark("Incidents"),
    "since": mark("Since"),
    "what": mark("What"),
    "length": mark("Length"),
    "cause": mark("Cause"),
    "rules": mark("Counting rules"),
    "rule": mark("Rule"),
    "by": mark("Responsible unit"),
    "recipients": mark("Recipients:"),
    "signature": mark("(signature, full name, stamp)"),
    "annex": mark("Annex"),
    "silent": mark("units without figures"),
    "note": mark("Note"),
    "by_provider": mark("By provider"),
    "worst": mark("The least available"),
    "by_when": mark("Incidents by the time they began"),
    "details": mark("Figures by unit"),
    "no_data": mark("no data"),
    "goal_mark": mark("The vertical line marks the goal."),
    "matrix_note": mark("In percent. Numbers in brackets are those of the targets above."),
    "all_units": mark("Whole area"),
    "up": mark("Working"),
}


def told(report: Report) -> dict[str, Any]:
    """What the template shows."""
    lang = report.wanted.language
    by_place = [
        (number, target)
        for number, target in enumerate(report.targets, start=1)
        if any(place.denominator is not None for place in target.places)
    ]
    return {
        "lang": lang,
        **_head(report, lang),
        "warnings": [breakable(line) for line in _warnings(report, lang)],
        "words": {name: _(text, lang) for name, text in LABELS.items()},
        "summary": _summary(report, lang),
        "states": [
            {"word": _(word, lang), "state": state, "count": count}
            for state, word in words.STATES.items()
            if (count := sum(t.area.state == state for t in report.targets))
        ],
        "targets": [_target(n, t, lang) for n, t in enumerate(report.targets, start=1)],
        "matrix": [_matrix(some, lang) for some in _batches(by_place, MATRIX)],
        "places": [_places(n, target, lang) for n, target in by_place],
        "lines": bool(report.links or report.services or report.places),
        "providers": providers(report, lang) if report.watched else [],
        "worst": _worst(report, lang),
        "hours": [
            hours_of(title, rows, lang, WORST)
            for title, rows in (
                (_("Lines", lang), report.links),
                (_("Services", lang), report.services),
                (_("Places", lang), report.places),
                (_("No longer in the inventory", lang), report.gone),
            )
            if rows and report.watched
        ],
        "work_hours": report.work_hours,
        "events": events(report, lang),
        "rules": [[breakable(t.name), breakable(t.rule), breakable(t.by)] for t in report.targets],
        "general": [_(rule, lang) for rule in words.AVAILABILITY_RULES],
        "signer": [breakable(line) for line in report.layout.signer],
        "recipients": [breakable(line) for line in report.layout.recipients],
    }


def _worst(report: Report, lang: str) -> dict[str, Any] | None:
    """Of several places, those that worked least."""
    if len(report.places) < 2 or not report.watched:
        return None
    return hours_of(_("Places", lang), report.places, lang, LEAST)


def _head(report: Report, lang: str) -> dict[str, Any]:
    layout = report.layout
    period = words.period(report.wanted, lang)
    number = _("No.: ", lang)
    on = words.signed_on(report)
    names = {"name": words.running(report.subject, lang), "period": period.replace(" ", "\u00a0")}
    return {
        "above": breakable(layout.above.upper()),
        "authority": [breakable(line) for line in _authority(layout.authority.upper(), lang)],
        "number": f"{number}          {layout.number}",
        "motto": [
            _("SOCIALIST REPUBLIC OF VIETNAM", lang),
            _("Independence - Freedom - Happiness", lang),
        ],
        "signed_on": breakable(on),
        "title": _("REPORT", lang),
        "subject": breakable(
            _("On digital infrastructure and targets of {name}, {period}", lang, **names)
        ),
        "closing": breakable(_("This is the report of {name}, {period}./.", lang, **names)),
        "attached": breakable(
            _("(Attached to report no. ……{number} of {authority})", lang,
              number=layout.number, authority=layout.authority)
        ),
    }  # fmt: skip


def _authority(name: str, lang: str) -> list[str]:
    """The committee's kind and its place stand in two lines."""
    kind = _("PEOPLE'S COMMITTEE", lang).upper()
    place = name.removeprefix(f"{kind} ")
    return [name] if place == name else [kind, place]


def _warnings(report: Report, lang: str) -> list[str]:
    found = []
    if report.simulated:
        found.append(_("SIMULATION: these figures are made up.", lang))
    if report.running:
        found.append(_("The period is not over yet: figures up to the moment of the report.", lang))
    restated = sum(f.restated for t in report.targets for f in (t.area, *t.places))
    if restated:
        found.append(_("{n} figures were restated by late data.", lang, n=restated))
    days = sum(row.restated for row in (*report.links, *report.services, *report.places))
    if days:
        found.append(_("Late samples restated {n} days of availability.", lang, n=days))
    return found


def _summary(report: Report, lang: str) -> list[str]:
    met = sum(t.area.state == "met" for t in report.targets)
    unknown = sum(t.area.state == "unknown" for t in report.targets)
    lines = []
    if report.targets:
        lines.append(
            _("Of {total} targets, {met} are reached; {unknown} have not enough evidence to say.",
              lang, total=len(report.targets), met=met, unknown=unknown)
        )  # fmt: skip
    known = [s for s in report.links if s.day.availability is not None]
    if known:
        up, down = sum(s.day.up for s in known), sum(s.day.down for s in known)
        value = words.percent(100 * up / (up + down), lang, 2)
        evidence = words.percent(total_evidence(report.links), lang)
        text = _("All lines together worked {value} of the known time; {evidence} of it is known.",
                 lang, value=value, evidence=evidence)  # fmt: skip
        lines.append(text)
    if report.watched:
        critical = report.counted.get("critical", 0)
        lines.append(
            _("{count} incidents, {critical} of them critical.", lang,
              count=report.incidents, critical=critical)
        )  # fmt: skip
    else:
        lines.append(
            _("Nothing was measured in this period: no data on lines and incidents.", lang)
        )
    conflicts = sum(bool(t.area.conflict) for t in report.targets)
    if conflicts:
        lines.append(_("For {n} targets two sources contradict each other.", lang, n=conflicts))
    return lines


# --- targets


def _target(number: int, target: TargetPart, lang: str) -> dict[str, Any]:
    area = target.area
    known = area.denominator is not None
    source = [*_source(area, lang), words.day(area.as_of) if area.as_of else ""]
    evidence = _("evidence {value}", lang, value=words.percent(area.evidence, lang))
    notes = [
        *source,
        evidence if known else "",
        area.note,
        _("restated, {value} before", lang, value=words.percent(area.before, lang))
        if area.restated
        else "",
        _("goal: {when}", lang, when=target.forecast) if target.forecast else "",
    ]
    return {
        "number": str(number),
        "name": breakable(target.name),
        "goal": _goal(target, lang),
        "aim": _aim(target),
        "value": words.percent(area.value, lang),
        "share": _drawn(area.value),
        "count": _fraction(area, lang),
        "state": area.state,
        "word": _(words.STATES[area.state], lang),
        "note": breakable(" · ".join(note for note in notes if note)),
        "conflict": breakable(area.conflict),
        "month": _change(mark("month {points}"), target.month, lang),
        "year": _change(mark("year {points}"), target.year, lang),
        "months": [_drawn(value) for _day, value in target.months],
        "ends": [words.percent(value, lang) for _day, value in _ends(target.months)],
    }


def _change(text: str, points: float | None, lang: str) -> str:
    return "" if points is None else _(text, lang, points=words.points(points, lang))


def _ends(months: Sequence[tuple[str, float]]) -> Sequence[tuple[str, float]]:
    return [months[0], months[-1]] if len(months) > 1 else []


def _source(figure: Figure, lang: str) -> list[str]:
    paper = f"{figure.origin}, {figure.document}" if figure.document else figure.origin
    word = _(words.SOURCES.get(figure.source, figure.source), lang) if figure.source else ""
    return [word, paper]


def _goal(target: TargetPart, lang: str) -> str:
    if target.goal is None:
        return "–"
    return f"{'>' if target.comparator == '>' else '≥'} {words.percent(target.goal, lang)}"


def _aim(target: TargetPart) -> float | None:
    return None if target.goal is None else min(target.goal, 100.0) / 100


def _drawn(value: float | None) -> float | None:
    return None if value is None else min(max(value, 0.0), 100.0) / 100


def _fraction(figure: Figure, lang: str) -> str:
    if figure.denominator is None:
        return ""
    return f"{_numerator(figure, lang)}/{words.count(figure.denominator, lang)}"


def _numerator(figure: Figure, lang: str) -> str:
    """What nobody knows is no zero."""
    known = figure.value is not None or figure.denominator == 0
    return words.count(figure.numerator, lang) if known else "–"


# --- by unit


def _batches(
    some: Sequence[tuple[int, TargetPart]], size: int
) -> Iterable[Sequence[tuple[int, TargetPart]]]:
    """As few as possible, none much smaller than another."""
    count = -(-len(some) // size)
    each = -(-len(some) // count) if count else 1
    return (some[start : start + each] for start in range(0, len(some), each))


def _matrix(some: Sequence[tuple[int, TargetPart]], lang: str) -> dict[str, Any]:
    """A row for each unit, a column for each target; the units with the most unmet ones when
    there are too many."""
    cells: dict[str, dict[int, Figure]] = {}
    names: dict[str, str] = {}
    for number, target in some:
        for place in target.places:
            names[place.place] = place.name
            cells.setdefault(place.place, {})[number] = place
    rows = list(cells.items())
    if len(rows) > WORST:
        rows.sort(key=lambda row: -sum(f.state in ("partly", "not_met") for f in row[1].values()))
    return {
        "numbers": [str(number) for number, _target in some],
        "rows": [
            {
                "name": breakable(names[place]),
                "cells": [_cell(figures.get(number), lang) for number, _target in some],
            }
            for place, figures in rows[:WORST]
        ],
        "total": [_cell(target.area, lang) for _number, target in some],
        "more": _more(len(rows) - WORST, lang),
    }


def _cell(figure: Figure | None, lang: str) -> dict[str, str]:
    if figure is None:
        return {"state": "", "text": ""}
    text = words.percent(figure.value, lang).removesuffix(" %")
    return {"state": figure.state, "text": text}


def _places(number: int, target: TargetPart, lang: str) -> dict[str, Any]:
    known = [p for p in target.places if p.denominator is not None]
    shown = known
    if len(known) > WORST:
        shown = sorted(known, key=lambda p: (p.value is None, p.value or 0.0))[:WORST]
    numerator = sum(p.numerator for p in known)
    denominator = sum(p.denominator or 0 for p in known)
    some = any(p.value is not None for p in known)
    whole = 100 * numerator / denominator if denominator and some else None
    sources = Counter(_from(place, lang) for place in known)
    usual, times = sources.most_common(1)[0] if sources else ("", 0)
    common = usual if times > 1 else ""
    return {
        "name": f"{number}. {breakable(target.name)}",
        "common": breakable(_("Source: {source}", lang, source=common)) if common else "",
        "aim": _aim(target),
        "rows": [_row(place, common, lang) for place in shown],
        "total": [
            words.count(numerator, lang) if some else "–",
            words.count(denominator, lang),
            words.percent(whole, lang),
        ],
        "more": _more(len(known) - len(shown), lang),
        "silent": len(target.places) - len(known),
    }


def _from(place: Figure, lang: str) -> str:
    source = [*_source(place, lang), words.day(place.as_of) if place.as_of else ""]
    return " · ".join(text for text in source if text)


def _row(place: Figure, common: str, lang: str) -> dict[str, Any]:
    """common: the source that stands above the table."""
    source = _from(place, lang)
    before = words.percent(place.before, lang)
    notes = [
        "" if source == common else source,
        _("restated, {value} before", lang, value=before) if place.restated else "",
        place.note,
        place.conflict,
    ]
    return {
        "name": breakable(place.name),
        "numerator": _numerator(place, lang),
        "denominator": words.count(place.denominator, lang),
        "value": words.percent(place.value, lang),
        "share": _drawn(place.value),
        "state": place.state,
        "source": breakable(" · ".join(note for note in notes if note)),
    }


def _more(count: int, lang: str) -> str:
    return _("and {count} more, in the workbook", lang, count=count) if count > 0 else ""
