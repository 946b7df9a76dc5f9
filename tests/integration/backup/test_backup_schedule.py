"""Backups by themselves: when they are due, which are kept, and what is said when none can be."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import MagicMock
from zoneinfo import ZoneInfo

import pytest

from ioc.backup import examine, scheduled
from ioc.backup.schedule import due, nightly, own, read_backup_settings
from ioc.clock import SystemClock
from ioc.engine.problems import Problems
from ioc.jobs import Jobs
from ioc.settings import SettingsError
from tests.integration.backup._place import fill

HOUR = 3600.0
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def quiet(what: str, done: int, total: int) -> None:
    pass


def backup_of(folder: Path, name: str, at: float) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    os.utime(folder / name, (at, at))


@pytest.mark.parametrize(
    ("age", "hour", "wanted"),
    [
        (1, 2, False),
        (19, 2, False),
        (23, 2, True),
        (23, 9, False),
        (25.9, 9, False),
        (26.1, 9, True),  # the machine was off at night
        (24 * 40, 9, True),
        (-5, 9, False),  # the clock was ahead: wait for the night
        (-5, 2, True),
    ],
)
def test_when_a_backup_is_due(age: float, hour: int, wanted: bool, tmp_path: Path) -> None:
    now = 1_800_000_000.0
    backup_of(tmp_path / "b", "ioc-20260101-000000.tar.gz", now - age * HOUR)
    backup_of(tmp_path / "b", "of-somebody.tar.gz", now)
    assert due(tmp_path / "b", now, hour) is wanted


def test_the_first_one_is_due_at_once(tmp_path: Path) -> None:
    assert due(tmp_path / "none", time.time(), 15)


def test_the_newest_are_kept_and_nothing_of_others_is_touched(tmp_path: Path) -> None:
    made, folder = fill(tmp_path / "old", 1), tmp_path / "backups"
    folder.mkdir()
    for name in ("mine.tar.gz", "ioc-2026.tar.gz", "ioc-20200101-000000.tar.gz.bak"):
        (folder / name).write_text("x")
    start = datetime(2026, 1, 1, 2, 40, tzinfo=UTC)
    for day in range(5):
        nightly(made, folder, 3, start + timedelta(days=day))
    kept = [path.name for path in own(folder)]
    assert kept == [f"ioc-2026010{day}-024000.tar.gz" for day in (3, 4, 5)]
    assert len(list(folder.iterdir())) == 6
    nightly(made, folder, 1, start - timedelta(days=900))  # the clock jumped back
    assert [path.name for path in own(folder)] == ["ioc-20230716-024000.tar.gz"]
    examine(own(folder)[0], quiet)


def test_it_runs_by_itself_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, folder = fill(tmp_path / "old", 1), tmp_path / "backups"
    problems = Problems(SystemClock())
    scheduled(made, problems, ZONE)
    assert not folder.exists(), "nobody asked for any"
    monkeypatch.setenv("IOC_BACKUP_DIR", str(folder))
    for _hour in range(3):
        scheduled(made, problems, ZONE)
    assert len(own(folder)) == 1
    assert problems.present() == ()


def test_what_keeps_it_from_being_made_is_shown_until_one_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(tmp_path / "old", 1)
    problems = Problems(SystemClock())
    (tmp_path / "backups").write_text("a file where the folder should be")
    monkeypatch.setenv("IOC_BACKUP_DIR", str(tmp_path / "backups"))
    scheduled(made, problems, ZONE)
    [problem] = problems.present()
    assert problem.code == "backup"
    assert str(tmp_path / "backups") in str(problem.reason.args["why"])
    (tmp_path / "backups").unlink()
    scheduled(made, problems, ZONE)
    assert problems.present() == ()
    monkeypatch.setenv("IOC_BACKUP_KEEP", "none")
    scheduled(made, problems, ZONE)
    assert "IOC_BACKUP_KEEP=none" in str(problems.present()[0].reason.args["why"])


def test_settings_that_cannot_be() -> None:
    assert read_backup_settings({}) == (None, 7)
    assert read_backup_settings({"IOC_BACKUP_DIR": "x", "IOC_BACKUP_KEEP": "30"}) == (Path("x"), 30)
    for text in ("0", "-1", "1.5", "many", "1001"):
        with pytest.raises(SettingsError, match="IOC_BACKUP_KEEP"):
            read_backup_settings({"IOC_BACKUP_KEEP": text})


@pytest.mark.parametrize("simulated", [False, True])
def test_the_calendar_has_it_but_not_that_of_a_demo(
    simulated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A demo beside the real program would push out its backups."""
    made = fill(tmp_path / "old", 1)
    parts = MagicMock()
    parts.settings, parts.problems = made, Problems(SystemClock())
    parts.pipeline.topology.timezone = ZONE
    parts.context.simulated = simulated
    job = Jobs(parts).scheduled().get_job("backup")
    if simulated:
        assert job is None
        return
    monkeypatch.setenv("IOC_BACKUP_DIR", str(tmp_path / "backups"))
    job.func(*job.args)
    assert len(own(tmp_path / "backups")) == 1
    fires = [job.trigger.get_next_fire_time(None, datetime(2026, 1, 1, hour, tzinfo=ZONE))
             for hour in (1, 2)]  # fmt: skip
    assert [at.hour for at in fires] == [1, 2], "each hour it is looked whether one is due"
