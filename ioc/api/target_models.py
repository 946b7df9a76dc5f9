"""Targets and their figures, as the API answers them.

The pages and the command line show these same values, so that a figure is the same everywhere.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from ioc.api.figures import Percent, Time, Why, iso, iso_or_null, rule_text, target_name, why
from ioc.inventory.topology import Target, Topology
from ioc.ledger.measures import MEASURES
from ioc.ledger.model import Coverage, Evidence, Source, Standing, TargetState
from ioc.ledger.places import name_of
from ioc.ledger.records import Goal, PastFigure
from ioc.ledger.trend import Trend

Place = Annotated[
    str | None, Field(description="null: the whole area", examples=["yen-thinh", None])
]
Day = Annotated[str, Field(description="ISO 8601 date", examples=["2026-09-30"])]


class FigureOut(BaseModel):
    """One figure of a target from one source."""

    source: Source
    numerator: Annotated[int, Field(examples=[19])]
    denominator: Annotated[int | None, Field(examples=[20])]
    known: Annotated[int, Field(description="How many of the denominator have evidence")]
    value: Percent
    evidence: Percent
    state: TargetState
    as_of: Annotated[str | None, Field(description="ISO 8601: oldest of what was counted")]
    stale: Annotated[bool, Field(description="Too old to be evidence")]
    supporting: Annotated[bool, Field(description="Measured beside what is reported")]
    rule: Annotated[str, Field(description="How it was counted, in words")]
    note: Why | None
    parts: Annotated[
        dict[Source, int], Field(description="Of a sum: how many places by each source")
    ]
    reading: Annotated[int | None, Field(description="id of the reading it rests on")]
    origin: str | None
    document: str | None


def figure_out(target: Target, figure: Coverage, lang: str) -> FigureOut:
    reading = figure.reading
    return FigureOut(
        source=figure.source,
        numerator=figure.numerator,
        denominator=figure.denominator,
        known=figure.known,
        value=figure.value,
        evidence=figure.evidence_value,
        state=figure.state,
        as_of=iso_or_null(figure.as_of),
        stale=figure.stale,
        supporting=figure.supporting,
        rule=rule_text(target, figure.rule, lang),
        note=why(figure.note, lang),
        parts=dict(figure.parts),
        reading=reading.id if reading else None,
        origin=(reading.origin or None) if reading else None,
        document=(reading.document or None) if reading else None,
    )


class StandingOut(BaseModel):
    """Where a target stands at one place. figure: the one that counts; others: all the rest."""

    target: Annotated[str, Field(examples=["fiber-communes"])]
    place: Place
    name: Annotated[str, Field(description="Of the place", examples=["Xã Yên Thịnh"])]
    state: TargetState
    figure: FigureOut
    others: list[FigureOut]
    conflict: Annotated[Why | None, Field(description="Two sources cannot both be right")]


def standing_out(topology: Topology, standing: Standing, lang: str) -> StandingOut:
    name = standing.target
    target = topology.targets.get(name) or topology.retired[name]
    name = topology.area_name if standing.site is None else name_of(topology, standing.site)
    return StandingOut(
        target=standing.target,
        place=standing.site,
        name=name,
        state=standing.chosen.state,
        figure=figure_out(target, standing.chosen, lang),
        others=[figure_out(target, figure, lang) for figure in standing.others],
        conflict=why(standing.conflict, lang),
    )


class TargetOut(BaseModel):
    """A target with where it stands in the area, or at the place that was asked for."""

    id: Annotated[str, Field(examples=["fiber-communes"])]
    name: Annotated[str, Field(examples=["Cáp quang phủ đơn vị hành chính cấp xã"])]
    goal: Annotated[float | None, Field(description="%; null: tracked", examples=[100.0])]
    comparator: Literal[">=", ">"]
    due: Annotated[str | None, Field(examples=["2025-12-31"])]
    counted: Annotated[str, Field(description="What is counted", examples=["xã, thị trấn"])]
    per: Annotated[str, Field(description="Whose figures are asked for: area, commune, site")]
    basis: Annotated[str, Field(description="Legal basis")]
    by: Annotated[str, Field(description="Responsible unit")]
    sources: Annotated[list[str], Field(description="Which is believed first")]
    fresh_days: Annotated[float, Field(description="Days after which a figure is no evidence")]
    rule: Annotated[str, Field(description="How reported figures are counted")]
    measured_rule: Annotated[str | None, Field(description="How it is measured")]
    wall: bool
    standing: StandingOut


def target_out(topology: Topology, target: Target, standing: Standing, lang: str) -> TargetOut:
    return TargetOut(**_target(topology, target, standing, lang))


def _target(topology: Topology, target: Target, standing: Standing, lang: str) -> dict[str, Any]:
    english = lang == "en"
    measured = MEASURES[target.measure][1] if target.measure else None
    return {
        "id": target.id,
        "name": target_name(target, lang),
        "goal": target.goal,
        "comparator": target.comparator,
        "due": target.due,
        "counted": (target.counted_en or target.counted) if english else target.counted,
        "per": target.per,
        "basis": target.basis,
        "by": target.by,
        "sources": list(target.sources),
        "fresh_days": target.fresh / 86_400_000,
        "rule": rule_text(target, None, lang),
        "measured_rule": rule_text(target, measured, lang) if measured else None,
        "wall": target.wall,
        "standing": standing_out(topology, standing, lang),
    }


class TargetPage(BaseModel):
    """All targets, in the order of the catalogue."""

    items: list[TargetOut]
    at: Time


class PastOut(BaseModel):
    """A figure at the end of a local day. version: above 1, late figures changed it."""

    day: Day
    numerator: int
    denominator: int | None
    value: Percent
    evidence: Percent
    state: TargetState
    source: Source
    version: int
    recorded_at: Time


def past_out(figure: PastFigure) -> PastOut:
    return PastOut(
        day=figure.day,
        numerator=figure.numerator,
        denominator=figure.denominator,
        value=figure.value,
        evidence=figure.evidence,
        state=figure.state,
        source=figure.source,
        version=figure.version,
        recorded_at=iso(figure.recorded_at),
    )


class ForecastOut(BaseModel):
    """When the goal is reached at this rate, by a straight line through the months.

    verdict: reached, date, never (not at this rate), unknown (too few figures). earliest and
    latest: 80 % interval; latest null with a date: perhaps never.
    """

    verdict: Literal["reached", "date", "never", "unknown"]
    rate: Annotated[float | None, Field(description="Percentage points a month")]
    on: Annotated[str | None, Field(examples=["2027-03-31"])]
    earliest: str | None
    latest: str | None
    figures: Annotated[int, Field(description="Months behind it")]


class RestatedOut(BaseModel):
    """What late figures changed."""

    day: Day
    before: Percent
    after: Percent
    at: Time


class TrendOut(BaseModel):
    """month, year: change in percentage points; null = no figure then."""

    points: list[PastOut]
    month: float | None
    year: float | None
    forecast: ForecastOut
    restated: list[RestatedOut]


def trend_out(found: Trend) -> TrendOut:
    ahead = found.forecast
    return TrendOut(
        points=[past_out(point) for point in found.points],
        month=found.month,
        year=found.year,
        forecast=ForecastOut.model_validate(
            {
                "verdict": ahead.verdict,
                "rate": ahead.rate,
                "on": ahead.on and ahead.on.isoformat(),
                "earliest": ahead.earliest and ahead.earliest.isoformat(),
                "latest": ahead.latest and ahead.latest.isoformat(),
                "figures": ahead.figures,
            }
        ),
        restated=[
            RestatedOut(
                day=after.day, before=before.value, after=after.value, at=iso(after.recorded_at)
            )
            for before, after in found.restated
        ],
    )


class GoalOut(BaseModel):
    """A goal in force since a moment. due, retired: ISO dates."""

    since: Time
    goal: float | None
    comparator: str
    due: str | None
    retired: str | None


def goal_out(goal: Goal) -> GoalOut:
    return GoalOut(
        since=iso(goal.since),
        goal=goal.goal,
        comparator=goal.comparator,
        due=goal.due,
        retired=goal.retired,
    )


class TargetDetail(TargetOut):
    """One target with every place, how it moves, and what its goal was."""

    places: list[StandingOut]
    trend: TrendOut
    goals: list[GoalOut]


def target_detail(
    topology: Topology,
    target: Target,
    standing: Standing,
    places: list[Standing],
    found: Trend,
    goals: list[Goal],
    lang: str,
) -> TargetDetail:
    return TargetDetail(
        **_target(topology, target, standing, lang),
        places=[standing_out(topology, place, lang) for place in places],
        trend=trend_out(found),
        goals=[goal_out(goal) for goal in goals],
    )


class EvidenceOut(BaseModel):
    """One thing that was counted. counts: null = no evidence."""

    id: Annotated[str, Field(description="Asset or place", examples=["yen-thinh.cap-quang"])]
    name: str
    place: Place
    place_name: Annotated[str | None, Field(examples=["Xã Yên Thịnh"])]
    counts: bool | None
    reason: Why | None
    observed_at: str | None


class EvidencePage(BaseModel):
    """In order of place and id."""

    items: list[EvidenceOut]
    total: int
    next: str | None


def evidence_out(topology: Topology, entry: Evidence, place: str | None, lang: str) -> EvidenceOut:
    asset = topology.assets.get(entry.id)
    return EvidenceOut(
        id=entry.id,
        name=asset.name if asset else name_of(topology, entry.id),
        place=place,
        place_name=None if place is None else name_of(topology, place),
        counts=entry.counts,
        reason=why(entry.reason, lang),
        observed_at=iso_or_null(entry.observed_at),
    )
