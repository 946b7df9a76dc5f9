"""Measured figures as the store kept them: the last ones before the program was switched off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ioc.inventory.topology import Target
from ioc.ledger.arithmetic import weigh
from ioc.ledger.availability import Span
from ioc.ledger.model import Coverage, TargetState
from ioc.store.base import SeriesQuery, Store

FIELDS = ("numerator", "denominator", "evidence", "met")
SAMPLES = 5_000_000  # a bound for an hour of a province

Fields = dict[str, float]


def measured_figures(
    store: Store, area: str, targets: Mapping[str, Target], span: Span
) -> Iterator[Coverage]:
    """The newest figure of each target and place within a time, of those that had a value.

    targets: with the goals of that time, each of them measured and never reported: the store does
    not say where a figure came from. Raises StoreError.
    """
    newest: dict[tuple[str, str | None], tuple[int, Fields]] = {}
    for at, tags, fields in _rows(store, area, span):
        key = (tags["target"], tags.get("site"))
        if key[0] in targets and (key not in newest or newest[key][0] < at):
            newest[key] = at, fields
    for (name, site), (_at, fields) in newest.items():
        if {"numerator", "denominator", "evidence"} <= fields.keys():
            yield _figure(targets[name], site, fields)


def _rows(store: Store, area: str, span: Span) -> Iterator[tuple[int, dict[str, str], Fields]]:
    rows: dict[tuple[tuple[tuple[str, str], ...], int], Fields] = {}
    for field in FIELDS:
        query = SeriesQuery(
            "coverage", field, span.start, span.end, {"area": (area,)}, limit=SAMPLES
        )
        for series in store.read(query):
            for at, value in zip(series.times, series.values, strict=True):
                rows.setdefault((series.tags, at), {})[field] = value
    for (tags, at), fields in rows.items():
        yield at, dict(tags), fields


def _figure(target: Target, site: str | None, fields: Fields) -> Coverage:
    total = round(fields["denominator"])
    known = round(total * fields["evidence"] / 100)
    figure = weigh(target, site, round(fields["numerator"]), total, known)
    if figure.state is TargetState.MET and "met" not in fields:  # more may be there than is counted
        return replace(figure, state=TargetState.UNKNOWN)
    return figure
