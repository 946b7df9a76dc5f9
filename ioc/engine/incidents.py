"""Incidents: what is wrong now becomes a story with one root cause, from opening to the end.

conditions ─▶ Book.step(now) ─▶ Steps: the incident anew, an event of its timeline, or both

Discipline (design, section 5): nothing is told before what belongs together has been measured;
one cause is one incident however it widens; what lies behind a wider cause joins it and comes out
again when it outlives it; no evidence is no recovery; what comes and goes is told once, as
unstable. No clock, no I/O: `now` is ms UTC for people, `tick` monotonic ms for durations, so that a
step of the wall clock ends nothing early and holds nothing up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ioc.engine.incident import Event, Incident, Note, Step, gravity
from ioc.engine.trouble.model import Condition
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import AlertRules

PENDING_AT_MOST = 10_000  # ms to wait for what belongs together
EASED_AFTER = 60_000  # ms that a smaller trouble must last before it is told
REOPEN_WITHIN = 600_000  # ms: what comes back so soon is the same story


@dataclass(slots=True)
class _Memory:
    """Kept beside an incident, not in the database. Ticks: monotonic ms.

    changes: when it came and went. eased, quiet, closed: since when.
    """

    events: int = 0
    present: bool = True
    changes: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    eased: float | None = None
    quiet: float | None = None
    closed: float | None = None


class Book:
    """All open incidents, and those that ended lately. Feed it every view; it remembers."""

    def __init__(self, last_id: int = 0) -> None:
        self.open: dict[str, Incident] = {}  # by key
        self._lately: dict[str, Incident] = {}  # resolved or merged, by key
        self._memory: dict[int, _Memory] = {}
        self._first_seen: dict[str, float] = {}  # key -> tick, of what must last before it counts
        self._last_id = last_id
        self._notes: list[Note] = []
        self._now, self._tick = 0, 0.0
        self._rules = AlertRules()

    # --- from before a restart

    def load(self, incidents: Iterable[Incident], events: Mapping[int, int], tick: float) -> None:
        """Open and lately ended incidents. events: incident -> newest event number."""
        self._tick = tick
        for incident in incidents:
            self._last_id = max(self._last_id, incident.id)
            memory = _Memory(events.get(incident.id, 0), incident.quiet_since is None)
            memory.closed = None if incident.open else tick
            self._memory[incident.id] = memory
            (self.open if incident.open else self._lately)[incident.key] = incident

    def by_id(self, number: int) -> Incident | None:
        """An open or lately ended incident."""
        found = (*self.open.values(), *self._lately.values())
        return next((incident for incident in found if incident.id == number), None)

    # --- what is seen

    def step(
        self,
        conditions: Mapping[str, Condition],
        is_over: Callable[[Incident], bool],
        rules: AlertRules,
        now: int,
        tick: float,
    ) -> list[Note]:
        """Bring the book in step with what is wrong now. Returns what changed, in order."""
        self._now, self._tick, self._rules = now, tick, rules
        lasting = self._lasting(conditions)
        for condition in lasting.values():
            self._present(condition)
        for incident in [i for k, i in self.open.items() if k not in lasting]:
            self._absent(incident, lasting, is_over)
        for incident in list(self.open.values()):
            self._tell(incident, lasting.get(incident.key))
        self._forget()
        return self.take()

    def take(self) -> list[Note]:
        """What changed since the last time, in order."""
        notes, self._notes = self._notes, []
        return notes

    def _lasting(self, conditions: Mapping[str, Condition]) -> dict[str, Condition]:
        """Conditions that have lasted long enough to count, or are known already."""
        self._first_seen = {
            key: self._first_seen.get(key, self._tick)
            for key, condition in conditions.items()
            if condition.patience
        }
        return {
            key: condition
            for key, condition in conditions.items()
            if key in self.open
            or not condition.patience
            or self._tick - self._first_seen[key] >= 1000 * condition.patience
        }

    def _present(self, condition: Condition) -> None:
        incident = self.open.get(condition.key)
        if incident is None:
            self._start(condition)
            return
        memory = self._memory[incident.id]
        if not memory.present:
            incident = self._came(incident, memory)
        changed = _updated(incident, condition)
        if changed != incident:
            more = len(changed.affected) > 2 * max(1, len(incident.affected))
            wider = more and changed.kind is incident.kind
            self._put(changed, Step.WIDENED if wider else None)

    def _start(self, condition: Condition) -> None:
        before = self._lately.pop(condition.key, None)
        if before is not None:
            self._again(before, condition)
            return
        self._last_id += 1
        incident = Incident(
            id=self._last_id,
            key=condition.key,
            kind=condition.kind,
            severity=condition.severity,
            subject=condition.subject,
            site=condition.site,
            since=min(condition.since, self._now),
            opened_at=self._now,
        )
        self._memory[incident.id] = _Memory(changes=deque([self._tick], maxlen=100))
        self._put(_updated(incident, condition), Step.NOTICED)

    def _again(self, before: Incident, condition: Condition) -> None:
        """An incident that ended lately, or was held by a wider one, is there again."""
        memory = self._memory[before.id]
        memory.present, memory.closed, memory.quiet = True, None, None
        split = before.merged_into is not None
        incident = replace(_updated(before, condition), resolved_at=None, merged_into=None)
        if not split:  # a new outage of the same thing: told anew, to be taken on anew
            memory.changes.append(self._tick)
            incident = replace(
                incident,
                since=min(condition.since, self._now),
                told_kind=None,
                told_severity=None,
                acknowledged_at=None,
                acknowledged_by=None,
                escalated=(),
            )
        self._put(incident, Step.SPLIT if split else Step.RETURNED)
        if not split:
            self._judge_stability(incident, memory)

    def _absent(
        self,
        incident: Incident,
        conditions: Mapping[str, Condition],
        is_over: Callable[[Incident], bool],
    ) -> None:
        if not is_over(incident):
            self._join(incident, conditions)
            return
        memory = self._memory[incident.id]
        if memory.present:
            memory.present = False
            memory.changes.append(self._tick)
            incident = self._put(replace(incident, quiet_since=self._now), Step.PAUSED)
            incident = self._judge_stability(incident, memory)
        if memory.quiet is None:
            memory.quiet = self._tick
        wait = self._rules.flapping_quiet if incident.unstable else self._rules.quiet
        if self._tick - memory.quiet >= 1000 * wait:
            self._close(incident, Step.RESOLVED)

    def _join(self, incident: Incident, conditions: Mapping[str, Condition]) -> None:
        """Its subject has become part of something wider: that incident speaks for both."""
        dead = {incident.subject, *incident.affected[:1]}
        for condition in conditions.values():
            wider = self.open.get(condition.key)
            if wider is None or wider.id == incident.id or condition.kind is Kind.UPLINK_LOST:
                continue
            if dead.intersection(condition.affected) or condition.subject == incident.site:
                merged = replace(incident, merged_into=wider.id, quiet_since=None)
                self._close(merged, Step.MERGED)
                return

    def _came(self, incident: Incident, memory: _Memory) -> Incident:
        memory.present, memory.quiet = True, None
        memory.changes.append(self._tick)
        incident = self._put(replace(incident, quiet_since=None), Step.RETURNED)
        return self._judge_stability(incident, memory)

    def _judge_stability(self, incident: Incident, memory: _Memory) -> Incident:
        window = 1000 * self._rules.flapping_window
        recent = [at for at in memory.changes if self._tick - at <= window]
        if incident.unstable or len(recent) < self._rules.flapping:
            return incident
        return self._put(replace(incident, unstable=True), None)

    # --- what is told

    def _tell(self, incident: Incident, condition: Condition | None) -> None:
        """Decide whether people hear of the incident as it stands now."""
        if incident.planned is not None:
            return
        memory = self._memory[incident.id]
        if incident.unstable:
            self._tell_unstable(incident, memory)
        elif condition is not None and not self._pending(incident, condition, memory):
            self._tell_change(incident, memory)

    def _pending(self, incident: Incident, condition: Condition, memory: _Memory) -> bool:
        """Whether to wait for what belongs to it: only before the first word, and not for long."""
        came = memory.changes[-1] if memory.changes else self._tick
        first = incident.told_kind is None
        return first and condition.pending and self._tick - came < PENDING_AT_MOST

    def _tell_unstable(self, incident: Incident, memory: _Memory) -> None:
        last = memory.changes[-1] if memory.changes else self._tick
        if not incident.unstable_told:
            self._say(replace(incident, unstable_told=True), Step.UNSTABLE)
        elif memory.present and self._tick - last >= 1000 * self._rules.flapping_quiet:
            memory.changes.clear()
            steady = replace(incident, unstable=False, unstable_told=False)
            self._say(steady, Step.STABLE)

    def _tell_change(self, incident: Incident, memory: _Memory) -> None:
        if incident.told_kind is None or incident.told_severity is None:
            self._say(incident, Step.OPENED)
            return
        told = gravity(incident.told_kind, incident.told_severity)
        present = gravity(incident.kind, incident.severity)
        if present > told:
            again = replace(incident, acknowledged_at=None, acknowledged_by=None, escalated=())
            self._say(again, Step.WORSENED)
        elif present == told:
            memory.eased = None
        elif memory.eased is None:
            memory.eased = self._tick
        elif self._tick - memory.eased >= EASED_AFTER:
            self._say(incident, Step.EASED)

    def _say(self, incident: Incident, step: Step) -> None:
        self._memory[incident.id].eased = None
        anew = step in (Step.OPENED, Step.WORSENED) or incident.told_at is None
        told = replace(
            incident,
            told_at=self._now if anew else incident.told_at,
            told_kind=incident.kind,
            told_severity=incident.severity,
        )
        self._put(told, step)

    # --- what people do

    def act(self, incident: Incident, step: Step, now: int, author: str, text: str) -> Incident:
        """Acknowledge, assign, comment, or note the cause. The incident as it is then."""
        self._now = now
        if step is Step.ACKNOWLEDGED:
            incident = replace(incident, acknowledged_at=now, acknowledged_by=author)
        elif step is Step.ASSIGNED:
            incident = replace(incident, assigned_to=text or None)
        elif step is Step.CAUSE:
            incident = replace(incident, cause=text)
        return self._put(incident, step, author, text)

    def resolve(self, incident: Incident, now: int, author: str, cause: str) -> Incident:
        """Note the cause; end the incident at once when its trouble is gone already.

        While it is still measured the incident stays open and ends by itself: a hand cannot
        declare up what is down.
        """
        incident = self.act(incident, Step.CAUSE, now, author, cause)
        if incident.open and incident.quiet_since is not None:
            return self._close(incident, Step.RESOLVED, author)
        return incident

    def mark(self, incident: Incident, step: Step | None = None, text: str = "") -> Incident:
        """Who was told, what waits: written down by whoever tells."""
        return self._put(incident, step, None, text)

    # --- writing down

    def _put(
        self, incident: Incident, step: Step | None, author: str | None = None, text: str = ""
    ) -> Incident:
        if incident.open:
            self.open[incident.key] = incident
        elif incident.id in self._memory:  # what ended long ago is written down, not kept
            self._lately[incident.key] = incident
        event = None
        if step is not None:
            memory = self._memory.setdefault(incident.id, _Memory())
            memory.events += 1
            event = Event(
                incident.id,
                memory.events,
                self._now,
                step,
                author,
                text,
                incident.kind,
                incident.severity,
                len(incident.affected),
            )
        self._notes.append((incident, event))
        return incident

    def _close(self, incident: Incident, step: Step, author: str | None = None) -> Incident:
        self.open.pop(incident.key, None)
        self._memory[incident.id].closed = self._tick
        ended = min(incident.quiet_since or self._now, self._now)
        closed = replace(incident, resolved_at=ended, unstable=False, unstable_told=False)
        return self._put(closed, step, author)

    def _forget(self) -> None:
        held_by = {incident.id for incident in self.open.values()}
        for key, incident in list(self._lately.items()):
            closed = self._memory[incident.id].closed or 0.0
            if incident.merged_into not in held_by and self._tick - closed > REOPEN_WITHIN:
                del self._lately[key]
                del self._memory[incident.id]


def _updated(incident: Incident, condition: Condition) -> Incident:
    """The incident with what is seen of it now."""
    return replace(
        incident,
        kind=condition.kind,
        severity=condition.severity,
        subject=condition.subject,
        site=condition.site,
        reason=condition.reason,
        affected=condition.affected,
        works=condition.works,
        planned=condition.planned,
        quiet_since=None,
    )
