"""What dashboards show of availability is what reports say: the ledger's days as points."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ioc.engine.model import State
from ioc.jobs import Jobs
from ioc.ledger.availability import Seconds, Tally
from ioc.ledger.points import availability_points
from ioc.ledger.sla import day_span
from ioc.store.base import Point
from tests.integration.test_ledger import DAY, HOUR, World, samples
from tests.unit.ledger.world import topology

END = day_span(DAY, topology()).end - 1


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, topology(), "2026-09-28")
    yield made
    made.store.close()
    made.database.close()


class Written:
    """The jobs of a world, and the points of one link that they wrote, newest last."""

    def __init__(self, world: World) -> None:
        self.points: list[Point] = []
        parts = SimpleNamespace(
            clock=world.clock, keeper=world.keeper, pipeline=world.program,
            points=SimpleNamespace(add=self.points.extend),
        )  # fmt: skip
        self.jobs = Jobs(cast("Any", parts))

    def of(self, asset: str = "a.fiber") -> list[tuple[int, dict[str, float]]]:
        return [(p.time, dict(p.fields)) for p in self.points if dict(p.tags)["asset"] == asset]


async def test_a_day_is_written_when_it_is_over_and_again_when_it_is_restated(world: World) -> None:
    written = Written(world)
    world.store.write(samples("2026-09-28", range(0, 12), State.UP))
    world.clock.set("2026-09-28", 23)
    await written.jobs._ledger(world.keeper.hourly)
    assert END not in dict(written.of()), "the day is not over"
    world.clock.set("2026-09-29", 0)
    await written.jobs._ledger(world.keeper.hourly)
    up = 12 * 3600.0 + 60
    first = {
        "known_s": up, "up_s": up, "down_s": 0.0, "maintenance_s": 0.0, "wanted_s": 86_400.0,
    }  # fmt: skip
    assert [fields for at, fields in written.of() if at == END] == [first]
    world.store.write(samples("2026-09-28", range(12, 24), State.DOWN))
    world.clock.set("2026-09-30", 0)
    await written.jobs._ledger(world.keeper.nightly)
    days = [(at, fields) for at, fields in written.of() if at == END]
    assert days[-1][1] | {"known_s": 0} == first | {
        "up_s": 12 * 3600.0, "down_s": 12 * 3600.0, "known_s": 0,
    }  # fmt: skip
    for hour in (9, 12):  # the first overlaps the look before
        count = len(written.points)
        world.clock.set("2026-09-30", hour)
        await written.jobs._ledger(lambda: None)
    assert len(written.points) == count, "what was written is not written for ever"


async def test_a_start_writes_the_days_that_a_stop_kept_back(world: World) -> None:
    world.store.write(samples("2026-09-28", range(24), State.UP))
    world.clock.set("2026-09-29", 1)
    world.keeper.hourly()  # the program ended before it wrote
    world.clock.set("2026-10-05")
    written = Written(world)
    await written.jobs._ledger(lambda: None)
    assert [fields["up_s"] for at, fields in written.of() if at == END] == [86_400]


def point(asset: str, one: Seconds) -> Point | None:
    rows = [(asset, "2026-09-28", Tally(all=one))]
    return next(availability_points(topology(), rows, END + 1), None)


def test_names_come_along_and_what_left_the_inventory_is_left_out() -> None:
    link = point("a.fiber", Seconds(up=HOUR))
    assert link is not None
    tags = dict(link.tags)
    assert (tags["type"], tags["asset"], tags["site"]) == ("link", "a.fiber", "a")
    assert {"name", "place", "kind", "area"} <= tags.keys()
    place = point("a", Seconds(up=HOUR))
    assert place is not None
    assert (dict(place.tags)["type"], dict(place.tags)["site"]) == ("place", "a")
    assert point("gone", Seconds(up=HOUR)) is None


def test_what_is_not_known_is_absent_and_not_zero() -> None:
    unknown = point("a.fiber", Seconds(unknown=HOUR))
    assert unknown is not None
    assert unknown.fields == {"known_s": 0, "maintenance_s": 0, "wanted_s": 3600}
    planned = point("a.fiber", Seconds(maintenance=HOUR))
    assert planned is not None
    assert planned.fields == {"known_s": 0, "maintenance_s": 3600}


def test_a_link_that_is_out_five_seconds_of_every_minute() -> None:
    """Samples say two of three; time says eleven of twelve."""
    minute = Seconds(up=55_000, down=5_000)
    found = point("a.fiber", Seconds(*(24 * 60 * value for value in (minute.up, minute.down))))
    assert found is not None
    assert 100 * found.fields["up_s"] / found.fields["known_s"] == pytest.approx(91.67, abs=0.01)
