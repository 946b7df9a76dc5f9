"""The same points in, the same answers out: of all stores at once, and of the API on each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.store._windows import HELD
from ioc.store.base import Aggregate, Point, Series, SeriesQuery, Store
from tests.integration.store._stores import KINDS, Make, makers

T0 = 1_770_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture
def all_kinds(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Make]]:
    with ExitStack() as stack:
        yield {kind: stack.enter_context(makers(kind, request, tmp_path)) for kind in KINDS}


texts = st.sampled_from(
    [
        "yen-thinh",
        "Xã Yên Thịnh",
        "a b",
        "a,b=c",
        '"q"',
        "a\\",
        "\\n",
        "x\ny",
        "",
        "%",
        "50%0A",
        "#1",
    ]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
names = st.sampled_from(["site", "asset", "xã", "a b", "a=b,c", "time", "_x", "up", "#", "q\"'"])
tag_sets = st.dictionaries(names, texts, max_size=3).map(lambda tags: tuple(sorted(tags.items())))
points = st.builds(
    Point,
    st.sampled_from(["check", "đo lường", "#m", "a,b"]),
    tag_sets,
    st.dictionaries(
        st.sampled_from(["up", "rtt", "t x", "%"]),
        st.sampled_from([0.0, -0.0, 1.0, 0.25, -1e6, 1 / 3, 123456.789, 1e-9]),
        min_size=1,
    ),
    st.integers(T0, T0 + 2 * HOUR),
)
one_value_each = st.lists(points, max_size=25).map(
    lambda some: list(
        {(p.measurement, p.tags, p.time, f): (p, f) for p in some for f in p.fields}.values()
    )
)


def shown(found: list[Series]) -> list[tuple[object, list[int], list[float]]]:
    return [(s.tags, list(s.times), [v + 0.0 for v in s.values]) for s in found]


def alike(stores: dict[str, Store], query: SeriesQuery) -> None:
    wanted = shown(stores["memory"].read(query))
    for kind, store in stores.items():
        mine = shown(store.read(query))
        assert [one[:2] for one in mine] == [one[:2] for one in wanted], kind
        for one, other in zip(mine, wanted, strict=True):
            assert one[2] == pytest.approx(other[2], rel=1e-9, abs=1e-12), kind


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(one_value_each, st.data())
def test_random_points_read_alike_from_every_store(
    all_kinds: dict[str, Make], written: list[tuple[Point, str]], data: st.DataObject
) -> None:
    stores = {kind: make() for kind, make in all_kinds.items()}
    batch = [Point(p.measurement, p.tags, {f: p.fields[f]}, p.time) for p, f in written]
    for store in stores.values():
        store.write(batch)
    for measurement, field in sorted({(p.measurement, f) for p, f in written}):
        all_tags = [tag for p, _ in written for tag in p.tags]
        wanted = data.draw(st.lists(st.sampled_from(all_tags), max_size=2)) if all_tags else []
        tags = {name: tuple({v for n, v in wanted if n == name}) for name, _ in wanted}
        start = T0 + data.draw(st.integers(-1, 2 * HOUR))
        window = (start, start + data.draw(st.integers(1, 3 * HOUR)))
        alike(stores, SeriesQuery(measurement, field, 0, T0 + DAY))
        alike(stores, SeriesQuery(measurement, field, *window, tags))
        step = data.draw(st.sampled_from([1000, 7 * MINUTE, HOUR]))
        aggregate = data.draw(st.sampled_from([a for a in Aggregate if a not in HELD]))
        alike(stores, SeriesQuery(measurement, field, *window, tags, step, aggregate))
    for make in all_kinds.values():
        make()  # empties the server for the next example
    for store in stores.values():
        store.close()


def test_a_second_and_ten_years_read_alike_from_every_store(all_kinds: dict[str, Make]) -> None:
    stores = {kind: make() for kind, make in all_kinds.items()}
    start = T0 - 3650 * DAY
    months = [
        Point("check", (("site", "a"),), {"up": float(i % 2)}, start + i * 30 * DAY)
        for i in range(122)
    ]
    second = [Point("check", (("site", "b"),), {"up": 1.0}, T0 + i) for i in range(1000)]
    for store in stores.values():
        store.write(second[::-1] + months)
    alike(stores, SeriesQuery("check", "up", T0, T0 + 1000))
    alike(stores, SeriesQuery("check", "up", start, T0 + DAY))
    for aggregate in Aggregate:
        for step, offset in ((30 * DAY, 0), (DAY, -7 * HOUR)):
            window = ("check", "up", start, T0 + DAY)
            alike(stores, SeriesQuery(*window, {}, step, aggregate, 100_000, offset))
        alike(stores, SeriesQuery("check", "up", T0 - 90 * DAY, T0 + DAY, {}, HOUR, aggregate))


def test_too_large_an_answer_is_refused_by_every_store_alike(all_kinds: dict[str, Make]) -> None:
    some = [
        Point("check", (("asset", str(i % 10)),), {"up": 1.0}, T0 + i * MINUTE) for i in range(1000)
    ]
    for kind, make in all_kinds.items():
        store = make()
        store.write(some)
        for step, count in ((None, 1000), (10 * MINUTE, 1000), (HOUR, 180)):
            window = ("check", "up", T0, T0 + DAY, {}, step)
            found = store.read(SeriesQuery(*window, limit=count))
            assert sum(len(s.times) for s in found) == count, kind
            with pytest.raises(ValueError, match=f"more than {count - 1} samples"):
                store.read(SeriesQuery(*window, limit=count - 1))


def test_a_question_for_very_many_assets_is_answered_by_every_store(
    all_kinds: dict[str, Make],
) -> None:
    stores = {kind: make() for kind, make in all_kinds.items()}
    names = [f"xã số {i}.(máy) [chính]+*?^$|'" for i in range(1000)]
    some = [Point("check", (("asset", n), ("kind", "icmp")), {"up": 1.0}, T0) for n in names]
    for store in stores.values():
        store.write(some)
    tags = {"asset": (*names[:990], "nowhere"), "kind": ("icmp", "http")}
    for step in (None, HOUR):
        alike(stores, SeriesQuery("check", "up", T0 - DAY, T0 + DAY, tags, step))
    assert (
        sum(len(s.times) for s in stores["memory"].read(SeriesQuery("check", "up", T0, T0 + 1)))
        == 1000
    )
