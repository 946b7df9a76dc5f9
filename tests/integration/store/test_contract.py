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
from ioc.store._windows import HELD
from ioc.store.base import Aggregate, Point, SeriesQuery, Store, StoreError, StoreRefused
from ioc.store.memory import MemoryStore
from tests.integration.store._stores import KINDS, Make, makers

T0 = 1_770_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LOCAL = -7 * HOUR  # days of Việt Nam
SAMPLED = [aggregate for aggregate in Aggregate if aggregate not in HELD]
TAGS = (("asset", "yen-thinh.router"), ("site", "yen-thinh"))


VICTORIA = "victoriametrics"  # see the top of ioc/store/victoriametrics.py for what differs
ONE_STAYS = (VICTORIA, "influxdb3")  # of two values at one time one stays, not always the last


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    with makers(kind, request, tmp_path) as make:
        yield make


@pytest.fixture
def store(opened: Make) -> Store:
    return opened()


def point(time: int, value: float = 1.0, field: str = "rtt_ms", tags: object = TAGS) -> Point:
    return Point("check", tags, {field: value}, time)  # type: ignore[arg-type]


def ask(
    store: Store, start: int, end: int, field: str = "rtt_ms", **more: object
) -> list[tuple[int, float]]:
    query = SeriesQuery("check", field, start, end, **more)  # type: ignore[arg-type]
    return [pair for s in store.read(query) for pair in zip(s.times, s.values, strict=True)]


def close(mine: list[tuple[int, float]], wanted: list[tuple[int, float]]) -> None:
    assert [t for t, _ in mine] == [t for t, _ in wanted]
    assert [v for _, v in mine] == pytest.approx([v for _, v in wanted], abs=1e-6)


@pytest.mark.skipif("influxdb2" in KINDS, reason="it is")
def test_the_suite_runs_on_influxdb_2_as_well() -> None:
    pytest.skip("IOC_TEST_INFLUXDB2_URL (with _TOKEN and _ORG) is not set: not tried on InfluxDB 2")


@pytest.mark.skipif("influxdb3" in KINDS, reason="it is")
def test_the_suite_runs_on_influxdb_3_as_well() -> None:
    pytest.skip("IOC_TEST_INFLUXDB3_URL (with _TOKEN) is not set: not tried on InfluxDB 3")


@pytest.mark.skipif("victoriametrics-cluster" in KINDS, reason="it is")
def test_the_suite_runs_on_a_cluster_of_victoriametrics_as_well() -> None:
    pytest.skip(
        "IOC_TEST_VICTORIA_CLUSTER (a folder with vminsert, vmselect, vmstorage) is not set"
    )


def test_samples_come_back_in_order_however_they_were_written(store: Store) -> None:
    store.write([point(T0 + 3), point(T0 + 1), point(T0 + 2)])
    assert [t for t, _ in ask(store, T0, T0 + 10)] == [T0 + 1, T0 + 2, T0 + 3]


def test_start_is_inside_and_end_is_outside(store: Store) -> None:
    store.write([point(T0), point(T0 + 10)])
    assert [t for t, _ in ask(store, T0, T0 + 10)] == [T0]
    assert ask(store, T0 + 10, T0) == []


@pytest.mark.parametrize("upkeep", [False, True])
def test_the_last_written_of_two_at_one_time_counts(store: Store, kind: str, upkeep: bool) -> None:
    if kind.startswith(ONE_STAYS):
        pytest.skip(f"{kind} has a rule of its own: the test of one that stays")
    store.write([point(T0, 1.0)])
    if upkeep:
        store.maintain(T0 + DAY)
    store.write([point(T0, 2.0), point(T0, 3.0)])
    assert ask(store, T0, T0 + 1) == [(T0, 3.0)]
    store.maintain(T0 + DAY)
    assert ask(store, T0, T0 + 1) == [(T0, 3.0)]


def test_what_is_written_twice_is_there_once(store: Store) -> None:
    points = [point(T0 + i * MINUTE, float(i)) for i in range(300)]
    for _time in range(3):
        store.write(points)
    store.maintain(T0 + DAY)
    store.write(points[::-1])
    assert ask(store, T0, T0 + DAY) == [(p.time, p.fields["rtt_ms"]) for p in points]
    counts = ask(store, T0, T0 + DAY, step=HOUR, aggregate=Aggregate.COUNT)
    assert sum(value for _, value in counts) == 300


def test_of_two_values_at_one_time_one_stays(store: Store) -> None:
    store.write([point(T0, 1.0)])
    store.write([point(T0, 2.0)])
    [(time, value)] = ask(store, T0, T0 + 1)
    assert (time, value in (1.0, 2.0)) == (T0, True)


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


def test_negative_zero_and_extremes_survive(store: Store, kind: str) -> None:
    values = [-0.0, 5e-324, 1.7976931348623157e308, -1e-9]
    if kind.startswith(VICTORIA):  # decimal numbers with one exponent for neighbours
        values = [-0.0, 1e-9, 123456.789012, -1e-9]
    store.write([point(T0 + i, v) for i, v in enumerate(values)])
    store.maintain(T0 + HOUR)
    read = [v for _, v in ask(store, T0, T0 + 10)]
    assert read == values
    assert math.copysign(1, read[0]) == 1  # a zero is a zero


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (Point("check", TAGS, {"rtt_ms": 10**400}, T0), "not a finite number"),
        (Point("check", TAGS, {"rtt_ms": "1"}, T0), "not a finite number: '1' for rtt_ms"),  # type: ignore[dict-item]
        (Point("check", TAGS, {"rtt_ms": None}, T0), "not a finite number: None"),  # type: ignore[dict-item]
        (Point("check", TAGS, {"rtt_ms": 1.0}, T0 * 1000), "not a time in milliseconds"),
        (Point("check", TAGS, {"rtt_ms": 1.0}, T0 + 0.5), "not a time in milliseconds"),  # type: ignore[arg-type]
        (Point("check", (("a", "1"), ("a", "2")), {"rtt_ms": 1.0}, T0), "a tag twice"),
        (Point("check", (("a", "\ud800"),), {"rtt_ms": 1.0}, T0), "must be valid text"),
        (Point("check", (("a", 1),), {"rtt_ms": 1.0}, T0), "must be valid text"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_kept_is_refused_whole_and_the_point_is_named(
    store: Store, bad: Point, words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        store.write([point(T0), bad])
    assert str(bad.time) in str(refused.value)
    assert ask(store, 0, T0 * 2) == []
    store.write([point(T0)])
    assert ask(store, 0, T0 * 2) == [(T0, 1.0)]


def test_whole_numbers_and_truths_read_as_floats(store: Store) -> None:
    store.write([point(T0, 3), point(T0 + 1, True)])
    values = [value for _, value in ask(store, T0, T0 + 2)]
    assert values == [3.0, 1.0]
    assert all(type(value) is float for value in values)


def test_the_order_of_tags_makes_no_other_series(store: Store) -> None:
    store.write([point(T0), point(T0 + 1, tags=TAGS[::-1])])
    store.write([point(T0 + 2, tags=TAGS[::-1])])
    query = SeriesQuery("check", "rtt_ms", T0, T0 + 10)
    [series] = store.read(query)
    assert (series.tags, len(series.times)) == (TAGS, 3)


def test_a_time_before_the_epoch_has_its_window_too(store: Store, kind: str) -> None:
    if kind.startswith(VICTORIA):
        with pytest.raises(StoreRefused, match="1970"):
            store.write([point(0), point(-1)])
        assert ask(store, -DAY, DAY) == []
        return
    store.write([point(-1, 5.0), point(-DAY - 1, 7.0), point(0, 1.0)])
    store.maintain(0)
    wanted = [(-2 * DAY, 7.0), (-DAY, 5.0), (0, 1.0)]
    assert ask(store, -9 * DAY, DAY, step=DAY) == wanted


@pytest.mark.parametrize("upkeep", [False, True])
def test_days_may_be_local_days(store: Store, upkeep: bool) -> None:
    midnight = 1_769_965_200_000  # 2026-02-02 00:00 in Việt Nam
    store.write([point(midnight + i * HOUR, float(i)) for i in range(-30, 30)])
    if upkeep:
        store.maintain(midnight + 2 * DAY)
    days = ask(
        store,
        midnight - DAY,
        midnight + DAY,
        step=DAY,
        offset=LOCAL,
        aggregate=Aggregate.COUNT,
    )
    assert days == [(midnight - DAY, 24.0), (midnight, 24.0)]


@pytest.mark.parametrize("upkeep", [False, True])
def test_time_up_and_time_known_count_by_the_clock_not_by_samples(
    store: Store, upkeep: bool
) -> None:
    hour = T0 - T0 % HOUR
    said = [(0, 1), (5, 0), (5.5, 0), (6, 1), (11, 1), (50, 1)]  # minute, up
    store.write([point(hour + int(m * MINUTE), v, "up") for m, v in said])
    if upkeep:
        store.maintain(hour + DAY)
    window = {"field": "up", "step": HOUR}
    known = ask(store, hour, hour + HOUR, aggregate=Aggregate.KNOWN_SECONDS, **window)
    up = ask(store, hour, hour + HOUR, aggregate=Aggregate.UP_SECONDS, **window)
    assert known == [(hour, (11 + 6 + 6) * 60.0)]  # six minutes after the last before a silence
    assert up == [(hour, (11 + 6 + 6 - 1) * 60.0)]
    close(
        ask(store, hour, hour + HOUR, aggregate=Aggregate.AVAILABILITY, **window), [(hour, 22 / 23)]
    )


@pytest.mark.parametrize("more", [{"step": 0}, {"step": -1}, {"aggregate": HELD[0], "step": 1000}])
def test_a_question_without_an_answer_is_refused(store: Store, more: dict[str, object]) -> None:
    store.write([point(T0)])
    with pytest.raises(ValueError, match=r"a step|field named up"):
        ask(store, T0, T0 + 1, **more)


def test_too_large_an_answer_is_refused(store: Store) -> None:
    store.write([point(T0 + i) for i in range(20)])
    with pytest.raises(ValueError, match="more than 10 samples"):
        ask(store, T0, T0 + 100, limit=10)


@pytest.mark.parametrize("aggregate", SAMPLED)
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
    st.tuples(st.integers(0, 3 * DAY), st.sampled_from([0.0, 1.0, 0.25, -1e6]), st.booleans()),
    max_size=60,
)
questions = st.fixed_dictionaries(
    {
        "step": st.sampled_from([1000, 5 * MINUTE, 7 * MINUTE, HOUR, DAY, 2 * DAY]),
        "offset": st.sampled_from([0, LOCAL, 5 * MINUTE, 1]),
        "aggregate": st.sampled_from(list(Aggregate)),
        "start": st.integers(0, 3 * DAY),
        "end": st.integers(0, 4 * DAY),
    }
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(samples, st.lists(questions, min_size=1, max_size=5))
def test_any_history_reads_as_the_plain_store_reads_it(
    kind: str,
    opened: Make,
    history: list[tuple[int, float, bool]],
    asked: list[dict[str, object]],
) -> None:
    store, reference = opened(), MemoryStore()
    if kind.startswith(ONE_STAYS):
        history = list({sample[0]: sample for sample in history}.values())
    for offset, value, upkeep in history:
        for s in (store, reference):
            s.write([point(T0 + offset, value, "up")])
        if upkeep:
            store.maintain(T0 + 4 * DAY)
    close(ask(store, 0, T0 * 2, "up"), ask(reference, 0, T0 * 2, "up"))
    for question in asked:
        window = {**question, "start": T0 + question["start"], "end": T0 + question["end"]}  # type: ignore[operator]
        close(ask(store, field="up", **window), ask(reference, field="up", **window))
    store.close()


def test_health_is_good_and_an_empty_write_is_nothing(store: Store) -> None:
    store.write([])
    assert store.health().ok


def test_an_unknown_kind_of_store_is_a_clear_error() -> None:
    with pytest.raises(StoreError, match=r"oracle.*memory.*sqlite"):
        open_store("oracle://x")
    assert {"memory", "sqlite"} <= set(schemes())
