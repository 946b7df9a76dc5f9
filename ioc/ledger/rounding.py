"""How percentages and days are shown: one rule for pages, commands, messages and reports."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def shown(value: float, digits: int = 1) -> float:
    """Rounded, but never up to 100 nor down to 0 what is neither.

    value: percent. `shown(99.97)` is 99.9 and `shown(0.02)` is 0.1, because "100 %" and "0 %" say
    that nothing or everything is missing.
    """
    step: float = 10**-digits
    exact = Decimal(repr(value))  # as it is written: halves go up, as in a spreadsheet
    rounded = float(exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
    if rounded >= 100 > value:
        return round(100 - step, digits)
    return round(step, digits) if rounded <= 0 < value else rounded


def shown_day(day: str) -> str:
    """An ISO day as 30/09/2026."""
    return "/".join(reversed(day.split("-")))
