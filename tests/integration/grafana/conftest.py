"""One district in both engines for all tests of the dashboards.

InfluxDB is Debian's 1.6.7, or the InfluxDB 2 at IOC_TEST_INFLUXDB2_URL where that is set.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ioc.i18n import use_language
from tests.integration.grafana import _engines
from tests.integration.grafana._district import District, Made
from tests.integration.grafana._engines import Influx, Victoria
from tests.integration.store._servers import program
from tests.integration.store._stores import INFLUXDB2

DAYS = 3
TEN_MINUTES = 600_000
AWRY = 143_021  # ms after a full step: InfluxDB then meets a piece that begins before the range


@dataclass(frozen=True)
class Filled:
    """The engines with the district in them."""

    influxql: Influx
    promql: Victoria
    made: Made


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    for name in ("influxd", "nginx", "victoria-metrics"):
        program(name)  # skips, saying why
    # VictoriaMetrics keeps the last 30 s of answers back: ask of two minutes ago.
    now = time.time_ns() // 1_000_000 - 120_000 - AWRY
    use_language("vi")  # other tests of this process may have spoken English
    district = District(DAYS, now // TEN_MINUTES * TEN_MINUTES + AWRY)
    points = list(district.points())
    folder = tmp_path_factory.mktemp("influx")
    with (
        _engines.influx2() if INFLUXDB2["URL"] else _engines.influx(folder) as influx,
        _engines.victoria(tmp_path_factory.mktemp("victoria")) as victoria,
    ):
        influx.write(points)
        victoria.write(points)
        for engine in (influx, victoria):  # as a start of the program writes days again
            engine.write(p for p in points if p.measurement == "availability")
        yield Filled(influx, victoria, district.made)
