"""Our SQLite store beside DuckDB, VictoriaMetrics and InfluxDB 1.6.7: same samples, same questions.

    python -m tests.bench.bench_store [--full]

Batches of 1,000 rows, each acknowledged before the next; ours, DuckDB and InfluxDB sync their log
before that, VictoriaMetrics does not. Ours runs its upkeep as the program does, once an hour of the
samples' time, over the last week of them (once a day before). The servers get line protocol made
beforehand, over one kept connection; their answers are parsed, since a caller needs the figures.
Answers are compared with ours; a difference breaks the bench. `--full`: 90 days instead of 30.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench._store_data import DAY, HOUR, Plan, differences
from tests.bench._store_embedded import DuckDb, Sqlite
from tests.bench._store_engine import Engine, Measured, ask
from tests.bench._store_servers import Influx, Victoria, missing
from tests.bench._store_upkeep import Year, a_year, latency_under_upkeep

TIMED = {"duckdb": 300}  # batches that are timed, the others are put together to fill it up
TOGETHER = 100  # batches at once where it is only filled up
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
    measured = Measured()
    before = engine.written()
    timed = TIMED.get(engine.name)
    together: list[Any] = []
    kept = plan.week
    for number, batch in enumerate(plan.batches()):
        if timed is not None and number >= timed:
            together += batch
            if len(together) >= TOGETHER * len(batch):
                engine.write(engine.prepare(together))
                together = []
            continue
        _write(engine, batch, measured)
        now = batch[-1].time
        if (
            now - kept >= HOUR
            if now >= plan.week
            else now // DAY > kept // DAY or kept == plan.week
        ):
            kept = now
            _upkeep(engine, now, measured, counts=now >= plan.week)
    if together:
        engine.write(engine.prepare(together))
    engine.settle()
    measured.written = engine.written() - before
    measured.size = engine.size()
    return measured


def _write(engine: Engine, batch: list[Any], measured: Measured) -> None:
    prepared = engine.prepare(batch)
    start = time.perf_counter()
    engine.write(prepared)
    took = time.perf_counter() - start
    measured.writing += took
    measured.rows += len(batch)
    measured.slowest = max(measured.slowest, took)


def _upkeep(engine: Engine, now: int, measured: Measured, *, counts: bool) -> None:
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
    size, written = mine.size / plan.rows, mine.written / plan.rows / 1024
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
            of(lambda m: m.written / plan.rows / 1024), "<=", 1,
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
