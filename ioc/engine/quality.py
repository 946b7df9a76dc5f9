"""How well something answers: packets lost lately, and latency against its own usual latency.

Fed with every Result; remembers a few numbers for each check. No clock, no I/O.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from collectors.base import Reason, Result, Verdict
from ioc.inventory.topology import AlertRules

RECENT = 20  # rounds over which loss is counted: 5 minutes of a link at its usual interval
ENOUGH_ROUNDS = 6
ENOUGH_LOST = 4  # lost packets: a pair of them is chance
RECENT_RTT = 5  # rounds whose median latency is "now"
USUAL = 480  # rounds kept to tell what is usual: two hours of a link, thinned as it fills
ENOUGH_USUAL = 30
REBASE = 16  # good rounds after which the median is worked out anew
SLOWER_BY = 30.0  # ms beyond the usual at least: 1 ms instead of 0.2 ms disturbs nobody
EASE = 0.6  # of the limit, below which trouble counts as gone: no flicker at the limit
RTT = "rtt_ms"


@dataclass(slots=True)
class _Record:
    """rounds: (packets, lost) of each recent round. recent: rtt of the newest; usual: of good ones;
    base: their median, None while too few are known."""

    rounds: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=RECENT))
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_RTT))
    usual: deque[float] = field(default_factory=lambda: deque(maxlen=USUAL))
    base: float | None = None
    fresh: int = 0  # good rounds since the base was worked out
    lossy: bool = False
    slow: bool = False


class Quality:
    """What is known of each check's loss and latency.

    Loss: of all packets of the recent rounds, re-checks included, how many had no answer; rounds
    in which nothing answered at all are an outage, not loss, and are left out.
    Usual latency: median of up to USUAL earlier rounds that were not slow themselves.
    """

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def add(self, result: Result, rules: AlertRules) -> bool:
        """Take in a result. True when the verdict on the check's quality changed."""
        if result.verdict is not Verdict.OK:
            return False
        record = self._records.setdefault(result.check, _Record())
        before = (record.lossy, record.slow)
        self._count(record, result)
        record.lossy = _beyond(_loss(record), rules.loss, record.lossy)
        self._time(record, result, rules)
        return (record.lossy, record.slow) != before

    def reason(self, check: str) -> Reason | None:
        """Why a check's quality is bad; None when it is not, or nothing is known."""
        record = self._records.get(check)
        if record is None:
            return None
        if record.lossy:
            return Reason("{loss} % of the packets are lost", {"loss": round(_loss(record) or 0)})
        if record.slow:
            words = {"now": round(median(record.recent)), "usual": round(record.base or 0, 1)}
            return Reason("latency {now} ms, usually {usual} ms", words)
        return None

    def clean(self, check: str) -> bool:
        """Whether nothing at all was lost or slow lately: what lies behind is judged only then."""
        record = self._records.get(check)
        if record is None:
            return True
        return not record.slow and not any(lost for _, lost in record.rounds)

    def usual(self, check: str) -> float | None:
        """Usual latency in ms; None while too little is known."""
        record = self._records.get(check)
        return None if record is None else record.base

    def learn(self, usual: Mapping[str, list[float]]) -> None:
        """Latencies from before a restart, oldest first, ms by check. They may come late."""
        for check, values in usual.items():
            record = self._records.setdefault(check, _Record())
            record.usual = deque([*values, *record.usual], maxlen=USUAL)
            _rebase(record)

    def keep(self, checks: Mapping[str, object]) -> None:
        """Forget checks that exist no more."""
        for gone in [check for check in self._records if check not in checks]:
            del self._records[gone]

    def _count(self, record: _Record, result: Result) -> None:
        lost = result.attempts - 1
        total = result.attempts
        share = result.values.get("loss_pct")
        if share:  # a check of several packets knows its own
            lost, total = lost * 10 + round(share / 10), total * 10
        record.rounds.append((total, lost))

    def _time(self, record: _Record, result: Result, rules: AlertRules) -> None:
        rtt = result.values.get(RTT)
        if rtt is None:
            return
        record.recent.append(rtt)
        usual = record.base
        if usual is None:
            _learn(record, rtt)
            return
        limit = max(usual * rules.slow, usual + SLOWER_BY)
        now = median(record.recent)
        full = len(record.recent) == RECENT_RTT
        record.slow = full and now > (usual + EASE * (limit - usual) if record.slow else limit)
        if not record.slow:
            _learn(record, rtt)


def _learn(record: _Record, rtt: float) -> None:
    record.usual.append(rtt)
    record.fresh += 1
    if record.base is None or record.fresh >= REBASE:
        _rebase(record)


def _rebase(record: _Record) -> None:
    record.fresh = 0
    if len(record.usual) >= ENOUGH_USUAL:
        record.base = median(record.usual)


def _loss(record: _Record) -> float | None:
    """Percent, None when too few rounds are known or hardly anything was lost."""
    total = sum(packets for packets, _ in record.rounds)
    lost = sum(packets for _, packets in record.rounds)
    if len(record.rounds) < ENOUGH_ROUNDS or lost < ENOUGH_LOST:
        return None
    return 100 * lost / total


def _beyond(value: float | None, limit: float, already: bool) -> bool:
    return value is not None and value > (EASE * limit if already else limit)
