"""Targets as they were on a day: a changed goal is no judgement on the days before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ioc.inventory.topology import Target
from ioc.ledger.records import Goal


def targets_at(targets: Mapping[str, Target], goals: Iterable[Goal], at: int) -> dict[str, Target]:
    """Targets with the goal, comparator and due date that were in force at a moment, ms UTC.

    goals: every goal there was, oldest first. Before the oldest that is known, that one counts; a
    target of which none is known stays as it is.
    """
    then: dict[str, Goal] = {}
    for goal in goals:
        if goal.target not in then or goal.since <= at:
            then[goal.target] = goal
    return {name: _under(target, then.get(name)) for name, target in targets.items()}


def _under(target: Target, goal: Goal | None) -> Target:
    if goal is None:
        return target
    return replace(target, goal=goal.goal, comparator=goal.comparator, due=goal.due)
