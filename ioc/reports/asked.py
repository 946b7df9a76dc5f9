"""From what somebody asks for to the report that is meant; what is wrong with it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from collectors.base import Reason
from ioc.inventory.topology import Topology
from ioc.ledger.places import name_of
from ioc.reports.model import FORMATS, LONGEST, Every, Format, Wanted
from ioc.reports.periods import around, before
from ioc.reports.units import units_of

EARLIEST = date(2000, 1, 1)


class WrongReport(ValueError):
    """No such report can be made; reason says why."""

    def __init__(self, text: str, **words: str | int | float) -> None:
        super().__init__(text.format(**words))
        self.reason = Reason(text, words)


@dataclass(frozen=True, slots=True)
class Asked:
    """day: any day of the month, quarter or year; None = the last one that is over. since, until:
    of a range, first and last day. place: one unit only."""

    every: Every = "month"
    day: date | None = None
    since: date | None = None
    until: date | None = None
    place: str | None = None
    units: Literal["now", "before"] = "now"
    language: Literal["vi", "en"] = "vi"
    formats: Sequence[Format] = FORMATS


def wanted_of(topology: Topology, asked: Asked, today: date) -> Wanted:
    """The report that is meant. today: the local day. Raises WrongReport."""
    since, until = _period(asked, today)
    wanted = Wanted(
        every=asked.every,
        since=since,
        until=until,
        place=asked.place,
        units=asked.units,
        language=asked.language,
        formats=tuple(dict.fromkeys(asked.formats)),
    )
    if asked.place is not None and asked.place not in units_of(topology, wanted, today).places:
        if asked.place not in topology.sites and asked.place not in topology.units:
            raise WrongReport("there is no place {name}", name=asked.place)
        name, last = name_of(topology, asked.place), min(until, today)
        raise WrongReport("{name} is no unit of its own on {day}", name=name, day=_shown(last))
    return wanted


def _period(asked: Asked, today: date) -> tuple[date, date]:
    if asked.every == "range":
        if asked.since is None or asked.until is None:
            raise WrongReport("a range needs a first and a last day")
        since, until = asked.since, asked.until
        _refuse_odd(since, today)
    elif asked.day is None:
        since, until = before(asked.every, today)
    else:
        _refuse_odd(asked.day, asked.day)
        if asked.day.year > today.year:
            raise WrongReport("{day} is in the future", day=_shown(asked.day))
        since, until = around(asked.every, asked.day)
        _refuse_odd(since, today)
    if until < since:
        raise WrongReport("the last day lies before the first")
    if (until - since).days > LONGEST:
        raise WrongReport("a report covers at most {days} days", days=LONGEST)
    return since, until


def _refuse_odd(day: date, latest: date) -> None:
    if day > latest:
        raise WrongReport("{day} is in the future", day=_shown(day))
    if day < EARLIEST:
        raise WrongReport("{day} is too long ago", day=_shown(day))


def _shown(day: date) -> str:
    return day.strftime("%d/%m/%Y")
