"""Our SQLite store beside DuckDB, VictoriaMetrics and InfluxDB 1.6.7: same samples, same questions.

    python -m tests.bench.bench_store [--full]

The last week is written in batches of 1,000 rows, each acknowledged before the next, and timed;
what is before only fills the engine up. Ours, DuckDB and InfluxDB sync their log before they
answer, VictoriaMetrics does not. Ours runs its upkeep as the program does, once an hour of the
samples' time. The servers get line protocol made beforehand, over one kept connection; their
answers are parsed, since a caller needs the figures. Answers are compared with ours; a difference
breaks the bench. `--full`: 90 days instead of 30.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ioc.store.base import Point
from tests.bench._store_data import DAY, HOUR, Plan, differences
from tests.bench._store_embedded import DuckDb, Sqlite
from tests.bench._store_engine import Engine, Measured, ask
from tests.bench._store_servers import Influx, Victoria, missing
from tests.bench._store_upkeep import Year, a_year, latency_under_upkeep

TIMED = {"duckdb": 300}  # batches, where a week of them would take too long
TOGETHER = 10_000  # rows at once where it is only filled up
TOLERANCE = {"availability, 7 days": 1e-3, "availability, 30 days": 1e-3}  # six minutes at the end
GOALS: dict[str, tuple[str, float]] = {
    "availability, 30 days": ("<", 60.0),
    "one device, 24 h raw": ("<", 2.0),
}


def run(plan: Plan = Plan()) -> list[dict[str, Any]]:  # noqa: B008 - frozen
    """Rows for the bench runner. RuntimeError when an engine answers otherwise than ours."""
    found = {engine: _measured(make, plan) for engine, make in _engines()}
    mine = found.pop("sqlite")
    for name, theirs in found.items():
        _compare(mine, name, theirs)
    rows = [*_writing(plan, mine, found), *_asking(plan, mine, found)]
    with _folder() as folder:
        rows += _year_rows(a_year(folder))
    with _folder() as folder:
        rows += latency_under_upkeep(folder)
    return rows


def _engines() -> Iterator[tuple[str, Callable[[Path], Engine]]]:
    yield Sqlite.name, Sqlite
    yield DuckDb.name, DuckDb
    for server in (Victoria, Influx):
        if missing(server):
            print(f"{server.name} is not installed: left out", file=sys.stderr)
        else:
            yield server.name, server


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as folder:
        yield Path(folder)


def _measured(make: Callable[[Path], Engine], plan: Plan) -> Measured:
    """Fill one engine and ask it everything."""
    with _folder() as folder:
        engine = make(folder)
        try:
            start = time.monotonic()
            measured = _filled(engine, plan)
            ask(engine, plan, measured)
            print(f"  {engine.name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        finally:
            engine.close()
    return measured


def _filled(engine: Engine, plan: Plan) -> Measured:
    """All samples in; those of the last week, or as many of them as there is time for, timed."""
    measured = Measured()
    batches = plan.batches()
    first = _fill(engine, batches, lambda batch: batch[-1].time < plan.week)
    engine.upkeep(first[-1].time)
    engine.settle()
    before, kept = engine.written(), first[-1].time
    timed = TIMED.get(engine.name, plan.rows)
    for batch in chain([first], islice(batches, timed)):
        _write(engine, batch, measured)
        if batch[-1].time - kept >= HOUR:
            kept = batch[-1].time
            _upkeep(engine, kept, measured)
    last = next(batches, None)
    if last is not None:
        _fill(engine, chain([last], batches), lambda batch: True)
    engine.settle()
    measured.written = engine.written() - before
    measured.size = engine.size()
    return measured


def _fill(
    engine: Engine, batches: Iterator[list[Point]], wanted: Callable[[list[Point]], bool]
) -> list[Point]:
    """Put batches in, many at once, as long as they are wanted. The first that is not, or none."""
    together: list[Point] = []
    day = 0
    for batch in batches:
        if not wanted(batch):
            break
        together += batch
        if len(together) >= TOGETHER:
            engine.fill(together)
            together = []
        if batch[-1].time // DAY > day:
            day = batch[-1].time // DAY
            engine.upkeep(batch[-1].time)
    else:
        batch = []
    if together:
        engine.fill(together)
    return batch


def _write(engine: Engine, batch: list[Any], measured: Measured) -> None:
    prepared = engine.prepare(batch)
    start = time.perf_counter()
    engine.write(prepared)
    took = time.perf_counter() - start
    measured.writing += took
    measured.rows += len(batch)
    measured.slowest = max(measured.slowest, took)


def _upkeep(engine: Engine, now: int, measured: Measured) -> None:
    start = time.perf_counter()
    engine.upkeep(now)
    measured.upkeep += time.perf_counter() - start


def _compare(mine: Measured, name: str, theirs: Measured) -> None:
    for question, answer in mine.answers.items():
        found = differences(answer, theirs.answers[question], TOLERANCE.get(question, 1e-6))
        if found:
            raise RuntimeError(f"{name}: {question}: {'; '.join(found)}")


# --- rows for the runner


def _writing(plan: Plan, mine: Measured, peers: dict[str, Measured]) -> list[dict[str, Any]]:
    def of(figure: Callable[[Measured], float]) -> dict[str, float]:
        return {name: round(figure(one), 3) for name, one in peers.items()}

    rate = mine.rows / mine.writing
    whole = mine.rows / (mine.writing + mine.upkeep)
    size, written = mine.size / plan.rows, mine.written / plan.week_rows / 1024
    million = f"{plan.rows / 1e6:.1f} M rows"
    return [
        _row(
            f"store, {million}: written in batches of 1,000, durable", rate, "rows/s",
            of(lambda m: m.rows / m.writing), ">=", 300_000,
        ),
        _row("store: the same with merging and rollups", whole, "rows/s", {}, None, 0),
        _row(
            "store: disk, rollups included", size, "bytes/row",
            of(lambda m: m.size / plan.rows), "<=", 26,
        ),
        _row(
            "store: written to disk, upkeep included", written, "KB/row",
            of(lambda m: m.written / plan.week_rows / 1024), "<=", 1,
        ),
    ]  # fmt: skip


def _asking(plan: Plan, mine: Measured, peers: dict[str, Measured]) -> list[dict[str, Any]]:
    rows = []
    for question, took in mine.asked.items():
        sign, goal = GOALS.get(question, (None, 0.0))
        others = {name: round(one.asked[question], 3) for name, one in peers.items()}
        of = f"{plan.devices:,} devices, " if question.startswith("availability") else ""
        rows.append(_row(f"store: {of}{question}", took, "ms", others, sign, goal))
    return rows


def _year_rows(year: Year) -> list[dict[str, Any]]:
    return [
        _row(f"store: a device-year, {what}", bytes_ / 2**20, "MB", {}, None, 0)
        for what, bytes_ in year.parts.items()
    ]


def _row(
    name: str, ours: float, unit: str, peers: dict[str, float], sign: str | None, goal: float
) -> dict[str, Any]:
    met = {"<": ours < goal, "<=": ours <= goal, ">=": ours >= goal, None: None}[sign]
    return {
        "name": name,
        "ours": round(ours, 3),
        "unit": unit,
        "peers": peers,
        "goal": None if sign is None else f"{sign} {goal:,g} {unit}",
        "met": met,
    }


def main() -> None:
    from tests.bench.runner import table

    print(table(run(Plan(days=90)) if "--full" in sys.argv[1:] else run()))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
