"""What InfluxDB 2 and 3 must have before use, where the token may make it and where not.

The server here answers as the HTTP API of InfluxDB 2.7 and 3 does (paths, statuses and texts from
its source); the same code runs on a real InfluxDB 2 where IOC_TEST_INFLUXDB2_URL is set.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

from ioc.i18n import use_language
from ioc.store.base import Point, SeriesQuery, StoreUnavailable
from ioc.store.influxdb import InfluxStore, open_url
from tests.integration.store._scripted import Request, Response, Scripted, scripted

T0 = 1_770_000_000_000
POINT = Point("check", (), {"rtt_ms": 1.0}, T0)
QUERY = SeriesQuery("check", "rtt_ms", T0, T0 + 1)
EVERYTHING = {"read orgs", "read buckets", "write buckets", "write bucket"}


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("vi")


def said(status: int, message: str) -> Response:
    return Response(status, json.dumps({"code": "-", "message": message}).encode())


def body(**content: object) -> Response:
    return Response(200, json.dumps(content).encode())


@dataclass
class Influx2:
    """may: what the token permits. buckets: name -> seconds kept. mapped: databases of InfluxQL."""

    may: set[str] = field(default_factory=lambda: set(EVERYTHING))
    buckets: dict[str, int] = field(default_factory=dict)
    mapped: set[str] = field(default_factory=set)
    lines: list[bytes] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        path = urlsplit(request.path)
        given = {name: values[0] for name, values in parse_qs(path.query).items()}
        sent = json.loads(request.body) if request.body.startswith(b"{") else {}
        if given.get("org", "huyen") != "huyen":
            return said(404, f'organization name "{given["org"]}" not found')
        if path.path == "/ping":
            return Response(204, headers={"X-Influxdb-Version": "v2.7.11"})
        if path.path == "/query":
            return self.query(parse_qs(request.body.decode())["db"][0])
        if path.path == "/api/v2/write":
            return self.write(given["bucket"], request.body)
        if path.path == "/api/v2/orgs":
            return body(orgs=[{"id": "0a"}] if "read orgs" in self.may else [])
        if path.path == "/api/v2/dbrps" and request.method == "GET":
            mapped = [{"bucketID": f"id-{d}", "default": True} for d in sorted(self.mapped)]
            return body(content=[one for one in mapped if one["bucketID"] == f"id-{given['db']}"])
        if path.path == "/api/v2/buckets" and request.method == "GET":
            return self.found(given["name"])
        if "write buckets" not in self.may:
            return said(401, "write:orgs/0a/buckets is unauthorized")
        return self.changed(path.path, sent)

    def query(self, database: str) -> Response:
        if database not in self.mapped:
            error = "retention policy not found: "
            return body(results=[{"statement_id": 0, "error": error}])
        return body(results=[{"statement_id": 0}])

    def write(self, bucket: str, lines: bytes) -> Response:
        if bucket not in self.buckets:
            return said(404, f'bucket "{bucket}" not found')
        if "write bucket" not in self.may:
            return said(403, "insufficient permissions for write")
        self.lines.append(lines)
        return Response(204)

    def found(self, name: str) -> Response:
        if name not in self.buckets:
            return said(404, f'bucket "{name}" not found')
        rules = [{"type": "expire", "everySeconds": self.buckets[name]}]
        bucket = {"id": f"id-{name}", "name": name, "retentionRules": rules}
        return body(buckets=[bucket] if "read buckets" in self.may else [])

    def changed(self, path: str, sent: dict[str, object]) -> Response:
        if path == "/api/v2/dbrps":
            self.mapped.add(str(sent["database"]))
            return Response(201, b"{}")
        kept = sent["retentionRules"][0]["everySeconds"]  # type: ignore[index]
        if path != "/api/v2/buckets":
            self.buckets[path.rpartition("id-")[2]] = kept
            return Response(200, b"{}")
        if sent["name"] in self.buckets:
            return said(422, f"bucket with name {sent['name']} already exists")
        self.buckets[str(sent["name"])] = kept
        return Response(
            201, json.dumps({"id": f"id-{sent['name']}", "retentionRules": []}).encode()
        )


def open_on(server: Scripted, options: str = "?org=huyen") -> InfluxStore:
    return open_url(f"influxdb://127.0.0.1:{server.port}/ioc{options}")


def test_bucket_and_mapping_are_made_by_the_first_write() -> None:
    with scripted(influx := Influx2()) as server:
        store = open_on(server)
        store.write([POINT])
        store.write([POINT])
        assert store.read(QUERY) == []
        assert store.health().ok
        store.maintain(T0)
        assert influx.buckets == {"ioc": 0}
        assert influx.mapped == {"ioc"}
        assert influx.lines == [b"check rtt_ms=1.0 1770000000000"] * 2
        writes = [urlsplit(r.path).query for r in server.asked if "write" in r.path]
        assert set(writes) == {"org=huyen&bucket=ioc&precision=ms"}
        store.close()


def test_a_mapping_is_made_by_the_first_question() -> None:
    with scripted(influx := Influx2(buckets={"ioc": 0})) as server:
        store = open_on(server)
        assert store.read(QUERY) == []
        assert influx.mapped == {"ioc"}
        store.close()


@pytest.mark.parametrize(
    ("before", "option", "kept"),
    [
        (None, "", 0),
        (None, "&retention=90d", 7_776_000),
        (7_776_000, "", 7_776_000),
        (7_776_000, "&retention=10y", 315_360_000),
        (7_776_000, "&retention=", 0),
    ],
)
def test_retention_is_what_was_asked_for(before: int | None, option: str, kept: int) -> None:
    influx = Influx2(buckets={} if before is None else {"ioc": before})
    with scripted(influx) as server:
        store = open_on(server, f"?org=huyen{option}")
        store.maintain(T0)
        assert influx.buckets == {"ioc": kept}
        store.close()


def test_a_bucket_that_another_program_makes_meanwhile_is_taken() -> None:
    influx = Influx2()

    def answer(request: Request) -> Response:
        if request.method == "POST" and request.path == "/api/v2/buckets":
            influx.buckets.setdefault("ioc", 0)
        return influx(request)

    with scripted(answer) as server:
        store = open_on(server)
        store.write([POINT])
        assert influx.lines == [b"check rtt_ms=1.0 1770000000000"]
        assert influx.mapped == {"ioc"}
        store.close()


def test_a_token_that_may_only_write_is_enough_for_writing() -> None:
    influx = Influx2(may={"write bucket"}, buckets={"ioc": 0})
    with scripted(influx) as server:
        store = open_on(server)
        store.write([POINT])
        assert len(influx.lines) == 1
        store.close()


@pytest.mark.parametrize(
    ("missing", "buckets", "mapped", "words"),
    [
        ({"write buckets"}, {}, set(), "the token lacks the permission: write buckets"),
        ({"write buckets"}, {"ioc": 0}, set(), "the token lacks the permission: write buckets"),
        ({"read buckets"}, {"ioc": 0}, set(), "the token lacks the permission: read buckets"),
        ({"read orgs"}, {}, set(), "the token lacks the permission: read orgs"),
        ({"read orgs", "read buckets"}, {"ioc": 0}, set(), "lacks the permission: read buckets"),
    ],
)
def test_the_missing_permission_is_named(
    missing: set[str], buckets: dict[str, int], mapped: set[str], words: str
) -> None:
    influx = Influx2(EVERYTHING - missing, buckets, mapped)
    with scripted(influx) as server:
        store = open_on(server)
        for act in (lambda: store.maintain(T0), lambda: store.read(QUERY)):
            with pytest.raises(StoreUnavailable, match=words):
                act()
        assert words in str(store.health().problem)
        store.close()


def test_a_token_that_is_not_valid_is_not_said_to_lack_a_permission() -> None:
    def answer(request: Request) -> Response:
        if request.path == "/ping":
            return Response(204, headers={"X-Influxdb-Version": "v2.9.1"})
        return said(401, "unauthorized access")

    with scripted(answer) as server:
        store = open_on(server)
        for act in (
            lambda: store.maintain(T0),
            lambda: store.write([POINT]),
            lambda: store.read(QUERY),
        ):
            with pytest.raises(StoreUnavailable, match=r"unauthorized access\); look at IOC_STORE"):
                act()
        store.close()


def test_a_token_that_may_not_write_into_the_bucket_is_told_so() -> None:
    influx = Influx2(EVERYTHING - {"write bucket"}, {"ioc": 0}, {"ioc"})
    with scripted(influx) as server:
        store = open_on(server)
        with pytest.raises(StoreUnavailable, match="insufficient permissions for write"):
            store.write([POINT])
        influx.may.add("write bucket")
        store.write([POINT])
        store.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [("", r"say the organization, as in \?org=huyen"), ("?org=tinh", "no organization tinh")],
)
def test_a_wrong_organization_is_no_fault_of_the_points(options: str, words: str) -> None:
    with scripted(Influx2()) as server:
        store = open_on(server, options)
        with pytest.raises(StoreUnavailable, match=words):
            store.write([POINT])
        with pytest.raises(StoreUnavailable, match=words):
            store.maintain(T0)
        store.close()


def test_influxdb_3_gets_a_database() -> None:
    made: list[object] = []

    def answer(request: Request) -> Response:
        if request.path == "/ping":
            return Response(200, b"{}", {"X-Influxdb-Version": "3.8.0", "X-Influxdb-Build": "Core"})
        if request.path == "/api/v3/configure/database":
            made.append((request.method, json.loads(request.body)))
            return Response(200)
        if request.path == "/query" and not made:
            return body(results=[{"statement_id": 0, "error": "database not found: ioc"}])
        if request.path == "/query":
            return body(results=[{"statement_id": 0}])
        return Response(204)

    with scripted(answer) as server:
        store = open_on(server, "?retention=10y")
        store.write([POINT])
        assert made == [("POST", {"db": "ioc", "retention_period": "315360000s"})]
        store.maintain(T0)
        assert made[1:] == [("PUT", {"db": "ioc", "retention_period": "315360000s"})]
        assert store.read(QUERY) == []
        store.close()


@pytest.mark.parametrize("text", [b"", b"<html>", b"[]", b"null"])
def test_an_answer_that_is_no_json_object_is_of_another_server(text: bytes) -> None:
    headers = {"X-Influxdb-Version": "2.7.0"}
    with scripted(lambda _request: Response(200, text, headers)) as server:
        store = open_on(server)
        with pytest.raises(StoreUnavailable, match="as of another server"):
            store.maintain(T0)
        store.close()


@pytest.mark.parametrize("version", ["", "4.0.0", "cloud"])
def test_another_kind_of_server_is_named(version: str) -> None:
    headers = {"X-Influxdb-Version": version} if version else {}
    with scripted(lambda _request: Response(204, headers=headers)) as server:
        store = open_on(server)
        with pytest.raises(StoreUnavailable, match="not an InfluxDB of version 1, 2 or 3"):
            store.maintain(T0)
        store.close()
