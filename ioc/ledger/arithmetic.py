"""Fractions of the ledger: value and state of one figure, and whether two can both be right.

Exact: percentages are made of whole numbers, and compared as fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from collectors.base import Reason
from ioc.inventory.topology import Target
from ioc.ledger.model import Coverage, Evidence, Source, TargetState
from ioc.ledger.rounding import shown

Exact = Fraction | int

TOLERANCE = 1.0  # percentage points by which two sources may differ before they contradict

NOTHING_TO_COUNT = Reason("nothing to count: the denominator is 0")
OVER = Reason("more than the whole: these figures cannot be right")


def cover(target: Target, site: str | None, evidence: Sequence[Evidence], rule: Reason) -> Coverage:
    """One measured figure from its evidence. What nobody knows never counts as reached."""
    numerator = sum(entry.counts is True for entry in evidence)
    known = sum(entry.counts is not None for entry in evidence)
    counted = [e.observed_at for e in evidence if e.counts and e.observed_at is not None]
    figure = weigh(target, site, numerator, len(evidence), known)
    return replace(
        figure,
        rule=rule,
        as_of=min(counted, default=None),
        evidence=tuple(evidence),
        source=Source.MEASURED,
        supporting=target.supporting,
    )


def weigh(  # noqa: PLR0917 - the parts of a fraction
    target: Target,
    site: str | None,
    numerator: int,
    total: int,
    known: int,
    missing: Exact = 0,
) -> Coverage:
    """Value and state of a figure. known: of the total that has evidence. missing: what is not
    even in the total, because nobody reported it."""
    value = 100 * numerator / total if known and total else None
    note = NOTHING_TO_COUNT if total == 0 else OVER if numerator > total else None
    state = _state(target, numerator, known, total, missing)
    return Coverage(
        target=target.id,
        site=site,
        numerator=numerator,
        denominator=total,
        known=known,
        value=value,
        evidence_value=100 * known / total if total else None,
        goal=target.goal,
        state=TargetState.UNKNOWN if note is OVER else state,
        rule=None,
        as_of=None,
        note=note,
    )


def _state(target: Target, numerator: int, known: int, total: int, missing: Exact) -> TargetState:
    """UNKNOWN while what has no evidence could still decide it."""
    if known == 0:
        return TargetState.UNKNOWN
    if target.goal is None:
        return TargetState.TRACKED
    if _reaches(target, target.goal, numerator, total + missing):
        return TargetState.MET
    if _reaches(target, target.goal, numerator + total - known + missing, total + missing):
        return TargetState.UNKNOWN
    nothing = numerator == 0 and known == total and missing == 0
    return TargetState.NOT_MET if nothing else TargetState.PARTLY


def _reaches(target: Target, goal: float, numerator: Exact, total: Exact) -> bool:
    wanted, parts = _ratio(goal)
    value, least = 100 * numerator * parts, wanted * total
    return value > least if target.comparator == ">" else value >= least  # 100 % is exact


@lru_cache(maxsize=256)
def _ratio(goal: float) -> tuple[int, int]:
    """A goal in percent as people write it: 80.1 is 801 / 10."""
    return Fraction(goal).limit_denominator(10**6).as_integer_ratio()


def conflict(chosen: Coverage, others: Sequence[Coverage]) -> Reason | None:
    """Two fresh figures that cannot both be right; the chosen one is always one of them."""
    if chosen.value is None or chosen.stale:
        return None
    for other in others:
        if other.stale or other.value is None:
            continue
        if other.supporting or other.proxy:
            if chosen.state is TargetState.MET and other.state in (
                TargetState.PARTLY,
                TargetState.NOT_MET,
            ):
                words = {"count": other.numerator, "total": other.denominator or 0}
                return Reason("reported as reached, but measured: {count} of {total}", words)
        elif not chosen.proxy and _apart(chosen, other) > TOLERANCE:
            values = {"one": shown(chosen.value), "other": shown(other.value)}
            return Reason("sources differ: {one} % and {other} %", values)
    return None


def _apart(one: Coverage, other: Coverage) -> float:
    """Percentage points between what the two may still be, once everything is known."""
    (low, high), (least, most) = _bounds(one), _bounds(other)
    return max(low, least) - min(high, most)


def _bounds(figure: Coverage) -> tuple[float, float]:
    total = figure.denominator or 0
    whole = 100 * figure.known / figure.evidence_value if figure.evidence_value else total
    whole = max(whole, total, 1)
    return (
        100 * figure.numerator / whole,
        100 * (figure.numerator + whole - figure.known) / whole,
    )
