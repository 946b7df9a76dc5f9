"""Servers that are away, slow, full, strange or closed to us: which error, in which words."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

from ioc.i18n import use_language
from ioc.store import open_store
from ioc.store._address import TOKEN
from ioc.store._lines import encode
from ioc.store.base import (
    Point,
    SeriesQuery,
    StoreRefused,
    StoreTooLarge,
    StoreUnavailable,
)
from ioc.store.influxdb import InfluxStore
from ioc.store.influxdb import open_url as open_influx
from ioc.store.victoriametrics import VictoriaStore
from ioc.store.victoriametrics import open_url as open_victoria
from tests.integration.store._scripted import Response, scripted
from tests.integration.store._servers import Influx, Victoria, ask, free_port, running

T0 = 1_770_000_000_000
TAGS = (("asset", "yen-thinh.fiber"),)
POINT = Point("check", TAGS, {"rtt_ms": 12.5}, T0)
LINE = "\n".join(encode([POINT])).encode()
QUERY = SeriesQuery("check", "rtt_ms", T0, T0 + 10)
VERSION = {"X-Influxdb-Version": "1.8.10"}

Remote = InfluxStore | VictoriaStore


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("vi")


@pytest.fixture
def database(influx: Influx) -> Iterator[str]:
    name = uuid.uuid4().hex
    yield name
    influx.drop(name)


def of_kind(kind: str, port: int, options: str = "") -> Remote:
    if kind == "influxdb":
        return open_influx(f"influxdb://127.0.0.1:{port}/ioc{options}")
    return open_victoria(f"victoriametrics://127.0.0.1:{port}{options}")


KINDS = pytest.mark.parametrize("kind", ["influxdb", "victoriametrics"])


@KINDS
def test_a_server_that_is_away_is_unavailable(kind: str) -> None:
    store = of_kind(kind, free_port())
    with pytest.raises(StoreUnavailable, match="cannot be reached: no connection"):
        store.send(LINE)
    with pytest.raises(StoreUnavailable, match="cannot be reached: no connection"):
        store.read(QUERY)
    assert not store.health().ok
    assert "no connection" in str(store.health().problem)
    store.close()


@KINDS
def test_a_server_that_never_answers_is_unavailable_after_the_timeout(kind: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = of_kind(kind, silent.getsockname()[1], "?timeout=1")
        with pytest.raises(StoreUnavailable, match="no answer in time"):
            store.send(LINE)
        with pytest.raises(StoreUnavailable, match="no answer in time"):
            store.read(QUERY)
        store.close()


def test_a_server_that_hangs_is_unavailable_until_it_goes_on(tmp_path: Path) -> None:
    with running(Victoria(tmp_path)) as server:
        store = open_victoria(f"{server.url}?timeout=1")
        store.send(LINE)
        server.freeze()
        with pytest.raises(StoreUnavailable, match="no answer in time"):
            store.send(LINE)
        server.thaw()
        store.send(LINE)
        store.close()


@KINDS
@pytest.mark.parametrize(
    ("response", "kind_of_error", "words"),
    [
        (Response(500, b"boom"), StoreUnavailable, "answers with 500 (boom)"),
        (Response(503), StoreUnavailable, "answers with 503 (-)"),
        (Response(413), StoreTooLarge, "too much at once"),
        (Response(301, headers={"Location": "http://127.0.0.1:1/"}), StoreUnavailable, "301"),
        (Response(200, b"<html>Welcome to the hotel"), StoreUnavailable, "another server"),
        (Response(401, b'{"error":"no"}'), StoreUnavailable, "not permitted (no); look at IOC_ST"),
        (Response(200, b"x", broken=True), StoreUnavailable, "connection broke"),
        (Response(500, b"\xff\xfe"), StoreUnavailable, ""),
    ],
)
def test_whatever_a_server_answers_to_a_write_is_an_error_in_words(
    kind: str, response: Response, kind_of_error: type[Exception], words: str
) -> None:
    def answer(request: object) -> Response:
        if "write" in request.path:  # type: ignore[attr-defined]
            return response
        if request.path == "/metrics":  # type: ignore[attr-defined]
            return Response(200, b"vm_app_start_timestamp 1")
        return Response(200, b'{"results":[{}]}', VERSION)

    with scripted(answer) as server:
        store = of_kind(kind, server.port)
        with pytest.raises(kind_of_error) as error:
            store.send(LINE)
        assert words in str(error.value)
        store.close()


@KINDS
def test_a_server_that_is_overloaded_says_when_to_come_back(kind: str) -> None:
    busy = Response(429, b"slow down", {"Retry-After": "17", **VERSION})
    with scripted(lambda _request: busy) as server:
        store = of_kind(kind, server.port)
        for act in (lambda: store.send(LINE), lambda: store.read(QUERY)):
            with pytest.raises(StoreUnavailable) as error:
                act()
            assert error.value.retry_after == 17.0
        store.close()


@KINDS
@pytest.mark.parametrize(
    ("body", "broken"),
    [(b"<html>", False), (b'{"results":[{"series":[{"values":[[1', True), (b"[1]\n", False)],
)
def test_half_an_answer_is_no_answer(kind: str, body: bytes, broken: bool) -> None:
    with scripted(lambda _request: Response(200, body, VERSION, broken)) as server:
        store = of_kind(kind, server.port)
        with pytest.raises(StoreUnavailable):
            store.read(QUERY)
        assert not store.health().ok or kind == "victoriametrics"
        store.close()


@pytest.mark.parametrize("said", [b"unsupported path requested", b"cannot parse precision"])
def test_a_400_of_victoriametrics_is_never_the_fault_of_a_line(said: bytes) -> None:
    with scripted(lambda _request: Response(400, said)) as server:
        store = open_victoria(f"victoriametrics://127.0.0.1:{server.port}")
        with pytest.raises(StoreUnavailable, match=said.decode()):
            store.send(LINE)
        store.close()


def test_the_secret_is_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "s3cret")
    with scripted(lambda _request: Response(401, b'{"message":"unauthorized access"}')) as server:
        for kind, scheme in (("influxdb", "Token"), ("victoriametrics", "Bearer")):
            store = of_kind(kind, server.port)
            server.asked.clear()
            for act in (partial(store.send, LINE), partial(store.read, QUERY)):
                with pytest.raises(StoreUnavailable) as error:
                    act()
                assert "s3cret" not in str(error.value) + repr(error.value) + store.name
            assert {r.headers["Authorization"] for r in server.asked} == {f"{scheme} s3cret"}
            assert "s3cret" not in " ".join(r.path for r in server.asked)
            store.close()


# --- the real InfluxDB


def test_a_line_that_the_server_refuses_leaves_the_others(influx: Influx, database: str) -> None:
    store = open_influx(influx.url(database))
    store.send(LINE)
    other = encode([Point("check", TAGS, {"rtt_ms": 7.0}, T0 + 1)])[0].encode()
    with pytest.raises(StoreRefused, match="field type conflict"):
        store.send(b"\n".join([other, b'check,asset=x rtt_ms="text" 1770000000000']))
    with pytest.raises(StoreRefused, match="unable to parse"):
        store.send(b"\n".join([b"check,asset rtt_ms=1 1770000000000", other]))
    [series] = store.read(QUERY)
    assert list(zip(series.times, series.values, strict=True)) == [(T0, 12.5), (T0 + 1, 7.0)]
    store.close()


def test_what_is_past_retention_is_refused_not_lost_in_silence(
    influx: Influx, database: str
) -> None:
    store = open_influx(f"{influx.url(database)}?retention=90d")
    old = Point("check", TAGS, {"rtt_ms": 1.0}, T0 - 10 * 365 * 86_400_000)
    with pytest.raises(StoreRefused, match="beyond retention policy"):
        store.write([old])
    store.close()


@pytest.mark.parametrize(
    ("before", "option", "kept"),
    [
        (None, "", "0s"),
        (None, "?retention=90d", "2160h0m0s"),
        ("?retention=90d", "?retention=10y", "87600h0m0s"),
        ("?retention=90d", "?retention=", "0s"),
        ("?retention=90d", "", "2160h0m0s"),
    ],
)
def test_retention_is_made_as_asked_for_and_left_alone_otherwise(
    influx: Influx, database: str, before: str | None, option: str, kept: str
) -> None:
    for options in (before, option):
        if options is not None:
            store = open_influx(influx.url(database) + options)
            store.maintain(T0)
            store.close()
    said = ask(influx.port, "POST", f"/query?q=SHOW+RETENTION+POLICIES+ON+%22{database}%22")[1]
    assert f'"autogen","{kept}"' in said


def test_the_policy_that_is_in_use_is_the_one_that_changes(influx: Influx, database: str) -> None:
    policy = f"CREATE+DATABASE+%22{database}%22+WITH+DURATION+2d+NAME+%22hai ngày%22"
    assert ask(influx.port, "POST", f"/query?q={quote(policy, safe='+%')}")[0] == 200
    store = open_influx(f"{influx.url(database)}?retention=30d")
    store.maintain(T0)
    store.close()
    said = ask(influx.port, "POST", f"/query?q=SHOW+RETENTION+POLICIES+ON+%22{database}%22")[1]
    assert '"hai ngày","720h0m0s"' in said


def test_a_database_that_was_dropped_meanwhile_is_made_again(influx: Influx, database: str) -> None:
    store = open_influx(influx.url(database))
    store.write([POINT])
    influx.drop(database)
    assert store.read(QUERY) == []
    influx.drop(database)
    store.write([POINT])
    assert len(store.read(QUERY)) == 1
    assert store.health().ok
    store.close()


def test_a_body_larger_than_the_server_takes_is_too_large(influx: Influx, database: str) -> None:
    store = open_influx(influx.url(database))
    with pytest.raises(StoreTooLarge):
        store.send(b"\n".join([LINE] * (26_000_000 // len(LINE))))
    store.close()


def test_what_a_user_of_influxdb_1_may_not_do_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Influx(tmp_path)
    config = server.folder / "influxdb.conf"
    config.write_text(config.read_text().replace("[http]", "[http]\n  auth-enabled = true"))
    with running(server):
        said = [
            "CREATE+USER+root+WITH+PASSWORD+'pass1'+WITH+ALL+PRIVILEGES",
            "CREATE+USER+ioc+WITH+PASSWORD+'pass2'&u=root&p=pass1",
            "CREATE+DATABASE+ioc&u=root&p=pass1",
        ]
        for statement in said:
            assert ask(server.port, "POST", f"/query?q={statement}")[0] == 200
        monkeypatch.setenv(TOKEN, "ioc:pass2")
        store = open_influx(server.url("ioc"))
        assert "not permitted" in str(store.health().problem)
        with pytest.raises(StoreUnavailable, match="not permitted"):
            store.read(QUERY)
        other = open_influx(server.url("other"))
        with pytest.raises(StoreUnavailable, match=r"not permitted|lacks the permission"):
            other.maintain(T0)
        monkeypatch.setenv(TOKEN, "ioc:wrong")
        wrong = open_influx(server.url("ioc"))
        with pytest.raises(StoreUnavailable, match=r"authorization failed.*IOC_STORE_TOKEN"):
            wrong.read(QUERY)
        for one in (store, other, wrong):
            one.close()


@KINDS
def test_an_unknown_page_of_a_proxy_is_not_taken_for_the_store(kind: str) -> None:
    with scripted(lambda _request: Response(404, b"<html>404 page not found")) as server:
        store = open_store(
            f"influxdb://127.0.0.1:{server.port}/ioc"
            if kind == "influxdb"
            else f"victoriametrics://127.0.0.1:{server.port}"
        )
        with pytest.raises(StoreUnavailable, match=r"not found \(<html>404"):
            store.write([POINT])
        store.close()
