"""Runs one bench in a process of its own, and lays figures out as a table."""

from __future__ import annotations

import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NotRequired, TypedDict

ROOT = Path(__file__).parent.parent.parent
LONGEST = 900.0  # seconds one bench may take
LAST_LINES = 25  # of what a broken bench said


class Figure(TypedDict):
    """One figure. goal: in words, for people; met: None when it has no goal."""

    name: str
    ours: float
    unit: str
    peers: Mapping[str, float]
    goal: NotRequired[str | None]
    met: NotRequired[bool | None]


def measure(module: str, longest: float = LONGEST) -> list[Figure] | str:
    """The figures of a bench module; a text that says why when it broke or took too long."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "figures.json"
        command = [sys.executable, "-m", __name__, module, str(answer)]
        code, said = _run(command, longest)
        if code is None:
            return f"took longer than {longest:.0f} s"
        if code or not answer.exists():
            return "\n".join([*said.splitlines()[-LAST_LINES:], f"exit code {code}"])
        return list(json.loads(answer.read_text(encoding="utf-8")))


def _run(command: Sequence[str], longest: float) -> tuple[int | None, str]:
    """Exit code (None: too long) and what it said. Ends all that the bench itself has started."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as bench:
        try:
            said = bench.communicate(timeout=longest)[0]
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            with suppress(ProcessLookupError):
                os.killpg(bench.pid, signal.SIGKILL)
        return bench.returncode, said


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _sep, value = line.partition(":")
        if key.strip() in ("model name", "Hardware", "cpu model"):
            return value.strip()
    return platform.machine()


def table(figures: Sequence[Figure]) -> str:
    """Figures as lines: ours, each peer with the ratio ours / peer, the goal, whether it is met."""
    header = ("figure", "ours", "unit", "others (ours / theirs)", "goal", "")
    rows = [header, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _row(figure: Figure) -> tuple[str, ...]:
    ours = figure["ours"]
    peers = ", ".join(
        f"{name} {number(peer)}" + (f" ({ours / peer:.2f})" if peer else "")
        for name, peer in (figure.get("peers") or {}).items()
    )
    met = {True: "met", False: "NOT MET", None: ""}[figure.get("met")]
    goal = figure.get("goal")
    shown = "" if goal is None else str(goal)
    return figure["name"], number(ours), figure["unit"], peers or "-", shown, met


def number(value: float) -> str:
    """Four significant digits, thousands apart."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _child(module: str, answer: str) -> None:
    figures = importlib.import_module(module).run()
    Path(answer).write_text(json.dumps(figures, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    _child(*sys.argv[1:])
