"""The incidents of a report in words, and the bars of their chart."""

from __future__ import annotations

from typing import Any

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.reports import words
from ioc.reports.model import Bar, Report
from ioc.reports.words import breakable

WORST = 20  # incidents in the text; the workbook has the rest
RANKS = {"critical": 0, "warning": 1, "info": 2}


def events(report: Report, lang: str) -> dict[str, Any]:
    """The worst first."""
    ranked = sorted(report.events, key=lambda e: (RANKS[e.severity], -e.length, e.since))
    charted = [bar.critical + bar.warning + bar.info for bar in report.bars]
    highest = max(charted, default=0)
    return {
        "rows": [
            [
                words.moment(event.since, report.zone),
                breakable(event.place),
                breakable(event.what),
                words.length(event.length, lang),
                breakable(event.cause) or "–",
                event.severity,
            ]
            for event in ranked[:WORST]
        ],
        "more": _more(report, lang),
        "began_before": _began_before(report.incidents - sum(charted), lang),
        "none": _("There was no incident.", lang) if report.watched else _("no data", lang),
        "highest": words.count(highest, lang),
        "bars": [_bar(bar, highest) for bar in report.bars] if highest else [],
        "legend": [
            {
                "severity": name,
                "word": _(words.SEVERITIES[name], lang),
                "count": words.count(report.counted.get(name, 0), lang),
            }
            for name in RANKS
        ],
    }


def _more(report: Report, lang: str) -> str:
    """What the text leaves out, and where it stands."""
    more, listed = report.incidents - WORST, len(report.events)
    if more <= 0:
        return ""
    if listed == report.incidents:
        return _("and {count} more, in the workbook", lang, count=more)
    text = mark("and {count} more incidents; the {listed} worst are in the workbook")
    return _(text, lang, count=words.count(more, lang), listed=words.count(listed, lang))


def _began_before(count: int, lang: str) -> str:
    if count <= 0:
        return ""
    text = mark("{count} incidents that began before the period are not in the chart.")
    return _(text, lang, count=words.count(count, lang))


def _bar(bar: Bar, highest: int) -> dict[str, Any]:
    counts = {"critical": bar.critical, "warning": bar.warning, "info": bar.info}
    return {
        "label": words.when(bar.when),
        "parts": [
            {"severity": name, "share": count / highest} for name, count in counts.items() if count
        ],
    }
