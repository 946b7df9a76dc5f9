"""The committed dashboards by themselves: what Grafana would take and people would not."""

from __future__ import annotations

import configparser
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import __main__ as build
from dashboards import ask, influxql, promql

ROOT = Path(__file__).parents[2] / "dashboards"
PROVISIONING = ROOT / "provisioning"
BUILT_IN = {"bargauge", "geomap", "piechart", "stat", "state-timeline", "table", "text",
            "timeseries"}  # fmt: skip
SOURCES = {
    "influxql": {"type": "influxdb", "uid": "ioc-influxdb"},
    "promql": {"type": "prometheus", "uid": "ioc-victoriametrics"},
}
COLUMNS = 24
FILES = sorted((ROOT / "json").glob("*/*.json"))

Json = dict[str, Any]


def read(path: Path) -> Json:
    return json.loads(path.read_text(encoding="utf-8"))


def files() -> list[Any]:
    return [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in FILES]


def every(value: object, key: str) -> Iterator[Any]:
    """Every value under a key, however deep."""
    if isinstance(value, Mapping):
        for name, inside in value.items():
            if name == key:
                yield inside
            yield from every(inside, key)
    elif isinstance(value, list):
        for inside in value:
            yield from every(inside, key)


def queries(board: Json) -> Iterator[str]:
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield target.get("query") or target["expr"]


def vietnamese(text: str) -> bool:
    """Whether a text has letters with marks, or đ."""
    return any(
        unicodedata.decomposition(letter) or letter in "đĐ" for letter in text if letter.isalpha()
    )


def test_the_json_is_what_the_definitions_make() -> None:
    """Otherwise: make dashboards."""
    assert not build.differing(build.build())


def test_there_are_eight_in_each_language_and_they_are_twins() -> None:
    found = {language: {} for language in SOURCES}
    for path in FILES:
        board = read(path)
        found[path.parent.name][path.name] = (
            board["uid"],
            board["title"],
            [(p["id"], p["title"], p["type"], p["gridPos"]) for p in board["panels"]],
        )
    assert len(found["influxql"]) == 8
    assert found["influxql"] == found["promql"]
    uids = [uid for uid, _title, _panels in found["influxql"].values()]
    assert len(set(uids)) == len(uids)


@pytest.mark.parametrize("path", files())
def test_grafana_can_take_it(path: Path) -> None:
    board = read(path)
    assert board["schemaVersion"] == 42
    assert re.fullmatch(r"ioc-[a-z]+", board["uid"])
    assert "mini-ioc" in board["tags"]
    assert board["timezone"] == "Asia/Ho_Chi_Minh"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert {panel["type"] for panel in board["panels"]} <= BUILT_IN
    for panel in board["panels"]:
        refs = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(refs)) == len(refs)
    found = {json.dumps(source, sort_keys=True) for source in every(board, "datasource")}
    assert found == {json.dumps(SOURCES[path.parent.name], sort_keys=True)}


@pytest.mark.parametrize("path", files())
def test_panels_stand_on_the_grid_and_not_on_one_another(path: Path) -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in read(path)["panels"]:
        at = panel["gridPos"]
        assert at["w"] > 0
        assert at["h"] > 0
        assert 0 <= at["x"] <= at["x"] + at["w"] <= COLUMNS, panel["title"]
        columns = range(at["x"], at["x"] + at["w"])
        taken.update((x, y) for x in columns for y in range(at["y"], at["y"] + at["h"]))
    assert max(taken.values()) == 1
    assert sorted({y for _x, y in taken}) == list(range(max(y for _x, y in taken) + 1))


@pytest.mark.parametrize("path", files())
def test_people_can_read_it(path: Path) -> None:
    board = read(path)
    assert vietnamese(board["title"])
    assert vietnamese(board["description"])
    for panel in board["panels"]:
        assert vietnamese(panel["title"]), panel["title"]
        assert len(panel["description"]) > 20, panel["title"]
        assert vietnamese(panel["description"]), panel["title"]
    for variable in board["templating"]["list"]:
        assert vietnamese(variable["label"]), variable["name"]


@pytest.mark.parametrize("path", files())
def test_every_figure_has_a_unit_and_missing_ones_have_words(path: Path) -> None:
    for panel in read(path)["panels"]:
        if panel["type"] == "text":
            continue
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults.get("unit"), panel["title"]
        assert defaults.get("noValue"), panel["title"]
        units = {
            o["matcher"]["options"]
            for o in panel["fieldConfig"]["overrides"]
            if any(p["id"] == "unit" for p in o["properties"])
        }
        for title in number_columns(panel):
            assert title in units, f"{panel['title']}: {title}"


def number_columns(panel: Json) -> Iterator[str]:
    """Titles of the columns of a table that hold figures."""
    for change in panel.get("transformations", ()):
        for raw, title in change["options"].get("renameByName", {}).items():
            texts = " ".join(target.get("query") or target["expr"] for target in panel["targets"])
            if raw.startswith("Value") or f'AS "{raw}"' in texts:
                yield title


@pytest.mark.parametrize("path", files())
def test_states_have_words_and_are_never_averaged(path: Path) -> None:
    board = read(path)
    for text in queries(board):
        assert not re.search(r'(?:mean|sum)\("state"\)|avg_over_time\(\w*_state', text), text
    for panel in board["panels"]:
        texts = " ".join(t.get("query") or t["expr"] for t in panel.get("targets", ()))
        if re.search(r'"state"|_state\b', texts) and "count" not in texts:
            mappings = list(every(panel, "mappings")) + [
                p["value"] for o in panel["fieldConfig"]["overrides"] for p in o["properties"]
                if p["id"] == "mappings"
            ]  # fmt: skip
            words = [m for found in mappings for m in found if m["type"] == "value"]
            assert any(set("0123456") <= set(m["options"]) for m in words), panel["title"]


@pytest.mark.parametrize("path", files())
def test_every_query_is_bound_in_time_and_asks_for_what_was_chosen(path: Path) -> None:
    board = read(path)
    known = {variable["name"] for variable in board["templating"]["list"]}
    texts = [*queries(board), *(v["query"] for v in board["templating"]["list"])]
    used = {name for text in texts for name in re.findall(r"\$\{?(\w+)", text)}
    assert {name for name in used if not name.startswith("__") and name != "timeFilter"} <= known
    assert known - {"console"} <= used, "a variable that changes nothing"
    for text in queries(board):
        assert re.search(r"\$timeFilter|time > \$\{__to\}|\[(\d+\w|\$__\w+)", text), text
        assert re.search(r"area", text), text


@pytest.mark.parametrize("path", files())
def test_links_lead_somewhere_and_nothing_comes_from_the_internet(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    uids = {read(other)["uid"] for other in FILES}
    assert set(re.findall(r"/d/([\w-]+)", text)) <= uids
    assert set(re.findall(r"https?://[^\"\s]+", text)) == {"http://127.0.0.1:8080"}
    board = read(path)
    kinds = {link["type"] for link in board["links"]}
    assert kinds == {"dashboards", "link"}
    for panel in board["panels"]:
        for link in every(panel, "links"):
            assert all(one["url"].startswith(("/d/", "${console}/")) for one in link)


def test_incidents_stand_on_every_time_axis() -> None:
    for path in FILES:
        board = read(path)
        marks = board["annotations"].get("list", [])
        assert bool(marks) == (board["uid"] != "ioc-targets")


# --- the languages


def test_what_is_now_is_never_older_than_it_may_be() -> None:
    question = ask.Now("link", {"site": "$site"}, by=("asset",), field="state")
    assert influxql.query(question) == (
        'SELECT last("state") FROM "link" WHERE time > ${__to}ms - 6m AND time <= ${__to}ms'
        ' AND "site" =~ /^${site:regex}$/ GROUP BY "asset"'
    )
    assert promql.queries(question) == [
        'max by (asset) (last_over_time(link_state{site=~"$site"}[6m]))'
    ]


def test_several_things_are_put_together_after_each_was_found() -> None:
    question = ask.Now("place", of=("site",), field="is_down", join="sum")
    assert influxql.query(question) == (
        'SELECT sum("v") FROM (SELECT last("is_down") AS "v" FROM "place" WHERE '
        'time > ${__to}ms - 6m AND time <= ${__to}ms GROUP BY "site")'
    )
    assert promql.queries(question) == ["sum(max by (site) (last_over_time(place_is_down[6m])))"]


def test_a_table_is_one_select_or_a_query_a_column() -> None:
    question = ask.Rows("x", by=("place",), columns={"a": "max", "b": "max"})
    assert influxql.columns(question) == [("a", "a"), ("b", "b")]
    assert promql.columns(question) == [("Value #A", "a"), ("Value #B", "b")]
    assert [t["refId"] for t in promql.targets(question)] == ["A", "B"]
    assert promql.columns(ask.Rows("x", by=("place",), columns={"a": "max"})) == [("Value", "a")]


# --- provisioning


@pytest.mark.parametrize("language", SOURCES)
def test_the_data_sources_are_those_that_the_panels_name(language: str) -> None:
    name = {"influxql": "influxdb", "promql": "victoriametrics"}[language]
    text = (PROVISIONING / "datasources" / f"{name}.yaml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]
    assert {"type": source["type"], "uid": source["uid"]} == SOURCES[language]
    assert source["access"] == "proxy"
    assert source["url"].startswith("${IOC_GRAFANA_")
    assert source["jsonData"]["timeInterval"] == "60s"
    for secret in source.get("secureJsonData", {}).values():
        assert re.fullmatch(r"\$\{\w+\}", secret)


def test_influxdb_is_asked_in_influxql_with_a_name_and_a_password() -> None:
    """InfluxDB 2 refuses `Authorization: Token name:password` on /query (seen on 2.9.1)."""
    text = (PROVISIONING / "datasources" / "influxdb.yaml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]
    assert source["jsonData"]["version"] == "InfluxQL"
    assert source["basicAuth"] is True
    assert source["basicAuthUser"] == "${IOC_GRAFANA_INFLUXDB_USER}"
    assert source["secureJsonData"] == {"basicAuthPassword": "${IOC_GRAFANA_INFLUXDB_PASSWORD}"}
    assert "httpHeaderName1" not in source["jsonData"]


def test_dashboards_come_from_a_folder_and_cannot_be_changed_by_hand() -> None:
    text = (PROVISIONING / "dashboards" / "ioc.yaml").read_text(encoding="utf-8")
    (provider,) = yaml.safe_load(text)["providers"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
    assert provider["disableDeletion"] is True


def test_grafana_calls_nobody_and_lets_nobody_in_unasked() -> None:
    settings = configparser.ConfigParser()
    settings.read(PROVISIONING / "grafana.ini", encoding="utf-8")
    assert not settings.getboolean("analytics", "reporting_enabled")
    assert not settings.getboolean("analytics", "check_for_updates")
    assert not settings.getboolean("analytics", "check_for_plugin_updates")
    assert not settings.getboolean("news", "news_feed_enabled")
    assert not settings.getboolean("snapshots", "external_enabled")
    assert settings.getboolean("plugins", "preinstall_disabled")
    assert not settings.getboolean("auth.anonymous", "enabled")
    assert not settings.getboolean("users", "allow_sign_up")
    home = settings["dashboards"]["default_home_dashboard_path"]
    assert (ROOT / "json" / "influxql" / Path(home).name).is_file()
    assert "password" not in (PROVISIONING / "grafana.ini").read_text(
        encoding="utf-8"
    ).lower().replace("gf_security_admin_password", "")


# --- libraries


def test_the_library_for_grafana_leaves_that_for_influxdb_its_urllib3() -> None:
    """grafana-client would bring urllib3-future, which takes urllib3's place."""
    installed = {dist.metadata["Name"].lower() for dist in metadata.distributions()}
    assert {"grafana-api", "influxdb-client", "urllib3"} <= installed
    assert {"grafana-client", "urllib3-future", "niquests"}.isdisjoint(installed)
