"""Targets: the built-in catalogue with what an inventory changes, adds and retires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory import models
from ioc.inventory.checks import Places
from ioc.inventory.document import Path_
from ioc.inventory.topology import Adequacy, ReportLayout, SendReport, Target

CATALOGUE = Path(__file__).parent / "catalogue.yaml"
BASIS = "Chỉ tiêu cải cách hành chính, chuyển đổi số của huyện giai đoạn 2021–2025"

Targets = dict[str, Target]


@cache
def catalogue() -> Mapping[str, dict[str, Any]]:
    """The built-in targets as they stand in the file, by id."""
    found = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    return {item["id"]: item for item in found}


def compile_targets(
    items: Sequence[models.TargetModel], places: Places, today: date | None = None
) -> tuple[Targets, Targets]:
    """Targets that are counted, and those retired by today. What is wrong is told to `places`.

    One that is retired later is counted until then: the ledger looks at the day.
    """
    day = (today or datetime.now(UTC).date()).isoformat()
    given: dict[str, models.TargetModel] = {}
    first: dict[str, Path_] = {}
    for i, item in enumerate(items):
        path: Path_ = ("targets", i)
        if item.id in given:
            text = mark("{id} exists already: {first}; remove one of them")
            where = places.where(first[item.id])
            places.wrong((*path, "id"), _(text, id=item.id, first=where))
            continue
        given[item.id], first[item.id] = item, path
        if item.id not in catalogue():
            _check_new(item, path, places)
        _check(item, path, places)
    order = [*catalogue(), *(name for name in given if name not in catalogue())]
    made = [_target(name, given.get(name)) for name in order]
    retired = {t.id: t for t in made if t.retired is not None and t.retired <= day}
    return {t.id: t for t in made if t.id not in retired}, retired


def _check(item: models.TargetModel, path: Path_, places: Places) -> None:
    if item.tracked and item.goal is not None:
        places.wrong((*path, "tracked"), _("a goal and tracked: true; write one of them"))
    usual = catalogue().get(item.id, {})
    goal = item.goal if "goal" in item.model_fields_set else usual.get("goal")
    given = "comparator" in item.model_fields_set
    comparator = item.comparator if given else usual.get("comparator", ">=")
    if goal == 100 and comparator == ">" and not item.tracked:
        field = "comparator" if given else "goal"
        places.wrong((*path, field), _("nothing is above 100 %; write a lower goal or >="))


def _check_new(item: models.TargetModel, path: Path_, places: Places) -> None:
    if item.name is None:
        text = mark("not in the catalogue; a target of your own needs a name and a goal")
        places.wrong((*path, "id"), _(text))
    elif item.goal is None and not item.tracked:
        places.wrong(path, _("write a goal in percent, or tracked: true"))


def _target(key: str, given: models.TargetModel | None) -> Target:
    """The catalogue's entry under what the inventory says of it."""
    values = dict(catalogue().get(key, {"id": key}))
    if given is not None:
        said = {key: getattr(given, key) for key in given.model_fields_set}
        if "goal" in said:
            values.pop("tracked", None)
        for name in ("name", "counted", "rule"):
            if name in said:
                values.pop(f"{name}_en", None)  # it says what the other did
        values |= said
    item = models.TargetModel.model_validate(values)
    return Target(
        id=item.id,
        name=item.name or item.id,
        goal=None if item.tracked else item.goal,
        comparator=item.comparator,
        due=item.due,
        name_en=item.name_en,
        counted=item.counted or "",
        counted_en=item.counted_en,
        per=item.per,
        basis=item.basis or BASIS,
        by=item.by or "",
        sources=tuple(item.sources),
        measure=item.measure,
        supporting=item.supporting,
        kinds=tuple(item.kinds),
        fresh=round(item.fresh * 1000),
        rule=item.rule or "",
        rule_en=item.rule_en,
        wall=item.wall,
        retired=item.retired,
    )


def adequacy(item: models.AdequacyModel) -> Adequacy:
    """The rule for computers, what is not given as usual."""
    usual = Adequacy()
    return Adequacy(
        memory=usual.memory if item.memory is None else item.memory,
        least_memory=usual.least_memory if item.least_memory is None else item.least_memory,
        ssd=usual.ssd if item.ssd is None else item.ssd,
        antivirus=usual.antivirus if item.antivirus is None else item.antivirus,
        definitions=_ms(item.definitions, usual.definitions),
        seen=_ms(item.seen, usual.seen),
        systems=tuple((system.name, system.until) for system in item.systems),
    )


def layout(item: models.ReportsModel) -> ReportLayout:
    """What stands around a report."""
    return ReportLayout(
        above=item.above or "",
        authority=item.authority or "",
        number=item.number or "",
        place=item.place or "",
        signer=tuple(item.signer),
        recipients=tuple(item.recipients),
        send=tuple(SendReport(s.channel, s.every, tuple(s.formats), s.language) for s in item.send),
    )


def _ms(seconds: float | None, usual: int) -> int:
    return usual if seconds is None else round(seconds * 1000)
