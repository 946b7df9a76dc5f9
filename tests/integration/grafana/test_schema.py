"""The committed JSON against Grafana's own types: @grafana/schema, with TypeScript's compiler.

Both come by npm into build/ (versions and checksums in schema/package-lock.json); no node, no npm
or no network: skipped, saying so.
"""

from __future__ import annotations

import copy
import fcntl
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.grafana import _grafana

pytestmark = pytest.mark.timeout(400)

HERE = Path(__file__).parent / "schema"
BUILD = Path(__file__).parents[3] / "build" / "grafana-schema"
TYPES = "./node_modules/@grafana/schema/dist/types"
# Kind of panel -> module of its types.
KINDS = {
    "bargauge": "bargauge/panelcfg/x/BarGaugePanelCfg_types.gen",
    "geomap": "geomap/panelcfg/x/GeomapPanelCfg_types.gen",
    "piechart": "piechart/panelcfg/x/PieChartPanelCfg_types.gen",
    "stat": "stat/panelcfg/x/StatPanelCfg_types.gen",
    "state-timeline": "statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen",
    "table": "table/panelcfg/x/TablePanelCfg_types.gen",
    "text": "text/panelcfg/x/TextPanelCfg_types.gen",
    "timeseries": "timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen",
}
CUSTOM = {"piechart", "state-timeline", "table", "timeseries"}  # that say what `custom` may hold
# What a panel reads though its type does not say so (its module.tsx registers it).
MORE = {"state-timeline": "{ spanNulls: boolean | number }"}

# An enum of TypeScript does not take its own values as text; a template type does.
HEAD = """
type Plain<T> = T extends string ? `${T}`
  : T extends (infer One)[] ? Plain<One>[]
  : T extends object ? { [Name in keyof T]: Plain<T[Name]> } : T;
type Part<T> = Plain<{ [Name in keyof T]?: T[Name] extends object ? Part<T[Name]> : T[Name] }>;
"""

# The target of an annotation is a query of its data source; its type says so only in a comment.
# Prometheus keeps its three formats beside it (packages/grafana-prometheus/src/annotations.ts).
BOARD = """
type Formats = { titleFormat?: string; textFormat?: string; tagKeys?: string };
type Mark = Plain<Omit<AnnotationQuery, "target">> & Formats & { target?: Record<string, unknown> };
type Board = Plain<Omit<Dashboard, "annotations">> & { annotations?: { list?: Mark[] } };
"""


@pytest.fixture(scope="module")
def compiler() -> Path:
    """tsc, with the types beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as turn:  # two workers install one after the other
        fcntl.flock(turn, fcntl.LOCK_EX)
        return install(npm)


def install(npm: str) -> Path:
    """What the lock file says, unless it is there already."""
    lock = (HERE / "package-lock.json").read_bytes()
    tsc = BUILD / "node_modules" / ".bin" / "tsc"
    known = BUILD / "package-lock.json"
    if not tsc.exists() or not known.exists() or known.read_bytes() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, BUILD / name)
        words = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(words, cwd=BUILD, capture_output=True, text=True, timeout=300)
        if done.returncode:
            known.unlink()
            pytest.skip(f"npm could not install the types: {done.stderr[-300:]}")
    return tsc


def mistakes(compiler: Path, name: str, dashboards: list[dict[str, Any]]) -> list[str]:
    """What the compiler says of them, one line each."""
    file = BUILD / f"{name}.ts"
    file.write_text(source(dashboards), encoding="utf-8")
    words = [
        str(compiler), "--noEmit", "--strict", "--skipLibCheck", "--moduleResolution", "bundler",
        "--module", "esnext", "--target", "es2022", file.name,
    ]  # fmt: skip
    done = subprocess.run(words, cwd=BUILD, capture_output=True, text=True, timeout=300)
    found = [line for line in done.stdout.splitlines() if line.strip()]
    assert found or done.returncode == 0, done.stderr
    return found


def source(dashboards: list[dict[str, Any]]) -> str:
    """A program that is right when the dashboards are."""
    whole = f"{TYPES}/raw/dashboard/x/dashboard_types.gen"
    imports = f'import type {{ AnnotationQuery, Dashboard }} from "{whole}";\n'
    imports += "\n".join(
        f'import type * as {module(kind)} from "{TYPES}/raw/composable/{path}";'
        for kind, path in KINDS.items()
    )
    lines = [HEAD, imports, BOARD]
    for number, dashboard in enumerate(dashboards):
        lines.append(f"export const d{number}: Board = {text(dashboard)};")
        for panel in _grafana.panels(dashboard):
            kind, at = module(panel["type"]), f"{number}_{panel['id']}"
            lines.append(
                f"export const o{at}: Part<{kind}.Options> = {text(panel.get('options', {}))};"
            )
            custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom")
            if custom and panel["type"] in CUSTOM:
                more = MORE.get(panel["type"], "unknown")
                lines.append(
                    f"export const c{at}: Part<{kind}.FieldConfig & {more}> = {text(custom)};"
                )
    return "\n".join(lines) + "\n"


def module(kind: str) -> str:
    return kind.replace("-", "_")


def text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("language", _grafana.LANGUAGES)
def test_grafanas_own_types_take_the_dashboards(compiler: Path, language: str) -> None:
    assert not mistakes(compiler, language, _grafana.dashboards(language))


def test_what_grafana_does_not_know_is_found(compiler: Path) -> None:
    """The test of the test: each of these alone is one mistake or more."""
    good = _grafana.dashboards("influxql")[0]
    panel = good["panels"][0]
    assert panel["type"] == "stat"
    broken = [copy.deepcopy(good) for _ in range(4)]
    broken[0]["graphTooltip"] = "often"
    broken[1]["panels"][0]["fieldConfig"]["defaults"]["unnit"] = "ms"
    broken[2]["panels"][0]["options"]["graphMode"] = "cake"
    broken[3]["panels"][0]["gridPos"]["w"] = "wide"
    found = mistakes(compiler, "broken", broken)
    named = {line.split("(")[1].split(",")[0] for line in found if "error TS" in line}
    assert len(named) >= len(broken), found
