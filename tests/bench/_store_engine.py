"""What the store bench asks of an engine, and how it is timed and its disk counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Protocol

from ioc.store.base import Point
from tests.bench._store_data import Answer, Plan

ASKED = 7  # times each question, after one that does not count

Question = Callable[[Plan], Answer]


class Engine(Protocol):
    """One engine under test. prepare() is not timed, write() is.

    safe: what an acknowledged batch survives, in words.
    """

    name: str
    safe: str

    def prepare(self, batch: list[Point]) -> object: ...

    def write(self, prepared: object) -> None: ...

    def fill(self, points: list[Point]) -> None:
        """Put points in by the quickest way there is; not timed."""
        ...

    def upkeep(self, now: int) -> None: ...

    def settle(self) -> None:
        """All of it on disk and ready to be asked."""
        ...

    def written(self) -> int:
        """Bytes its process has caused to be written to disk so far."""
        ...

    def size(self) -> int: ...

    def availability(self, plan: Plan, start: int) -> Answer: ...

    def day(self, plan: Plan) -> Answer: ...

    def hourly(self, plan: Plan) -> Answer: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Measured:
    """rows: that were timed. writing, upkeep: seconds. written: bytes, of the last week. size:
    bytes, of all. asked: question -> ms, median. answers: to the same questions."""

    rows: int = 0
    writing: float = 0.0
    upkeep: float = 0.0
    written: int = 0
    size: int = 0
    slowest: float = 0.0  # seconds, one batch
    asked: dict[str, float] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)


def ask(engine: Engine, plan: Plan, measured: Measured) -> None:
    """Time every question."""
    questions: dict[str, Question] = {
        "availability, 7 days": lambda p: engine.availability(p, p.week),
        "availability, 30 days": lambda p: engine.availability(p, p.month),
        "one device, 24 h raw": engine.day,
        "one commune, hourly mean, 7 days": engine.hourly,
    }
    for text, question in questions.items():
        measured.answers[text] = question(plan)
        took = []
        for _ in range(ASKED):
            start = time.perf_counter()
            question(plan)
            took.append(time.perf_counter() - start)
        measured.asked[text] = 1000 * median(took)


def write_bytes(pid: int | str = "self") -> int:
    """Bytes that a process caused to be sent to the storage layer: /proc/PID/io."""
    for text in Path(f"/proc/{pid}/io").read_text(encoding="utf-8").splitlines():
        if text.startswith("write_bytes: "):
            return int(text.split()[1])
    raise AssertionError("no write_bytes in /proc/PID/io")


def folder_size(folder: Path) -> int:
    """Bytes that the files in a folder take on disk; files that go meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                total += 512 * path.stat().st_blocks
        except FileNotFoundError:
            continue
    return total
