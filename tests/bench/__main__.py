"""`make bench`: measures ours side by side with others and prints one table.

    python -m tests.bench              all of them
    python -m tests.bench icmp store   these

Each `tests/bench/bench_*.py` has `run() -> list[dict]`; a row is

    {"name", "ours", "unit", "peers": {name: figure}, "goal", "met"}

Each runs in a process of its own, so that a broken one hides no other. Every figure is also
appended to build/bench.jsonl. Exit code 1 when a bench broke or none was found; a missed goal is
shown, and is no failure of the run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.runner import Figure, machine, measure, table

HERE = Path(__file__).parent
OUTPUT = HERE.parent.parent / "build" / "bench.jsonl"


def main(wanted: Sequence[str]) -> int:
    """Run the named benches, all by default. Exit code."""
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = sorted(set(wanted) - set(names))
    if unknown or not names:
        print(f"no such bench: {', '.join(unknown) or '-'}; there are: {', '.join(names) or '-'}")
        return 2
    here = machine()
    print(" · ".join(f"{key}: {value}" for key, value in here.items()), flush=True)
    figures: list[Figure] = []
    broken = []
    for name in wanted or names:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        outcome = measure(f"tests.bench.bench_{name}")
        if isinstance(outcome, str):
            broken.append((name, outcome))
        else:
            append(outcome, here)
            figures += outcome
    print(table(figures))
    for name, why in broken:
        print(f"\nBROKEN bench_{name}:\n{why}")
    return 1 if broken else 0


def append(figures: Sequence[Figure], here: dict[str, str | int]) -> None:
    """Add one JSON object per figure to build/bench.jsonl."""
    OUTPUT.parent.mkdir(exist_ok=True)
    with OUTPUT.open("a", encoding="utf-8") as file:
        for figure in figures:
            file.write(json.dumps({**figure, "machine": here}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
