"""The real program writes into a real InfluxDB, and the dashboards show what happened to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.grafana import _engines, _grafana
from tests.integration.grafana._engines import Influx
from tests.integration.grafana._grafana import Answer, Page, Screen, panels, variables
from tests.lab._monitor import Monitor
from tests.lab._peers import NAMES, Peers, all_up, inventory

pytestmark = pytest.mark.timeout(120)

POINT = "    lat: 22.1\n    lon: 105.6\n"


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    with _engines.influx(tmp_path / "influx") as server:
        yield server


def shown(influx: Influx, uid: str, title: str) -> list[Answer]:
    """What a panel of a dashboard shows now, everything chosen."""
    board: dict[str, Any] = next(d for d in _grafana.dashboards("influxql") if d["uid"] == uid)
    panel = next(p for p in panels(board) if p["title"] == title)
    now = time.time()
    chosen = {v["name"]: None if v["type"] == "query" else [v["query"]] for v in variables(board)}
    page = Page(influx, Screen(now - 3_600, now, chosen))
    return [a for target in panel["targets"] for a in page.ask(target, panel.get("interval"))]


def figure(influx: Influx, uid: str, title: str) -> float | None:
    (answer,) = shown(influx, uid, title)
    return answer.values[-1]


def test_what_happens_to_a_commune_is_on_the_dashboards(influx: Influx, tmp_path: Path) -> None:
    with Peers(*NAMES) as peers:
        text = inventory(peers).replace("    links:\n", f"{POINT}    links:\n")
        store = {"IOC_STORE": influx.store}
        with Monitor(tmp_path, text, environment=store) as monitor:
            monitor.until(lambda: monitor.states() == all_up(), 20, "everything up")
            peers.close("fiber")
            monitor.until(lambda: monitor.states()["xa"] == "degraded", 20, "on 4G")
            monitor.until(lambda: bool(monitor.items("incidents")), 20, "an incident")
            assert monitor.stop(10.0) == 0

    (tile,) = shown(influx, "ioc-center", "Các đơn vị")
    assert tile.labels == {"place": "Xã Yên Thịnh", "site": "xa"}
    assert tile.values == [1]
    assert figure(influx, "ioc-center", "Đơn vị suy giảm") == 1
    assert figure(influx, "ioc-center", "Đơn vị mất kết nối") == 0
    assert figure(influx, "ioc-center", "Tình trạng chung") == 2
    assert figure(influx, "ioc-center", "Đường truyền hỏng") == 1
    on_map = {a.field: a.values[0] for a in shown(influx, "ioc-center", "Bản đồ")}
    assert (on_map["lat"], on_map["lon"], on_map["state"]) == (22.1, 105.6, 1)
    table = {a.field: a for a in shown(influx, "ioc-center", "Sự cố đang mở")}
    assert table["severity"].values == [2]
    assert table["severity"].labels["place"] == "Xã Yên Thịnh"
    assert table["severity"].labels["kind"] == "on-backup"
    links = {a.labels["name"]: a for a in shown(influx, "ioc-links", "Trạng thái theo thời gian")}
    worst = [max(v for v in a.values if v is not None) for a in links.values()]
    assert sorted(worst) == [0, 2]
    assert shown(influx, "ioc-links", "Độ trễ")
    assert figure(influx, "ioc-monitor", "Điểm đo đã mất") == 0
