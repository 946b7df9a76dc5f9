"""Administrative units and how places become part of one another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory import models, parents
from ioc.inventory.checks import Places
from ioc.inventory.document import Path_
from ioc.inventory.topology import Unit


def unit(item: models.Unit) -> Unit:
    return Unit(
        item.id,
        item.name,
        item.kind,
        item.code,
        item.staff,
        item.valid_from,
        item.valid_until,
        item.into,
    )


def check(inventory: models.Inventory, claimed: Mapping[str, Path_], places: Places) -> None:
    """Ids once, dates in order, `into` leads somewhere and never in a circle."""
    known: dict[str, tuple[models.SiteModel | models.Unit, Path_]] = {}
    for i, site in enumerate(inventory.sites):
        known[site.id] = (site, ("sites", i))
    for i, item in enumerate(inventory.units):
        path: Path_ = ("units", i)
        first = known[item.id][1] if item.id in known else claimed.get(item.id)
        if first is not None:
            text = mark("{id} exists already: {first}; give this one another id")
            places.wrong((*path, "id"), _(text, id=item.id, first=places.where(first)))
            continue
        known[item.id] = (item, path)
    for place, path in known.values():
        _check_one(place, path, known, places)


def _check_one(
    place: models.SiteModel | models.Unit,
    path: Path_,
    known: Mapping[str, tuple[models.SiteModel | models.Unit, Path_]],
    places: Places,
) -> None:
    if place.valid_from and place.valid_until and place.valid_until < place.valid_from:
        places.wrong((*path, "valid_until"), _("is before valid_from"))
    if place.into is None:
        return
    if place.into not in known:
        if not places.hides(place.into):
            places.wrong((*path, "into"), parents.no_such(place.into, known))
        return
    if place.valid_until is None:
        places.wrong((*path, "into"), _("needs valid_until: the last day before the merger"))
    else:
        _check_joint(place.valid_until, known[place.into], path, places)
    seen, at = {place.id}, place.into
    while at in known:
        if at in seen:
            places.wrong((*path, "into"), _("leads back to itself"))
            return
        seen.add(at)
        at = known[at][0].into or ""


def _check_joint(
    last: str, successor: tuple[models.SiteModel | models.Unit, Path_], path: Path_, places: Places
) -> None:
    """On the day after the last one the successor is there: nothing is counted twice or not at all.

    A unit without a first day would stand beside those that go into it from the beginning.
    """
    into, where = successor
    following = (date.fromisoformat(last) + timedelta(days=1)).isoformat()
    if isinstance(into, models.Unit) and into.valid_from is None:
        text = mark("needs valid_from: {day}, the day after others became part of it")
        places.wrong((*where, "id"), _(text, day=following))
    elif into.valid_from is not None and into.valid_from > following:
        text = mark("{id} begins on {first}; from {day} until then this would be nowhere")
        places.wrong((*path, "into"), _(text, id=into.id, first=into.valid_from, day=following))
    elif into.valid_until is not None and into.valid_until < following:
        text = mark("{id} has ended by then, on {last}")
        places.wrong((*path, "into"), _(text, id=into.id, last=into.valid_until))
