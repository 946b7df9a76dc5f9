"""Answers of servers, as they come and as they should not come."""

from __future__ import annotations

import json
import math

import pytest

from ioc.store import _influxql, _promql
from ioc.store._http import Forbidden, NotFound
from ioc.store._stepped import UNBOUNDED, joined, parts, to_fold
from ioc.store.base import Aggregate, SeriesQuery, StoreUnavailable

T0 = 1_770_000_000_000
QUERY = SeriesQuery("check", "rtt_ms", T0, T0 + 60_000)


def influx(*series: object) -> bytes:
    return json.dumps({"results": [{"statement_id": 0, "series": list(series)}]}).encode()


def one(tags: dict[str, str], *rows: object) -> dict[str, object]:
    return {"name": "check", "tags": tags, "columns": ["time", "rtt_ms"], "values": list(rows)}


def test_the_pieces_of_a_series_are_put_together() -> None:
    lines = [
        influx(one({"site": "a"}, [1, 1.5]), one({"site": "b"}, [1, 2])),
        b"\n",
        influx(one({"site": "b"}, [2, 3])),
        influx(one({"site": "b"}, [3, 4]), one({"site": "c", "kind": ""}, [3, 5])),
    ]
    assert list(_influxql.samples(lines, "InfluxDB")) == [
        ((("site", "a"),), [1], [1.5]),
        ((("site", "b"),), [1, 2, 3], [2.0, 3.0, 4.0]),
        ((("site", "c"),), [3], [5.0]),
    ]


def test_text_that_another_program_wrote_is_left_out() -> None:
    lines = [influx(one({}, [1, "text"], [2, 2], [3, None], [4, True]))]
    assert list(_influxql.samples(lines, "InfluxDB")) == [((), [2, 4], [2.0, 1.0])]


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        (b"<html>", StoreUnavailable, "another server|máy chủ"),
        (b'{"results": 5}', StoreUnavailable, "another server|máy chủ"),
        (influx({"values": [[1]]}), StoreUnavailable, "another server|máy chủ"),
        (influx({"name": "check"}), StoreUnavailable, "another server|máy chủ"),
        (b'{"results":[{"error":"database not found: ioc"}]}', NotFound, "ioc"),
        (b'{"results":[{"error":"finding DBRP mappings: expected 1, found 0"}]}', NotFound, "DBRP"),
        (b'{"results":[{"error":"retention policy not found: "}]}', NotFound, "policy"),
        (b'{"results":[{"error":"unauthorized: read:buckets"}]}', Forbidden, "IOC_STORE_TOKEN"),
        (b'{"error":"timeout"}', StoreUnavailable, "timeout"),
    ],
)
def test_what_influxdb_cannot_answer_is_an_error(
    line: bytes, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        list(_influxql.samples([line], "InfluxDB"))


def test_a_question_in_influxql_cannot_be_broken_out_of() -> None:
    query = SeriesQuery('m"; DROP', "f'", 5, 6, {'t"': ("a' OR 'b", "c\\")}, limit=9)
    assert _influxql.select(query, query.tags) == (
        """SELECT "f'"::field FROM "m%22;%20DROP" WHERE time >= 5ms AND time < 6ms"""
        """ AND ("t%22"::tag = 'a\\' OR \\'b' OR "t%22"::tag = 'c%5C') GROUP BY * LIMIT 10"""
    )


def test_a_question_far_away_stays_inside_what_influxdb_can_count() -> None:
    query = SeriesQuery("check", "up", -(10**18), 10**18)
    asked = _influxql.select(query, {})
    assert "time >= -9223372036854ms AND time < 9223372036854ms" in asked


def test_steps_with_an_offset_are_done_by_influxdb() -> None:
    query = SeriesQuery("check", "up", 0, 9, {}, 3_600_000, Aggregate.LAST, 5, -25_200_001)
    assert _influxql.select(query, {}).startswith('SELECT last("up"::field) FROM "check"')
    assert "GROUP BY time(3600000ms, 3599999ms), * FILL(none) LIMIT 6" in _influxql.select(
        query, {}
    )


def test_a_selector_of_metricsql_cannot_be_broken_out_of() -> None:
    tags = {"site": ('a"} or {x="',), "asset": ("a.b|c", "d+"), "time": ("x",), "lạ": ("y",)}
    assert _promql.selector(QUERY, tags) == (
        r"""{__name__="check_rtt_ms",site="a\"} or {x=\"",asset=~"a\\.b\\|c|d\\+"}"""
    )


def victoria(metric: dict[str, str], times: object, values: object) -> bytes:
    return json.dumps({"metric": metric, "timestamps": times, "values": values}).encode()


def test_of_what_came_twice_the_greater_value_stays() -> None:
    lines = [b"\n", victoria({"__name__": "check_up", "site": "a"}, [2, 1, 2, 3], [5, 1, 7, None])]
    assert list(_promql.exported(lines, "V")) == [((("site", "a"),), [1, 2], [1.0, 7.0])]


def test_a_negative_zero_of_a_server_is_a_zero() -> None:
    [(_tags, _times, values)] = _promql.exported([victoria({}, [1, 2], [-0.0, 1])], "V")
    assert [math.copysign(1, value) for value in values] == [1.0, 1.0]


@pytest.mark.parametrize(
    "line", [b"<html>", b"[]", b"5", victoria({}, [1, 2], [1]), victoria({}, [1], ["x"])]
)
def test_an_export_that_is_none_is_an_error(line: bytes) -> None:
    with pytest.raises(StoreUnavailable):
        list(_promql.exported([line], "V"))


@pytest.mark.parametrize("body", [None, [], {"data": {}}, {"data": {"result": [{"metric": {}}]}}])
def test_steps_that_are_none_are_an_error(body: object) -> None:
    with pytest.raises(StoreUnavailable):
        list(_promql.stepped(body, 60_000, "V"))


def test_steps_are_labelled_by_their_start_and_empty_ones_are_absent() -> None:
    values = [[1_770_000_059.999, "1.5"], [1_770_000_119.999, "NaN"], [1_770_000_179.999, "3"]]
    body = {"data": {"result": [{"metric": {"site": "a"}, "values": values}]}}
    [(tags, times, found)] = _promql.stepped(body, 60_000, "V")
    assert (tags, times, found) == ((("site", "a"),), [T0, T0 + 120_000], [1.5, 3.0])


def test_moments_are_written_so_that_every_version_reads_the_same_millisecond() -> None:
    for time in range(T0, T0 + 2_000):
        text = _promql.seconds(time)
        assert int(float(text) * 1e3) == time
        assert round(float(text) * 1000) == time


def test_wanted_values_are_asked_in_parts_that_together_are_all() -> None:
    wanted = {"asset": (*map(str, range(450)), "1"), "site": ("a", "a", "b")}
    found = list(parts(wanted))
    assert len(found) == 3
    assert [value for part in found for value in part["asset"]] == list(map(str, range(450)))
    assert all(part["site"] == ("a", "b") for part in found)
    assert list(parts({})) == [{}]
    assert list(parts({"asset": ()})) == []


def test_what_holds_is_asked_for_beyond_the_end_and_without_a_limit() -> None:
    query = SeriesQuery("check", "up", 0, 100, {}, 10, Aggregate.UP_SECONDS, 5)
    raw = to_fold(query)
    assert (raw.step, raw.end, raw.limit) == (None, 100 + 360_000, UNBOUNDED)
    assert "LIMIT" not in _influxql.select(raw, {})


def test_stretches_are_joined_and_too_much_is_noticed_at_once() -> None:
    def endless() -> object:
        while True:
            yield (("site", "a"),), [1, 2, 3], [1.0, 1.0, 1.0]

    with pytest.raises(ValueError, match="more than 100000 samples"):
        list(joined([endless()], QUERY))  # type: ignore[list-item]
