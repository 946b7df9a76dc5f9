"""The words of the ledger: coverage of a target, with the evidence behind the figure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from collectors.base import Reason


class TargetState(StrEnum):
    MET = "met"
    PARTLY = "partly"  # below the goal
    NOT_MET = "not_met"  # nothing counts
    UNKNOWN = "unknown"  # not enough evidence to say


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing of the denominator. counts: True it counts, False it does not, None no evidence.

    id: asset or site. observed_at: ms UTC of the newest measurement behind it, None = never.
    """

    id: str
    counts: bool | None
    reason: Reason | None = None
    observed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of one target, of the area (site None) or one site.

    numerator of denominator count; `known` of the denominator have evidence.
    value, evidence_value: percent; None when the denominator is 0 or unknown, value also when
    nothing is known. rule: the counting rule in words. as_of: ms UTC of the oldest measurement
    that counted, None = none.
    """

    target: str
    site: str | None
    numerator: int
    denominator: int | None
    known: int
    value: float | None
    evidence_value: float | None
    goal: float
    state: TargetState
    rule: Reason
    as_of: int | None
    evidence: tuple[Evidence, ...] = ()
