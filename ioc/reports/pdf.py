"""A report as a PDF in the layout of Vietnamese administrative documents, by typst.

Everything is put into words here; the template only lays out. Charts are drawn by the template
from numbers, so that their labels are text in the same type.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fontpkg_be_vietnam_pro
import typst

from ioc.i18n import translate as _
from ioc.reports import words
from ioc.reports.model import Figure, Report, Service, TargetPart

TEMPLATE = Path(__file__).parent / "report.typ"
WORST = 40  # rows of availability and incidents in the text; the workbook has all
BARS = 40  # units in one chart


def document(report: Report) -> bytes:
    """The PDF file."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "report.typ").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
        (root / "report.json").write_text(
            json.dumps(_told(report), ensure_ascii=False), encoding="utf-8"
        )
        made: bytes = typst.compile(
            root / "report.typ",
            root=root,
            font_paths=[fontpkg_be_vietnam_pro.ROOT],
            ignore_system_fonts=True,
        )
        return made


def _told(report: Report) -> dict[str, Any]:
    """What the template shows: texts, and numbers between 0 and 1 for what it draws."""
    lang = report.wanted.language
    layout = report.layout
    period = words.period(report.wanted, lang)
    return {
        "lang": lang,
        "above": layout.above.upper(),
        "authority": layout.authority.upper(),
        "number": _("No.: ", lang) + f"          {layout.number}",
        "motto": [
            _("SOCIALIST REPUBLIC OF VIETNAM", lang),
            _("Independence - Freedom - Happiness", lang),
        ],
        "signed_on": words.signed_on(report),
        "title": _("REPORT", lang),
        "subject": _(
            "On digital infrastructure and targets of {name}, {period}",
            lang,
            name=report.subject,
            period=period,
        ),
        "warnings": _warnings(report, lang),
        "words": _labels(lang),
        "summary": _summary(report, lang),
        "states": [
            {"word": _(word, lang), "state": state, "count": count}
            for state, word in words.STATES.items()
            if (count := sum(t.area.state == state for t in report.targets))
        ],
        "targets": [_target(target, lang) for target in report.targets],
        "places": [_places(target, lang) for target in report.targets if target.places],
        "availability": [
            _availability(title, rows, report, lang)
            for title, rows in (
                (_("Lines", lang), report.links),
                (_("Services", lang), report.services),
                (_("Places", lang), report.places),
            )
            if rows
        ],
        "work_hours": report.work_hours,
        "events": _events(report, lang),
        "rules": [[t.name, t.rule, t.by] for t in report.targets]
        + [[_("Availability", lang), _(rule, lang), ""] for rule in words.AVAILABILITY_RULES],
        "signer": layout.signer,
        "recipients": layout.recipients,
    }


def _warnings(report: Report, lang: str) -> list[str]:
    found = []
    if report.simulated:
        found.append(_("SIMULATION: these figures are made up.", lang))
    if report.running:
        found.append(_("The period is not over yet: figures up to the moment of the report.", lang))
    restated = sum(t.area.restated for t in report.targets)
    if restated:
        found.append(_("{n} figures were restated by late data.", lang, n=restated))
    return found


def _summary(report: Report, lang: str) -> list[str]:
    met = sum(t.area.state == "met" for t in report.targets)
    unknown = sum(t.area.state == "unknown" for t in report.targets)
    lines = [
        _("Of {total} targets, {met} are reached; {unknown} have not enough evidence to say.",
          lang, total=len(report.targets), met=met, unknown=unknown)
    ]  # fmt: skip
    known = [s for s in report.links if s.day.availability is not None]
    if known:
        up, down = sum(s.day.up for s in known), sum(s.day.down for s in known)
        value = words.percent(100 * up / (up + down), lang, 2)
        evidence = words.percent(_evidence(report.links), lang)
        text = _("All lines together worked {value} of the known time; {evidence} of it is known.",
                 lang, value=value, evidence=evidence)  # fmt: skip
        lines.append(text)
    critical = sum(event.severity == "critical" for event in report.events)
    lines.append(
        _("{count} incidents, {critical} of them critical.", lang,
          count=len(report.events) + report.dropped_events, critical=critical)
    )  # fmt: skip
    conflicts = sum(bool(t.area.conflict) for t in report.targets)
    if conflicts:
        lines.append(_("For {n} targets two sources contradict each other.", lang, n=conflicts))
    return lines


def _evidence(rows: Sequence[Service]) -> float | None:
    known = sum(s.day.up + s.day.down for s in rows)
    wanted = known + sum(s.day.unknown for s in rows)
    return 100 * known / wanted if wanted else None


def _target(target: TargetPart, lang: str) -> dict[str, Any]:
    area = target.area
    notes = [
        _(words.SOURCES.get(area.source, area.source), lang),
        words.day(area.as_of) if area.as_of else "",
        _("evidence {value}", lang, value=words.percent(area.evidence, lang)),
        area.note,
        area.conflict,
        _("restated, {value} before", lang, value=words.percent(area.before, lang))
        if area.restated
        else "",
        _("goal: {when}", lang, when=target.forecast) if target.forecast else "",
    ]
    return {
        "name": target.name,
        "goal": _goal(target, lang),
        "aim": None if target.goal is None else target.goal / 100,
        "value": words.percent(area.value, lang),
        "share": None if area.value is None else min(area.value, 100.0) / 100,
        "count": _fraction(area, lang),
        "state": area.state,
        "word": _(words.STATES[area.state], lang),
        "note": " · ".join(note for note in notes if note),
        "change": words.points(target.month, lang),
        "year": words.points(target.year, lang),
        "months": [min(value, 100.0) / 100 for _day, value in target.months],
    }


def _goal(target: TargetPart, lang: str) -> str:
    if target.goal is None:
        return "–"
    return f"{'>' if target.comparator == '>' else '≥'} {words.percent(target.goal, lang)}"


def _fraction(figure: Figure, lang: str) -> str:
    if figure.denominator is None:
        return "–"
    return f"{words.count(figure.numerator, lang)}/{words.count(figure.denominator, lang)}"


def _places(target: TargetPart, lang: str) -> dict[str, Any]:
    known = [p for p in target.places if p.denominator is not None]
    numerator = sum(p.numerator for p in known)
    denominator = sum(p.denominator or 0 for p in known)
    rows = [
        {
            "name": place.name,
            "numerator": "–" if place.denominator is None else words.count(place.numerator, lang),
            "denominator": words.count(place.denominator, lang),
            "value": words.percent(place.value, lang),
            "share": None if place.value is None else min(place.value, 100.0) / 100,
            "state": place.state,
            "word": _(words.STATES[place.state], lang),
            "source": _(words.SOURCES.get(place.source, place.source), lang),
        }
        for place in known
    ]
    return {
        "name": target.name,
        "goal": _goal(target, lang),
        "aim": None if target.goal is None else target.goal / 100,
        "rows": rows,
        "total": [
            words.count(numerator, lang),
            words.count(denominator, lang),
            words.percent(100 * numerator / denominator if denominator else None, lang),
        ],
        "silent": len(target.places) - len(known),
    }


def _availability(title: str, rows: Sequence[Service], report: Report, lang: str) -> dict[str, Any]:
    """Worst first; what is not known at all comes last."""
    ranked = sorted(
        rows, key=lambda s: (s.day.availability is None, s.day.availability or 0.0, s.name)
    )
    return {
        "title": title,
        "rows": [
            [
                f"{row.name} – {row.place}" if row.place and row.place != row.name else row.name,
                row.provider,
                words.percent(row.day.availability, lang, 2),
                words.percent(row.work.availability, lang, 2),
                words.percent(row.day.evidence, lang),
                words.length(row.day.down, lang),
                words.length(row.day.maintenance, lang),
                words.count(row.outages, lang),
            ]
            for row in ranked[:WORST]
        ],
        "total": [
            words.length(sum(row.day.down for row in rows), lang),
            words.length(sum(row.day.maintenance for row in rows), lang),
            words.count(sum(row.outages for row in rows), lang),
        ],
        "more": _("and {count} more, in the workbook", lang, count=len(rows) - WORST)
        if len(rows) > WORST
        else "",
    }


def _events(report: Report, lang: str) -> dict[str, Any]:
    ranks = {"critical": 0, "warning": 1, "info": 2}
    ranked = sorted(report.events, key=lambda e: (ranks[e.severity], -e.length))
    more = len(report.events) + report.dropped_events - WORST
    return {
        "rows": [
            [
                words.moment(event.since, report.zone),
                event.place,
                event.what,
                words.length(event.length, lang),
                event.cause or "–",
                event.severity,
            ]
            for event in ranked[:WORST]
        ],
        "more": _("and {count} more, in the workbook", lang, count=more) if more > 0 else "",
    }


def _labels(lang: str) -> dict[str, str]:
    return {
        "summary": _("Summary", lang),
        "targets": _("Targets", lang),
        "target": _("Target", lang),
        "goal": _("Goal", lang),
        "value": _("Value", lang),
        "state": _("State", lang),
        "change": _("Month", lang),
        "year": _("Year", lang),
        "by_place": _("By unit", lang),
        "unit": _("Unit", lang),
        "numerator": _("Numerator", lang),
        "denominator": _("Denominator", lang),
        "source": _("Source", lang),
        "total": _("Total", lang),
        "availability": _("Availability", lang),
        "name": _("Name", lang),
        "provider": _("Provider", lang),
        "all_hours": _("24/7", lang),
        "work_hours": _("Working hours", lang),
        "known": _("Known", lang),
        "down": _("Down", lang),
        "maintenance": _("Maintenance", lang),
        "outages": _("Outages", lang),
        "incidents": _("Incidents", lang),
        "none": _("There was no incident.", lang),
        "since": _("Since", lang),
        "what": _("What", lang),
        "length": _("Length", lang),
        "cause": _("Cause", lang),
        "rules": _("Counting rules", lang),
        "rule": _("Rule", lang),
        "by": _("Responsible unit", lang),
        "recipients": _("Recipients:", lang),
        "signature": _("(signature, full name, stamp)", lang),
        "silent": _("units without figures", lang),
        "trend": _("12 months", lang),
    }
