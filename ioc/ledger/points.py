"""From readings to points of the store."""

from __future__ import annotations

from ioc.ledger.model import Coverage
from ioc.store.base import Point


def coverage_point(area: str, reading: Coverage, at: int) -> Point:
    """A coverage figure as a point. An unknown value is absent, not 0."""
    tags = {"area": area, "target": reading.target}
    if reading.site is not None:
        tags["site"] = reading.site
    figures = {
        "value": reading.value,
        "goal": reading.goal,
        "evidence": reading.evidence_value,
        "numerator": reading.numerator,
        "denominator": reading.denominator,
    }
    fields = {name: float(value) for name, value in figures.items() if value is not None}
    return Point("coverage", tuple(sorted(tags.items())), fields, at)
