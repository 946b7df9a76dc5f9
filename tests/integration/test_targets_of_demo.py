"""The targets of the demo: the same figure on the page, in the API and from the command line, and
behind each of them the list that it was counted from."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from ioc.inventory.targets import catalogue
from tests.lab._monitor import RUN, Monitor

SHIPPED = Path(__file__).parents[2] / "inventory.yaml"
pytestmark = pytest.mark.timeout(400)
ARTICLE = re.compile(r'<article class="target [^"]*"[^>]*data-target="([^"]+)"(.*?)>', re.DOTALL)
Figures = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, demo_lock: None) -> Iterator[Monitor]:
    folder = tmp_path_factory.mktemp("targets")
    text = SHIPPED.read_text(encoding="utf-8")
    with Monitor(folder, text, command=("demo",), patience=180) as made:
        yield made


def ioc(demo: Monitor, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [*RUN, *words], env=demo.environment(), cwd=demo.folder,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def shown(item: dict[str, Any]) -> dict[str, str]:
    """What a page must say of a target, from its JSON."""
    figure = item["standing"]["figure"]
    return {
        "state": item["standing"]["state"],
        "numerator": str(figure["numerator"]),
        "denominator": "" if figure["denominator"] is None else str(figure["denominator"]),
        "value": "" if figure["value"] is None else str(figure["value"]),
    }


def api(demo: Monitor) -> Figures:
    return {item["id"]: shown(item) for item in demo.get("targets")["items"]}


def page(demo: Monitor) -> Figures:
    status, body = demo.ask("/targets", 15.0)
    assert status == 200
    found = {}
    for name, attributes in ARTICLE.findall(body.decode()):
        pairs = dict(re.findall(r'data-(\w+)="([^"]*)"', attributes))
        found[name] = {key: unescape(pairs[key]) for key in shown_keys()}
    return found


def shown_keys() -> tuple[str, ...]:
    return ("state", "numerator", "denominator", "value")


def command(demo: Monitor) -> Figures:
    items = json.loads(ioc(demo, "targets", "show", "--json"))["items"]
    return {item["id"]: shown(item) for item in items}


def test_page_command_and_api_say_the_same_to_the_last_digit(demo: Monitor) -> None:
    for _ in range(10):
        before, mine, theirs, after = api(demo), page(demo), command(demo), api(demo)
        if before == after:  # nothing was measured anew in between
            break
    assert before == after
    assert list(mine) == list(catalogue()), "every target of the district, in its order"
    assert mine == before
    assert theirs == before


def report(demo: Monitor) -> list[tuple[str, str, str, float | None]]:
    """Goal name, numerator, denominator and value of each row of the workbook up to now."""
    file = demo.folder / f"report-{time.monotonic_ns()}.xlsx"
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date().isoformat()
    words = ("--from", today, "--to", today, "--format", "xlsx", "--lang", "vi")
    ioc(demo, "report", *words, "--output", str(file))
    sheet = load_workbook(file, data_only=True)["Chỉ tiêu"]
    rows = list(sheet.iter_rows(values_only=True))
    head = next(i for i, row in enumerate(rows) if row and "Tử số" in row)
    at = {title: index for index, title in enumerate(rows[head])}
    return [
        (
            str(row[at["Chỉ tiêu"]]),
            "" if row[at["Tử số"]] is None else str(row[at["Tử số"]]),
            "" if row[at["Mẫu số"]] is None else str(row[at["Mẫu số"]]),
            None if not isinstance(row[at["Kết quả"]], float | int) else float(row[at["Kết quả"]]),
        )
        for row in rows[head + 1 :]
        if row[at["STT"]]
    ]


def test_the_report_says_the_same_to_the_last_digit(demo: Monitor) -> None:
    for _ in range(5):
        before, mine, after = demo.get("targets")["items"], report(demo), api(demo)
        if {item["id"]: shown(item) for item in before} == after:
            break
    names = {item["name"]: item for item in before}
    assert [name for name, *_ in mine] == list(names), "every target, in the catalogue's order"
    for name, numerator, denominator, value in mine:
        figure = names[name]["standing"]["figure"]
        if figure["denominator"] is None:
            assert (denominator, value) == ("", None)
            continue
        assert (numerator, denominator) == (str(figure["numerator"]), str(figure["denominator"]))
        shared = figure["value"]  # percent; a workbook has its own unit for it
        assert value == (shared if shared is None else pytest.approx(shared / 100, rel=1e-15))


def test_the_demo_shows_every_kind_of_standing(demo: Monitor) -> None:
    items = demo.get("targets")["items"]
    assert {item["standing"]["state"] for item in items} >= {"met", "partly", "tracked", "unknown"}
    assert {item["standing"]["figure"]["source"] for item in items} >= {
        "measured", "exported", "declared"
    }  # fmt: skip
    assert any(item["standing"]["conflict"] for item in items)
    for item in items:
        figure = item["standing"]["figure"]
        assert figure["as_of"] or figure["value"] is None, "a figure says of when it is"


@pytest.mark.parametrize("name", catalogue())
def test_every_figure_leads_to_what_it_was_counted_from(demo: Monitor, name: str) -> None:
    one = demo.get(f"targets/{name}")
    figure, places = one["standing"]["figure"], one["places"]
    if figure["denominator"] is None:
        assert figure["value"] is None
        assert figure["note"]
        return
    if figure["source"] == "measured":
        entries = demo.items(f"targets/{name}/evidence")
        counted = [entry for entry in entries if entry["counts"] is True]
        assert (len(counted), len(entries)) == (figure["numerator"], figure["denominator"])
        assert all(e["reason"] for e in entries if e["counts"] is not True), "why it fails"
    elif figure["reading"] is not None:
        readings = demo.get(f"targets/{name}/readings")["items"]
        [reading] = [r for r in readings if r["id"] == figure["reading"]]
        assert (reading["numerator"], reading["denominator"]) == (
            figure["numerator"], figure["denominator"]
        )  # fmt: skip
        assert reading["document"]
    else:
        used = [p["figure"] for p in places if not p["figure"]["stale"]]
        known = [f for f in used if f["denominator"] is not None]
        assert sum(f["numerator"] for f in known) == figure["numerator"]
        assert sum(f["denominator"] for f in known) == figure["denominator"]
    status, body = demo.ask(f"/targets/{name}", 15.0)
    assert status == 200
    assert 'id="list"' in body.decode(), "where the figure on the page of all targets leads"


def test_a_figure_from_the_command_line_is_on_the_page_at_once(demo: Monitor) -> None:
    words = ("targets", "declare", "satisfaction", "3", "4", "--as-of", "2026-06-30",
             "--origin", "Bưu điện", "--document", "9/BC")  # fmt: skip
    assert "entered" in ioc(demo, *words)
    assert api(demo)["satisfaction"]["numerator"] == "3"
    assert page(demo)["satisfaction"]["value"] == "75.0"
    assert "same figures" in ioc(demo, *words)
    corrected = ("targets", "declare", "satisfaction", "4", *words[4:])
    assert "correction" in ioc(demo, *corrected)
    readings = demo.get("targets/satisfaction/readings")["items"]
    assert [(r["version"], r["numerator"]) for r in readings] == [(2, 4), (1, 3)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("satisfaction", "5", "4", "--as-of", "2026-06-30"),
            "numerator: 5 is more",
        ),
        (("satisfaction", "x", "4", "--as-of", "2026-06-30"), "must be a whole number"),
        (("satisfaction", "3", "4", "--as-of", "soon"), "as_of: not a date"),
        (("satisfaction", "3", "4", "--as-of", "2099-01-01"), "as_of: "),
        (("satisfaction", "3", "4", "--as-of", "2026-06-30", "--link", "ftp://x"), "links: "),
        (("satisfaction", "3", "4", "--as-of", "2026-06-30", "--place", "nowhere"), "place: "),
        (("no-such", "3", "4", "--as-of", "2026-06-30"), "no target no-such"),
    ],
)
def test_what_is_refused_is_refused_with_its_field(
    demo: Monitor, words: tuple[str, ...], says: str
) -> None:
    assert says in ioc(demo, "targets", "declare", *words, code=2)


def test_a_table_is_looked_at_first_and_entered_when_told(demo: Monitor) -> None:
    table = demo.folder / "so-lieu.csv"
    table.write_text(
        "Target (id);Unit (id);As of;Numerator;Denominator;Kind of source\n"
        "e-signature;yen-thinh;31/08/2026;90;100;exported\n"
        "e-signature;ban-thi;31/08/2026;190;100;exported\n"
        "no-such;ban-thi;31/08/2026;1;100;exported\n",
        encoding="utf-8",
    )
    looked = ioc(demo, "targets", "import", str(table), code=1)
    assert f"{table}:csv:3: Numerator: 190 is more than the whole, 100" in looked
    assert f"{table}:csv:4: Target (id): there is no target no-such" in looked
    assert "Nothing was entered" in looked
    before = len(demo.get("targets/e-signature/readings")["items"])
    assert "Nothing was entered" in ioc(demo, "targets", "import", str(table), "--commit", "all",
                                        code=1)  # fmt: skip
    assert len(demo.get("targets/e-signature/readings")["items"]) == before
    assert "1 new" in ioc(demo, "targets", "import", str(table), "--commit", "good", code=1)
    assert len(demo.get("targets/e-signature/readings")["items"]) == before + 1
    assert "1 unchanged" in ioc(demo, "targets", "import", str(table), "--commit", "good", code=1)
    assert len(demo.get("targets/e-signature/readings")["items"]) == before + 1


def test_the_template_comes_back_empty_and_never_over_another_file(demo: Monitor) -> None:
    file = demo.folder / "mau.xlsx"
    ioc(demo, "targets", "template", str(file))
    assert "0 new" in ioc(demo, "targets", "import", str(file))
    assert "exists already" in ioc(demo, "targets", "template", str(file), code=2)
    assert "mau-2.xlsx: No such file" in ioc(demo, "targets", "import", "mau-2.xlsx", code=2)
