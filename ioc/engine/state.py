"""From results to states of checks and of the assets they measure. No clock, no I/O.

Result ─▶ judge ─▶ CheckStatus ─┐
                   CheckStatus ─┴▶ own_state ─▶ (reachability decides what is shown)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from collectors.base import Check, Reason, Result, Verdict
from ioc.engine.model import CheckStatus, State

NO_DATA = Reason("no data yet")
STALE = Reason("no fresh data")


def judge(check: Check, result: Result) -> tuple[State, Reason | None]:
    """State that one result alone means, and why it is not UP."""
    if result.verdict is Verdict.FAILED:
        return State.DOWN, result.reason
    if result.verdict is Verdict.UNKNOWN:
        return State.UNKNOWN, result.reason
    for threshold in check.thresholds:
        value = result.values.get(threshold.value)
        if value is None:
            continue
        words: dict[str, str | float] = {"value": threshold.value, "measured": round(value, 3)}
        if threshold.above is not None and value > threshold.above:
            limit = {"limit": threshold.above}
            return State.DEGRADED, Reason("{value} is {measured}, above {limit}", words | limit)
        if threshold.below is not None and value < threshold.below:
            limit = {"limit": threshold.below}
            return State.DEGRADED, Reason("{value} is {measured}, below {limit}", words | limit)
    return State.UP, None


def freshness(check: Check, intervals: float) -> float:
    """Seconds for which a result of the check says something: `intervals` of it and one round."""
    round_length = (check.retries + 1) * max(check.timeout, check.retry_delay)
    return intervals * check.interval + round_length


def advance(status: CheckStatus, check: Check, result: Result, fresh_until: float) -> CheckStatus:
    """The check's status after a result. fresh_until: monotonic seconds, see `freshness`.

    A measurement that failed on our side (UNKNOWN) is no evidence: what was known stays, and goes
    stale in its time.
    """
    state, _ = judge(check, result)
    if state is State.UNKNOWN:
        if status.state is State.UNKNOWN:
            return replace(status, last=result)
        return status
    return CheckStatus(
        check=check.id,
        state=state,
        since=status.since if state is status.state else result.observed_at,
        last=result,
        ok_at=result.observed_at if result.verdict is Verdict.OK else status.ok_at,
        fresh_until=fresh_until,
    )


def expire(status: CheckStatus, now: int) -> CheckStatus:
    """The status when its newest result has become too old. now: ms UTC."""
    return replace(status, state=State.UNKNOWN, since=now)


@dataclass(frozen=True, slots=True)
class OwnState:
    """What an asset's own checks say of it, whatever lies between. state: as CheckStatus."""

    state: State
    reason: Reason | None = None


def own_state(checks: Iterable[tuple[Check, CheckStatus]]) -> OwnState:
    """Combine an asset's checks.

    A failed fatal check: DOWN. A failed other check, or one beyond a threshold: DEGRADED.
    Checks without fresh data count for nothing; when no check has any, or no fatal one while there
    are some: UNKNOWN.
    """
    pairs = list(checks)
    known = [(c, s) for c, s in pairs if s.state is not State.UNKNOWN]
    fatal_known = any(c.fatal for c, _ in known)
    if not known or (not fatal_known and any(c.fatal for c, _ in pairs)):
        return OwnState(State.UNKNOWN, _why_unknown(pairs))
    for check, status in known:
        if status.state is State.DOWN and check.fatal:
            return OwnState(State.DOWN, _why(check, status))
    for check, status in known:
        if status.state is not State.UP:
            return OwnState(State.DEGRADED, _why(check, status))
    return OwnState(State.UP)


def _why(check: Check, status: CheckStatus) -> Reason | None:
    return judge(check, status.last)[1] if status.last else None


def _why_unknown(pairs: list[tuple[Check, CheckStatus]]) -> Reason:
    lasts = [status.last for _, status in pairs if status.last is not None]
    for last in lasts:
        if last.verdict is Verdict.UNKNOWN and last.reason is not None:
            return last.reason
    return STALE if lasts else NO_DATA


def merged_values(checks: Iterable[tuple[Check, CheckStatus]]) -> Mapping[str, float]:
    """Newest values of an asset: the first check's plain, further ones' prefixed by their name."""
    values: dict[str, float] = {}
    for index, (check, status) in enumerate(checks):
        if status.last is None or status.state is State.UNKNOWN:
            continue
        prefix = f"{check.id.rpartition('.')[2]}_" if index else ""
        values.update({prefix + name: value for name, value in status.last.values.items()})
    return values
