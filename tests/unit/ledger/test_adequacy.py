"""The rule for computers, sentence by sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ioc.i18n import render
from ioc.inventory.topology import Adequacy
from ioc.ledger.adequacy import Grade, MachineReport, judge, supported_until

DAY = 86_400_000
NOW = 1_790_000_000_000  # 2026-09-21
GOOD = MachineReport("a.pc-1", NOW, "Windows 11 Pro 25H2", 8192, "ssd", True, NOW)
RULE = Adequacy()


def grade(report: MachineReport | None, rule: Adequacy = RULE, seen: int | None = NOW) -> Grade:
    judged = judge(report, rule, NOW, seen)
    assert (judged.reason is None) == (judged.grade is Grade.ADEQUATE), "a reason for every grade"
    return judged.grade


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Grade.ADEQUATE),
        ({"system": "Windows 11 Pro"}, Grade.ADEQUATE),
        ({"system": "Microsoft Windows 10 Enterprise LTSC 2021"}, Grade.ADEQUATE),
        ({"system": "Windows 10 Enterprise LTSC 21H2"}, Grade.ADEQUATE),
        ({"system": "Ubuntu 24.04.1 LTS"}, Grade.ADEQUATE),
        ({"system": "Debian GNU/Linux 12.5"}, Grade.ADEQUATE),
        ({"system": "Ubuntu 24.040"}, Grade.UNKNOWN),
        ({"system": "Ubuntu 24.04 LTS"}, Grade.ADEQUATE),
        ({"system": "Windows 10 Pro 22H2"}, Grade.INADEQUATE),
        ({"system": "Windows 8.1"}, Grade.INADEQUATE),
        ({"system": "Windows 7 Professional"}, Grade.INADEQUATE),
        ({"system": "windows-xp"}, Grade.INADEQUATE),
        ({"system": "TempleOS"}, Grade.UNKNOWN),
        ({"system": None}, Grade.UNKNOWN),
        ({"memory_mb": 7630}, Grade.ADEQUATE),  # 8 GB, a part of it used by the graphics
        ({"memory_mb": 6144}, Grade.UPGRADE),
        ({"memory_mb": 4096}, Grade.UPGRADE),
        ({"memory_mb": 3900}, Grade.UPGRADE),
        ({"memory_mb": 2048}, Grade.INADEQUATE),
        ({"memory_mb": None}, Grade.UNKNOWN),
        ({"disk": "hdd"}, Grade.UPGRADE),
        ({"disk": None}, Grade.UNKNOWN),
        ({"antivirus": False}, Grade.INADEQUATE),
        ({"antivirus": None}, Grade.UNKNOWN),
        ({"antivirus_at": NOW - 7 * DAY}, Grade.ADEQUATE),
        ({"antivirus_at": NOW - 7 * DAY - 1}, Grade.UPGRADE),
        ({"antivirus_at": None}, Grade.UNKNOWN),
        ({"system": "Windows 7", "disk": "hdd", "memory_mb": 4096}, Grade.INADEQUATE),
        ({"antivirus": False, "system": None}, Grade.INADEQUATE),
        ({"disk": "hdd", "memory_mb": None}, Grade.UPGRADE),
    ],
)
def test_each_sentence_of_the_rule(changes: dict[str, object], expected: Grade) -> None:
    assert grade(replace(GOOD, **changes)) is expected  # type: ignore[arg-type]


def test_no_report_is_unknown() -> None:
    assert grade(None) is Grade.UNKNOWN


@pytest.mark.parametrize(
    ("reported", "seen", "expected"),
    [
        (7, None, Grade.ADEQUATE),
        (8, 7, Grade.ADEQUATE),  # the network saw it
        (8, 8, Grade.UNKNOWN),
        (8, None, Grade.UNKNOWN),
    ],
)
def test_a_computer_that_nobody_saw_lately_is_not_adequate(
    reported: int, seen: int | None, expected: Grade
) -> None:
    report = replace(GOOD, reported_at=NOW - reported * DAY)
    assert grade(report, seen=None if seen is None else NOW - seen * DAY) is expected


def test_an_unsupported_system_stays_so_though_nobody_saw_it_lately() -> None:
    old = replace(GOOD, system="Windows 7", reported_at=NOW - 90 * DAY)
    assert grade(old, seen=None) is Grade.INADEQUATE
    slow = replace(GOOD, disk="hdd", reported_at=NOW - 90 * DAY)
    assert grade(slow, seen=None) is Grade.UPGRADE


def test_a_good_computer_switched_off_over_a_holiday_needs_no_upgrade() -> None:
    off = replace(GOOD, reported_at=NOW - 9 * DAY, antivirus_at=NOW - 9 * DAY)
    judged = judge(off, RULE, NOW, NOW - 9 * DAY)
    assert (judged.grade, str(judged.reason)) == (Grade.UNKNOWN, "not seen for 9 days")
    stale = replace(off, antivirus_at=off.reported_at - 8 * DAY)
    judged = judge(stale, RULE, NOW, None)
    assert (judged.grade, str(judged.reason)) == (
        Grade.UPGRADE, "antivirus definitions are 8 days old")  # fmt: skip


def test_a_computer_that_works_and_says_nothing_is_not_taken_for_protected() -> None:
    silent = replace(GOOD, reported_at=NOW - 90 * DAY, antivirus_at=NOW - 90 * DAY)
    judged = judge(silent, RULE, NOW, NOW)
    assert (judged.grade, str(judged.reason)) == (Grade.UNKNOWN, "no report for 90 days")
    assert judge(silent, Adequacy(antivirus=False), NOW, NOW).grade is Grade.ADEQUATE


def test_an_old_system_says_its_last_supported_day_as_people_write_it() -> None:
    reason = judge(replace(GOOD, system="Windows 10 Pro"), RULE, NOW, NOW).reason
    assert reason is not None
    assert render(reason, "vi") == "Windows 10 Pro: chỉ được hỗ trợ đến 14/10/2025"
    assert render(reason, "en") == "Windows 10 Pro: supported until 14/10/2025"


def test_a_name_without_words_matches_no_computer() -> None:
    rule = Adequacy(systems=(("Đ", "2020-01-01"),))
    assert supported_until("Windows 11 Pro 25H2", rule) == ("windows 11 25h2", "2027-10-12")
    assert grade(GOOD, rule) is Grade.ADEQUATE


def test_support_ends_after_its_last_day() -> None:
    last = 1_760_400_000_000  # 2025-10-14, 00:00 UTC
    report = replace(GOOD, system="Windows 10 Pro", antivirus_at=last, reported_at=last)
    assert judge(report, RULE, last, last).grade is Grade.ADEQUATE
    assert judge(report, RULE, last + DAY, last + DAY).grade is Grade.INADEQUATE


@pytest.mark.parametrize(
    ("rule", "changes", "expected"),
    [
        (Adequacy(memory=4), {"memory_mb": 4096}, Grade.ADEQUATE),
        (Adequacy(memory=16), {}, Grade.UPGRADE),
        (Adequacy(least_memory=1), {"memory_mb": 2048}, Grade.UPGRADE),
        (Adequacy(ssd=False), {"disk": "hdd"}, Grade.ADEQUATE),
        (Adequacy(antivirus=False), {"antivirus": False, "antivirus_at": None}, Grade.ADEQUATE),
        (Adequacy(definitions=30 * DAY), {"antivirus_at": NOW - 20 * DAY}, Grade.ADEQUATE),
        (Adequacy(seen=30 * DAY), {"reported_at": NOW - 20 * DAY}, Grade.ADEQUATE),
        (Adequacy(systems=(("windows 10", "2028-10-10"),)), {"system": "Windows 10"},
         Grade.ADEQUATE),
        (Adequacy(systems=(("templeos", None),)), {"system": "TempleOS 5"}, Grade.ADEQUATE),
        (Adequacy(systems=(("windows 11", "2025-01-01"),)), {}, Grade.INADEQUATE),
    ],
)  # fmt: skip
def test_every_number_of_the_rule_can_be_edited(
    rule: Adequacy, changes: dict[str, object], expected: Grade
) -> None:
    changed = replace(GOOD, **changes)  # type: ignore[arg-type]
    assert grade(changed, rule, seen=None) is expected


def test_the_more_exact_name_wins() -> None:
    assert supported_until("Windows 11 Pro 23H2", RULE) == ("windows 11 23h2", "2025-11-11")
    assert supported_until("Windows 11 Pro", RULE) == ("windows 11", None)
    assert supported_until("Windows 8.1 Pro", RULE) == ("windows 8.1", "2023-01-10")
    assert supported_until("Windows 95", RULE) is None
