"""What a computer says of itself, and whether that is adequate for the work.

Collected: the machine's health only. Never who sits at it, nor what he does: a field that is not
in the report is refused where it comes in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from collectors.base import Reason
from ioc.inventory.topology import Adequacy
from ioc.ledger.rounding import shown_day

# A machine sold with 8 GB reports less: graphics and firmware keep a part for themselves.
NOMINAL = 0.93

# Last day of support, by the beginning of the name, the more exact before the less. Microsoft's
# lifecycle pages, editions Home and Pro where they differ. None: supported with no end announced.
SYSTEMS: tuple[tuple[str, str | None], ...] = (
    ("windows 11 21h2", "2023-10-10"),
    ("windows 11 22h2", "2024-10-08"),
    ("windows 11 23h2", "2025-11-11"),
    ("windows 11 24h2", "2026-10-13"),
    ("windows 11 25h2", "2027-10-12"),
    ("windows 11", None),
    ("windows 10 ltsc 2021", "2027-01-12"),
    ("windows 10 ltsc 21h2", "2027-01-12"),  # as inventories of agents name it
    ("windows 10 ltsc 2019", "2029-01-09"),
    ("windows 10 ltsc 1809", "2029-01-09"),
    ("windows 10", "2025-10-14"),
    ("windows 8.1", "2023-01-10"),
    ("windows 8", "2016-01-12"),
    ("windows 7", "2020-01-14"),
    ("windows vista", "2017-04-11"),
    ("windows xp", "2014-04-08"),
    ("ubuntu 20.04", "2025-05-31"),
    ("ubuntu 22.04", "2027-04-30"),
    ("ubuntu 24.04", "2029-04-30"),
    ("debian 11", "2026-08-31"),
    ("debian 12", "2028-06-30"),
    ("debian 13", "2030-06-30"),
)


class Grade(StrEnum):
    """Đạt · cần nâng cấp · không đạt · chưa rõ."""

    ADEQUATE = "adequate"
    UPGRADE = "upgrade"
    INADEQUATE = "inadequate"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MachineReport:
    """One report of one computer. What the machine did not say is None.

    asset: id of the computer in the inventory. reported_at, antivirus_at: ms UTC, when the
    report was made and how new the definitions are. system: name and version, as "Windows 11 Pro
    24H2". memory_mb: MiB. disk: of the system. antivirus: on.
    """

    asset: str
    reported_at: int
    system: str | None = None
    memory_mb: int | None = None
    disk: Literal["ssd", "hdd"] | None = None
    antivirus: bool | None = None
    antivirus_at: int | None = None
    source: str = "api"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A grade with the first reason for it, None when it is adequate."""

    grade: Grade
    reason: Reason | None = None


def judge(report: MachineReport | None, rule: Adequacy, now: int, seen_at: int | None) -> Judgement:
    """Whether a computer is adequate. seen_at: ms UTC when the network last saw it.

    What makes it unfit comes before what an upgrade mends; that it was not seen lately only keeps
    it from being adequate, since an old system does not become new in a cupboard. What nobody
    said comes last. Definitions are as old as they were when the machine reported: one that is
    switched off over a holiday has nothing to be mended.
    """
    if report is None:
        return Judgement(Grade.UNKNOWN, Reason("no report of this computer"))
    found = _unfit(report, rule, now) or _to_upgrade(report, rule)
    if found is not None:
        return found
    seen = max(report.reported_at, seen_at or 0)
    if now - seen > rule.seen:
        days = {"days": (now - seen) // 86_400_000}
        return Judgement(Grade.UNKNOWN, Reason("not seen for {days} days", days))
    return _unsaid(report, rule) or _outlived(report, rule, now) or Judgement(Grade.ADEQUATE)


def _unfit(report: MachineReport, rule: Adequacy, now: int) -> Judgement | None:
    until = supported_until(report.system, rule) if report.system else None
    if until is not None and until[1] is not None and _today(now) > until[1]:
        words = {"system": report.system or "", "day": shown_day(until[1])}
        return _inadequate("{system}: supported until {day}", **words)
    if rule.antivirus and report.antivirus is False:
        return _inadequate("antivirus is off or missing")
    if report.memory_mb is not None and report.memory_mb < _megabytes(rule.least_memory):
        return _inadequate("only {gb} GB of memory", gb=_gigabytes(report.memory_mb))
    return None


def _to_upgrade(report: MachineReport, rule: Adequacy) -> Judgement | None:
    if report.memory_mb is not None and report.memory_mb < _megabytes(rule.memory):
        words = {"gb": _gigabytes(report.memory_mb), "wanted": rule.memory}
        return Judgement(Grade.UPGRADE, Reason("{gb} GB of memory, {wanted} GB are wanted", words))
    if rule.ssd and report.disk == "hdd":
        return Judgement(Grade.UPGRADE, Reason("a hard disk, not an SSD"))
    if rule.antivirus and report.antivirus_at is not None:
        age = report.reported_at - report.antivirus_at
        if age > rule.definitions:
            days = age // 86_400_000
            return Judgement(
                Grade.UPGRADE, Reason("antivirus definitions are {days} days old", {"days": days})
            )
    return None


def _unsaid(report: MachineReport, rule: Adequacy) -> Judgement | None:
    if report.system is None or supported_until(report.system, rule) is None:
        words = {"system": report.system or "?"}
        return Judgement(
            Grade.UNKNOWN, Reason("nobody knows until when {system} is supported", words)
        )
    unsaid = (
        report.memory_mb is None
        or (rule.ssd and report.disk is None)
        or (rule.antivirus and (report.antivirus is None or report.antivirus_at is None))
    )
    return Judgement(Grade.UNKNOWN, Reason("the report is not complete")) if unsaid else None


def _outlived(report: MachineReport, rule: Adequacy, now: int) -> Judgement | None:
    """It works, and has not said since whether its definitions were renewed."""
    if not rule.antivirus or report.antivirus_at is None:
        return None
    if now - report.antivirus_at <= rule.definitions:
        return None
    days = {"days": (now - report.reported_at) // 86_400_000}
    return Judgement(Grade.UNKNOWN, Reason("no report for {days} days", days))


def _inadequate(text: str, **words: str | int | float) -> Judgement:
    return Judgement(Grade.INADEQUATE, Reason(text, words))


def supported_until(system: str, rule: Adequacy) -> tuple[str, str | None] | None:
    """(beginning of the name that matched, last ISO day or None = no end), None = not known."""
    return _supported_until(system, rule.systems)


@lru_cache(maxsize=2048)  # an office has hundreds of computers and a handful of systems
def _supported_until(
    system: str, systems: tuple[tuple[str, str | None], ...]
) -> tuple[str, str | None] | None:
    words = name_words(system)
    for name, until in (*systems, *SYSTEMS):
        wanted = name_words(name)
        if wanted and all(any(_same(word, given) for given in words) for word in wanted):
            return name, until
    return None


def _same(word: str, given: str) -> bool:
    """`24.04` is also `24.04.1`: point releases share the support of their release."""
    return given == word or given.startswith(word + ".")


def name_words(text: str) -> list[str]:
    """`Microsoft Windows 10 Enterprise LTSC 2021` and `windows-10 ltsc 2021` in the same words."""
    return re.sub(r"[^a-z0-9.]+", " ", text.lower()).split()


def _megabytes(gigabytes: float) -> float:
    return gigabytes * 1024 * NOMINAL


def _gigabytes(megabytes: int) -> float:
    return round(megabytes / 1024, 1)


def _today(now: int) -> str:
    return datetime.fromtimestamp(now / 1000, UTC).date().isoformat()
