"""What is special about VictoriaMetrics: its cluster, its flags, its clock, its kill -9."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ioc.i18n import use_language
from ioc.outbox.batches import Batches
from ioc.store._outboxed import OutboxedStore
from ioc.store._vmread import SETTLED
from ioc.store._windows import HELD
from ioc.store.base import Aggregate, Point, SeriesQuery, Store, StoreRefused, StoreUnavailable
from ioc.store.memory import MemoryStore
from ioc.store.victoriametrics import open_url
from tests.integration.store._loss import QUICK, delivered, until
from tests.integration.store._loss import points as outage_points
from tests.integration.store._scripted import Request, Response, scripted
from tests.integration.store._servers import Cluster, Nginx, Victoria, running, together
from tests.integration.store._stores import CLUSTER

T0 = 1_770_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SAMPLED = [aggregate for aggregate in Aggregate if aggregate not in HELD]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("vi")


def points(start: int, count: int, every: int) -> list[Point]:
    return [
        Point("check", (("asset", f"máy {i % 7}"),), {"rtt_ms": float(i % 101)}, start + i * every)
        for i in range(count)
    ]


def alike(store: Store, reference: Store, query: SeriesQuery) -> None:
    mine, wanted = store.read(query), reference.read(query)
    assert [(s.tags, list(s.times)) for s in mine] == [(s.tags, list(s.times)) for s in wanted]
    for one, other in zip(mine, wanted, strict=True):
        assert list(one.values) == pytest.approx(list(other.values), rel=1e-9)


# Addresses as in the cluster's documentation: vminsert, vmselect and vmstorage, each on a port.
INSERT = """
    location ~ ^/insert/0/influx/api/v2/write$ {
      rewrite ^ /api/v2/write break;
      proxy_pass http://127.0.0.1:BEHIND;
    }
    location = /metrics { proxy_pass http://127.0.0.1:BEHIND; }
"""
SELECT = """
    location ~ ^/select/0/prometheus/(.*)$ {
      rewrite ^/select/0/prometheus/(.*)$ /$1 break;
      proxy_pass http://127.0.0.1:BEHIND;
    }
    location = /health { proxy_pass http://127.0.0.1:BEHIND; }
    location = /metrics { proxy_pass http://127.0.0.1:BEHIND; }
"""


def test_the_addresses_of_a_cluster_are_used(victoria: Victoria, tmp_path: Path) -> None:
    """Debian has no cluster: the single node answers behind addresses of one."""
    victoria.wipe()
    behind = str(victoria.port)
    insert = Nginx(tmp_path / "insert", INSERT.replace("BEHIND", behind))
    select = Nginx(tmp_path / "select", SELECT.replace("BEHIND", behind))
    with running(insert), running(select):
        hosts = f"127.0.0.1:{insert.port},127.0.0.1:{select.port}"
        store = open_url(f"victoriametrics://{hosts}/?tenant=0&storage=127.0.0.1:{behind}")
        reference = MemoryStore()
        for one in (store, reference):
            one.write(points(T0, 500, MINUTE))
        victoria.flush()
        for step in (None, HOUR):
            alike(store, reference, SeriesQuery("check", "rtt_ms", T0, T0 + DAY, step=step))
        health = store.health()
        assert health.ok
        assert health.size is not None
        assert health.free
        store.close()


def test_part_of_an_answer_is_not_taken_for_the_whole() -> None:
    """A cluster of which a vmstorage is away answers with what the others have, unless asked."""

    def answer(request: Request) -> Response:
        if request.path == "/metrics":
            flag = b'flag{name="dedup.minScrapeInterval", value="1ms"} 1\n'
            return Response(200, flag + b"vm_app_start_timestamp 1")
        if request.path.endswith("/values"):
            return Response(200, b'{"data": ["check_rtt_ms"]}')
        if request.path.endswith("/export"):
            return Response(200, b"")
        return Response(200, b'{"data": {"result": []}}')

    with scripted(answer) as server:
        host = f"127.0.0.1:{server.port}"
        store = open_url(f"victoriametrics://{host},{host}/?tenant=0&storage=none")
        store.contents()
        store.read(SeriesQuery("check", "rtt_ms", T0 + 1, T0 + DAY, step=HOUR))
        asked = {r.path.rpartition("/")[2]: r.body for r in server.asked if r.method == "POST"}
        assert set(asked) == {"values", "query", "query_range", "export"}
        assert all(b"deny_partial_response=1" in body for body in asked.values())
        store.close()


@pytest.mark.parametrize("storage", ["none", "two"])
@pytest.mark.parametrize("again", [3, -500])
def test_whichever_process_of_a_cluster_was_started_anew_is_noticed(
    storage: str, again: int
) -> None:
    """vminsert too, which acknowledges what is in its memory; and one whose clock is behind."""
    starts = [1000.0, 2000.0, 3000.0]

    def process(number: int) -> Callable[[object], Response]:
        said = lambda _request: f"vm_app_start_timestamp {starts[number]}".encode()  # noqa: E731
        return lambda request: Response(200, said(request))

    with (
        scripted(process(0)) as insert,
        scripted(process(1)) as one,
        scripted(process(2)) as two,
    ):
        stores = f"127.0.0.1:{one.port},127.0.0.1:{two.port}" if storage == "two" else "none"
        hosts = f"127.0.0.1:{insert.port},127.0.0.1:{one.port}"
        store = open_url(f"victoriametrics://{hosts}/?tenant=0&storage={stores}")
        for number in range(3 if storage == "two" else 1):
            before = store.started_at()
            assert before is not None
            assert store.started_at() == before
            starts[number] += again
            assert store.started_at() not in (before, None)
        store.close()


@pytest.mark.parametrize("which", range(4))
def test_whichever_process_of_a_cluster_is_killed_nothing_is_lost(
    tmp_path: Path, which: int
) -> None:
    if not CLUSTER:
        pytest.skip("IOC_TEST_VICTORIA_CLUSTER (a folder with vminsert and the others) is not set")
    chance, times = random.Random(11), []
    with together(Cluster(Path(CLUSTER), tmp_path / "cluster")) as cluster:
        url = cluster.url
        remote: Any = open_url(url)
        store = OutboxedStore(remote, Batches(tmp_path / "outbox.db"), QUICK)
        victim = cluster.all[which]
        for number in range(200):
            times.append(T0 + number * 1_000)
            store.write(outage_points(times[-1]))
            if number % 50 == 25:
                time.sleep(chance.uniform(0.0, 1.5))
                victim.kill()
                times.append(T0 + DAY + number * 1_000)
                store.write(outage_points(times[-1]))
                time.sleep(chance.uniform(0.0, 1.0))
                victim.start()
            time.sleep(0.002)
        until(lambda: delivered(store), 40, "everything is delivered")
        time.sleep(2 * QUICK.look)  # in which the last restart is noticed
        until(lambda: delivered(store), 40, "and what a process had forgotten")
        store.close()
        cluster.flush()
        reader = open_url(url)
        query = SeriesQuery("check", "up", T0 - DAY, T0 + 10 * DAY, limit=10**6)
        found = {dict(s.tags)["asset"]: list(s.times) for s in reader.read(query)}
        counts = reader.read(replace(query, step=DAY, aggregate=Aggregate.COUNT))
        reader.close()
    assert found == {f"may-{i}": sorted(times) for i in range(20)}
    assert sum(sum(s.values) for s in counts) == 20 * len(times), "each once"


def test_the_tenant_of_a_cluster_must_be_there(victoria: Victoria, tmp_path: Path) -> None:
    select = Nginx(tmp_path, SELECT.replace("BEHIND", str(victoria.port)))
    with running(select):
        store = open_url(f"victoriametrics://127.0.0.1:{select.port}/?tenant=5&storage=none")
        with pytest.raises(StoreUnavailable, match="not found"):
            store.read(SeriesQuery("check", "rtt_ms", T0, T0 + 1))
        assert store.started_at() is None
        store.close()


def test_without_its_flag_what_was_sent_twice_counts_once_all_the_same(tmp_path: Path) -> None:
    with running(Victoria(tmp_path, "-search.disableCache")) as server:
        store, reference = open_url(server.url), MemoryStore()
        for one in (store, reference):
            one.write(points(T0, 900, MINUTE))
        store.write(points(T0, 900, MINUTE))
        server.flush()
        store.write(points(T0, 900, MINUTE))
        server.flush()
        for aggregate in SAMPLED:
            query = SeriesQuery("check", "rtt_ms", T0 + 1, T0 + DAY, step=HOUR, aggregate=aggregate)
            alike(store, reference, query)
        for value in (3.0, 9.0, 5.0):
            store.write([Point("check", (), {"rtt_ms": value}, T0)])
            server.flush()
        query = SeriesQuery("check", "rtt_ms", T0, T0 + 1)
        assert [list(s.values) for s in store.read(query) if not s.tags] == [[9.0]]
        store.close()


def test_the_newest_samples_are_in_steps_as_they_are(victoria: Victoria) -> None:
    victoria.wipe()
    store, reference = open_url(victoria.url), MemoryStore()
    now = int(time.time() * 1000)
    start = now - SETTLED - 10 * MINUTE
    some = points(start, (now - start) // 1000 - 40, 1000)  # the newest forty seconds are silent
    for one in (store, reference):
        one.write(some)
    victoria.flush()
    for aggregate in SAMPLED:
        for step in (1000, 7_000, MINUTE):
            query = SeriesQuery(
                "check", "rtt_ms", start + 500, now + MINUTE, step=step, aggregate=aggregate
            )
            alike(store, reference, query)
    store.close()


def test_a_new_series_becomes_visible_by_itself(victoria: Victoria) -> None:
    victoria.wipe()
    store = open_url(victoria.url)
    store.write([Point("check", (), {"rtt_ms": 1.0}, T0)])
    deadline = time.monotonic() + 30  # ten seconds, and what a busy machine adds
    while not store.read(SeriesQuery("check", "rtt_ms", T0, T0 + 1)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    store.close()


def test_what_it_would_drop_in_silence_is_refused(tmp_path: Path) -> None:
    now = int(time.time() * 1000)
    with running(Victoria(tmp_path, "-retentionPeriod=30d")) as server:
        store = open_url(server.url)
        store.write([Point("check", (), {"rtt_ms": 1.0}, now - 29 * DAY)])
        for late in (now + 3 * DAY, now - 31 * DAY, -1, now * 1000):
            with pytest.raises(StoreRefused, match=f"does not keep {late}: before 1970, past"):
                store.send(f"check rtt_ms=1.0 {now}\ncheck rtt_ms=1.0 {late}".encode())
        with pytest.raises(StoreRefused, match='not a line of numbers: check rtt_ms="a" 5'):
            store.send(b'check rtt_ms="a" 5')
        server.flush()
        found = store.read(SeriesQuery("check", "rtt_ms", 0, now + 9 * DAY))
        assert [list(s.times) for s in found] == [[now - 29 * DAY]]
        store.close()


@pytest.mark.parametrize("years", [-6, 150])
def test_a_dead_clock_of_ours_refuses_nothing(
    victoria: Victoria, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    """After a reboot without a battery it is 2020; by mistake it is beyond the retention."""
    victoria.wipe()
    store, right = open_url(victoria.url), time.time
    now = int(right() * 1000)
    live = now + years * 365 * DAY
    monkeypatch.setattr(time, "time", lambda: right() + years * 365 * 86_400)
    good = [Point("check", (), {"rtt_ms": 1.0}, at) for at in (now - HOUR, now)]
    store.write(good)
    if years > 0:
        with pytest.raises(StoreUnavailable, match=f"keep {live}, but its clock is not ours"):
            store.send(f"check rtt_ms=1.0 {live}".encode())
        monkeypatch.undo()
        with pytest.raises(StoreRefused, match=f"does not keep {live}"):
            store.send(f"check rtt_ms=1.0 {live}".encode())
    else:
        store.send(f"check rtt_ms=1.0 {live}".encode())
        monkeypatch.undo()
    victoria.flush()
    [series] = store.read(SeriesQuery("check", "rtt_ms", now - DAY, now + DAY))
    assert list(series.times) == [now - HOUR, now]
    store.close()


def test_a_killed_server_is_noticed_and_what_is_sent_again_is_there_once(tmp_path: Path) -> None:
    with running(Victoria(tmp_path)) as server:
        store, reference = open_url(server.url), MemoryStore()
        before = store.started_at()
        some = points(T0, 20_000, 1000)
        reference.write(some)
        store.write(some)
        server.kill()
        with pytest.raises(StoreUnavailable, match="no connection"):
            store.started_at()
        time.sleep(1.1)  # the server tells whole seconds
        server.start()
        after = store.started_at()
        assert before is not None
        assert after is not None
        assert after > before
        store.write(some)
        server.flush()
        alike(store, reference, SeriesQuery("check", "rtt_ms", T0, T0 + DAY))
        query = SeriesQuery("check", "rtt_ms", T0, T0 + DAY, step=HOUR, aggregate=Aggregate.COUNT)
        alike(store, reference, query)
        store.close()


def test_a_server_that_does_not_tell_its_flags_is_used_all_the_same(
    victoria: Victoria, tmp_path: Path
) -> None:
    victoria.wipe()
    closed = (
        "location = /metrics { return 403; } location / { proxy_pass http://127.0.0.1:BEHIND; }"
    )
    with running(Nginx(tmp_path, closed.replace("BEHIND", str(victoria.port)))) as front:
        store, reference = open_url(f"victoriametrics://127.0.0.1:{front.port}"), MemoryStore()
        for one in (store, reference):
            one.write(points(T0, 500, MINUTE))
        victoria.flush()
        alike(store, reference, SeriesQuery("check", "rtt_ms", T0, T0 + DAY, step=HOUR))
        with pytest.raises(StoreUnavailable, match="not permitted"):
            store.started_at()
        health = store.health()
        assert (health.ok, health.size, health.free) == (True, None, None)
        store.close()


def test_a_proxy_that_passes_on_questions_only_is_no_server_away(
    victoria: Victoria, tmp_path: Path
) -> None:
    victoria.wipe()
    only = """
    location = /api/v1/query { proxy_pass http://127.0.0.1:BEHIND; }
    location = /api/v2/write { proxy_pass http://127.0.0.1:BEHIND; }
    location / { return 404; }
    """
    with running(Nginx(tmp_path, only.replace("BEHIND", str(victoria.port)))) as front:
        store = open_url(f"victoriametrics://127.0.0.1:{front.port}")
        store.write(points(T0, 5, MINUTE))
        assert store.health().ok
        store.close()
    with running(Nginx(tmp_path / "none", "location / { return 404; }")) as front:
        store = open_url(f"victoriametrics://127.0.0.1:{front.port}")
        assert "not found" in str(store.health().problem)
        store.close()


def test_as_many_tags_and_letters_as_are_taken_come_back(victoria: Victoria) -> None:
    victoria.wipe()
    store = open_url(victoria.url)
    tags = tuple(sorted({**{f"tag{i}": f"a, {i}" for i in range(27)}, "site": "𠀀" * 1000}.items()))
    store.write([Point("check", tags, {"up": 1.0}, T0)])
    victoria.flush()
    [series] = store.read(SeriesQuery("check", "up", T0, T0 + 1, {"site": ("𠀀" * 1000,)}))
    assert series.tags == tags
    with pytest.raises(StoreRefused, match="more than 28 tags"):
        store.write([Point("check", (*tags, ("z", "1")), {"up": 1.0}, T0)])
    store.close()
