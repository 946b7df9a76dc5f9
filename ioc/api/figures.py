"""Totals, coverage and the monitor's own problems, as the API answers them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from collectors.base import Reason
from ioc.engine.model import ComputerCounts, State
from ioc.engine.problems import Problem
from ioc.i18n import render
from ioc.inventory.topology import Target, Topology
from ioc.ledger.model import Coverage, Source, TargetState

Time = Annotated[str, Field(description="ISO 8601, UTC", examples=["2026-02-02T02:40:00.000Z"])]
Percent = Annotated[float | None, Field(description="%; null = nobody can say", examples=[95.0])]
Counts = Annotated[
    dict[State, int],
    Field(
        description="How many are in each state",
        examples=[
            {
                "up": 18,
                "degraded": 1,
                "down": 1,
                "unreachable": 0,
                "off": 0,
                "maintenance": 0,
                "unknown": 0,
            }
        ],
    ),
]


def iso(at: int) -> str:
    """ms UTC as `2026-02-02T02:40:00.000Z`."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_null(at: int | None) -> str | None:
    return None if at is None else iso(at)


class Why(BaseModel):
    """A reason in the language asked for. key: the same in every language."""

    text: Annotated[str, Field(examples=["không trả lời trong 1 giây"])]
    key: Annotated[str, Field(examples=["no reply within {timeout} s"])]


def why(reason: Reason | None, lang: str) -> Why | None:
    return None if reason is None else Why(text=render(reason, lang), key=reason.text)


class ComputersOut(BaseModel):
    """Computers by state."""

    total: Annotated[int, Field(examples=[18])]
    expected: Annotated[int, Field(description="Should be on now by their calendars")]
    up: int
    down: int
    off: Annotated[int, Field(description="Silent, and not expected to be on")]
    unreachable: Annotated[int, Field(description="Something before them is down")]
    unknown: int


def computers_out(counts: Iterable[ComputerCounts]) -> ComputersOut:
    """The sum over sites."""
    found = list(counts)
    return ComputersOut(
        total=sum(c.total for c in found),
        expected=sum(c.expected for c in found),
        up=sum(c.up for c in found),
        down=sum(c.down for c in found),
        off=sum(c.off for c in found),
        unreachable=sum(c.unreachable for c in found),
        unknown=sum(c.unknown for c in found),
    )


class CoverageOut(BaseModel):
    """How far a target is covered, with everything that must be read beside the figure."""

    target: Annotated[str, Field(examples=["fiber-communes"])]
    name: Annotated[str, Field(examples=["Cáp quang phủ đơn vị hành chính cấp xã"])]
    site: Annotated[str | None, Field(description="null: the whole area")]
    numerator: Annotated[int, Field(examples=[19])]
    denominator: Annotated[int | None, Field(examples=[20])]
    known: Annotated[int, Field(description="How many of the denominator have evidence")]
    value: Percent
    evidence: Percent
    goal: Annotated[float | None, Field(description="%; null: tracked", examples=[100.0])]
    comparator: Annotated[str, Field(examples=[">="])]
    state: TargetState
    rule: Annotated[str, Field(description="How it is counted, in words")]
    source: Source
    stale: Annotated[bool, Field(description="Too old to be evidence")]
    note: Why | None
    as_of: Annotated[str | None, Field(description="Oldest measurement that counted")]


def coverage_out(topology: Topology, reading: Coverage, lang: str) -> CoverageOut:
    target = topology.targets[reading.target]
    return CoverageOut(
        target=reading.target,
        name=target_name(target, lang),
        site=reading.site,
        numerator=reading.numerator,
        denominator=reading.denominator,
        known=reading.known,
        value=reading.value,
        evidence=reading.evidence_value,
        goal=reading.goal,
        comparator=target.comparator,
        state=reading.state,
        rule=rule_text(target, reading.rule, lang),
        source=reading.source,
        stale=reading.stale,
        note=why(reading.note, lang),
        as_of=iso_or_null(reading.as_of),
    )


def rule_text(target: Target, measured: Reason | None, lang: str) -> str:
    """How a figure was counted: as it was measured, else as the target says."""
    if measured is not None:
        return render(measured, lang)
    return (target.rule_en or target.rule) if lang == "en" else target.rule


def target_name(target: Target, lang: str) -> str:
    return (target.name_en or target.name) if lang == "en" else target.name


class ProblemOut(BaseModel):
    """Something wrong with the monitor itself. code: the same in every language."""

    code: Annotated[str, Field(examples=["inventory"])]
    text: str
    since: Time


def problem_out(problem: Problem, lang: str) -> ProblemOut:
    return ProblemOut(
        code=problem.code, text=render(problem.reason, lang), since=iso(problem.since)
    )


class Overview(BaseModel):
    """The area at one moment. version: grows with every change."""

    area: Annotated[str, Field(examples=["cho-don"])]
    name: Annotated[str, Field(examples=["Huyện Chợ Đồn"])]
    timezone: Annotated[
        str, Field(description="Of its days and hours", examples=["Asia/Ho_Chi_Minh"])
    ]
    at: Time
    version: int
    started_at: Time
    simulated: Annotated[bool, Field(description="Made-up data of a demonstration")]
    uplink_lost: Annotated[bool, Field(description="The monitor itself cannot see out")]
    sites: Counts
    links: Annotated[dict[str, Counts], Field(description="By kind")]
    devices: Annotated[dict[str, Counts], Field(description="By kind")]
    services: Counts
    computers: ComputersOut
    coverage: Annotated[list[CoverageOut], Field(description="Of the targets on the wall")]
    targets: Annotated[dict[TargetState, int], Field(description="How many are in each state")]
    problems: list[ProblemOut]


def count(states: Iterable[State]) -> dict[State, int]:
    """How often each state occurs; 0 where it does not."""
    found = dict.fromkeys(State, 0)
    for state in states:
        found[state] += 1
    return found
