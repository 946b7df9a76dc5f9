"""Putting a backup in place of what is there, or of nothing.

    .data.restoring   being unpacked; of no use when a kill leaves it
    .data.restored    whole, checked and on disk: what a kill left is finished at the next start
    data              in force

Two renames switch the data folder; the inventory follows from inside it (`restored/`). Between
them a kill leaves what `finish()` completes; before them, the old data as it was.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ioc.backup.create import sync_folder
from ioc.backup.inventory import RESTORED, differing, place, stage
from ioc.backup.manifest import SERIES, STATE, BackupError, Manifest, Progress, sqlite_file
from ioc.backup.unpack import unpack
from ioc.i18n import translate as _
from ioc.settings import Settings


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place. old: where the former data is. notes: what is left to do, in words."""

    manifest: Manifest
    old: Path | None
    notes: tuple[str, ...]


def examine(file: Path, progress: Progress) -> Manifest:
    """Check a backup to its last byte; nothing is written. Raises BackupError."""
    return unpack(file, None, progress)


def restore(settings: Settings, file: Path, move_old: Path | None, progress: Progress) -> Restored:
    """Put a backup in force. move_old: where what is there now goes; None = there is nothing.

    Killed at any moment, the old data or the new is in force. Raises BackupError.
    """
    try:
        finish(settings)
        names = _places(settings)
        _check_old(settings, move_old)
        with _alone(settings):
            return _restore(settings, file, move_old, names, progress)
    except OSError as error:
        raise BackupError(f"{error.filename or file}: {error.strerror or error}") from error


def finish(settings: Settings) -> str | None:
    """Complete a restore that was killed after all was checked. What is left to do, or None.

    Called before the program starts. Raises BackupError when it cannot be completed.
    """
    data, ready = settings.data_dir, _beside(settings, "restored")
    if not ready.exists() and not (data / RESTORED).exists():
        return None
    try:
        with _alone(settings):
            if not data.exists():
                ready.rename(data)
                sync_folder(data.absolute().parent)
            _remove(ready)  # the old data is in force: that restore did not take place
            return place(data, settings.inventory)
    except OSError as error:
        raise BackupError(f"{error.filename or data}: {error.strerror or error}") from error


def _restore(
    settings: Settings, file: Path, old: Path | None, names: dict[str, Path], progress: Progress
) -> Restored:
    work, ready = _beside(settings, "restoring"), _beside(settings, "restored")
    for left in (work, ready):  # of a restore that was killed before the old data was moved
        _remove(left)
    work.mkdir(parents=True)
    try:
        manifest = unpack(file, work, progress)
        _arrange(work, names)
        notes = list(stage(work, manifest.inventory, settings.inventory, old))
        _check_inventory(work / "data", settings.inventory, old)
        _sync(work / "data")
        (work / "data").rename(ready)
    finally:
        _remove(work)
    kept = _switch(settings.data_dir, ready, old)
    if note := place(settings.data_dir, settings.inventory):
        notes.append(note)
    return Restored(manifest, kept, (*notes, *_elsewhere(settings, manifest)))


def _switch(data: Path, ready: Path, old: Path | None) -> Path | None:
    """Two renames. Where the former data is now."""
    kept = None
    if data.exists() and any(data.iterdir()):
        assert old is not None
        old.parent.mkdir(parents=True, exist_ok=True)
        data.rename(old)
        sync_folder(old.absolute().parent)
        kept = old
    ready.rename(data)  # over an empty folder, too
    sync_folder(data.absolute().parent)
    return kept


# --- before anything is written


def _places(settings: Settings) -> dict[str, Path]:
    """Name in the backup -> where this configuration has it, relative to the data folder."""
    data = settings.data_dir.absolute()
    found = {}
    for name, variable, url in (
        (SERIES, "IOC_STORE", settings.store),
        (STATE, "IOC_DATABASE", settings.database),
    ):
        file = sqlite_file(url)
        if file is None:
            continue
        if not file.absolute().is_relative_to(data) or ".." in file.parts:
            words = {"variable": variable, "url": url, "folder": str(settings.data_dir)}
            message = (
                "{variable}={url} is outside of the data folder {folder}; restore without it, then "
                "move the file there"
            )
            raise BackupError(_(message, **words))
        found[name] = file.absolute().relative_to(data)
    return found


def _check_old(settings: Settings, old: Path | None) -> None:
    data = settings.data_dir
    if os.path.ismount(data) or data.is_symlink():
        message = "{folder} is a mount point or a link: set IOC_DATA_DIR to a folder below it"
        raise BackupError(_(message, folder=str(data)))
    if old is not None:
        _check_target(data, old)
    elif data.exists() and (not data.is_dir() or any(data.iterdir())):
        message = (
            "{folder} holds data; say where it shall be moved with --move-old, for example "
            "--move-old {example}"
        )
        raise BackupError(_(message, folder=str(data), example=f"{data}.old"))


def _check_target(data: Path, old: Path) -> None:
    if old.exists():
        raise BackupError(_("{file} exists; give another name", file=str(old)))
    if old.absolute().is_relative_to(data.absolute()):
        raise BackupError(_("{file} is inside of {folder}", file=str(old), folder=str(data)))
    there = next(folder for folder in old.absolute().parents if folder.exists())
    if there.stat().st_dev != _existing(data).stat().st_dev:
        message = "{file} is on another disk than {folder}; choose one on the same, move it later"
        raise BackupError(_(message, file=str(old), folder=str(data)))


def _existing(path: Path) -> Path:
    return next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Nobody uses the data, nobody else restores, until it is done."""
    parent = settings.data_dir.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    held = [os.open(parent, os.O_RDONLY)]
    try:
        store = sqlite_file(settings.store)
        lock = None if store is None else Path(f"{store}.lock")
        if lock is not None and lock.exists():
            held.append(os.open(lock, os.O_RDWR))
        for descriptor in held:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if (settings.data_dir / "cli.token").exists() and _answers(settings):
            raise BlockingIOError
        yield
    except BlockingIOError:
        message = "{folder} is in use: stop the program first"
        raise BackupError(_(message, folder=str(settings.data_dir))) from None
    finally:
        for descriptor in held:
            os.close(descriptor)


def _answers(settings: Settings) -> bool:
    from ioc._client import is_running

    return is_running(settings)


# --- the folder being made


def _beside(settings: Settings, name: str) -> Path:
    data = settings.data_dir.absolute()
    return data.parent / f".{data.name}.{name}"


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _arrange(work: Path, names: dict[str, Path]) -> None:
    """Give the databases the names that this configuration has for them."""
    (work / "data").mkdir(exist_ok=True)
    aside = {name: work / f"{number}.moving" for number, name in enumerate(names)}
    present = [name for name in names if (work / name).exists()]
    for name in present:
        (work / name).rename(aside[name])
    for name in present:
        target = work / "data" / names[name]
        if target.exists():
            raise BackupError(_("it holds {name} twice", name=target.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        aside[name].rename(target)


def _check_inventory(data: Path, inventory: Path, old: Path | None) -> None:
    changed: Sequence[Path] = differing(data / RESTORED, inventory)
    if changed and old is None:
        message = (
            "{file} exists and differs from the one in the backup; say where it shall be moved "
            "with --move-old"
        )
        raise BackupError(_(message, file=", ".join(map(str, changed[:5]))))


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
    sync_folder(folder)


def _elsewhere(settings: Settings, manifest: Manifest) -> Iterator[str]:
    if sqlite_file(settings.store) is None and manifest.has(SERIES):
        message = (
            "the series of the backup are in {file}; bring them into the store with: "
            "ioc store copy {source} IOC_STORE"
        )
        file = settings.data_dir / "series.db"
        yield _(message, file=str(file), source=f"sqlite:///{file}")
    if sqlite_file(settings.database) is None and manifest.has(STATE):
        message = "states and history of the backup are in {file}, but IOC_DATABASE is elsewhere"
        yield _(message, file=str(settings.data_dir / "state.db"))
    if sqlite_file(settings.store) is not None and not manifest.has(SERIES):
        message = "no series in this backup: they were on {server}"
        yield _(message, server=manifest.store)
