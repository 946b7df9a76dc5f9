"""Numbers, days and states in the words of a report."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.ledger.rounding import shown
from ioc.ledger.trend import Forecast
from ioc.reports.model import Report, Wanted

STATES = {
    "met": mark("goal reached"),
    "partly": mark("partly reached"),
    "not_met": mark("goal not reached"),
    "tracked": mark("tracked"),
    "unknown": mark("not enough evidence"),
}
SOURCES = {
    "measured": mark("measured"),
    "exported": mark("exported"),
    "declared": mark("declared"),
    "mixed": mark("several sources"),
}
SEVERITIES = {
    "critical": mark("critical"),
    "warning": mark("warning"),
    "info": mark("note"),
}
AVAILABILITY_RULES = (
    mark("A state holds until the next is known, at most six minutes; the rest is unknown."),
    mark("Unknown time is neither up nor down; announced maintenance counts for neither."),
    mark("Availability is up time divided by up and down time; beside it: how much is known."),
    mark("A place is up while any of its lines is up, down while all of them are down."),
)
KINDS = ("huyện", "tỉnh", "xã", "phường", "thành phố", "thị xã", "thị trấn", "đặc khu", "quận")
PIECE = 6  # letters of a piece of a word that is too long
LONGEST = 16  # letters of a word that fits into every column but the narrowest
NARROW = 9  # into that as well
ZERO_WIDTH_SPACE = "\u200b"
EXACT = 3  # decimals of a goal, which is shown as it was set


def breakable(text: str, longest: int = LONGEST) -> str:
    """With places to break a line in words that are longer than a column; none before a percent
    sign."""
    text = text.replace(" %", "\u00a0%")
    return re.sub(rf"\S{{{longest + 1},}}", lambda word: _broken(word[0]), text)


def running(name: str, lang: str) -> str:
    """A unit's name within a sentence: `huyện Chợ Đồn`."""
    kind = lang == "vi" and name.casefold().startswith(tuple(f"{kind} " for kind in KINDS))
    return name[:1].lower() + name[1:] if kind else name


def _broken(word: str) -> str:
    pieces = (word[start : start + PIECE] for start in range(0, len(word), PIECE))
    return ZERO_WIDTH_SPACE.join(pieces)


def percent(value: float | None, lang: str, digits: int = 1) -> str:
    """As the pages show it; a dash when nobody can say."""
    if value is None:
        return "–"
    text = f"{shown(value, digits):.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return (text.replace(".", ",") if lang == "vi" else text) + " %"


def count(value: int | None, lang: str) -> str:
    """With the language's sign for thousands; a dash for nothing known."""
    if value is None:
        return "–"
    return f"{value:,}".replace(",", ".") if lang == "vi" else f"{value:,}"


def points(change: float | None, lang: str) -> str:
    """A change in percentage points with its sign."""
    if change is None:
        return "–"
    text = f"{abs(change):.1f}"
    sign = "+" if change > 0.05 else "−" if change < -0.05 else "±"
    return sign + (text.replace(".", ",") if lang == "vi" else text)


def day(text: str | None) -> str:
    """ISO date as 30/09/2026."""
    return f"{text[8:10]}/{text[5:7]}/{text[:4]}" if text else "–"


def when(text: str) -> str:
    """ISO day as 30/9, ISO month as 9/2026."""
    if len(text) == 7:
        return f"{int(text[5:])}/{text[:4]}"
    return f"{int(text[8:])}/{int(text[5:7])}"


def moment(at: int | None, zone: str) -> str:
    """ms UTC as 08:12 30/09/2026."""
    if at is None:
        return "–"
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime("%H:%M %d/%m/%Y")


def length(ms: int, lang: str) -> str:
    """A stretch of time in days, hours and minutes."""
    minutes = round(ms / 60_000)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return _("{days} d {hours} h", lang, days=days, hours=hours)
    if hours:
        return _("{hours} h {minutes} min", lang, hours=hours, minutes=minutes)
    return _("{n} min", lang, n=minutes)


def period(wanted: Wanted, lang: str) -> str:
    """`tháng 9 năm 2026`, `quý III năm 2026`, `năm 2026`, or from one day to another."""
    since = wanted.since
    if wanted.every == "month" and lang == "en":
        return f"{since:%B %Y}"
    if wanted.every == "month":
        return _("month {month} of {year}", lang, month=since.month, year=since.year)
    if wanted.every == "quarter":
        roman = ("I", "II", "III", "IV")[(since.month - 1) // 3]
        return _("quarter {quarter} of {year}", lang, quarter=roman, year=since.year)
    if wanted.every == "year":
        return _("year {year}", lang, year=since.year)
    words = {"since": day(since.isoformat()), "until": day(wanted.until.isoformat())}
    return _("from {since} to {until}", lang, **words)


def signed_on(report: Report) -> str:
    """Place and date as administrative documents have them: a zero before days below 10 and
    before January and February only (Decree 30/2020/NĐ-CP, appendix I)."""
    made = date.fromisoformat(report.made_at[:10])
    if report.wanted.language == "en":
        return f"{report.layout.place}, {made.day} {made:%B %Y}"
    words: dict[str, str | int] = {
        "place": report.layout.place,
        "day": f"{made.day:02}",
        "month": f"{made.month:02}" if made.month <= 2 else str(made.month),
        "year": made.year,
    }
    return _("{place}, day {day} month {month} year {year}", report.wanted.language, **words)


def forecast_words(found: Forecast, lang: str) -> str:
    """When the goal is reached at this rate; empty when nothing can be said."""
    if found.verdict == "never":
        return _("not at this rate", lang)
    if found.verdict != "date" or found.on is None:
        return ""
    on = found.on.strftime("%m/%Y")
    if found.latest is None:
        return _("about {on}, perhaps never", lang, on=on)
    until = found.latest.strftime("%m/%Y")
    if until == on:
        return _("about {on}", lang, on=on)
    return _("about {on}, at the latest {until}", lang, on=on, until=until)
