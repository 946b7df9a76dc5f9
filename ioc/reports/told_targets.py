"""The targets of a report in words: the list, the table of colours by unit, the details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.reports import words
from ioc.reports.model import Figure, TargetPart
from ioc.reports.words import breakable

WORST = 40  # rows of units in one table; the workbook has all
MATRIX = 15  # targets side by side in one table of units


# --- targets


def target_row(number: int, target: TargetPart, lang: str) -> dict[str, Any]:
    """A target in the list: its figure with source, day and evidence, and how it moved."""
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
    sign = ">" if target.comparator == ">" else "≥"
    return f"{sign} {words.percent(target.goal, lang, words.EXACT)}"


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


def batches(
    some: Sequence[tuple[int, TargetPart]], size: int = MATRIX
) -> Iterable[Sequence[tuple[int, TargetPart]]]:
    """As few as possible, none much smaller than another."""
    count = -(-len(some) // size)
    each = -(-len(some) // count) if count else 1
    return (some[start : start + each] for start in range(0, len(some), each))


def matrix(some: Sequence[tuple[int, TargetPart]], lang: str) -> dict[str, Any]:
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


def details(number: int, target: TargetPart, lang: str) -> dict[str, Any]:
    """The figures of each unit, the lowest ones when there are too many, and their sum."""
    known = [p for p in target.places if p.denominator is not None]
    shown = known
    if len(known) > WORST:
        shown = sorted(known, key=lambda p: (p.value is None, p.value or 0.0))[:WORST]
    summed = [p for p in known if p.summed]
    numerator = sum(p.numerator for p in summed)
    denominator = sum(p.denominator or 0 for p in summed)
    some = any(p.value is not None for p in summed)
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
        "silent": _silent(target, known, lang),
    }


def _silent(target: TargetPart, known: Sequence[Figure], lang: str) -> str:
    """What is not in the sum."""
    without = len(target.places) - len(known)
    left_out = [p for p in known if not p.summed]
    old = sum(p.stale for p in left_out)
    other = len(left_out) - old
    parts = [
        f"{without} {_('units without figures', lang)}" if without else "",
        _("{n} with old figures, not in the sum", lang, n=old) if old else "",
        _("{n} with figures of other things or above the whole, not in the sum", lang, n=other)
        if other
        else "",
    ]
    return "; ".join(text for text in parts if text)


def _from(place: Figure, lang: str) -> str:
    """Kind, who says so and of which day; the paper is each unit's own."""
    kind = _(words.SOURCES.get(place.source, place.source), lang) if place.source else ""
    day = words.day(place.as_of) if place.as_of else ""
    return " · ".join(text for text in (kind, place.origin, day) if text)


def _row(place: Figure, common: str, lang: str) -> dict[str, Any]:
    """common: the source that stands above the table."""
    source = _from(place, lang)
    before = words.percent(place.before, lang)
    notes = [
        "" if source == common else source,
        place.document,
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
