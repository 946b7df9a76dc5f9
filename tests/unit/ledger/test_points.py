"""The computers of a place in numbers: the same as the ledger says of each."""

from __future__ import annotations

import pytest
from world import Seen, standing, topology, view

from ioc.engine.calendars import Calendar
from ioc.engine.model import State
from ioc.ledger.points import computer_points

LONG = 20  # days


@pytest.mark.parametrize(
    ("state", "field", "counts"),
    [
        (State.UP, "seen", True),
        (State.OFF, "missing", False),
        (State.MAINTENANCE, "unmeasured", None),
        (State.UNREACHABLE, "unmeasured", None),
        (State.UNKNOWN, "unmeasured", None),
    ],
)
def test_a_computer_is_missing_only_where_somebody_could_have_seen_it(
    state: State, field: str, counts: bool | None
) -> None:
    found = topology()
    seen = {"b.pc-10": Seen(0 if state is State.UP else LONG, state)}
    calendars = {c.id: Calendar(c, found.timezone) for c in found.calendars.values()}
    [fields] = [
        point.fields
        for point in computer_points(view(found, seen), {}, calendars)
        if point.measurement == "computers" and ("site", "b") in point.tags
    ]
    assert {name: fields[name] for name in ("seen", "missing", "unmeasured")} == {
        name: float(name == field) for name in ("seen", "missing", "unmeasured")
    }
    [evidence] = standing(found, "networked-computers", place="b", seen=seen).chosen.evidence
    assert evidence.counts is counts
