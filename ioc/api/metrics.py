"""Own figures in the Prometheus text format, version 0.0.4."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from ioc.api.context import Context
from ioc.api.read import area_coverage
from ioc.engine.model import AreaView, SiteView, State
from ioc.ledger.model import Coverage

REACHED = {State.UP: 1, State.DEGRADED: 1, State.DOWN: 0}
Sample = tuple[Mapping[str, str], float]


def exposition(context: Context) -> str:
    """All figures. What is not known is absent: never 0."""
    area = context.monitor.view()
    lines: list[str] = []
    for name, value in sorted(context.counters().items()):
        lines += _family(name, f"The monitor's own figure {name}.", [({}, value)])
    lines += _family("uplink_lost", "1: the monitor cannot see out.", [({}, area.uplink_lost)])
    lines += _family(
        "problem",
        "1 for each present problem of the monitor.",
        (({"code": problem.code}, 1) for problem in context.problems.present()),
    )
    lines += _sites(area)
    lines += _coverage(context, area)
    return "\n".join(lines) + "\n"


def _sites(area: AreaView) -> Iterator[str]:
    views = list(area.sites.values())
    yield from _family(
        "site_up", "1: reached, 0: not; absent while nobody can say.", _reached(views)
    )
    yield from _family(
        "site_state",
        "1 for the state a site is in.",
        (({"site": view.id, "state": view.state.value}, 1) for view in views),
    )


def _reached(views: Iterable[SiteView]) -> Iterator[Sample]:
    return (({"site": v.id}, REACHED[v.state]) for v in views if v.state in REACHED)


def _coverage(context: Context, area: AreaView) -> Iterator[str]:
    readings = area_coverage(context, area)
    figures: tuple[tuple[str, str, Callable[[Coverage], float | None]], ...] = (
        ("coverage_percent", "Coverage of a target.", lambda r: r.value),
        ("coverage_evidence_percent", "How much has evidence.", lambda r: r.evidence_value),
        ("coverage_goal_percent", "What is to be reached.", lambda r: r.goal),
    )
    for name, text, get in figures:
        found = [({"target": r.target}, value) for r in readings if (value := get(r)) is not None]
        yield from _family(name, text, found)


def _family(name: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    """HELP, TYPE and one line a sample; names as Prometheus allows them."""
    full = "ioc_" + re.sub(r"[^a-zA-Z0-9_:]", "_", name)
    yield f"# HELP {full} {_escaped(text)}"
    yield f"# TYPE {full} gauge"
    for labels, value in samples:
        inside = ",".join(f'{key}="{_label(label)}"' for key, label in labels.items())
        yield f"{full}{{{inside}}} {value:.15g}" if inside else f"{full} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _label(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
