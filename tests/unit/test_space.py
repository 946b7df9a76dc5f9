"""When the data disk will be full, told before it is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc import space
from ioc.space import DAY, FILE, HOUR, KEPT, Free, forecast, note, read

T0 = 1_770_000_000_000
GB = 2**30


def history(days: float, free: int, daily: int) -> list[Free]:
    return [Free(T0 + h * HOUR, free - round(daily * h / 24)) for h in range(int(days * 24) + 1)]


def test_days_left_are_told_from_how_free_space_went() -> None:
    found = forecast(history(10, 100 * GB, 2 * GB), reserve=10 * GB)
    assert found is not None
    assert round(found.days, 3) == 35  # 80 GB are left, 70 above the reserve
    assert round(found.daily) == 2 * GB
    assert not found.soon
    soon = forecast(history(10, 50 * GB, 2 * GB), reserve=10 * GB)
    assert soon is not None
    assert soon.soon
    assert str(space.reason(soon)).startswith("data disk full in 10 days: 2048 MB a day")


def test_nothing_is_told_from_less_than_a_day_or_of_a_disk_that_does_not_fill() -> None:
    assert forecast([], 0) is None
    assert forecast(history(0.9, 100 * GB, 50 * GB), 0) is None
    assert forecast(history(10, 100 * GB, 0), 0) is None
    assert forecast(history(10, 100 * GB, -GB), 0) is None


@given(st.integers(0, 240))
def test_a_file_that_comes_once_changes_little(hour: int) -> None:
    known = [
        Free(at, free - (30 * GB if at >= T0 + hour * HOUR else 0))
        for at, free in history(10, 500 * GB, GB)
    ]
    found = forecast(known, 0)
    assert found is not None
    assert found.daily < 6 * GB  # a straight line through it would say up to 4.5 more


def test_less_than_the_reserve_is_full_now() -> None:
    found = forecast(history(5, 20 * GB, 3 * GB), reserve=10 * GB)
    assert found is not None
    assert found.days == 0


def test_hours_are_kept_once_over_restarts_and_not_forever(tmp_path: Path) -> None:
    for minute in range(0, 180, 5):
        note(tmp_path, T0 + minute * 60_000, 1000 - minute)
    assert [one.free for one in read(tmp_path)] == [1000, 940, 880]
    note(tmp_path, T0 + KEPT + HOUR, 5)
    assert [one.free for one in read(tmp_path)] == [940, 880, 5]
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_what_a_wrong_clock_noted_is_let_go(tmp_path: Path) -> None:
    note(tmp_path, T0, 7)
    note(tmp_path, T0 + 900 * DAY, 6)  # drops the first: it is old by that clock
    note(tmp_path, T0 + HOUR, 5)
    assert list(read(tmp_path)) == [Free(T0 + HOUR, 5)]


def test_lines_that_are_none_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f"{T0} 9\n\nx y\n1 2 3\n{T0 + 1}")
    assert read(tmp_path) == [Free(T0, 9)]
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    assert read(tmp_path) == []


def test_a_disk_that_takes_nothing_is_no_trouble(tmp_path: Path) -> None:
    note(tmp_path, T0, 9)
    (tmp_path / FILE).with_suffix(".new").mkdir()  # cannot be written
    assert note(tmp_path, T0 + HOUR, 8)[-1] == Free(T0 + HOUR, 8)
    assert read(tmp_path) == [Free(T0, 9)]


def test_a_disk_that_is_low_and_one_that_fills_are_two_troubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trouble(at: int, free: int) -> list[str]:
        monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=free))
        found = space.troubles(tmp_path, at, GB)
        return [code for code, reason in found.items() if reason is not None]

    assert trouble(T0, 20 * GB) == []
    assert trouble(T0 + DAY - HOUR, 18 * GB) == []
    assert trouble(T0 + DAY, 18 * GB) == ["space"]
    assert trouble(T0 + 2 * DAY, GB - 1) == ["disk", "space"]
