"""The targets: all of them, one with everything behind it, and the ways figures come in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ioc.accounts.model import Role
from ioc.api.context import Context
from ioc.api.read import target_counts
from ioc.api.reading_models import reading_out
from ioc.api.target_models import FigureOut, ForecastOut, PastOut, StandingOut
from ioc.api.targets import all_targets, author, detail, evidence, find
from ioc.i18n import mark, render
from ioc.i18n import translate as _
from ioc.inventory.topology import Target
from ioc.ledger import intake
from ioc.ledger.model import Source, TargetState
from ioc.ledger.places import asked_of, places_on
from ioc.ledger.records import Outcome
from ioc.web.render import page
from ioc.web.words import count, decimal, percent, source_word, target_word

Lang = Annotated[Literal["vi", "en"], Query()]
Id = Annotated[str, Path(max_length=200)]
Line = Annotated[str, Form(max_length=5000)]
PlaceParam = Annotated[str | None, Query(max_length=200)]
LISTED = 500  # things of the denominator on one page; the API has all
VERSIONS = 100
COLOURS = {
    TargetState.MET: "up",
    TargetState.PARTLY: "degraded",
    TargetState.NOT_MET: "down",
    TargetState.TRACKED: "off",
    TargetState.UNKNOWN: "unknown",
}
OUTCOMES = {
    Outcome.NEW: mark("The figures are entered."),
    Outcome.CORRECTED: mark("Entered as a correction; the version before stays in the list."),
    Outcome.UNCHANGED: mark("Nothing to change: the same figures stand there already."),
}
VERDICTS = {
    "reached": mark("The goal is reached."),
    "unknown": mark("Too few months with figures to say when the goal is reached."),
    "never": mark("Not at this rate: the figures do not rise towards the goal."),
}
TOO_SLOW = mark("Not within the next ten years at this rate ({rate} points a month).")
PERHAPS = mark(
    "At this rate ({rate} points a month) about {on}; not before {from}, and perhaps never."
)
UNTIL = mark("At this rate ({rate} points a month) about {on}, most likely {from} to {until}.")
WIDTH, HEIGHT = 640, 120


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _lists(api, context)
    _one(api, context)
    return api


def _lists(api: APIRouter, context: Context) -> None:
    @api.get("/targets")
    def targets(
        request: Request,
        state: TargetState | None = None,
        place: PlaceParam = None,
        lang: Lang = "vi",
    ) -> Response:
        area = context.monitor.view()
        found = all_targets(context, lang, state, place or None).items
        counts = target_counts(context)
        today = context.today()
        return page(
            request,
            "targets.html",
            lang,
            area,
            simulated=context.simulated,
            counts=[
                {"state": s.value, "colour": COLOURS[s], "count": n, "word": target_word(s, lang)}
                for s, n in counts.items()
                if n
            ],
            total=sum(counts.values()),
            targets=[
                {
                    "target": t,
                    "overdue": _overdue(t.due, t.standing, today),
                    **_shown(t.standing, t.comparator, lang),
                }
                for t in found
            ],
            chosen=state.value if state else "",
            place=place or "",
            places=context.keeper.ledger().places,
            retired=[] if state or place else _retired(context),
        )

    @api.get("/targets/import")
    def hand_in(request: Request, lang: Lang = "vi") -> Response:
        area = context.monitor.view()
        return page(
            request, "targets_import.html", lang, area, simulated=context.simulated,
            may=request.state.actor.role.may(Role.OPERATOR),
        )  # fmt: skip


def _one(api: APIRouter, context: Context) -> None:
    def shown(  # noqa: PLR0917 - what the page shows
        request: Request,
        id: str,
        place: str | None,
        lang: str,
        said: str = "",
        wrong: str = "",
        form: dict[str, str] | None = None,
    ) -> Response:
        area = context.monitor.view()
        target = find(context, id)
        one = detail(context, target, place, lang)
        standing = one.standing
        today = context.today()
        entries = [entry for _key, entry in evidence(context, target, place, lang)]
        entries.sort(key=lambda e: {False: 0, None: 1, True: 2}[e.counts])
        readings = [
            reading_out(r)
            for r in reversed(context.keeper.records.readings(id))
            if r.place == place or (place is None and target.per == "area")
        ]
        answer = page(
            request,
            "target.html",
            lang,
            area,
            simulated=context.simulated,
            target=one,
            main=_shown(standing, one.comparator, lang),
            figures=[_figure(f, one.comparator, lang) for f in (standing.figure, *standing.others)],
            places=[_shown(s, one.comparator, lang) for s in one.places],
            entries=entries[:LISTED],
            beyond=max(0, len(entries) - LISTED),
            entry_counts={
                name: sum(e.counts is value for e in entries)
                for name, value in (("yes", True), ("no", False), ("unknown", None))
            },
            readings=readings[:VERSIONS],
            source_words={s.value: source_word(s, lang) for s in Source},
            chart=chart(one.trend.points, one.goal),
            forecast=forecast_text(one.trend.forecast, one.goal, standing.state, lang),
            change={
                "month": _points(one.trend.month, lang),
                "year": _points(one.trend.year, lang),
            },
            place=place,
            asked=_asked(context, target.per, today),
            today=today.isoformat(),
            may=request.state.actor.role.may(Role.OPERATOR),
            said=said,
            wrong=wrong,
            form={**EMPTY, "as_of": today.isoformat(), "place": place or "", **(form or {})},
        )
        answer.status_code = 422 if wrong else 200
        return answer

    @api.get("/targets/{id}")
    def target(
        request: Request,
        id: Id,
        place: PlaceParam = None,
        done: Outcome | None = None,
        lang: Lang = "vi",
    ) -> Response:
        said = _(OUTCOMES[done], lang) if done else ""
        return shown(request, id, place or None, lang, said)

    @api.post("/targets/{id}")
    def declare(  # noqa: PLR0917 - the fields of the form
        request: Request,
        id: Id,
        place: Line = "",
        source: Line = "",
        as_of: Line = "",
        numerator: Line = "",
        denominator: Line = "",
        origin: Line = "",
        document: Line = "",
        note: Line = "",
        links: Line = "",
        withdrawn: Line = "",
        lang: Lang = "vi",
    ) -> Response:
        target = find(context, id)
        given = {
            "place": place, "source": source, "as_of": as_of, "numerator": numerator,
            "denominator": denominator, "origin": origin, "document": document, "note": note,
            "links": links, "withdrawn": withdrawn,
        }  # fmt: skip
        topology = context.monitor.topology
        today = context.today()
        try:
            reading = intake.reading(topology, {**given, "target": target.id}, today)
        except intake.Wrong as wrong:
            text = f"{_(FIELDS.get(wrong.field, wrong.field), lang)}: {render(wrong.reason, lang)}"
            return shown(request, id, None, lang, wrong=text, form=given)
        [kept] = context.keeper.declare([reading], author(request))
        request.state.detail = f"{reading.numerator}/{reading.denominator} {reading.as_of}"
        where = f"&place={reading.place}" if reading.place else ""
        return RedirectResponse(
            f"/targets/{target.id}?lang={lang}&done={kept.outcome.value}{where}", status_code=303
        )


EMPTY = dict.fromkeys(
    ("source", "numerator", "denominator", "origin", "document", "note", "links"), ""
)
FIELDS = {
    "place": mark("Unit"),
    "source": mark("Kind of source"),
    "as_of": mark("As of"),
    "numerator": mark("Numerator"),
    "denominator": mark("Denominator"),
    "links": mark("Links"),
}


def _retired(context: Context) -> list[Target]:
    """Targets that are no longer counted; their figures stay to be read."""
    topology, counted = context.monitor.topology, context.keeper.ledger().standings
    every = {**topology.targets, **topology.retired}.values()
    return [target for target in every if (target.id, None) not in counted]


def _overdue(due: str | None, standing: StandingOut, today: date) -> bool:
    """Whether the day has passed on which the goal was to be reached."""
    reached = standing.state in (TargetState.MET, TargetState.TRACKED)
    return due is not None and due < today.isoformat() and not reached


def _asked(context: Context, per: str, today: date) -> list[tuple[str, str]]:
    """Places that a form may name, id and name."""
    places = places_on(context.monitor.topology, today)
    return [(place.id, place.name) for place in asked_of(per, places)]


def _shown(standing: StandingOut, comparator: str, lang: str) -> dict[str, Any]:
    """A standing as the pages show it."""
    return {
        "standing": standing,
        "colour": COLOURS[standing.state],
        "word": target_word(standing.state, lang),
        **_figure(standing.figure, comparator, lang),
    }


def _figure(figure: FigureOut, comparator: str, lang: str) -> dict[str, Any]:
    known = figure.value is not None or figure.denominator == 0
    return {
        "figure": figure,
        "value": percent(figure.value, lang),
        "numerator": count(figure.numerator if known else None, lang),
        "denominator": count(figure.denominator, lang),
        "evidence": percent(figure.evidence, lang),
        "source": source_word(figure.source, lang),
        "figure_colour": COLOURS[figure.state],
        "figure_word": target_word(figure.state, lang),
        "parts": ", ".join(f"{source_word(s, lang)} {n}" for s, n in figure.parts.items()),
        "as_of": _ms(figure.as_of),
        "width": round(min(figure.value or 0.0, 100.0), 1),
        "comparator": ">" if comparator == ">" else "≥",
    }


def _ms(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


def _points(change: float | None, lang: str) -> str:
    """A change in percentage points with its sign; a dash when nobody can say."""
    if change is None:
        return "–"
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    return f"{sign}{decimal(abs(change), lang)}"


def forecast_text(found: ForecastOut, goal: float | None, state: TargetState, lang: str) -> str:
    """When the goal is reached at this rate, in words; empty where nothing is to be reached, and
    while nobody can say where it stands."""
    if goal is None or state is TargetState.UNKNOWN:
        return ""
    rising = (found.rate or 0.0) > 0
    text = VERDICTS.get(found.verdict, UNTIL if found.latest else PERHAPS)
    if found.verdict == "never" and rising:
        text = TOO_SLOW
    words = {
        "rate": decimal(abs(found.rate or 0.0), lang),
        "on": _month(found.on),
        "from": _month(found.earliest),
        "until": _month(found.latest),
    }
    return _(text, lang, **words)


def _month(day: str | None) -> str:
    return f"{day[5:7]}/{day[:4]}" if day else "–"


def chart(points: list[PastOut], goal: float | None) -> dict[str, Any] | None:
    """The months as a line, its goal as another; None when there is nothing to draw."""
    known = [(p.day, p.value) for p in points if p.value is not None][-36:]
    if len(known) < 2:
        return None
    first = date.fromisoformat(known[0][0]).toordinal()
    last = date.fromisoformat(known[-1][0]).toordinal()

    def x(day: str) -> float:
        return 30 + (WIDTH - 40) * (date.fromisoformat(day).toordinal() - first) / (last - first)

    def y(value: float) -> float:
        return HEIGHT - 18 - (HEIGHT - 28) * min(value, 100.0) / 100

    dots = [(round(x(day), 1), round(y(value), 1), day, value) for day, value in known]
    return {
        "line": " ".join(f"{a},{b}" for a, b, _day, _value in dots),
        "dots": dots,
        "goal": None if goal is None else round(y(goal), 1),
        "full": round(y(100.0), 1),
        "zero": round(y(0.0), 1),
        "first": _month(known[0][0]),
        "last": _month(known[-1][0]),
        "width": WIDTH,
        "height": HEIGHT,
    }
