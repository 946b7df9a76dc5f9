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
from ioc.ledger.places import existed

EARLIEST = date(1990, 1, 1)
LARGEST = 10**12
LONGEST = {"origin": 200, "document": 200, "note": 2000}
LINKS = 10
LINK = re.compile(r"https?://[^\s<>\"']{3,500}")
SPACED = re.compile(r"\d{1,3}(?:[ ']\d{3})+", re.ASCII)
# 412 · 1.234 · 1,234 · 1.234,5 · 1,234.5 · 7,9: a point and a comma mean either, so both are read
# by where they stand. What may be two numbers is refused.
GROUPED = re.compile(r"([1-9]\d{0,2}(?:([.,])\d{3})(?:\2\d{3})*)(?:(?!\2)[.,](\d+))?", re.ASCII)
SIMPLE = re.compile(r"-?\d+(?:[.,]\d+)?", re.ASCII)
DATES = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[ T][\d:.]{5,15})?", re.ASCII),
    re.compile(r"(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4})(?: [\d:.]{4,15})?", re.ASCII),
)
AHEAD = 86_400_000  # ms by which a computer's clock may be fast

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
    as_of = _day("as_of", given.get("as_of"), today)
    if target.retired is not None and as_of.isoformat() >= target.retired:
        raise Wrong("target", Reason("not counted any more since {day}", {"day": target.retired}))
    place = _place(topology, given.get("place"), as_of.isoformat())
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
        withdrawn=bool(_yes_or_no("withdrawn", given.get("withdrawn"))),
    )


def machine(topology: Topology, given: Mapping[str, Any], now: int) -> MachineReport:
    """A machine report from fields as they were written. Raises Wrong.

    asset: id of a computer of the inventory, or its address. reported_at: a moment, or a date,
    which means its beginning: handing the same in again later says nothing newer. antivirus_at: a
    moment, or a date, which means its end; agents write 0001-01-01 where there is none, so what is
    before 1990 was not said. memory_gb: a number. What is empty was not said.
    """
    memory = _number("memory_gb", given.get("memory_gb"), most=4096)
    disk = _text(given.get("disk")).lower()
    if disk not in ("", "ssd", "hdd"):
        raise Wrong("disk", Reason("write ssd or hdd"))
    kind: Literal["ssd", "hdd"] | None = (
        "ssd" if disk == "ssd" else "hdd" if disk == "hdd" else None
    )
    reported = _moment("reported_at", given.get("reported_at"), topology, now)
    return MachineReport(
        asset=_computer(topology, given.get("asset")),
        reported_at=now if reported is None else min(reported, now),
        system=_line("system", given.get("system"), 200) or None,
        memory_mb=None if memory is None else round(memory * 1024),
        disk=kind,
        antivirus=_yes_or_no("antivirus", given.get("antivirus")),
        antivirus_at=_antivirus_at(given.get("antivirus_at"), topology, now),
        source=_line("source", given.get("source"), 40) or "api",
    )


# --- fields


def _target(topology: Topology, value: Any) -> Target:
    text = _text(value)
    if not text:
        raise Wrong("target", Reason("is missing; add it"))
    found = topology.targets.get(text) or topology.retired.get(text)
    if found is None:
        wanted = plain(text)
        targets = [*topology.targets.values(), *topology.retired.values()]
        named = [t for t in targets if wanted in (plain(t.name), plain(t.id))]
        found = named[0] if len(named) == 1 else None
    if found is None:
        raise Wrong("target", Reason("there is no target {name}", {"name": text[:60]}))
    return found


def _place(topology: Topology, value: Any, day: str) -> str | None:
    """By id, name or code; codes and names are used again, so the day decides between two."""
    text = _text(value)
    if not text or text == topology.area_id or plain(text) == plain(topology.area_name):
        return None
    known = text in topology.sites or text in topology.units
    found = [text] if known else _named(topology, text)
    then = [name for name in found if existed(topology, name, day)]
    if len(then) == 1:
        return then[0]
    if len(found) > 1:
        words = {"name": text[:60], "ids": ", ".join(then or found)}
        raise Wrong("place", Reason("{name} may be {ids}; write the id", words))
    if not found:
        raise Wrong("place", Reason("there is no place {name}", {"name": text[:60]}))
    raise Wrong("place", Reason("{name} was no unit on {day}", {"name": text[:60], "day": day}))


def _named(topology: Topology, text: str) -> list[str]:
    places: dict[str, Site | Unit] = {**topology.sites, **topology.units}
    wanted = plain(text)
    # A spreadsheet takes the zero away from 02020.
    codes = {text, text.zfill(5)} if text.isdigit() else {text}
    return [name for name, p in places.items() if wanted == plain(p.name) or p.code in codes]


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
    for pattern in DATES:
        match = pattern.fullmatch(text)
        if match is not None:
            try:
                return date(int(match["y"]), int(match["m"]), int(match["d"]))
            except ValueError:
                return None
    return None


def _antivirus_at(value: Any, topology: Topology, now: int) -> int | None:
    at = _as_moment(value)
    day = _as_date(value) if at is None else at.date()
    if day is not None and day < EARLIEST:
        return None
    return _moment("antivirus_at", value, topology, now, end=True)


def _moment(
    field: str, value: Any, topology: Topology, now: int, *, end: bool = False
) -> int | None:
    """ms UTC; a date means its beginning, or its end."""
    if value is None or _text(value) == "":
        return None
    at = _as_moment(value)
    if at is None:
        today = datetime.fromtimestamp(now / 1000, topology.timezone).date()
        day = _day(field, value, today)
        at = datetime.combine(day + timedelta(days=end), time())
    if at.date() < EARLIEST:
        raise Wrong(field, Reason("{day} is too long ago", {"day": at.date().isoformat()}))
    zoned = at if at.tzinfo else at.replace(tzinfo=topology.timezone)
    found = round(zoned.timestamp() * 1000)
    if found > now + AHEAD:
        raise Wrong(field, Reason("{day} is in the future", {"day": zoned.date().isoformat()}))
    return found


def _as_moment(value: Any) -> datetime | None:
    """With a time of the day; None for a mere date and for what is neither."""
    if isinstance(value, datetime):
        return None if value.time() == time() else value
    try:
        text = _text(value)
        return datetime.fromisoformat(text) if len(text) > 10 else None
    except ValueError:
        return None


def _count(field: str, value: Any) -> int:
    found = _number(field, value)
    if found is None:
        raise Wrong(field, Reason("is missing; add it"))
    whole = round(found)
    if abs(found - whole) > 1e-6:  # a formula's sum may be off by the last digit
        raise Wrong(field, Reason("must be a whole number"))
    return whole


def _number(field: str, value: Any, most: int = LARGEST) -> float | None:
    """most: also says how a text is read. Thousands are grouped where there can be thousands."""
    if isinstance(value, bool):
        raise Wrong(field, Reason("must be a number"))
    if isinstance(value, int) and not 0 <= value <= most:  # may be too large for a float
        raise Wrong(field, Reason("must be between 0 and {most}", {"most": most}))
    number = float(value) if isinstance(value, int | float) else None
    if number is None:
        text = _text(value)
        if not text:
            return None
        number = _read(text, grouped=most == LARGEST)
    if number is None:
        raise Wrong(field, Reason("must be a number"))
    if not 0 <= number <= most:  # also what is not a number
        raise Wrong(field, Reason("must be between 0 and {most}", {"most": most}))
    return number


def _read(text: str, *, grouped: bool) -> float | None:
    if SPACED.fullmatch(text):
        return float(re.sub(r"\D", "", text))
    match = GROUPED.fullmatch(text) if grouped else None
    if match is not None:
        return float(re.sub(r"\D", "", match[1]) + "." + (match[3] or "0"))
    return float(text.replace(",", ".")) if SIMPLE.fullmatch(text) else None


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
    """One line of composed text without control characters, nor such as nobody sees."""
    if value is None:
        return ""
    text = unicodedata.normalize("NFC", str(value))
    if not text.isprintable():
        kinds = {c: unicodedata.category(c) for c in set(text)}
        text = "".join(
            "" if kinds[c] == "Cf" else " " if kinds[c] in ("Cc", "Cs") else c for c in text
        )
    return re.sub(r"\s+", " ", text).strip()


def plain(text: str) -> str:
    """`Xã Bản Thi` as `xa ban thi`: marks and case are often left out when typing."""
    letters = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(bare.split())
