"""The incidents of a report in words, and the bars of their chart."""

from __future__ import annotations

from typing import Any

from ioc.i18n import translate as _
from ioc.reports import words
from ioc.reports.model import Bar, Report
from ioc.reports.words import breakable

WORST = 20  # incidents in the text; the workbook has the rest
RANKS = {"critical": 0, "warning": 1, "info": 2}


def events(report: Report, lang: str) -> dict[str, Any]:
    """The worst first."""
    ranked = sorted(report.events, key=lambda e: (RANKS[e.severity], -e.length, e.since))
    more = report.incidents - WORST
    highest = max((bar.critical + bar.warning + bar.info for bar in report.bars), default=0)
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
        "more": _("and {count} more, in the workbook", lang, count=more) if more > 0 else "",
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


def _bar(bar: Bar, highest: int) -> dict[str, Any]:
    counts = {"critical": bar.critical, "warning": bar.warning, "info": bar.info}
    return {
        "label": words.when(bar.when),
        "parts": [
            {"severity": name, "share": count / highest} for name, count in counts.items() if count
        ],
    }
