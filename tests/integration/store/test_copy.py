"""One store into another: to the last sample, whatever the two are; refused where it must be."""

from __future__ import annotations

import base64
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from ioc import i18n
from ioc.store import open_store
from ioc.store._retention import Retention
from ioc.store._windows import HELD
from ioc.store.base import Aggregate, Listed, Point, Series, SeriesQuery, Store
from ioc.store.sqlite import SqliteStore
from ioc.storecopy import Copied, CopyError, Report, chunks, copy
from ioc.storecopy.places import open_source, open_target
from tests.integration.store._servers import Influx, Victoria, running

T0 = 1_770_000_000_000 // 86_400_000 * 86_400_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LOCAL = -7 * HOUR
ODD = ["Xã Yên Thịnh", "a b", "a,b=c", 'quote"d', "back\\slash", "line\nbreak", "", "%", "100%"]
VALUES = [0.0, 1.0, -1e-9, 0.1, 1 / 3, 123456.789012, 2.5]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    before = i18n.language()
    i18n.use_language("en")
    yield
    i18n.use_language(before)


def quiet(what: str, done: int, total: int) -> None:
    assert done <= total


def fill(store: Store, *, days: int = 3, assets: int = 4) -> int:
    """Several measurements, odd tags, gaps, a dense hour, single samples years apart: so many."""
    chance = random.Random(5)
    for day in range(days):
        points = [
            Point("check", (("asset", f"a{i}"), ("site", ODD[i % len(ODD)])),
                  {"up": float(chance.random() < 0.9), "rtt_ms": chance.choice(VALUES)},
                  T0 + day * DAY + t)
            for i in range(assets)
            for t in range(0, DAY, 10 * MINUTE)
        ]  # fmt: skip
        store.write(points)
    store.write([Point("check", (("asset", "dense"),), {"up": 1.0}, T0 + t) for t in range(3_000)])
    store.write([Point("coverage", (("site", name),), {"value": 1 / 3}, T0) for name in ODD])
    store.write([Point("ioc", (), {"polls": 1.0}, T0 - 4000 * DAY)])
    store.write([Point("ioc", (), {"polls": 2.0}, T0 + 9 * DAY + 1)])
    return days * assets * 144 * 2 + 3_000 + len(ODD) + 2


def everything(store: Store) -> list[Series]:
    """All samples, as plain lists."""
    found = [
        series
        for one in cast("Listed", store).contents()
        for series in store.read(
            SeriesQuery(one.measurement, one.field, one.first, one.last + 1, limit=10**7)
        )
    ]
    return [replace(s, times=list(s.times), values=list(s.values)) for s in found]


def same(mine: list[Series], wanted: list[Series]) -> None:
    """To the last sample; values to 12 digits, which is what VictoriaMetrics keeps."""
    assert [(s.measurement, s.field, s.tags, list(s.times)) for s in mine] == [
        (s.measurement, s.field, s.tags, list(s.times)) for s in wanted
    ]
    for one, other in zip(mine, wanted, strict=True):
        assert list(one.values) == pytest.approx(list(other.values), rel=1e-11, abs=1e-13)


Place = Callable[[], str]


@pytest.fixture
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Place]:
    """URLs of empty stores of a kind, one after the other."""

    def of(kind: str) -> Place:
        if kind == "sqlite":
            return lambda: f"sqlite:///{tmp_path / uuid.uuid4().hex}.db"
        if kind == "influxdb":
            influx: Influx = request.getfixturevalue("influx")
            return lambda: influx.url(uuid.uuid4().hex)
        victoria: Victoria = request.getfixturevalue("victoria")
        victoria.wipe()
        return lambda: victoria.url

    return of


WAYS = [
    ("sqlite", "influxdb"),
    ("sqlite", "victoriametrics"),
    ("influxdb", "sqlite"),
    ("influxdb", "influxdb"),
    ("victoriametrics", "sqlite"),
    ("victoriametrics", "influxdb"),
    ("influxdb", "victoriametrics"),
]


@pytest.mark.parametrize(("kind", "other"), WAYS, ids=lambda kind: kind)
def test_every_sample_arrives(
    kind: str, other: str, places: Callable[[str], Place], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(chunks, "SAMPLES", 1_000)  # many stretches
    monkeypatch.setattr(chunks, "LARGEST", 2_000)  # halved in the dense second
    source, target = places(kind)(), places(other)()
    store = open_store(source)
    wanted = settled(store, fill(store))
    store.close()
    report = copy(source, target, tmp_path / "data", quiet)
    there = open_store(target)
    same(everything(there), wanted)
    there.close()
    assert sum(one.samples for one in report.fields) == sum(len(s.times) for s in wanted)
    assert all(one.written == one.samples for one in report.fields)
    again = copy(source, target, tmp_path / "data", quiet)
    assert [one.sum for one in again.fields] == [one.sum for one in report.fields]
    assert sum(one.written for one in again.fields) == 0


def settled(store: Store, samples: int) -> list[Series]:
    """Everything, when a server shows all that was written; VictoriaMetrics takes its time."""
    end = time.monotonic() + 30
    while True:
        now = everything(store)
        if sum(len(series.times) for series in now) >= samples:
            return now
        assert time.monotonic() < end
        time.sleep(0.3)


# --- SQLite to SQLite: all levels

KEEP = Retention(raw=2, five_minutes=4, hours=8, days=3000)


def aged(path: Path) -> SqliteStore:
    """A store with samples, and windows of every level where samples are gone."""
    store = SqliteStore(path, keep=KEEP)
    for day in range(12):
        store.write(
            [Point("check", (("asset", str(i)),), {"up": float(t % 3 > 0), "rtt_ms": t / 7},
                   T0 + day * DAY + t * 5 * MINUTE)
             for i in range(3) for t in range(288)]
        )  # fmt: skip
        store.maintain(T0 + (day + 1) * DAY)
    store.write([Point("check", (("asset", "0"),), {"up": 1.0}, T0 + 12 * DAY + t) for t in (5, 9)])
    store.write([Point("check", (("asset", "0"),), {"up": 1.0}, T0 + 2 * DAY + 1)])  # came late
    return store


def answers(store: Store) -> list[Series]:
    """Of every aggregate, by the hour, by the local day and raw, over all of history."""
    found = []
    for field in ("up", "rtt_ms"):
        for aggregate in Aggregate:
            if field == "up" or aggregate not in HELD:
                for step in (HOUR, DAY):
                    found += store.read(
                        SeriesQuery("check", field, T0 + LOCAL, T0 + 13 * DAY, {}, step,
                                    aggregate, 10**6, LOCAL)
                    )  # fmt: skip
        found += store.read(SeriesQuery("check", field, T0, T0 + 13 * DAY, limit=10**6))
    return [replace(s, times=list(s.times), values=list(s.values)) for s in found]


def test_an_embedded_store_is_copied_with_its_history(tmp_path: Path) -> None:
    """While a program has it open and writes to it; the copy goes on as the original does."""
    store = aged(tmp_path / "a.db")
    wanted = answers(store)
    report = copy(f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db", tmp_path, quiet)
    assert {one.table for one in report.tables} == {"raw", "rollup_5m", "rollup_1h", "rollup_1d"}
    other = SqliteStore(tmp_path / "b.db", keep=KEEP)
    assert answers(other) == wanted
    for one in (store, other):
        one.write([Point("check", (("asset", "0"),), {"up": 0.0}, T0 + 12 * DAY + HOUR)])
        one.maintain(T0 + 14 * DAY)
    assert answers(other) == answers(store)
    store.close()
    other.close()


def test_history_whose_samples_are_gone_goes_to_a_server_as_means(
    influx: Influx, tmp_path: Path
) -> None:
    store = aged(tmp_path / "a.db")
    url = influx.url(uuid.uuid4().hex)
    report = copy(f"sqlite:///{tmp_path}/a.db", url, tmp_path, quiet)
    steps = {one.step for one in report.fields}
    assert steps == {None, 5 * MINUTE, HOUR, DAY}
    other = open_store(url)
    query = SeriesQuery("check", "rtt_ms", T0 + LOCAL, T0 + 13 * DAY, {}, DAY, offset=LOCAL)
    mine, wanted = other.read(query), store.read(query)
    for one, copied in zip(wanted, mine, strict=True):
        assert copied.times == one.times
        assert list(copied.values) == pytest.approx(list(one.values))
    raw = SeriesQuery("check", "rtt_ms", T0 + 11 * DAY, T0 + 13 * DAY)
    same(other.read(raw), store.read(raw))
    store.close()
    other.close()


# --- what is refused


def test_a_store_is_not_copied_into_itself(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "a.db").close()
    (tmp_path / "b.db").symlink_to(tmp_path / "a.db")
    (tmp_path / "c.db").hardlink_to(tmp_path / "a.db")
    names = [f"sqlite:///{tmp_path}/{name}" for name in ("a.db", "x/../a.db", "b.db", "c.db")]
    remote = ["influxdb://localhost:8086/ioc?org=a", "influxdb://127.0.0.1:8086/ioc"]
    for one, other in [*((names[0], name) for name in names), tuple(remote)]:
        with pytest.raises(CopyError, match="the same store"):
            copy(one, other, tmp_path, quiet, add=True)
    with pytest.raises(CopyError, match="keeps nothing"):
        copy(names[0], "memory://", tmp_path, quiet)


def test_a_store_that_is_not_empty_is_left_alone_unless_asked(
    influx: Influx, tmp_path: Path
) -> None:
    source, url = f"sqlite:///{tmp_path}/a.db", influx.url(uuid.uuid4().hex)
    store = open_store(source)
    fill(store, days=1)
    wanted = everything(store)
    store.close()
    other = open_store(url)
    mine = Point("check", (("asset", "mine"),), {"up": 1.0}, T0 + HOUR)
    other.write([mine])
    with pytest.raises(CopyError, match=r"not empty.*--add"):
        copy(source, url, tmp_path, quiet)
    copy(source, url, tmp_path, quiet, add=True)
    added = [s for s in everything(other) if dict(s.tags).get("asset") != "mine"]
    same(added, wanted)
    assert len(everything(other)) == len(wanted) + 1
    other.close()
    with pytest.raises(CopyError, match=r"exists|not empty"):
        copy(url, source, tmp_path, quiet)


def test_another_value_at_the_same_time_is_told_not_overwritten(
    influx: Influx, tmp_path: Path
) -> None:
    source, url = f"sqlite:///{tmp_path}/a.db", influx.url(uuid.uuid4().hex)
    for one, value in ((source, 1.0), (url, 7.0)):
        store = open_store(one)
        store.write([Point("check", (), {"up": value}, T0)])
        store.close()
    with pytest.raises(CopyError, match="1 have another value"):
        copy(source, url, tmp_path, quiet, add=True)
    other = open_store(url)
    [series] = other.read(SeriesQuery("check", "up", T0, T0 + 1))
    assert list(series.values) == [7.0]
    other.close()


@pytest.mark.parametrize(("kind", "other"), WAYS[:3], ids=lambda kind: kind)
def test_what_was_written_over_in_the_source_is_brought_when_it_goes_on(
    kind: str, other: str, places: Callable[[str], Place], tmp_path: Path
) -> None:
    source, target = places(kind)(), places(other)()
    store = open_store(source)
    samples = fill(store, days=1) + 1
    first = Point("incident", (("asset", "a"),), {"until": 5.0}, T0)
    store.write([first])
    settled(store, samples)
    copy(source, target, tmp_path / "data", quiet)
    later = [replace(first, fields={"until": 9.0}), replace(first, time=T0 + MINUTE)]
    store.write(later)
    wanted = settled(store, samples + 1)
    store.close()
    report = copy(source, target, tmp_path / "data", quiet)
    assert sum(one.written for one in report.fields) == len(later)
    there = open_store(target)
    same(everything(there), wanted)
    there.close()


def test_no_such_file_and_no_store(tmp_path: Path) -> None:
    from ioc.store.base import StoreError

    with pytest.raises(StoreError, match="no such file"):
        copy(f"sqlite:///{tmp_path}/none.db", f"sqlite:///{tmp_path}/b.db", tmp_path, quiet)
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreError, match="no such file"):
        copy(f"sqlite:///{tmp_path}/folder.db", f"sqlite:///{tmp_path}/b.db", tmp_path, quiet)
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="of another version"):
        copy(f"sqlite:///{tmp_path}/empty.db", f"sqlite:///{tmp_path}/b.db", tmp_path, quiet)
    (tmp_path / "text.db").write_text("no database " * 1000)
    with pytest.raises(StoreError, match="damaged"):
        copy(f"sqlite:///{tmp_path}/text.db", f"sqlite:///{tmp_path}/b.db", tmp_path, quiet)
    with pytest.raises(StoreError, match="no such store"):
        copy("mysql://x", f"sqlite:///{tmp_path}/b.db", tmp_path, quiet)
    assert not (tmp_path / "b.db").exists()


# --- a server that goes away


def test_a_server_that_is_away_for_a_moment_is_asked_again(tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/a.db"
    store = open_store(source)
    fill(store, days=4, assets=40)
    wanted = everything(store)
    store.close()
    with running(Influx(tmp_path / "influx")) as server:
        url = server.url("ioc")
        outcome: list[Report] = []
        copying = threading.Thread(
            target=lambda: outcome.append(copy(source, url, tmp_path, quiet))
        )
        copying.start()
        time.sleep(0.4)
        server.kill()
        time.sleep(1.0)
        server.start()
        copying.join(60)
        assert outcome, "it went on"
        other = open_store(url)
        same(everything(other), wanted)
        other.close()


def test_chunks_leave_no_gap_and_are_of_a_bearable_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "SAMPLES", 500)
    store = SqliteStore(tmp_path / "a.db")
    fill(store)
    for one in store.contents():
        whole = chunks.Chunk(one.measurement, one.field, one.first, one.last + 1)
        parts = list(chunks.chunks(store, whole))
        found = [s for part in parts for _c, all_ in chunks.samples(store, part) for s in all_]
        total = sum(len(s.times) for s in store.read(whole.query(10**9)))
        assert sum(len(s.times) for s in found) == total
        assert all(a.end <= b.start for a, b in pairwise(parts))
    store.close()


def test_the_report_names_every_field(tmp_path: Path, influx: Influx) -> None:
    source = f"sqlite:///{tmp_path}/a.db"
    store = open_store(source)
    fill(store, days=1)
    store.close()
    report = copy(source, influx.url(uuid.uuid4().hex), tmp_path, quiet)
    names = [(one.measurement, one.field) for one in report.fields]
    assert names == [("check", "rtt_ms"), ("check", "up"), ("coverage", "value"), ("ioc", "polls")]
    assert all(isinstance(one, Copied) and len(one.sum) == 64 for one in report.fields)


@pytest.mark.parametrize("usual", [None, "target:secret"])
def test_the_source_may_have_a_token_of_its_own(
    usual: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if usual is not None:
        monkeypatch.setenv("IOC_STORE_TOKEN", usual)
    monkeypatch.setenv("IOC_STORE_TOKEN_FROM", "source:secret")
    url = "influxdb://127.0.0.1:1/ioc"
    source, target = cast("Any", open_source(url)), cast("Any", open_target(url))
    basic = base64.b64encode(b"source:secret").decode()
    assert source._http._headers == {"Authorization": f"Basic {basic}"}
    assert target._http._headers != source._http._headers
    assert os.environ.get("IOC_STORE_TOKEN") == usual
    source.close()
    target.close()
