"""Every query of every panel, variable and annotation, in both languages, asked of the real engines
that hold the demo district: there is an answer, it has the labels that the panel shows, and its
figures are possible."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ioc.ledger.availability import Tally
from ioc.ledger.sla import day_span
from tests.integration.grafana import _grafana
from tests.integration.grafana._grafana import LANGUAGES, Answer, Page, Screen, panels, variables
from tests.integration.grafana.conftest import DAYS, Filled

pytestmark = pytest.mark.timeout(400)

DAY = 86_400.0
NETWORKED = "CBCCVC được trang bị máy tính có kết nối mạng (đã đạt, phải giữ)"
# Unit -> least and greatest figure that can be right.
POSSIBLE = {
    "percent": (-100.0, 100.0),
    "ms": (0.0, 60_000.0),
    "suffix:giây": (0.0, 86_400.0),
    "dthms": (0.0, 40 * DAY),
    "dateTimeAsLocal": (1.6e12, 4e12),
    "bps": (0.0, 1e10),
    "dBm": (-140.0, -40.0),
    "suffix:phép đo/s": (0.0, 1e5),
    "decmbytes": (1.0, 1e5),
    "none": (-90.0, 1e6),
    "suffix:ngày": (-4000.0, 4000.0),
    "suffix:điểm %": (-100.0, 100.0),
    "suffix:lõi": (0.0, 64.0),
}


def cases() -> list[Any]:
    return [
        pytest.param(language, dashboard, panel, id=f"{language}-{dashboard['uid']}-{panel['id']}")
        for language in LANGUAGES
        for dashboard in _grafana.dashboards(language)
        for panel in panels(dashboard)
        if panel.get("targets")
    ]


def boards() -> list[Any]:
    return [
        pytest.param(language, dashboard, id=f"{language}-{dashboard['uid']}")
        for language in LANGUAGES
        for dashboard in _grafana.dashboards(language)
    ]


def page(
    filled: Filled, language: str, dashboard: Mapping[str, Any], end: float | None = None,
    length: float = DAY,
) -> Page:  # fmt: skip
    """The dashboard as somebody sees it who opens it at the end of the district's data."""
    end = end or filled.made.started / 1000
    names = {v["name"]: v for v in variables(dashboard)}
    single = frozenset(name for name, v in names.items() if not v.get("multi"))
    chosen: dict[str, Sequence[str] | None] = {}
    screen = Screen(end - length, end, chosen, single)
    made = Page(getattr(filled, language), screen)
    for name, variable in names.items():
        if variable["type"] != "query":
            chosen[name] = [variable["query"]]
        elif name in single:
            chosen[name] = [_first(made.choices(variable), name)]
        else:
            chosen[name] = None
    return made


def _first(choices: Sequence[tuple[str, str]], name: str) -> str:
    """What to look at: a commune with an open incident, a target with signs in its name."""
    values = [value for _text, value in choices]
    wanted = {"site": "dong-lac", "target": NETWORKED}
    assert wanted[name] in values, values
    return wanted[name]


# --- what must hold of an answer


def check(panel: Mapping[str, Any], answers: Mapping[str, Sequence[Answer]]) -> None:
    """answers: refId -> its answers. Raises AssertionError."""
    for target in panel["targets"]:
        found = answers[target["refId"]]
        known = [v for answer in found for v in answer.values if v is not None]
        assert known, f"no data: {target.get('query') or target.get('expr')}"
        wanted = shown_labels(panel, target)
        for answer in found:
            assert wanted <= set(answer.labels), f"{wanted} are not all in {answer.labels}"
            assert all(answer.labels[name] for name in wanted), answer.labels
        for answer in found:
            plausible(panel, target, answer)


def shown_labels(panel: Mapping[str, Any], target: Mapping[str, Any]) -> set[str]:
    """Labels that the panel's names and columns are made of."""
    names = target.get("legendFormat") or target.get("alias") or ""
    wanted = set(re.findall(r"\{\{(\w+)\}\}|\$tag_(\w+)", names))
    links = str(panel["fieldConfig"]["defaults"].get("links", ""))
    wanted |= {(name, "") for name in re.findall(r"__field\.labels\.(\w+)", links)}
    return {one or other for one, other in wanted} | set(tags_of_table(panel))


def tags_of_table(panel: Mapping[str, Any]) -> list[str]:
    changes = [t for t in panel.get("transformations", []) if t["id"] == "organize"]
    renamed = changes[0]["options"]["renameByName"] if changes else {}
    queries = " ".join(t.get("query") or t.get("expr") for t in panel["targets"])
    grouped = re.findall(r"by \(([^)]*)\)|GROUP BY (.*?)(?:\)|$)", queries)
    tags = {tag.strip(' "') for pair in grouped for part in pair for tag in part.split(",")}
    return [name for name in renamed if name in tags]


def plausible(panel: Mapping[str, Any], target: Mapping[str, Any], answer: Answer) -> None:
    unit, codes, least = look(panel, column(panel, target, answer))
    low, high = POSSIBLE.get(unit, (0.0, 1e6))
    low = low if unit != "percent" or least is None else max(low, least)
    for value in answer.values:
        if value is None:
            continue
        assert math.isfinite(value)
        assert low <= value <= high, f"{value} {unit} of {answer.labels}: {target}"
        assert not codes or str(int(value)) in codes, f"{value} has no words: {answer.labels}"
        assert not codes or value == int(value), f"an average of states: {value}"


def column(panel: Mapping[str, Any], target: Mapping[str, Any], answer: Answer) -> str | None:
    """Title of the column of a table that an answer fills."""
    for change in panel.get("transformations", []):
        if change["id"] == "organize":
            names = change["options"]["renameByName"]
            several = len(panel["targets"]) > 1
            return names[answer.field or (f"Value #{target['refId']}" if several else "Value")]
    return None


def look(panel: Mapping[str, Any], title: str | None) -> tuple[str, set[str], float | None]:
    """Unit, codes that have words, and the least figure shown."""
    config = panel["fieldConfig"]
    values = dict(config["defaults"])
    for override in config["overrides"]:
        if override["matcher"]["options"] == title:
            values |= {p["id"]: p.get("value") for p in override["properties"]}
    codes = {
        code
        for mapping in values.get("mappings") or ()
        if mapping["type"] == "value"
        for code in mapping["options"]
    }
    return values["unit"], codes, values.get("min")


# --- the tests


@pytest.mark.parametrize(("language", "dashboard", "panel"), cases())
def test_every_panel_shows_what_it_promises(
    filled: Filled, language: str, dashboard: dict[str, Any], panel: dict[str, Any]
) -> None:
    seen = page(filled, language, dashboard)
    check(panel, {t["refId"]: seen.ask(t, panel.get("interval")) for t in panel["targets"]})


@pytest.mark.parametrize(("language", "dashboard"), boards())
def test_every_variable_offers_something(
    filled: Filled, language: str, dashboard: dict[str, Any]
) -> None:
    seen = page(filled, language, dashboard)
    topology = filled.made.topology
    names = {site.name: site.id for site in topology.sites.values()}
    for variable in variables(dashboard):
        if variable["type"] != "query":
            continue
        choices = seen.choices(variable)
        assert choices, variable["query"]
        if variable["name"] == "site":
            assert dict(choices) == names
        if variable["name"] == "area":
            assert choices == [(topology.area_id, topology.area_id)]


@pytest.mark.parametrize(("language", "dashboard"), boards())
def test_incidents_are_marks_on_the_time_axes(
    filled: Filled, language: str, dashboard: dict[str, Any]
) -> None:
    marks = dashboard["annotations"].get("list", [])
    if dashboard["uid"] in ("ioc-targets",):
        assert not marks
        return
    (mark,) = marks
    seen = page(filled, language, dashboard, length=3 * DAY)
    found = seen.ask(mark["target"], "1m")
    if dashboard["uid"] in ("ioc-center", "ioc-links", "ioc-incidents", "ioc-services"):
        assert found
    for answer in found:
        assert {"what", "place", "kind"} <= set(answer.labels)
        assert answer.labels["place"]
    # Trouble of the monitor itself has not happened in the district.
    assert found or dashboard["uid"] in ("ioc-monitor", "ioc-computers", "ioc-site")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mark_is_there_for_what_began_before_the_range(filled: Filled, language: str) -> None:
    """The last quarter of an hour: what has been open for longer is marked in it, nothing else."""
    board = next(d for d in _grafana.dashboards(language) if d["uid"] == "ioc-center")
    seen = page(filled, language, board, length=900.0)
    found = seen.ask(board["annotations"]["list"][0]["target"], "1m")
    kinds = {(a.labels["kind"], a.labels["place"]) for a in found}
    assert len(kinds) == 3
    assert {kind for kind, _place in kinds} == {"on-backup", "site-dark", "service-down"}


@pytest.mark.parametrize(
    "dashboard", [pytest.param(d, id=d["uid"]) for d in _grafana.dashboards("influxql")]
)
def test_both_languages_say_the_same(filled: Filled, dashboard: dict[str, Any]) -> None:
    twin = next(d for d in _grafana.dashboards("promql") if d["uid"] == dashboard["uid"])
    for one, other in zip(panels(dashboard), panels(twin), strict=True):
        if not one.get("targets") or other["targets"][0].get("range"):
            continue
        left = table(page(filled, "influxql", dashboard), one)
        right = table(page(filled, "promql", twin), other)
        assert left.keys() == right.keys(), one["title"]
        for key, value in left.items():
            assert value == pytest.approx(right[key], rel=0.03, abs=1.0), (one["title"], key)


def table(seen: Page, panel: Mapping[str, Any]) -> dict[Any, float]:
    """(labels, column) -> figure, of a panel that shows one moment or one figure of the range."""
    found = {}
    for number, target in enumerate(panel["targets"]):
        wanted = shown_labels(panel, target)
        for answer in seen.ask(target, panel.get("interval")):
            labels = tuple(sorted((n, v) for n, v in answer.labels.items() if n in wanted))
            where = column(panel, target, answer) or number
            if answer.values[-1] is not None:
                found[labels, where] = answer.values[-1]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_went_silent_is_not_shown_as_it_last_was(filled: Filled, language: str) -> None:
    """The monitor was off for an hour: half an hour into that nothing is known of now."""
    start, _end = filled.made.gap
    moment = start / 1000 + 1_800
    asked = 0
    for dashboard in _grafana.dashboards(language):
        seen = page(filled, language, dashboard)
        seen.screen = Screen(moment - DAY, moment, seen.screen.chosen, seen.screen.single)
        for panel in panels(dashboard):
            for target in panel.get("targets", []):
                text = target.get("query") or target["expr"]
                if "- 6m" in text or ("[6m]" in text and target.get("instant")):
                    asked += 1
                    assert not seen.ask(target, panel.get("interval")), panel["title"]
    assert asked > 20


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("late", [0, 60, 200, 430])
def test_a_sum_does_not_drop_at_its_end(filled: Filled, language: str, late: float) -> None:
    """Places write at different moments: in a step that has only begun most are missing yet."""
    board = next(d for d in _grafana.dashboards(language) if d["uid"] == "ioc-computers")
    panel = next(p for p in panels(board) if p["title"] == "Máy tính đang bật trong ngày")
    moment = filled.made.gap[0] / 1000 - 3600 + late
    seen = page(filled, language, board)
    seen.screen = Screen(moment - 7200, moment, seen.screen.chosen, seen.screen.single)
    [answer] = seen.ask(panel["targets"][0], panel["interval"])
    known = [value for value in answer.values if value is not None]
    assert known[-1] > 0.8 * max(known[-4:-1]) > 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_gap_is_no_state(filled: Filled, language: str) -> None:
    """A timeline shows nothing while nobody was looking, six minutes after the last word."""
    board = next(d for d in _grafana.dashboards(language) if d["uid"] == "ioc-links")
    panel = next(p for p in panels(board) if p["type"] == "state-timeline")
    seen = page(filled, language, board)
    start, end = (at / 1000 for at in filled.made.gap)
    for answer in seen.ask(panel["targets"][0], panel["interval"]):
        within = [
            value
            for at, value in zip(answer.times, answer.values, strict=True)
            if start + 600 <= at < end - 300
        ]
        assert not any(value is not None for value in within), answer.labels
    assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] == 660_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_share_is_what_the_ledger_says(filled: Filled, language: str) -> None:
    """To the second, over the days that end in the range, written twice or not."""
    made = filled.made
    board = next(d for d in _grafana.dashboards(language) if d["uid"] == "ioc-links")
    panel = next(p for p in panels(board) if "cam kết" in p["title"])
    shown = table(page(filled, language, board, length=DAYS * DAY), panel)
    start = made.started - DAYS * 86_400_000
    ends = {day: day_span(day, made.topology).end - 1 for day in made.agreed}
    whole = [found for day, found in made.agreed.items() if start <= ends[day] <= made.started]
    assert len(whole) == DAYS
    compared = 0
    for asset in made.topology.assets.values():
        if asset.type.value != "link" or not asset.site:
            continue
        total = sum((day[asset.id] for day in whole), Tally()).all
        place = made.topology.sites[asset.site].name
        labels = (("name", asset.name), ("place", place))
        wanted = {"Hoạt động": total.availability, "Biết được": total.evidence}
        for title, value in wanted.items():
            assert shown[labels, title] == pytest.approx(value, abs=0.001)
        share = shown[labels, "Hoạt động"]
        assert shown[labels, "So với cam kết"] == pytest.approx(share - 99, abs=0.001)
        compared += share < 100
    assert compared > 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("state", "stat"),  # a field that does not exist
        ("place", "plaace"),  # a measurement or label that does not exist
    ],
)
def test_a_broken_query_is_found(filled: Filled, language: str, before: str, after: str) -> None:
    board = next(d for d in _grafana.dashboards(language) if d["uid"] == "ioc-center")
    panel = copy.deepcopy(next(p for p in panels(board) if p["title"] == "Các đơn vị"))
    key = "query" if language == "influxql" else "expr"
    target = panel["targets"][0]
    target[key] = re.sub(before, after, target[key])
    seen = page(filled, language, board)
    with pytest.raises(AssertionError):
        check(panel, {"A": seen.ask(target)})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lost_label_an_average_of_states_and_a_wrong_unit_are_found(
    filled: Filled, language: str
) -> None:
    board = next(d for d in _grafana.dashboards(language) if d["uid"] == "ioc-center")
    panel = copy.deepcopy(next(p for p in panels(board) if p["title"] == "Các đơn vị"))
    good = page(filled, language, board).ask(panel["targets"][0])
    check(panel, {"A": good})
    for bad in (
        Answer({"site": "x"}, [0.0]),
        Answer({"site": "x", "place": "Xã X"}, [0.5]),
        Answer({"site": "x", "place": "Xã X"}, [42.0]),
    ):
        with pytest.raises(AssertionError):
            check(panel, {"A": [*good, bad]})


def test_a_name_that_nothing_fills_in_is_an_error() -> None:
    screen = Screen(0, 60, {"site": None})
    with pytest.raises(AssertionError):
        screen.influxql('"x" =~ /^${nobody:regex}$/', 60)
    with pytest.raises(AssertionError):
        screen.promql('a{x=~"$nobody"}', 60)


@pytest.mark.parametrize(
    ("values", "influxql", "promql"),
    [
        (None, ".*", ".*"),
        (["a"], "a", "a"),
        (["a.b", "c"], r"(a\.b|c)", r"(a\\.b|c)"),
        (["4G (điểm đo)"], r"4G \(điểm đo\)", r"4G \\(điểm đo\\)"),
    ],
)
def test_variables_are_filled_in_as_grafana_does(
    values: list[str] | None, influxql: str, promql: str
) -> None:
    screen = Screen(0, 60, {"x": values})
    assert screen.influxql("/^${x:regex}$/", 60) == f"/^{influxql}$/"
    assert screen.promql('"$x"', 60) == f'"{promql}"'
