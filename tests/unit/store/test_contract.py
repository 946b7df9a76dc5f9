"""One suite for every store: the same points in, the same answers out."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.store import open_store, schemes
from ioc.store.base import Aggregate, Point, SeriesQuery, Store, StoreError
from ioc.store.memory import MemoryStore

T0 = 1_770_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
TAGS = (("asset", "yen-thinh.router"), ("site", "yen-thinh"))


@pytest.fixture(params=["memory", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    stores: list[Store] = []

    def make() -> Store:
        url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/{len(stores)}.db"
        stores.append(open_store(url))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    return opened()


def point(time: int, value: float = 1.0, field: str = "rtt_ms", tags: object = TAGS) -> Point:
    return Point("check", tags, {field: value}, time)  # type: ignore[arg-type]


def ask(store: Store, start: int, end: int, **more: object) -> list[tuple[int, float]]:
    query = SeriesQuery("check", "rtt_ms", start, end, **more)  # type: ignore[arg-type]
    return [pair for s in store.read(query) for pair in zip(s.times, s.values, strict=True)]


def close(mine: list[tuple[int, float]], wanted: list[tuple[int, float]]) -> None:
    assert [t for t, _ in mine] == [t for t, _ in wanted]
    assert [v for _, v in mine] == pytest.approx([v for _, v in wanted], abs=1e-6)


def test_samples_come_back_in_order_however_they_were_written(store: Store) -> None:
    store.write([point(T0 + 3), point(T0 + 1), point(T0 + 2)])
    assert [t for t, _ in ask(store, T0, T0 + 10)] == [T0 + 1, T0 + 2, T0 + 3]


def test_start_is_inside_and_end_is_outside(store: Store) -> None:
    store.write([point(T0), point(T0 + 10)])
    assert [t for t, _ in ask(store, T0, T0 + 10)] == [T0]
    assert ask(store, T0 + 10, T0) == []


@pytest.mark.parametrize("upkeep", [False, True])
def test_the_last_written_of_two_at_one_time_counts(store: Store, upkeep: bool) -> None:
    store.write([point(T0, 1.0)])
    if upkeep:
        store.maintain(T0 + DAY)
    store.write([point(T0, 2.0), point(T0, 3.0)])
    assert ask(store, T0, T0 + 1) == [(T0, 3.0)]
    store.maintain(T0 + DAY)
    assert ask(store, T0, T0 + 1) == [(T0, 3.0)]


def test_names_and_tags_may_be_any_text(store: Store) -> None:
    odd = ["Xã Yên Thịnh", "a b", "a,b=c", 'quote"d', "back\\slash", "line\nbreak", "'; DROP TABLE"]
    for value in odd:
        store.write([point(T0, 1.0, tags=(("site", value),))])
    store.maintain(T0 + HOUR)
    for value in odd:
        query = SeriesQuery("check", "rtt_ms", T0, T0 + 1, {"site": (value,)})
        [series] = store.read(query)
        assert dict(series.tags) == {"site": value}


def test_tags_select_any_of_their_values(store: Store) -> None:
    for site in ("a", "b", "c"):
        store.write([point(T0, tags=(("site", site),))])
    query = SeriesQuery("check", "rtt_ms", T0, T0 + 1, {"site": ("a", "c", "nowhere")})
    assert [dict(s.tags)["site"] for s in store.read(query)] == ["a", "c"]
    assert store.read(SeriesQuery("check", "rtt_ms", T0, T0 + 1, {"other": ("a",)})) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_nothing_of_the_batch_is_kept(
    store: Store, value: float
) -> None:
    with pytest.raises(ValueError, match="rtt_ms"):
        store.write([point(T0), point(T0 + 1, value)])
    assert ask(store, T0, T0 + 10) == []


def test_negative_zero_and_extremes_survive(store: Store) -> None:
    values = [-0.0, 5e-324, 1.7976931348623157e308, -1e-9]
    store.write([point(T0 + i, v) for i, v in enumerate(values)])
    store.maintain(T0 + HOUR)
    read = [v for _, v in ask(store, T0, T0 + 10)]
    assert read == values
    assert math.copysign(1, read[0]) == 1  # a zero is a zero


def test_too_large_an_answer_is_refused(store: Store) -> None:
    store.write([point(T0 + i) for i in range(20)])
    with pytest.raises(ValueError, match="more than 10 samples"):
        ask(store, T0, T0 + 100, limit=10)


@pytest.mark.parametrize("aggregate", list(Aggregate))
@pytest.mark.parametrize("upkeep", [False, True])
def test_steps_aggregate_alike_before_and_after_upkeep(
    store: Store, aggregate: Aggregate, upkeep: bool
) -> None:
    reference = MemoryStore()
    points = [point(T0 + i * 17_000, float((i * 7919) % 101)) for i in range(2000)]
    for s in (store, reference):
        s.write(points)
    if upkeep:
        store.maintain(T0 + DAY)
        late = [point(T0 + 5 * HOUR + 1, 500.0), point(T0 + 34_000, -3.0)]
        store.write(late)
        reference.write(late)
    for step in (7 * MINUTE, 5 * MINUTE, HOUR, 2 * HOUR, DAY):
        window = {"start": T0 + 123_456, "end": T0 + 9 * HOUR + 1, "step": step}
        wanted = ask(reference, aggregate=aggregate, **window)
        close(ask(store, aggregate=aggregate, **window), wanted)


def test_late_data_restates_the_past(store: Store) -> None:
    store.write([point(T0 + i * MINUTE, 10.0) for i in range(120)])
    store.maintain(T0 + DAY)
    hour = T0 - T0 % HOUR
    store.write([point(T0 + MINUTE, 100.0)])
    store.maintain(T0 + DAY)
    top = ask(store, hour, hour + HOUR, step=HOUR, aggregate=Aggregate.MAX)
    assert top == [(hour, 100.0)]


def test_a_ten_year_range_is_no_trouble(store: Store) -> None:
    store.write([point(T0 - 5 * 365 * DAY), point(T0)])
    assert len(ask(store, T0 - 3650 * DAY, T0 + 3650 * DAY)) == 2


def test_writing_reading_and_upkeep_may_run_at_once(store: Store) -> None:
    errors: list[BaseException] = []

    def guarded(act: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                act()
            except BaseException as error:
                errors.append(error)

        return run

    def write(number: int) -> None:
        for i in range(50):
            tags = (("asset", str(number)),)
            store.write([point(T0 + i * 1000 + j, tags=tags) for j in range(20)])

    def read() -> None:
        for _ in range(30):
            ask(store, T0, T0 + DAY)
            ask(store, T0, T0 + DAY, step=HOUR)

    acts = [lambda n=n: write(n) for n in range(3)]
    acts += [read, lambda: [store.maintain(T0 + HOUR) for _ in range(5)]]
    threads = [threading.Thread(target=guarded(act)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(ask(store, T0, T0 + DAY)) == 3000


samples = st.lists(
    st.tuples(st.integers(0, 3 * DAY), st.floats(-1e6, 1e6), st.booleans()), max_size=60
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(samples, st.sampled_from([1000, 5 * MINUTE, HOUR, DAY]), st.integers(0, 3 * DAY))
def test_any_history_reads_as_the_plain_store_reads_it(
    opened: Callable[[], Store], history: list[tuple[int, float, bool]], step: int, start: int
) -> None:
    store, reference = opened(), MemoryStore()
    for offset, value, upkeep in history:
        for s in (store, reference):
            s.write([point(T0 + offset, value)])
        if upkeep:
            store.maintain(T0 + 4 * DAY)
    for more in ({}, {"step": step}, {"step": step, "aggregate": Aggregate.LAST}):
        mine = ask(store, T0 + start, T0 + 3 * DAY, **more)
        wanted = ask(reference, T0 + start, T0 + 3 * DAY, **more)
        close(mine, wanted)


def test_health_is_good_and_an_empty_write_is_nothing(store: Store) -> None:
    store.write([])
    assert store.health().ok


def test_an_unknown_kind_of_store_is_a_clear_error() -> None:
    with pytest.raises(StoreError, match="no such store; one of memory, sqlite"):
        open_store("oracle://x")
    assert {"memory", "sqlite"} <= set(schemes())
