"""The commands on what is stored: copy it to another store, back it up, restore it."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ioc._cli_base import (
    Command,
    CommandError,
    ExitCode,
    Group,
    Option,
    json_option,
    say,
    say_json,
    settings,
)
from ioc._cli_time import zone_of
from ioc.i18n import _, mark

if TYPE_CHECKING:
    from ioc.storecopy import Report

EVERY = 1.0  # seconds between two lines of progress


@click.command(
    "backup", cls=Command, help=mark("Back up everything but secrets, also while it runs.")
)
@click.argument("file", required=False)
@json_option
def backup_command(file: str | None, as_json: bool) -> int:
    """Make a backup."""
    from ioc.backup import BackupError, back_up

    current = settings()
    now = datetime.now(UTC).astimezone(zone_of(current))
    try:
        made = back_up(current, _target(file, now), now, Progress())
    except BackupError as error:
        raise CommandError(str(error), ExitCode.PROBLEM) from error
    if as_json:
        parts = made.manifest.model_dump(mode="json")
        say_json({"file": made.file, "size": made.size, "missing": made.missing, **parts})
        return ExitCode.FINE
    for text in made.missing:
        say(_("Not in the backup: {what}", what=text))
    say(_("Not in the backup: {what}", what=_("passwords and tokens (.env); keep a copy of those")))
    megabytes = {"size": round(made.size / 1e6, 1), "count": len(made.manifest.parts)}
    say(_("{file}: {size} MB, {count} files", file=str(made.file), **megabytes))
    return ExitCode.FINE


def _target(file: str | None, now: datetime) -> Path:
    """The file named, or one named by the time in the folder named, or in IOC_BACKUP_DIR."""
    from ioc.backup import default_name

    path = Path(file or os.environ.get("IOC_BACKUP_DIR") or ".")
    if path.is_dir() or file is None:
        return path / default_name(now)
    return path


@click.command("restore", cls=Command, help=mark("Put a backup in place of what is there."))
@click.argument("file")
@click.option(
    "--move-old",
    metavar="FOLDER",
    cls=Option,
    help=mark("Where the data that is there now is moved."),
)
@click.option("--check", is_flag=True, cls=Option, help=mark("Only examine the backup."))
@json_option
def restore_command(file: str, move_old: str | None, check: bool, as_json: bool) -> int:
    """Restore a backup, or look at it."""
    from ioc.backup import BackupError, Restored, examine, restore

    old = None if move_old is None else Path(move_old)
    try:
        if check:
            done = Restored(examine(Path(file), Progress()), None, ())
        else:
            done = restore(settings(), Path(file), old, Progress())
    except BackupError as error:
        raise CommandError(str(error), ExitCode.PROBLEM) from error
    if as_json:
        say_json({"old": done.old, "notes": done.notes, **done.manifest.model_dump(mode="json")})
        return ExitCode.FINE
    _tell_restored(file, done.manifest.made_at, done.old, done.notes, check=check)
    return ExitCode.FINE


def _tell_restored(
    file: str, made_at: str, old: Path | None, notes: tuple[str, ...], *, check: bool
) -> None:
    if check:
        say(_("{file}: whole, of {made_at}", file=file, made_at=made_at))
        return
    say(_("Restored: {file}, of {made_at}", file=file, made_at=made_at))
    if old is not None:
        say(_("The former data is in {folder}.", folder=str(old)))
    for note in notes:
        say(_("Note: {text}", text=note))
    say(_("Passwords and tokens (.env) are not in a backup: put yours back, then start."))


@click.group("store", cls=Group, help=mark("Where the measured series are kept."))
def store_commands() -> None:
    """Commands on the store."""


@store_commands.command(
    "copy",
    help=mark("Copy all samples into another store. Stopped at any moment, it goes on from there."),
)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--add", is_flag=True, cls=Option, help=mark("Into a store that is not empty."))
@json_option
def copy_command(source: str, target: str, add: bool, as_json: bool) -> int:
    """Copy one store into another."""
    from ioc.store.base import StoreError
    from ioc.storecopy import CopyError, copy

    current = settings()  # reads the token from .env
    try:
        report = copy(source, target, current.data_dir, Progress(), add=add)
    except (CopyError, StoreError) as error:
        raise CommandError(str(error), ExitCode.PROBLEM) from error
    say_json(report) if as_json else _tell_copied(report)
    return ExitCode.FINE


def _tell_copied(report: Report) -> None:
    for one in report.tables:
        say(f"{one.measurement}.{one.field} {one.table}: {one.rows} {one.sum[:16]}")
    for copied in report.fields:
        step = "" if copied.step is None else _(" (means of {n} min)", n=copied.step // 60_000)
        rounded = _(" rounded") if copied.rounded else ""
        name = f"{copied.measurement}.{copied.field}{step}"
        say(f"{name}: {copied.samples} (+{copied.written}) {copied.sum[:16]}{rounded}")
    count = sum(one.samples for one in report.fields) + sum(one.rows for one in report.tables)
    say(_("Copied and compared: {count} samples and windows, the same in both.", count=count))
    if any(one.step is not None for one in report.fields):
        say(_("Where only windows were left, their means are samples now: keep the old store if "
              "you need minima, maxima or availability of that time."))  # fmt: skip


class Progress:
    """Lines of progress, for people: on a terminal only, at most one a second."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last < EVERY or sys.stderr is None or not sys.stderr.isatty():
            return
        self._last = now
        say(f"{what}: {100 * done // total if total else 0} %", error=True)


GROUPS = (backup_command, restore_command, store_commands)
