"""A backup every night, by itself; the newest ones are kept."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path

from collectors.base import Reason
from ioc.backup.create import Made, back_up, default_name
from ioc.backup.manifest import BackupError
from ioc.engine.problems import Problems
from ioc.settings import Settings, SettingsError

log = logging.getLogger(__name__)

OURS = re.compile(r"ioc-\d{8}-\d{6}\.tar\.gz")
KEEP = 7
HOUR = 3600.0  # seconds
NIGHT = 2  # o'clock
FIRST, LATEST = 20 * HOUR, 26 * HOUR  # age of the newest backup: at night, and at any hour


def scheduled(settings: Settings, problems: Problems, zone: tzinfo) -> None:
    """Make a backup when one is due, drop the oldest. Called hourly; raises nothing.

    What keeps it from being made is a problem that every screen shows. A machine that is off at
    night makes its backup in the morning.
    """
    try:
        folder, keep = read_backup_settings(os.environ)
        if folder is None or not due(folder, time.time(), datetime.now(zone).hour):
            return
        made = nightly(settings, folder, keep, datetime.now(zone))
        log.info("backup %s: %d MB", made.file, made.size >> 20)
        for text in made.missing:
            log.warning("backup: %s", text)
        problems.clear("backup")
    except (BackupError, SettingsError, OSError) as error:
        log.error("backup: %s", error)
        problems.report("backup", Reason("no backup could be made: {why}", {"why": str(error)}))


def read_backup_settings(environ: Mapping[str, str]) -> tuple[Path | None, int]:
    """Folder (None = no backups) and how many to keep. Raises SettingsError."""
    folder = environ.get("IOC_BACKUP_DIR") or None
    text = environ.get("IOC_BACKUP_KEEP") or str(KEEP)
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise SettingsError(f"IOC_BACKUP_KEEP={text}: must be a number from 1 to 1000")
    return None if folder is None else Path(folder), int(text)


def due(folder: Path, now: float, hour: int) -> bool:
    """Whether a backup is due. now: seconds since the epoch; hour: of the local day.

    A newest one from the future (the clock was wrong) waits for the night like any other.
    """
    backups = own(folder)
    if not backups:
        return True
    age = now - max(path.stat().st_mtime for path in backups)
    return age >= LATEST or (hour == NIGHT and not 0 <= age < FIRST)


def nightly(settings: Settings, folder: Path, keep: int, now: datetime) -> Made:
    """Make one and keep so many, the new one always among them. Raises BackupError, OSError."""
    made = back_up(settings, folder / default_name(now), now, lambda what, done, total: None)
    others = [path for path in own(folder) if path != made.file]
    for old in others[: max(0, len(others) - keep + 1)]:
        old.unlink()
    return made


def own(folder: Path) -> list[Path]:
    """Backups in a folder with a name of ours, the oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if OURS.fullmatch(path.name) and path.is_file())
