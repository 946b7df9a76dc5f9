"""The figures of a report are the ledger's, to the last digit; the past is told as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from parts import At, Monitor, district, reading, sources, wanted

from ioc.engine.model import AreaView
from ioc.inventory.topology import Target
from ioc.ledger.model import Source
from ioc.reports.gather import NoSuchPlace, Sources, gather
from ioc.reports.model import Figure, Report, TargetPart

NOW = wanted("2026-01-01", "2026-02-28")
JANUARY = wanted("2026-01-01", "2026-01-31", every="month")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Sources]:
    with sources(tmp_path) as found:
        yield found


def report(found: Sources, asked: Any) -> Report:
    return gather(found, asked, lambda _share, _stage: None)


def files(found: Sources, asked: Any) -> TargetPart:
    return next(t for t in report(found, asked).targets if t.id == "files")


def place(part: TargetPart, name: str) -> Figure:
    return next(p for p in part.places if p.place == name)


def test_now_every_figure_is_the_ledgers(made: Sources) -> None:
    made.keeper.declare(
        [reading("moi", "2026-01-31", 70, 90), reading("c", "2026-01-31", 1, 3),
         reading("c", "2026-01-31", 2, 3, source=Source.DECLARED)], "an"
    )  # fmt: skip
    standings = made.keeper.ledger().standings
    seen = 0
    for target in report(made, NOW).targets:
        for figure in (target.area, *target.places):
            standing = standings[target.id, figure.place or None]
            chosen = standing.chosen
            assert figure.value == chosen.value
            assert figure.evidence == chosen.evidence_value
            assert (figure.state, bool(figure.conflict)) == (
                chosen.state.value,
                standing.conflict is not None,
            )
            if chosen.denominator is not None:
                assert (figure.numerator, figure.denominator) == (
                    chosen.numerator,
                    chosen.denominator,
                )
                assert figure.source == chosen.source.value
            seen += 1
    assert seen == len(standings)
    assert "66,7 %" in place(files(made, NOW), "c").conflict


def test_the_source_its_paper_and_its_day_are_told(made: Sources) -> None:
    made.keeper.declare([reading("c", "2026-01-20", 1, 3)], "an")
    found = place(files(made, NOW), "c")
    assert (found.source, found.origin, found.document) == ("exported", "Sở Nội vụ", "12/BC-SNV")
    assert found.as_of == "2026-01-20"


def test_where_nobody_gave_a_figure_there_is_none_and_no_zero(made: Sources) -> None:
    for asked in (NOW, JANUARY, wanted("2019-01-01", "2019-12-31", every="year")):
        part = files(made, asked)
        for figure in (part.area, *part.places):
            assert (figure.denominator, figure.value, figure.evidence) == (None, None, None)
            assert (figure.state, figure.note) == ("unknown", "chưa có số liệu")


def test_a_month_that_is_over_is_as_it_was_written_down(made: Sources) -> None:
    made.keeper.declare([reading("c", "2026-01-31", 1, 4), reading("moi", "2026-01-31", 3, 4)], "a")
    made.keeper.declare([reading("c", "2026-02-01", 4, 4)], "an")
    written = {
        (f.target, f.place): f
        for f in made.keeper.records.figures(since="2026-01-31", until="2026-01-31")
    }
    part = files(made, JANUARY)
    for figure in (part.area, *part.places):
        known = written["files", figure.place or None]
        assert (figure.numerator, figure.denominator) == (known.numerator, known.denominator)
        assert (figure.value, figure.state) == (known.value, known.state.value)
    assert place(part, "c").value == 25.0, "the figure of February is not of January"
    assert place(part, "c").document == "12/BC-SNV"


def test_late_figures_restate_a_month_and_the_first_figure_is_shown(made: Sources) -> None:
    made.keeper.declare([reading("c", "2026-01-31", 1, 4)], "an")
    made.keeper.declare([reading("c", "2026-01-31", 3, 4)], "an")
    figure = place(files(made, JANUARY), "c")
    assert (figure.value, figure.before, figure.restated) == (75.0, 25.0, True)
    assert place(files(made, JANUARY), "moi").restated is False


def test_two_sources_of_a_past_month_are_still_a_conflict(made: Sources) -> None:
    made.keeper.declare(
        [reading("c", "2026-01-31", 1, 4),
         reading("c", "2026-01-31", 3, 4, source=Source.DECLARED)], "an"
    )  # fmt: skip
    assert place(files(made, JANUARY), "c").conflict == "hai nguồn khác nhau: 25 % và 75 %"


def test_a_past_month_is_held_against_the_goal_of_then(made: Sources) -> None:
    keeper, clock = made.keeper, made.clock
    assert isinstance(clock, At)
    keeper.declare([reading("c", "2026-01-31", 9, 10), reading("moi", "2026-01-31", 9, 10)], "an")
    clock.moment += 40 * 86_400_000  # in March the goal is raised
    monitor = made.monitor
    assert isinstance(monitor, Monitor)
    raised = replace(monitor.topology.targets["files"], goal=95.0)
    monitor.topology = replace(
        monitor.topology, targets={**monitor.topology.targets, "files": raised}
    )
    monitor.shown = AreaView(clock.moment, 2, False, {}, monitor.shown.assets, monitor.topology)
    keeper.note_goals()
    past, now = files(made, JANUARY), files(made, wanted("2026-03-01", "2026-03-31"))
    assert (past.goal, past.area.state) == (80.0, "met")
    assert (now.goal, now.area.state) == (95.0, "partly")


def test_a_target_that_was_retired_since_is_in_the_reports_of_before(tmp_path: Path) -> None:
    old = Target("old", "Chỉ tiêu cũ", 50, sources=("declared",), retired="2026-01-15")
    with sources(tmp_path, replace(district(), retired={"old": old})) as made:
        assert "old" not in {t.id for t in report(made, JANUARY).targets}
        assert "old" in {t.id for t in report(made, wanted("2025-12-01", "2025-12-31")).targets}


def test_of_one_unit_only_what_is_asked_there(made: Sources) -> None:
    made.keeper.declare([reading("c", "2026-01-31", 1, 4)], "an")
    asked = NOW.model_copy(update={"place": "c"})
    found = report(made, asked)
    assert found.subject == "Xã c"
    part = next(t for t in found.targets if t.id == "files")
    assert (part.area.value, part.places) == (25.0, ())
    assert {line.id for line in found.links} == {"c.fiber", "c.4g"}


def test_a_new_unit_has_the_past_of_what_became_part_of_it(made: Sources) -> None:
    given = [reading("a", "2025-05-31", 2, 4), reading("b", "2025-05-31", 4, 4)]
    made.keeper.declare([*given, reading("moi", "2026-01-31", 8, 8)], "an")
    asked = NOW.model_copy(update={"place": "moi"})
    part = next(t for t in report(made, asked).targets if t.id == "files")
    assert dict(part.months)["2025-05-31"] == 75.0
    assert part.months[-1] == ("2026-01-31", 100.0)


def test_the_trend_of_a_past_report_ends_with_it(made: Sources) -> None:
    days = ("2025-10-31", "2025-11-30", "2025-12-31")
    made.keeper.declare([reading("c", day, n, 10) for n, day in enumerate(days, 1)], "an")
    for asked in (
        wanted("2025-11-01", "2025-11-30", place="c"),
        wanted("2025-11-01", "2025-11-30"),
    ):
        part = files(made, asked)
        assert [day for day, _value in part.months] == ["2025-10-31", "2025-11-30"]


def test_by_old_units_each_has_its_own_figure_now(made: Sources) -> None:
    made.keeper.declare(
        [reading("a", "2026-01-31", 2, 4), reading("moi", "2026-01-31", 9, 9)], "an"
    )
    part = files(made, NOW.model_copy(update={"units": "before"}))
    assert [p.place for p in part.places] == ["a", "b", "c"]
    assert place(part, "a").value == 50.0
    fiber = next(
        t for t in report(made, NOW.model_copy(update={"units": "before"})).targets
        if t.id == "fiber-communes"
    )  # fmt: skip
    assert (fiber.area.numerator, fiber.area.denominator) == (3, 3)


def test_a_place_that_is_not_there_is_refused_by_name(made: Sources) -> None:
    with pytest.raises(NoSuchPlace, match="không có đơn vị khong-co"):
        report(made, NOW.model_copy(update={"place": "khong-co"}))


def test_the_work_can_be_stopped_between_the_parts(made: Sources) -> None:
    class Enough(Exception):
        pass

    seen: list[float] = []

    def step(share: float, _stage: str) -> None:
        seen.append(share)
        if share > 0.4:
            raise Enough

    with pytest.raises(Enough):
        gather(made, NOW, step)
    assert seen == sorted(seen)


def test_a_past_figure_that_nobody_wrote_down_is_judged_by_the_goal_of_then(
    made: Sources,
) -> None:
    keeper, clock, monitor = made.keeper, made.clock, made.monitor
    assert isinstance(clock, At)
    assert isinstance(monitor, Monitor)
    clock.moment += 40 * 86_400_000
    raised = replace(monitor.topology.targets["files"], goal=95.0)
    monitor.topology = replace(
        monitor.topology, targets={**monitor.topology.targets, "files": raised}
    )
    monitor.shown = AreaView(clock.moment, 2, False, {}, monitor.shown.assets, monitor.topology)
    keeper.note_goals()
    keeper.records.add(
        [reading("c", "2026-01-31", 9, 10), reading("moi", "2026-01-31", 9, 10)], "an", clock.now()
    )
    keeper.load()
    assert not keeper.records.figures("files"), "no row says how it was"
    past = files(made, JANUARY)
    assert (past.goal, past.area.value, past.area.state) == (80.0, 90.0, "met")
    assert place(past, "c").state == "met"
