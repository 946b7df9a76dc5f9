"""Backup of everything this program keeps, made while it runs, and the way back.

    freeze (one moment of all databases) ─▶ copy ─▶ examine ─▶ one .tar.gz, renamed when whole
    unpack beside the data folder ─▶ check every sum ─▶ switch folders ─▶ put the inventory in place

What is in `.env` is not in a backup: passwords and tokens stay where they are.
"""

from __future__ import annotations

from ioc.backup.create import Made, back_up, default_name
from ioc.backup.manifest import BackupError, Manifest
from ioc.backup.restore import Restored, examine, finish, restore
from ioc.backup.schedule import scheduled

__all__ = [
    "BackupError",
    "Made",
    "Manifest",
    "Restored",
    "back_up",
    "default_name",
    "examine",
    "finish",
    "restore",
    "scheduled",
]
