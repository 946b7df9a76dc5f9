"""What the ledger keeps in the state database: nothing that was ever said is overwritten.

Blocking; call from a thread. Raises StateDatabaseError when the database cannot be used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from ioc._db_base import metadata, transaction, upsert
from ioc.inventory.topology import Target
from ioc.ledger._readings import (
    Kept,
    Outcome,
    from_row,
    insert,
    newest_of,
    readings,
    versioned,
)
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.model import Coverage, Reading, Source, TargetState

__all__ = ["Goal", "Kept", "Outcome", "PastFigure", "Records"]

machines = sa.Table(
    "machines",
    metadata,
    sa.Column("asset", sa.Text, primary_key=True),
    sa.Column("reported_at", sa.BigInteger, nullable=False),
    sa.Column("system", sa.Text),
    sa.Column("memory_mb", sa.BigInteger),
    sa.Column("disk", sa.Text),
    sa.Column("antivirus", sa.Boolean),
    sa.Column("antivirus_at", sa.BigInteger),
    sa.Column("source", sa.Text, nullable=False),
)
goals = sa.Table(
    "goals",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("since", sa.BigInteger, primary_key=True),
    sa.Column("goal", sa.Float),
    sa.Column("comparator", sa.Text, nullable=False),
    sa.Column("due", sa.Text),
    sa.Column("retired", sa.Text),
)
figures = sa.Table(
    "figures",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Column("numerator", sa.BigInteger, nullable=False),
    sa.Column("denominator", sa.BigInteger),
    sa.Column("known", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("evidence", sa.Float),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Index("figures_day", "day"),
)


PART = 500  # computers in one query


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal in force since a moment, ms UTC."""

    target: str
    since: int
    goal: float | None
    comparator: str
    due: str | None
    retired: str | None = None


@dataclass(frozen=True, slots=True)
class PastFigure:
    """A target's figure at the end of a local day (ISO). place: None = the area.

    version: 1, 2, … when late figures changed the past; recorded_at: ms UTC.
    """

    target: str
    place: str | None
    day: str
    numerator: int
    denominator: int | None
    known: int
    value: float | None
    evidence: float | None
    state: TargetState
    source: Source
    recorded_at: int = 0
    version: int = 1

    @property
    def said(self) -> tuple[object, ...]:
        return (self.numerator, self.denominator, self.known, self.state, self.source)


class Records:
    """The ledger's tables."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # --- readings

    def readings(self, target: str | None = None) -> list[Reading]:
        """Every version of every reading, in the order they were entered."""
        query = sa.select(readings).order_by(readings.c.id)
        if target is not None:
            query = query.where(readings.c.target == target)
        with transaction(self._engine) as connection:
            return [from_row(row) for row in connection.execute(query)]

    def newest(self) -> list[Reading]:
        """The newest version of each reading, those withdrawn too."""
        return list({reading.key: reading for reading in self.readings()}.values())

    def current(self) -> list[Reading]:
        """The newest version of each reading, those withdrawn left out."""
        return [reading for reading in self.newest() if not reading.withdrawn]

    def add(self, given: Sequence[Reading], author: str, now: int) -> list[Kept]:
        """Keep readings, all or none. What is said already word for word changes nothing; what
        was said differently before becomes a new version of it."""
        with transaction(self._engine) as connection:
            newest = newest_of(connection, given)
            kept = [versioned(newest, reading, author, now) for reading in given]
            fresh = [one.reading for one in kept if one.outcome is not Outcome.UNCHANGED]
            ids = iter(insert(connection, fresh))
        return [
            one if one.outcome is Outcome.UNCHANGED
            else Kept(one.outcome, replace(one.reading, id=next(ids)))
            for one in kept
        ]  # fmt: skip

    # --- machine reports

    def machines(self) -> dict[str, MachineReport]:
        """The newest report of each computer."""
        with transaction(self._engine) as connection:
            rows = connection.execute(sa.select(machines))
            return {row.asset: MachineReport(**row._mapping) for row in rows}

    def put_machines(self, reports: Iterable[MachineReport]) -> dict[str, MachineReport]:
        """Keep reports; one older than what is known is left out. Those that said something new."""
        newest: dict[str, MachineReport] = {}
        for report in reports:
            before = newest.get(report.asset)
            if before is None or report.reported_at >= before.reported_at:
                newest[report.asset] = report
        names = list(newest)
        changed: dict[str, MachineReport] = {}
        with transaction(self._engine) as connection:
            for start in range(0, len(names), PART):
                some = names[start : start + PART]
                query = sa.select(machines).where(machines.c.asset.in_(some))
                known = {
                    row.asset: MachineReport(**row._mapping) for row in connection.execute(query)
                }
                changed |= {name: newest[name] for name in some if _newer(newest[name], known)}
            upsert(connection, machines, [asdict(report) for report in changed.values()])
        return changed

    # --- goals

    def note_goals(self, targets: Mapping[str, Target], now: int) -> list[Goal]:
        """Write down every goal that differs from the newest one known. Those written."""
        newest = {goal.target: goal for goal in self.goals()}
        fresh = []
        for target in targets.values():
            goal = Goal(target.id, now, target.goal, target.comparator, target.due, target.retired)
            known = newest.get(target.id)
            if known is None or replace(goal, since=known.since) != known:
                fresh.append(goal)
        with transaction(self._engine) as connection:
            upsert(connection, goals, [asdict(goal) for goal in fresh])
        return fresh

    def goals(self, target: str | None = None) -> list[Goal]:
        """Every goal there was, oldest first."""
        query = sa.select(goals).order_by(goals.c.since)
        if target is not None:
            query = query.where(goals.c.target == target)
        with transaction(self._engine) as connection:
            return [Goal(**row._mapping) for row in connection.execute(query)]

    # --- history

    def figures(
        self,
        target: str | None = None,
        place: str | None = None,
        since: str = "",
        until: str = "9999",
        *,
        area: bool = False,
        targets: Collection[str] = (),
    ) -> list[PastFigure]:
        """Every version of past figures in [since, until], ISO days, oldest first.

        place: only of this one; area: only of the area; targets: only of these, empty = all.
        """
        query = (
            sa.select(figures)
            .where(figures.c.day >= since, figures.c.day <= until)
            .order_by(figures.c.day, figures.c.version)
        )
        if target is not None:
            query = query.where(figures.c.target == target)
        if targets:
            query = query.where(figures.c.target.in_(list(targets)))
        if place is not None or area:
            query = query.where(figures.c.place == (place or ""))
        with transaction(self._engine) as connection:
            return [_past(row) for row in connection.execute(query)]

    def record(self, day: str, chosen: Iterable[Coverage], now: int) -> int:
        """Write down where targets stood at the end of a day; what differs from what was written
        for that day before is a new version. A figure that is the same as before it is written
        again only at the end of a month. How many rows were written."""
        month_ago = (date.fromisoformat(day) - timedelta(days=31)).isoformat()
        given = list(chosen)
        if not given:
            return 0
        before_it = self.figures(since=month_ago, until=day, targets={c.target for c in given})
        known = {(figure.target, figure.place): figure for figure in before_it}
        fresh = []
        for coverage in given:
            figure = _figure(day, coverage, now)
            before = known.get((figure.target, figure.place))
            if before is not None and before.day == day:
                if before.said != figure.said:
                    fresh.append(replace(figure, version=before.version + 1))
            elif before is None or before.said != figure.said or _ends_month(day):
                fresh.append(figure)
        self.write_figures(fresh)
        return len(fresh)

    def write_figures(self, some: Sequence[PastFigure]) -> None:
        rows = [
            {**asdict(figure), "place": figure.place or "", "state": figure.state.value,
             "source": figure.source.value}
            for figure in some
        ]  # fmt: skip
        with transaction(self._engine) as connection:
            upsert(connection, figures, rows)


def _newer(report: MachineReport, known: Mapping[str, MachineReport]) -> bool:
    before = known.get(report.asset)
    return before is None or (report != before and report.reported_at >= before.reported_at)


def _figure(day: str, coverage: Coverage, now: int) -> PastFigure:
    return PastFigure(
        coverage.target,
        coverage.site,
        day,
        coverage.numerator,
        coverage.denominator,
        coverage.known,
        coverage.value,
        coverage.evidence_value,
        coverage.state,
        coverage.source,
        now,
    )


def _ends_month(day: str) -> bool:
    return (date.fromisoformat(day) + timedelta(days=1)).day == 1


def _past(row: Any) -> PastFigure:
    found = dict(row._mapping)
    return PastFigure(
        **found
        | {
            "place": row.place or None,
            "state": TargetState(row.state),
            "source": Source(row.source),
        }
    )
