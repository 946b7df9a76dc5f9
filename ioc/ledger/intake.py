"""What people hand in, checked: a reading or a machine report becomes one, or says why not.

The same rules for a form, the API, the command line and a row of a table.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from collectors.base import Reason
from ioc.inventory.topology import Site, Target, Topology, Unit
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.model import Reading, Source

EARLIEST = date(1990, 1, 1)
LARGEST = 10**12
LONGEST = {"origin": 200, "document": 200, "note": 2000}
LINKS = 10
LINK = re.compile(r"https?://[^\s<>\"']{3,500}")
GROUPED = re.compile(r"\d{1,3}(?:[.,   ]\d{3})+")

SOURCES = {
    "declared": Source.DECLARED,
    "khai báo": Source.DECLARED,
    "khai bao": Source.DECLARED,
    "exported": Source.EXPORTED,
    "kết xuất": Source.EXPORTED,
    "ket xuat": Source.EXPORTED,
}
YES = {"có", "co", "bật", "bat", "yes", "true", "1", "on", "x"}
NO = {"không", "khong", "tắt", "tat", "no", "false", "0", "off"}


class Wrong(Exception):
    """What is wrong with one field. field: its name; reason: in words with the remedy."""

    def __init__(self, field: str, reason: Reason) -> None:
        super().__init__(reason.text)
        self.field = field
        self.reason = reason


def reading(topology: Topology, given: Mapping[str, Any], today: date) -> Reading:
    """A reading from fields as they were written. Raises Wrong for the first that cannot be used.

    target, place: id, name or code; place empty: the area. source: empty: the first that the
    target allows. as_of: a date, or text as 2026-09-30 or 30/09/2026. numerator, denominator:
    whole numbers. origin, document, note; links: URLs in a list or separated by spaces.
    """
    target = _target(topology, given.get("target"))
    place = _place(topology, given.get("place"))
    as_of = _day("as_of", given.get("as_of"), today)
    numerator = _count("numerator", given.get("numerator"))
    denominator = _count("denominator", given.get("denominator"))
    if numerator > denominator:
        words = {"numerator": numerator, "denominator": denominator}
        raise Wrong("numerator", Reason("{numerator} is more than the whole, {denominator}", words))
    return Reading(
        target=target.id,
        place=place,
        source=_source(target, given.get("source")),
        as_of=as_of.isoformat(),
        numerator=numerator,
        denominator=denominator,
        origin=_line("origin", given.get("origin")),
        document=_line("document", given.get("document")),
        note=_line("note", given.get("note")),
        links=_links(given.get("links")),
        withdrawn=bool(given.get("withdrawn", False)),
    )


def machine(topology: Topology, given: Mapping[str, Any], now: int) -> MachineReport:
    """A machine report from fields as they were written. Raises Wrong.

    asset: id of a computer of the inventory, or its address. reported_at, antivirus_at: a moment
    or a date; memory_gb: a number. What is empty was not said.
    """
    today = datetime.fromtimestamp(now / 1000, topology.timezone).date()
    memory = _number("memory_gb", given.get("memory_gb"))
    disk = _text(given.get("disk")).lower()
    if disk not in ("", "ssd", "hdd"):
        raise Wrong("disk", Reason("write ssd or hdd"))
    kind: Literal["ssd", "hdd"] | None = (
        "ssd" if disk == "ssd" else "hdd" if disk == "hdd" else None
    )
    reported = _moment("reported_at", given.get("reported_at"), topology, today)
    return MachineReport(
        asset=_computer(topology, given.get("asset")),
        reported_at=now if reported is None else min(reported, now),
        system=_line("system", given.get("system"), 200) or None,
        memory_mb=None if memory is None else round(memory * 1024),
        disk=kind,
        antivirus=_yes_or_no("antivirus", given.get("antivirus")),
        antivirus_at=_moment("antivirus_at", given.get("antivirus_at"), topology, today),
        source=_line("source", given.get("source"), 40) or "api",
    )


# --- fields


def _target(topology: Topology, value: Any) -> Target:
    text = _text(value)
    if not text:
        raise Wrong("target", Reason("is missing; add it"))
    found = topology.targets.get(text)
    if found is None:
        wanted = plain(text)
        found = next(
            (t for t in topology.targets.values() if wanted in (plain(t.name), plain(t.id))), None
        )
    if found is None:
        raise Wrong("target", Reason("there is no target {name}", {"name": text[:60]}))
    return found


def _place(topology: Topology, value: Any) -> str | None:
    text = _text(value)
    if not text or text == topology.area_id or plain(text) == plain(topology.area_name):
        return None
    places: dict[str, Site | Unit] = {**topology.sites, **topology.units}
    if text in places:
        return text
    wanted = plain(text)
    found = [name for name, p in places.items() if wanted == plain(p.name) or text == p.code]
    if len(found) == 1:
        return found[0]
    if found:
        words = {"name": text[:60], "ids": ", ".join(found)}
        raise Wrong("place", Reason("{name} may be {ids}; write the id", words))
    raise Wrong("place", Reason("there is no place {name}", {"name": text[:60]}))


def _computer(topology: Topology, value: Any) -> str:
    text = _text(value)
    asset = topology.assets.get(text)
    if asset is not None and asset.kind == "computer":
        return text
    found = [a.id for a in topology.assets.values() if a.kind == "computer" and a.address == text]
    if text and len(found) == 1:
        return found[0]
    raise Wrong("asset", Reason("no computer {name} in the inventory", {"name": text[:60] or "?"}))


def _source(target: Target, value: Any) -> Source:
    text = _text(value).lower()
    if not text:
        reported = [s for s in target.sources if s != Source.MEASURED]
        return Source(reported[0]) if reported else Source.DECLARED
    found = SOURCES.get(text)
    if found is None:
        raise Wrong("source", Reason("write declared or exported (khai báo, kết xuất)"))
    return found


def _day(field: str, value: Any, today: date) -> date:
    found = _as_date(value)
    if found is None:
        raise Wrong(field, Reason("not a date; write for example 30/09/2026"))
    if found > today:
        raise Wrong(field, Reason("{day} is in the future", {"day": found.isoformat()}))
    if found < EARLIEST:
        raise Wrong(field, Reason("{day} is too long ago", {"day": found.isoformat()}))
    return found


def _as_date(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = _text(value)
    for pattern in ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"):
        try:
            return datetime.strptime(text[:10], pattern).date()  # noqa: DTZ007 - a day only
        except ValueError:
            continue
    return None


def _moment(field: str, value: Any, topology: Topology, today: date) -> int | None:
    """ms UTC; a date means its end, but not later than now."""
    if value is None or _text(value) == "":
        return None
    if isinstance(value, str) and "T" in value:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise Wrong(field, Reason("not a date; write for example 30/09/2026")) from None
        zoned = at if at.tzinfo else at.replace(tzinfo=topology.timezone)
        return round(zoned.timestamp() * 1000)
    if isinstance(value, datetime) and value.time() != time():
        zoned = value if value.tzinfo else value.replace(tzinfo=topology.timezone)
        return round(zoned.timestamp() * 1000)
    day = _day(field, value, today)
    end = datetime.combine(day + timedelta(days=1), time(), topology.timezone)
    return round(end.timestamp() * 1000) - 1


def _count(field: str, value: Any) -> int:
    found = _number(field, value)
    if found is None:
        raise Wrong(field, Reason("is missing; add it"))
    if found != int(found):
        raise Wrong(field, Reason("must be a whole number"))
    return int(found)


def _number(field: str, value: Any) -> float | None:
    if isinstance(value, bool):
        raise Wrong(field, Reason("must be a whole number"))
    if isinstance(value, int | float):
        number = float(value)
    else:
        text = _text(value)
        if not text:
            return None
        if GROUPED.fullmatch(text):
            text = re.sub(r"\D", "", text)
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            raise Wrong(field, Reason("must be a whole number")) from None
    if not 0 <= number <= LARGEST:  # also what is not a number
        raise Wrong(field, Reason("must be between 0 and {most}", {"most": LARGEST}))
    return number


def _yes_or_no(field: str, value: Any) -> bool | None:
    if isinstance(value, bool) or value is None:
        return value
    text = _text(value).lower()
    if not text:
        return None
    if text in YES or text in NO:
        return text in YES
    raise Wrong(field, Reason("write yes or no (có, không)"))


def _line(field: str, value: Any, longest: int | None = None) -> str:
    text = _text(value)
    most = longest or LONGEST.get(field, 200)
    if len(text) > most:
        raise Wrong(field, Reason("is longer than {max_length} characters", {"max_length": most}))
    return text


def _links(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list | tuple) else _text(value).split()
    links = tuple(str(link) for link in found)
    if len(links) > LINKS or any(LINK.fullmatch(link) is None for link in links):
        raise Wrong("links", Reason("must be web addresses, https://…, at most 10"))
    return links


def _text(value: Any) -> str:
    """One line of composed text without control characters."""
    if value is None:
        return ""
    text = unicodedata.normalize("NFC", str(value))
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return re.sub(r"\s+", " ", text).strip()


def plain(text: str) -> str:
    """`Xã Bản Thi` as `xa ban thi`: marks and case are often left out when typing."""
    letters = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).strip()
