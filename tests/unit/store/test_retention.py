"""How long samples and windows are kept, and that nothing is lost or told twice on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.i18n import use_language
from ioc.store import _readers, _retention, open_store
from ioc.store._retention import DOUBTS, PAGES, Retention, from_environment, give_back
from ioc.store.base import Aggregate, Point, SeriesQuery, StoreError, StoreUnavailable
from ioc.store.memory import MemoryStore
from ioc.store.sqlite import PATIENCE, SqliteStore

T0 = 1_770_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MIDNIGHT = 1_769_965_200_000  # 2026-02-02 00:00 in Việt Nam
FIVE = 5 * MINUTE
TELLING = (Aggregate.COUNT, Aggregate.MEAN, Aggregate.KNOWN_SECONDS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "series.db", keep=Retention(2, 4, 9, 9))
    yield opened
    opened.close()


def points(asset: int, start: int, count: int, step: int = MINUTE) -> list[Point]:
    tags = (("asset", str(asset)),)
    return [
        Point("check", tags, {"up": float(i % 7 > 0), "rtt_ms": i % 50}, start + i * step)
        for i in range(count)
    ]


def ask(store: SqliteStore | MemoryStore, step: int, aggregate: Aggregate) -> list[object]:
    query = SeriesQuery("check", "up", MIDNIGHT, MIDNIGHT + 9 * DAY, {}, step, aggregate)
    return [(s.tags, list(s.times), list(s.values)) for s in store.read(query)]


# --- settings


def test_how_long_is_kept_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_environment({}) == Retention()
    names = {"IOC_RETENTION_RAW": "10", "IOC_RETENTION_MINUTES": "20"}
    assert from_environment(names) == Retention(10, 20)
    assert from_environment({"IOC_RETENTION_RAW": " 400 "}) == Retention(400, 400)
    monkeypatch.setenv("IOC_RETENTION_RAW", "7")
    opened = open_store(f"sqlite:///{tmp_path}/x.db")
    opened.write(points(1, T0 - 8 * DAY, 10) + points(1, T0 - 5 * DAY, 10))
    opened.maintain(T0)
    assert sum(len(s.times) for s in opened.read(SeriesQuery("check", "up", 0, T0))) == 10
    opened.close()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("IOC_RETENTION_RAW", "0", "IOC_RETENTION_RAW=0: must be at least 1 days"),
        ("IOC_RETENTION_HOURS", "30", "IOC_RETENTION_HOURS=30: must be at least 366 days"),
        ("IOC_RETENTION_DAYS", "-1", "IOC_RETENTION_DAYS=-1: must be a number of days"),
        ("IOC_RETENTION_MINUTES", "1y", "IOC_RETENTION_MINUTES=1y: must be a number of days"),
        ("IOC_RETENTION_RAW", "9" * 30, "must be a number of days"),
    ],
)
def test_a_retention_that_makes_no_sense_is_refused(name: str, text: str, words: str) -> None:
    use_language("en")
    try:
        with pytest.raises(StoreError, match=words):
            from_environment({name: text})
    finally:
        use_language("vi")


# --- samples turn to windows


@pytest.mark.parametrize("step", [FIVE, HOUR])
@pytest.mark.parametrize("aggregate", list(Aggregate))
def test_samples_and_the_windows_that_stay_of_them_say_the_same(
    store: SqliteStore, step: int, aggregate: Aggregate
) -> None:
    reference = MemoryStore()
    for asset in range(3):
        for one in (store, reference):
            one.write(points(asset, MIDNIGHT + 3 * HOUR, 3 * 360, 4 * MINUTE))
    now = MIDNIGHT + 5 * DAY
    store.maintain(now)
    assert store._writer.execute("SELECT count(*) FROM rollup_5m").fetchone()[0] > 0
    raw = store.read(SeriesQuery("check", "up", 0, now, limit=10**6))
    assert {min(s.times) for s in raw} == {now - 2 * DAY}
    kept = MIDNIGHT + DAY if step == FIVE else MIDNIGHT
    mine, wanted = ask(store, step, aggregate), ask(reference, step, aggregate)
    for (tags, times, values), (other, when, what) in zip(mine, wanted, strict=True):  # type: ignore[misc]
        assert tags == other
        recent = [(t, v) for t, v in zip(when, what, strict=True) if t >= kept]
        found = [(t, v) for t, v in zip(times, values, strict=True) if t >= kept]
        assert [t for t, _ in found] == [t for t, _ in recent]
        assert [v for _, v in found] == pytest.approx([v for _, v in recent])


def test_while_samples_turn_to_windows_every_answer_is_right(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked after each transaction, each of which ends after one series."""
    monkeypatch.setattr("ioc.store._merge.BUDGET", -1.0)
    monkeypatch.setattr("ioc.store._merge.Budget.__init__.__defaults__", (-1.0,))
    for asset in range(4):
        store.write(points(asset, MIDNIGHT, 288, 15 * MINUTE))
    store.maintain(MIDNIGHT + 2 * DAY)
    wanted = [ask(store, HOUR, a) for a in TELLING]
    asked = []
    taken = store._step

    def step(steps: Iterator[None]) -> bool:
        more = taken(steps)
        asked.append([ask(store, HOUR, a) for a in TELLING])
        return more

    monkeypatch.setattr(store, "_step", step)
    store.maintain(MIDNIGHT + 3 * DAY + HOUR)
    assert store._writer.execute("SELECT count(*) FROM rollup_5m").fetchone()[0] == 8 * 8
    assert len(asked) > 16
    assert all(found == wanted for found in asked)


def test_a_late_sample_of_a_series_that_is_not_turned_yet_counts(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written and merged in the middle of the turning, for a series that is done and one that is
    not."""
    monkeypatch.setattr("ioc.store._merge.Budget.__init__.__defaults__", (-1.0,))
    for asset in range(4):
        store.write(points(asset, MIDNIGHT, 288, FIVE))
    store.maintain(MIDNIGHT + 2 * DAY)
    turned = store._writer.execute
    late = [Point("check", (("asset", str(a)),), {"up": 1.0}, MIDNIGHT - 1) for a in (0, 3)]
    late += [Point("check", (("asset", str(a)),), {"up": 1.0}, MIDNIGHT + 1) for a in (0, 3)]
    taken, written = store._step, []

    def step(steps: Iterator[None]) -> bool:
        more = taken(steps)
        series = turned("SELECT count(DISTINCT series) FROM rollup_5m").fetchone()[0]
        if series == 3 and not written:  # two fields of the first, one of the second
            written.append(1)
            store._transaction("FULL", lambda: None)
            store._writing.release()
            try:
                store.write(late)
            finally:
                store._writing.acquire()
            store._merging = None
            while store._merge_step():
                pass
        return more

    monkeypatch.setattr(store, "_step", step)
    with_late = MIDNIGHT + 3 * DAY + HOUR
    store.maintain(with_late)
    assert written
    monkeypatch.undo()
    for _again in range(2):
        counts = {
            dict(s.tags)["asset"]: sum(s.values)
            for s in store.read(
                SeriesQuery("check", "up", MIDNIGHT - DAY, with_late, {}, HOUR, Aggregate.COUNT)
            )
        }
        assert counts == {"0": 290, "1": 288, "2": 288, "3": 290}
        store.maintain(with_late)


def test_a_disk_that_fills_while_samples_turn_loses_nothing(store: SqliteStore) -> None:
    for asset in range(4):
        store.write(points(asset, MIDNIGHT, 2880))
    store.maintain(MIDNIGHT + 2 * DAY)
    wanted = ask(store, HOUR, Aggregate.KNOWN_SECONDS)
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    for later in range(3):
        try:
            store.maintain(MIDNIGHT + (3 + later) * DAY)
        except StoreUnavailable:
            break
    assert ask(store, HOUR, Aggregate.KNOWN_SECONDS) == wanted
    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.maintain(MIDNIGHT + 5 * DAY)
    assert ask(store, HOUR, Aggregate.KNOWN_SECONDS) == wanted


# --- the clock


def test_a_clock_that_leaps_ahead_for_a_while_drops_nothing(store: SqliteStore) -> None:
    store.write(points(1, T0 - DAY, 1440))
    store.maintain(T0)
    leap = T0 + 75 * 365 * DAY
    store.write(points(1, leap, 10))
    for hour in range(DOUBTS):
        store.maintain(leap + hour * HOUR)
    store.maintain(T0 + DAY // 2)
    assert len(store.read(SeriesQuery("check", "up", 0, T0))[0].times) == 1440
    store.write(points(1, T0, 60))
    store.maintain(T0 + DAY)
    count = SeriesQuery("check", "up", 0, T0 + DAY, {}, HOUR, Aggregate.COUNT)
    assert sum(store.read(count)[0].values) == 1500


def test_a_clock_that_stays_ahead_is_believed_after_a_day(store: SqliteStore) -> None:
    store.write(points(1, T0 - DAY, 1440))
    store.maintain(T0)
    for hour in range(DOUBTS + 1):
        store.maintain(T0 + 60 * DAY + hour * HOUR)
    assert store.read(SeriesQuery("check", "up", 0, T0)) == []


# --- space is given back in small steps


def test_giving_back_is_bounded_and_lets_writes_through(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_retention, "SPARE_PAGES", 10)
    for asset in range(5):
        store.write(points(asset, MIDNIGHT, 2880))
    store.maintain(MIDNIGHT + 2 * DAY)
    store._writer.execute("DELETE FROM raw")
    freed: list[int] = []
    held: list[bool] = []

    def watched(connection: sqlite3.Connection) -> bool:
        before = connection.execute("PRAGMA freelist_count").fetchone()[0]
        more = give_back(connection)
        freed.append(before - connection.execute("PRAGMA freelist_count").fetchone()[0])
        assert store._writing.locked()
        return more

    monkeypatch.setattr("ioc.store.sqlite.give_back", watched)
    between = lambda _seconds: held.append(store._writing.locked())  # noqa: E731
    monkeypatch.setattr("ioc.store.sqlite.time.sleep", between)
    store.maintain(MIDNIGHT + 2 * DAY)
    assert sum(freed) > PAGES // 4
    assert max(freed) <= PAGES
    assert len(held) >= len(freed) - 1 > 0
    assert not any(held), "between two steps a write may go"


# --- questions


def test_a_question_that_takes_too_long_is_ended(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(points(1, MIDNIGHT, 20_000, 1000))
    store.maintain(MIDNIGHT + DAY)
    monkeypatch.setattr(_readers, "LONGEST", -1.0)
    query = SeriesQuery("check", "up", 0, MIDNIGHT + DAY, {}, 7 * MINUTE, Aggregate.COUNT)
    with pytest.raises(ValueError, match="takes longer than"):
        store.read(query)
    monkeypatch.undo()
    assert sum(store.read(query)[0].values) == 20_000


def test_numbers_that_no_engine_can_count_with_are_bounded(store: SqliteStore) -> None:
    store.write(points(1, MIDNIGHT, 10))
    store.maintain(MIDNIGHT + DAY)
    for more in ({}, {"step": HOUR, "aggregate": Aggregate.COUNT}):
        query = SeriesQuery("check", "up", -(10**30), 10**30, limit=10**40, **more)  # type: ignore[arg-type]
        assert len(store.read(query)) == 1


def test_too_many_steps_are_refused_before_they_fill_the_memory(store: SqliteStore) -> None:
    for asset in range(20):
        store.write(points(asset, MIDNIGHT, 48, HOUR))
    store.maintain(MIDNIGHT + 3 * DAY)
    query = SeriesQuery("check", "up", 0, T0 + DAY, {}, HOUR, Aggregate.COUNT, limit=100)
    with pytest.raises(ValueError, match="more than 100 samples"):
        store.read(query)


# --- whatever arrives however

arrivals = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 4 * 288 - 1), st.integers(0, 1)),
    min_size=1,
    max_size=120,
)


@settings(max_examples=25, deadline=None)
@given(arrivals, st.lists(st.integers(0, 119), max_size=4), st.randoms(use_true_random=False))
def test_windows_say_what_samples_said_however_they_arrived(
    tmp_path_factory: pytest.TempPathFactory,
    arrived: list[tuple[int, int, int]],
    upkeep: list[int],
    chance: object,
) -> None:
    """Late, out of order, twice, with upkeep in between: then all samples turn to windows."""
    path = tmp_path_factory.mktemp("store") / "series.db"
    store = SqliteStore(path, keep=Retention(5, 20, 20, 20))
    reference = MemoryStore()
    again = [*arrived, *chance.sample(arrived, len(arrived) // 2)]  # type: ignore[attr-defined]
    values = {(asset, slot): float(value) for asset, slot, value in arrived}
    for number, (asset, slot, _value) in enumerate(again):
        sample = Point(
            "check",
            (("asset", str(asset)),),
            {"up": values[asset, slot]},
            MIDNIGHT + slot * FIVE + 7,
        )
        for one in (store, reference):
            one.write([sample])
        if number in upkeep:
            store.maintain(MIDNIGHT + 4 * DAY)
    for day in range(4, 12):
        store.maintain(MIDNIGHT + day * DAY + HOUR)
    assert store.read(SeriesQuery("check", "up", 0, MIDNIGHT + 9 * DAY)) == []
    for aggregate in Aggregate:
        for step in (FIVE, HOUR, DAY):
            assert ask(store, step, aggregate) == ask(reference, step, aggregate)
    store.close()


def test_upkeep_lets_a_waiting_write_go_first_but_not_forever(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("ioc.store.sqlite.time.sleep", pauses.append)
    store._waiting.let_through()
    assert pauses == [], "nobody waits"
    with store._waiting:
        store._waiting.let_through()
    assert len(pauses) == PATIENCE
    pauses.clear()
    monkeypatch.setattr(
        "ioc.store.sqlite.time.sleep",
        lambda _s: (pauses.append(1), store._waiting.__exit__())[0],
    )
    store._waiting.__enter__()
    store._waiting.let_through()
    assert len(pauses) == 1
