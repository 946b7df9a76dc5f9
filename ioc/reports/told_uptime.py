"""The availability part of a report in words: by provider, and each line, service and place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ioc.i18n import translate as _
from ioc.reports import words
from ioc.reports.model import Hours, Report, Service
from ioc.reports.words import NARROW, breakable


def providers(report: Report, lang: str) -> list[list[str]]:
    """Of each provider: how many lines, availability, how much is known, time down, outages."""
    return [_provider(name, rows, lang) for name, rows in by_provider(report).items()]


def _provider(name: str, rows: Sequence[Service], lang: str) -> list[str]:
    together = availability(row.day for row in rows)
    down = words.length(sum(row.day.down for row in rows), lang)
    outages = words.count(sum(row.outages for row in rows), lang)
    return [
        breakable(name) or "–",
        words.count(len(rows), lang),
        words.percent(together, lang, 2),
        words.percent(total_evidence(rows), lang),
        down if together is not None else "–",
        outages if together is not None else "–",
    ]


def by_provider(report: Report) -> dict[str, list[Service]]:
    """Lines of each provider, in the order of their names."""
    found: dict[str, list[Service]] = {}
    for row in sorted(report.links, key=lambda row: row.provider):
        found.setdefault(row.provider, []).append(row)
    return found


def availability(hours: Iterable[Hours]) -> float | None:
    """Of several together, percent."""
    some = list(hours)
    up, down = sum(h.up for h in some), sum(h.down for h in some)
    return 100 * up / (up + down) if up + down else None


def total_evidence(rows: Sequence[Service]) -> float | None:
    """How much of the time outside maintenance is known, percent."""
    known = sum(s.day.up + s.day.down for s in rows)
    wanted = known + sum(s.day.unknown for s in rows)
    return 100 * known / wanted if wanted else None


def hours_of(title: str, rows: Sequence[Service], lang: str, most: int) -> dict[str, Any]:
    """Worst first; what is not known at all comes last."""
    ranked = sorted(
        rows, key=lambda s: (s.day.availability is None, s.day.availability or 0.0, s.name)
    )
    more = len(rows) - most
    down = sum(row.day.down for row in rows)
    maintenance = sum(row.day.maintenance for row in rows)
    outages = sum(row.outages for row in rows)
    return {
        "title": title,
        "rows": [_row(row, lang) for row in ranked[:most]],
        "total": [
            words.percent(availability(r.day for r in rows), lang, 2),
            words.percent(availability(r.work for r in rows), lang, 2),
            words.percent(total_evidence(rows), lang),
            words.length(down, lang),
            words.length(maintenance, lang),
            words.count(outages, lang),
        ],
        "more": _("and {count} more, in the workbook", lang, count=more) if more > 0 else "",
    }


def _row(row: Service, lang: str) -> dict[str, Any]:
    restated = _("{n} days restated", lang, n=row.restated) if row.restated else ""
    day = row.day
    whole = day.up + day.down + day.maintenance + day.unknown
    known = day.availability is not None
    return {
        "name": breakable(row.name),
        "under": breakable(
            " · ".join(t for t in (row.place if row.place != row.name else "", restated) if t)
        ),
        "provider": breakable(row.provider, NARROW),
        "parts": [
            {"of": of, "share": part / whole}
            for of in ("up", "down", "maintenance", "unknown")
            if whole and (part := getattr(day, of))
        ],
        "cells": [
            words.percent(day.availability, lang, 2),
            words.percent(row.work.availability, lang, 2),
            words.percent(day.evidence, lang),
            words.length(day.down, lang) if known else "–",
            words.length(day.maintenance, lang) if known or day.maintenance else "–",
            words.count(row.outages, lang) if known else "–",
        ],
    }
