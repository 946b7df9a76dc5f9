"""A report in words: texts for the template, and numbers between 0 and 1 for what it draws."""

from __future__ import annotations

from typing import Any

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.reports import words
from ioc.reports.model import Report
from ioc.reports.told_events import events
from ioc.reports.told_targets import batches, details, matrix, target_row
from ioc.reports.told_uptime import hours_of, providers, total_evidence
from ioc.reports.words import breakable

WORST = 40  # rows of one table; the workbook has all
LEAST = 12  # places in the chart of those that worked least
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
        "targets": [target_row(n, t, lang) for n, t in enumerate(report.targets, start=1)],
        "matrix": [matrix(some, lang) for some in batches(by_place)],
        "places": [details(n, target, lang) for n, target in by_place],
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
    if len(report.places) < 2 or all(p.day.availability is None for p in report.places):
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
