"""`ioc grafana publish` against a Grafana made by hand (_contract.py): once, twice, refused."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ioc import _grafana_http, _grafana_wanted
from ioc.cli import run_command
from ioc.grafana import differences
from ioc.i18n import use_language
from tests.integration.grafana._contract import TOKEN, State, grafana

STORE_TOKEN = "secret-of-the-store"
READER = "secret-of-grafana"
WRITES = {
    "folders:create", "folders:write", "datasources:create", "datasources:write",
    "dashboards:create", "playlists:write", "serviceaccounts:create", "serviceaccounts:write",
}  # fmt: skip
READS = {"folders:read", "datasources:read", "dashboards:read", "serviceaccounts:read"}


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def address(state: State) -> Iterator[str]:
    with grafana(state) as url:
        yield url


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("IOC_STORE", "influxdb://127.0.0.1:8086/ioc?org=huyen")
    monkeypatch.setenv("IOC_STORE_TOKEN", STORE_TOKEN)
    monkeypatch.setenv("IOC_GRAFANA_STORE_TOKEN", READER)
    monkeypatch.setenv("IOC_GRAFANA_TOKEN", TOKEN)
    monkeypatch.setenv("IOC_LANG", "en")
    yield
    use_language("vi")


class Run:
    """What a run of the command said. code: exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err


@pytest.fixture
def publish(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[object]:
    """Run `ioc grafana publish` for an address with some words."""

    def run(url: str, *words: str) -> Run:
        monkeypatch.setenv("IOC_GRAFANA_URL", url)
        code = run_command(["grafana", "publish", *words])
        out, err = capsys.readouterr()
        assert STORE_TOKEN not in out + err
        assert READER not in out + err
        assert TOKEN not in out + err
        assert "Traceback" not in err
        return Run(code, out, err)

    yield run


def test_a_new_grafana_gets_everything(publish, state: State, address: str) -> None:
    run = publish(address, "--console", "https://ioc.example/")
    assert run.code == 0, run.err
    assert set(state.folders) == {"mini-ioc"}
    assert len(state.dashboards) == 8
    assert {meta["folderUid"] for meta in state.meta.values()} == {"mini-ioc"}
    source = state.datasources["ioc-influxdb"]
    assert source["url"] == "http://127.0.0.1:8086"
    assert source["jsonData"]["dbName"] == "ioc"
    assert source["secureJsonFields"] == {"httpHeaderValue1": True}
    (playlist,) = state.playlists.values()
    assert {item["value"] for item in playlist["items"]} <= set(state.dashboards)
    (account,) = state.accounts.values()
    assert account["role"] == "Viewer"
    assert run.out.count("glsa_secret-1") == 1
    assert state.secrets["ioc-influxdb"] == {"httpHeaderValue1": f"Token {READER}"}
    consoles = {
        variable["query"]
        for board in state.dashboards.values()
        for variable in board["templating"]["list"]
        if variable["name"] == "console"
    }
    assert consoles == {"https://ioc.example"}


def test_a_second_time_changes_nothing(publish, state: State, address: str) -> None:
    assert publish(address).code == 0
    state.calls.clear()
    run = publish(address)
    assert run.code == 0
    assert state.calls == [("PUT", "/datasources/uid/ioc-influxdb")]  # its secret
    assert "glsa_" not in run.out
    assert run.out.count("as it should be") == 13


def test_what_somebody_changed_is_put_right(publish, state: State, address: str) -> None:
    publish(address)
    state.calls.clear()
    state.dashboards["ioc-links"]["panels"][0]["title"] = "Mine"
    state.dashboards["ioc-site"]["panels"].pop()
    state.datasources["ioc-influxdb"]["url"] = "http://elsewhere:8086"
    state.meta["ioc-center"]["folderUid"] = "other"
    state.folders["mini-ioc"]["title"] = "Other"
    next(iter(state.playlists.values()))["interval"] = "5s"
    state.accounts[1]["role"] = "Admin"
    run = publish(address)
    assert run.code == 0
    assert "panels[0].title" in run.out
    assert run.out.count(": was changed") == 7
    assert len(state.calls) == 7
    assert state.accounts[1]["role"] == "Viewer"
    assert state.meta["ioc-center"]["folderUid"] == "mini-ioc"
    assert publish(address).out.count("as it should be") == 13


def test_a_dry_run_shows_the_difference_and_writes_nothing(
    publish, state: State, address: str
) -> None:
    empty = publish(address, "--dry-run")
    assert empty.code == 0
    assert empty.out.count("would be new") == 13
    assert state.calls == []
    publish(address)
    state.dashboards["ioc-links"]["panels"][0]["title"] = "Mine"
    state.calls.clear()
    run = publish(address, "--dry-run")
    assert run.out.count("would be changed") == 1
    assert "panels[0].title" in run.out
    assert state.calls == []
    assert state.dashboards["ioc-links"]["panels"][0]["title"] == "Mine"


def test_what_files_of_that_grafana_provide_is_left(publish, state: State, address: str) -> None:
    publish(address)
    state.datasources["ioc-influxdb"] |= {"readOnly": True, "url": "http://elsewhere:8086"}
    for meta in state.meta.values():
        meta["provisioned"] = True
    state.dashboards["ioc-links"]["title"] = "Theirs"
    state.calls.clear()
    run = publish(address)
    assert run.code == 0
    assert run.out.count("provided by a file") == 9
    assert state.calls == []


def test_a_token_that_ended_is_replaced(publish, state: State, address: str) -> None:
    publish(address)
    state.tokens[1][0]["hasExpired"] = True
    run = publish(address)
    assert "glsa_secret-2" in run.out
    assert [one["name"] for one in state.tokens[1]] == ["mini-ioc-wall", "mini-ioc-wall-2"]


def test_a_store_token_that_grafana_has_not_is_sent(publish, state: State, address: str) -> None:
    publish(address)
    state.datasources["ioc-influxdb"]["secureJsonFields"] = {}
    run = publish(address)
    assert "the store's token is not there" in run.out
    assert state.datasources["ioc-influxdb"]["secureJsonFields"] == {"httpHeaderValue1": True}


def test_a_name_with_a_password_is_given_as_such(
    publish, state: State, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """InfluxDB 2 does not take it behind `Token`; InfluxDB 1 takes both."""
    monkeypatch.setenv("IOC_GRAFANA_STORE_TOKEN", "reader:secret:1")
    publish(address)
    source = state.datasources["ioc-influxdb"]
    assert (source["basicAuth"], source["basicAuthUser"]) == (True, "reader")
    assert source["secureJsonFields"] == {"basicAuthPassword": True}
    assert "secret" not in json.dumps(source)
    assert "was changed" not in publish(address).out
    monkeypatch.setenv("IOC_GRAFANA_STORE_TOKEN", "a-token")
    publish(address)
    assert state.datasources["ioc-influxdb"]["basicAuth"] is False


def test_another_secret_is_given_although_nothing_else_differs(
    publish, state: State, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(address)
    state.datasources["ioc-influxdb"]["jsonData"]["maxSeries"] = 5000
    monkeypatch.setenv("IOC_GRAFANA_STORE_TOKEN", "a-newer-one")
    assert "secret sent again" not in publish(address, "--dry-run").out
    assert state.secrets["ioc-influxdb"] == {"httpHeaderValue1": f"Token {READER}"}
    assert "as it should be, its secret sent again" in publish(address).out
    assert state.secrets["ioc-influxdb"] == {"httpHeaderValue1": "Token a-newer-one"}
    assert state.datasources["ioc-influxdb"]["jsonData"]["maxSeries"] == 5000, "an admin's own"


@pytest.mark.parametrize("reader", [None, "", STORE_TOKEN])
def test_grafana_never_gets_what_may_delete(
    publish, state: State, address: str, monkeypatch: pytest.MonkeyPatch, reader: str | None
) -> None:
    monkeypatch.delenv("IOC_GRAFANA_STORE_TOKEN")
    if reader is not None:
        monkeypatch.setenv("IOC_GRAFANA_STORE_TOKEN", reader)
    run = publish(address)
    assert run.code == 2
    (line,) = run.err.strip().splitlines()
    for part in ("IOC_GRAFANA_STORE_TOKEN", "influx v1 auth create", "--read-bucket", "GRANT READ"):
        assert part in line
    assert state.calls == []


def test_a_disabled_account_stays_so_and_is_said(publish, state: State, address: str) -> None:
    publish(address)
    state.accounts[1]["isDisabled"] = True
    state.calls.clear()
    run = publish(address)
    assert "it is disabled in Grafana" in run.out
    assert state.accounts[1]["isDisabled"] is True
    assert not [path for _verb, path in state.calls if "serviceaccounts" in path]


def test_json_for_other_programs(publish, address: str) -> None:
    run = publish(address, "--json")
    found = json.loads(run.out)
    assert [one["kind"] for one in found].count("dashboard") == 8
    assert {one["action"] for one in found} == {"new"}
    assert found[-1]["secret"] == "glsa_secret-1"


def test_victoriametrics_gets_the_other_language(
    publish, state: State, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_STORE", "victoriametrics://127.0.0.1:8480,127.0.0.2:8481/?tenant=0")
    monkeypatch.delenv("IOC_STORE_TOKEN")
    monkeypatch.delenv("IOC_GRAFANA_STORE_TOKEN")
    run = publish(address)
    assert run.code == 0, run.err
    source = state.datasources["ioc-victoriametrics"]
    assert source["jsonData"]["customQueryParameters"] == "deny_partial_response=1"
    assert source["secureJsonFields"] == {}
    assert source["url"] == "http://127.0.0.2:8481/select/0/prometheus"
    assert source["type"] == "prometheus"
    target = state.dashboards["ioc-center"]["panels"][0]["targets"][0]
    assert "expr" in target


def test_victoriametrics_is_read_as_the_store_itself_does(
    publish, state: State, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_STORE", "victoriametrics://127.0.0.1:8428/")
    monkeypatch.setenv("IOC_GRAFANA_STORE_TOKEN", "reader:a:b")
    assert publish(address).code == 0
    source = state.datasources["ioc-victoriametrics"]
    assert (source["basicAuth"], source["basicAuthUser"]) == (True, "reader")
    assert state.secrets["ioc-victoriametrics"] == {"basicAuthPassword": "a:b"}
    monkeypatch.setenv("IOC_GRAFANA_STORE_TOKEN", "a-token")
    publish(address)
    assert source != state.datasources["ioc-victoriametrics"]
    found = state.secrets["ioc-victoriametrics"]["httpHeaderValue1"]
    assert found == "Bearer a-token"
    monkeypatch.delenv("IOC_GRAFANA_STORE_TOKEN")
    run = publish(address)
    assert run.code == 2
    assert "vmauth" in run.err


def test_the_store_may_have_another_address_for_grafana(
    publish, state: State, address: str
) -> None:
    publish(address, "--store-url", "http://influxdb:8086")
    assert state.datasources["ioc-influxdb"]["url"] == "http://influxdb:8086"


def test_a_grafana_below_a_path(publish, state: State) -> None:
    with grafana(state, "/grafana") as url:
        assert publish(url + "/").code == 0
    assert len(state.dashboards) == 8


# --- troubles, one sentence each


def sentence(run: Run, *parts: str) -> None:
    """One line on standard error that says all of this, exit code 1."""
    assert run.code == 1, run.out
    (line,) = run.err.strip().splitlines()
    for part in parts:
        assert part in line, line


def test_nothing_answers(publish) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        sentence(publish(url), "no answer from Grafana at", url, "Connection refused")


def test_it_never_answers(publish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_grafana_http, "TIMEOUT", 0.3)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        sentence(publish(url), "no answer within 0.3 s")


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """A server that says the same to everybody, a few times."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def serve() -> None:
            for _ in range(3):
                try:
                    caller, _where = server.accept()
                except OSError:
                    return
                with caller:
                    caller.recv(65_536)
                    caller.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"name": "x"}',
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
    ],
    ids=["a page", "a list", "another API", "nothing there"],
)
def test_what_answers_is_no_grafana(publish, answer: bytes) -> None:
    with saying(answer) as url:
        sentence(publish(url), "is not Grafana", "IOC_GRAFANA_URL")


def test_an_address_that_leads_on(publish) -> None:
    """Following it would turn every POST into a GET that looks like success."""
    head = b"HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n"
    with saying(head + b"Location: https://grafana.example/x/api/health\r\n\r\n") as url:
        sentence(publish(url), f"{url} leads on to https://grafana.example/x;", "IOC_GRAFANA_URL")


def test_what_answers_speaks_no_http(publish) -> None:
    with saying(b"SSH-2.0-x\r\n") as url:
        sentence(publish(url), "no answer from Grafana at")


def test_tls_where_there_is_none(publish, address: str) -> None:
    sentence(publish(address.replace("http://", "https://")), "no answer from Grafana at")


@pytest.mark.parametrize(
    "url", ["grafana.example", "ftp://x", "http://", "http://u:p@x", "http://x:y"]
)
def test_an_address_that_is_none(publish, url: str) -> None:
    sentence(publish(url), "IOC_GRAFANA_URL", "must look like")


@pytest.mark.parametrize(
    "url",
    ["http://who:hidden@x", "ftp://who:hidden@x", "who:hidden@x", "http://:hidden@x",
     "http://[hidden", "http://who:hidden@x:y", "https:who:hidden@x"],
)  # fmt: skip
def test_an_address_with_a_password_does_not_show_it(publish, url: str) -> None:
    run = publish(url)
    sentence(run, "must look like")
    assert "hidden" not in run.err


def test_a_wrong_token(publish, state: State, address: str) -> None:
    state.token = "glsa_another"
    sentence(publish(address), "refuses the token in IOC_GRAFANA_TOKEN", "Invalid API key")
    assert state.calls == []


@pytest.mark.parametrize("version", ["10.4.19", "9.5.2", "8.0.0-beta1"])
def test_an_old_version(publish, state: State, address: str, version: str) -> None:
    state.version = version
    sentence(publish(address), version, "11 or newer is needed")
    assert state.calls == []


@pytest.mark.parametrize("version", ["11.0.0", "12.4.0", "13.1.0-pre", ""])
def test_a_version_that_will_do(publish, state: State, address: str, version: str) -> None:
    state.version = version
    assert publish(address).code == 0


@pytest.mark.parametrize("right", sorted((WRITES | READS) - {"folders:write", "datasources:write"}))
def test_a_missing_right_is_named(publish, state: State, address: str, right: str) -> None:
    state.rights = (WRITES | READS) - {right}
    sentence(publish(address), "the token may not do this", f"Permissions needed: {right}")


def test_a_viewers_token_can_do_nothing(publish, state: State, address: str) -> None:
    state.rights = READS
    sentence(publish(address), "the token may not do this: making the folder Mini IOC")
    assert not state.folders


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/dashboards/db", 500, "Failed to save dashboard"),
        ("/dashboards/db", 412, "The dashboard has been changed by someone else"),
        ("/datasources", 409, "data source with the same name already exists"),
        ("/playlists", 503, "shutting down"),
        ("/playlists", 404, "Not found"),
    ],
)
def test_what_grafana_refuses_is_said_in_its_words(
    publish, state: State, address: str, path: str, status: int, said: str
) -> None:
    state.broken[path] = (status, said)
    sentence(publish(address), "Grafana refuses", str(status), said)


def test_a_cut_run_can_be_repeated(publish, state: State, address: str) -> None:
    state.broken["/playlists"] = (503, "shutting down")
    assert publish(address).code == 1
    assert len(state.dashboards) == 8
    state.broken.clear()
    run = publish(address)
    assert run.code == 0
    assert run.out.count("as it should be") == 10


# --- wrong use


@pytest.mark.parametrize("name", ["IOC_GRAFANA_URL", "IOC_GRAFANA_TOKEN"])
def test_a_setting_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IOC_GRAFANA_URL", "http://127.0.0.1:9")
    monkeypatch.delenv(name)
    assert run_command(["grafana", "publish"]) == 2
    assert f"{name} is not set" in capsys.readouterr().err


def test_the_embedded_store_cannot_be_read(publish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IOC_STORE")
    run = publish("http://127.0.0.1:9")
    assert run.code == 2
    assert "Grafana cannot read it" in run.err


def test_a_folder_without_dashboards(publish, address: str, tmp_path) -> None:
    run = publish(address, "--dashboards", str(tmp_path))
    assert run.code == 2
    assert "no dashboards in" in run.err


# --- comparing


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a.b[1].c"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": None, "b": False}, {}, []),
        ({"a": "x"}, {}, ["a"]),
        ({"version": 1, "id": None}, {"version": 9, "id": 4}, []),
        ({"a": "1"}, {"a": 1}, ["a"]),
    ],
)
def test_only_what_we_want_is_compared(ours, theirs, found: list[str]) -> None:
    assert list(differences(ours, theirs)) == found


def test_the_wall_shows_dashboards_that_exist() -> None:
    uids = {board["uid"] for board in _grafana_wanted.dashboards("influxql", "http://x")}
    assert set(_grafana_wanted.ON_THE_WALL) <= uids
