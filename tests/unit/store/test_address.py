"""Addresses of stores on the network, and what an HTTP status means."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from ioc.i18n import use_language
from ioc.store import open_store
from ioc.store._address import TOKEN
from ioc.store._http import BadToken, Forbidden, NotFound, failure
from ioc.store.base import StoreError, StoreRefused, StoreTooLarge, StoreUnavailable
from ioc.store.influxdb import InfluxStore
from ioc.store.victoriametrics import VictoriaStore


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("vi")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("influxdb://10.0.0.5/ioc?org=huyen", "InfluxDB http://10.0.0.5:8086/ioc"),
        ("influxdb://db.lan:9999/a%20b?tls=1", "InfluxDB https://db.lan:9999/a b"),
        ("influxdb://[::1]:8086/ioc", "InfluxDB http://[::1]:8086/ioc"),
        ("victoriametrics://127.0.0.1", "VictoriaMetrics http://127.0.0.1:8428"),
        (
            "victoriametrics://in:8480,out:8481/?tenant=0&storage=s1,s2:8482",
            "VictoriaMetrics http://out:8481",
        ),
        (
            "victoriametrics://vmauth:8427/?tenant=3:1&storage=none",
            "VictoriaMetrics http://vmauth:8427",
        ),
    ],
)
def test_an_address_is_understood_without_asking_the_server(url: str, name: str) -> None:
    store = open_store(url)
    assert isinstance(store, (InfluxStore, VictoriaStore))
    assert store.name == name
    store.close()
    store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("influxdb://127.0.0.1:8086", "must look like influxdb://127.0.0.1:8086/ioc"),
        ("influxdb:///ioc", "must look like"),
        ("influxdb://a:1,b:2/ioc", "must look like"),
        ("influxdb://h:99999/ioc", "must look like"),
        ("influxdb://h:x/ioc", "must look like"),
        (
            "influxdb://h/ioc?orgs=x",
            "unknown option orgs; one of ca, gzip, org, retention, timeout",
        ),
        ("influxdb://h/ioc?retention=ten", "retention=ten cannot be used"),
        ("influxdb://h/ioc?timeout=0", "timeout=0 cannot be used"),
        ("influxdb://h/ioc?tls=yes", "tls=yes cannot be used"),
        ("influxdb://h/ioc?tls=1&ca=/no/such.pem", "no such file: /no/such.pem"),
        ("victoriametrics://h:8428/db", "must look like victoriametrics://127.0.0.1:8428"),
        ("victoriametrics://a,b", "must look like victoriametrics://vminsert:8480,vmselect:8481"),
        ("victoriametrics://a,b/?tenant=0", "&storage=vmstorage-1:8482"),
        ("victoriametrics://a,b/?tenant=x&storage=s", "tenant=x cannot be used"),
        ("victoriametrics://a,b/?tenant=0&storage=s:x", "storage=s:x cannot be used"),
        ("victoriametrics://a?storage=s", "must look like"),
    ],
)
def test_an_address_that_cannot_be_used_is_a_clear_error(url: str, words: str) -> None:
    with pytest.raises(StoreError) as error:
        open_store(url)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "influxdb://user:mật-khẩu-1@h:8086/ioc",
        "influxdb://h:8086/ioc?token=mật-khẩu-1",
        "victoriametrics://mật-khẩu-1@h",
        "victoriametrics://h?password=mật-khẩu-1",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StoreError) as error:
        open_store(url)
    assert "khẩu-1" not in str(error.value)


def test_a_secret_that_is_no_header_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(TOKEN, "mật khẩu\r\nX: 1")
    with pytest.raises(StoreError, match="printable ASCII") as error:
        open_store("influxdb://h/ioc")
    assert "khẩu" not in str(error.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, StoreRefused),
        (401, BadToken),
        (403, Forbidden),
        (404, NotFound),
        (408, StoreUnavailable),
        (413, StoreTooLarge),
        (422, StoreRefused),
        (429, StoreUnavailable),
        (301, StoreUnavailable),
        (500, StoreUnavailable),
        (502, StoreUnavailable),
        (503, StoreUnavailable),
    ],
)
def test_each_status_is_one_kind_of_error(status: int, kind: type[StoreError]) -> None:
    error = failure("InfluxDB", status, {}, '{"code": "x", "message": "partial  write:\\nbad"}')
    assert type(error) is kind
    assert "InfluxDB" in str(error)
    if status != 413:
        assert "partial write: bad" in str(error)


def test_a_server_may_say_how_long_to_wait() -> None:
    def wait(text: str) -> float | None:
        error = failure("InfluxDB", 429, {"Retry-After": text}, b"")
        assert isinstance(error, StoreUnavailable)
        return error.retry_after

    assert wait("7") == 7.0
    assert wait("1.5") == 1.5
    assert wait("-3") == 0.0
    assert wait("999999999") == 3600.0
    assert wait("nan") is None
    assert wait("soon") is None
    assert wait("") is None
    assert wait(formatdate(time.time() - 100, usegmt=True)) == 0.0
    assert wait(formatdate(time.time() + 10_000, usegmt=True)) == 3600.0


def test_a_long_answer_is_cut_and_one_without_words_says_so() -> None:
    assert len(str(failure("InfluxDB", 400, {}, "x" * 100_000))) < 600
    assert str(failure("InfluxDB", 400, {}, b"\xff")) == "InfluxDB refuses it: \ufffd"
    assert str(failure("InfluxDB", 503, {}, "")) == "InfluxDB answers with 503 (-)"
