"""Making a backup, while the program runs."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from ioc import __version__
from ioc.backup import freeze
from ioc.backup.manifest import (
    DATABASE,
    FORMAT,
    INVENTORY,
    NAME,
    REPORT,
    REPORTS,
    SERIES,
    STATE,
    BackupError,
    Manifest,
    Part,
    Progress,
    allowed_inventory,
    public,
    sqlite_file,
)
from ioc.i18n import translate as _
from ioc.inventory.sources import read_sources
from ioc.settings import Settings

LEVEL = 1  # of gzip: twice as fast as 6, a tenth larger
ROOM = 64 * 2**20  # bytes that must stay free beside the backup
CHUNK = 2**20
SUFFIX = ".tar.gz"
WORK = ".ioc-backup-"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made. size: bytes of the file. missing: what is not in it, in words."""

    file: Path
    size: int
    manifest: Manifest
    missing: tuple[str, ...]


def default_name(now: datetime) -> str:
    """`ioc-20261125-024000.tar.gz`: by name they sort by time."""
    return f"ioc-{now:%Y%m%d-%H%M%S}{SUFFIX}"


def back_up(settings: Settings, file: Path, now: datetime, progress: Progress) -> Made:
    """Write everything into a new file; on disk when it returns. now: with its zone.

    Killed or failing at any moment, there is no such file or a whole one. Raises BackupError.
    """
    if file.exists():
        raise BackupError(_("{file} exists; give another name", file=str(file)))
    try:
        with _workshop(file.absolute().parent) as work:
            archive, manifest, missing = _make(settings, work, now, progress)
            size = archive.stat().st_size
            archive.rename(file)
            sync_folder(file.absolute().parent)
    except OSError as error:
        raise BackupError(f"{error.filename or file}: {error.strerror or error}") from error
    return Made(file, size, manifest, missing)


def _make(
    settings: Settings, work: Path, now: datetime, progress: Progress
) -> tuple[Path, Manifest, tuple[str, ...]]:
    databases = _databases(settings)
    with freeze.frozen(databases) as connections:
        _check_room(work, sum(map(freeze.size, connections.values())))
        for name, connection in connections.items():
            freeze.copy(connection, work / Path(name).name, name, progress)
    inventory, unread = _inventory(settings)
    archive = work / "whole"
    with archive.open("xb") as stream:
        os.fchmod(stream.fileno(), 0o600)  # sums of passwords are in it
        made = _Archive(stream, now)
        made.expect(sum((work / Path(name).name).stat().st_size for name in databases), progress)
        for name in databases:
            copied = work / Path(name).name
            made.add_file(name, copied)
            copied.unlink()  # room for the rest of the archive
        for name, content in inventory.items():
            made.add(name, content)
        for name, path in _reports(settings):
            made.add_file(name, path)
        manifest = Manifest(
            format=FORMAT,
            program=__version__,
            made_at=now.isoformat(timespec="seconds"),
            store=public(settings.store),
            database=public(settings.database),
            inventory=settings.inventory.name if inventory else "",
            parts=tuple(made.parts),
        )
        made.add(NAME, manifest.model_dump_json(indent=1).encode())
        made.close()
        stream.flush()
        os.fsync(stream.fileno())
    return archive, manifest, (*_elsewhere(settings), *unread)


class _Archive:
    """A tar.gz being written, with the sums of what goes in. Names are ours, metadata plain."""

    def __init__(self, stream: IO[bytes], now: datetime) -> None:
        self._now = int(now.timestamp())
        self._gzip = gzip.GzipFile("", "wb", LEVEL, stream, self._now)
        self._tar = tarfile.open(fileobj=self._gzip, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._progress: Progress = lambda what, done, total: None
        self._done = self._total = 0
        self.parts: list[Part] = []

    def expect(self, total: int, progress: Progress) -> None:
        """Tell of progress towards so many bytes."""
        self._progress, self._total = progress, total

    def add(self, name: str, content: bytes) -> None:
        """A small file."""
        self._put(name, len(content), io.BytesIO(content))

    def add_file(self, name: str, path: Path) -> None:
        """A file that nobody writes to."""
        with path.open("rb") as stream:
            self._put(name, os.fstat(stream.fileno()).st_size, stream)

    def close(self) -> None:
        """Write the end of the archive."""
        self._tar.close()
        self._gzip.close()

    def _put(self, name: str, size: int, stream: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, self._now, 0o600
        reading = _Summing(stream, self._step)
        self._tar.addfile(member, reading)
        self.parts.append(Part(name=name, size=size, sha256=reading.sum.hexdigest()))

    def _step(self, count: int) -> None:
        self._done = min(self._done + count, self._total)
        self._progress(_("packing"), self._done, self._total)


class _Summing:
    """A stream whose sum is taken while it is read."""

    def __init__(self, stream: IO[bytes], step: Callable[[int], None]) -> None:
        self._stream, self._step = stream, step
        self.sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        self.sum.update(content)
        self._step(len(content))
        return content


# --- what goes in


def _databases(settings: Settings) -> dict[str, Path]:
    """Name in the backup -> file: the store's, the state's, and others in the data folder."""
    known = {SERIES: sqlite_file(settings.store), STATE: sqlite_file(settings.database)}
    found = {name: path for name, path in known.items() if path is not None and path.is_file()}
    taken = {path.resolve() for path in found.values()}
    for path in sorted(settings.data_dir.glob("*.db")):
        name = f"data/{path.name}"
        if path.is_file() and path.resolve() not in taken and DATABASE.fullmatch(name):
            found.setdefault(name, path)
    if not found:
        message = "{folder}: there is nothing to back up; is IOC_DATA_DIR right?"
        raise BackupError(_(message, folder=str(settings.data_dir)))
    return found


def _inventory(settings: Settings) -> tuple[dict[str, bytes], list[str]]:
    """Files of the inventory, mistakes and all, and what of it cannot be backed up."""
    folder = settings.inventory.absolute().parent
    sources = read_sources(settings.inventory)
    found, missing = {}, []
    for file, document in zip(sources.files, (sources.main, *sources.parts), strict=True):
        name = file.relative_to(folder).as_posix()
        if document.raw is None or document.full:
            missing.append(_("{file} cannot be read", file=str(file)))
        elif not allowed_inventory(name):
            missing.append(_("{file}: only .yaml and .yml files are backed up", file=str(file)))
        else:
            found[f"{INVENTORY}/{name}"] = document.raw
    if f"{INVENTORY}/{settings.inventory.name}" not in found:
        return {}, missing
    return found, missing


def _reports(settings: Settings) -> Iterator[tuple[str, Path]]:
    for path in sorted((settings.data_dir / REPORTS).glob("*/report.*")):
        name = f"data/{path.relative_to(settings.data_dir).as_posix()}"
        if path.is_file() and REPORT.fullmatch(name):
            yield name, path


def _elsewhere(settings: Settings) -> Iterator[str]:
    """What others keep for us."""
    if sqlite_file(settings.store) is None:
        message = "the series are on {server}; back them up there, with its own tools"
        yield _(message, server=public(settings.store))
    if sqlite_file(settings.database) is None:
        message = "states and history are on {server}; back them up there, with its own tools"
        yield _(message, server=public(settings.database))


# --- the place where it is made


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder beside the backup, gone at the end; what killed ones left there goes, too."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{WORK}*"):
        _remove_left(left)
    work = Path(tempfile.mkdtemp(prefix=WORK, dir=folder))
    held = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(held)


def _remove_left(folder: Path) -> None:
    """Remove it unless a backup that runs now holds it."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass
    finally:
        os.close(held)


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    wanted = 2 * needed + ROOM  # the copies, and an archive that may not get smaller
    if free < wanted:
        words: dict[str, str | int] = {"folder": str(folder)}
        words |= {"free": free >> 20, "needed": wanted >> 20}
        message = "{folder}: {free} MB are free, {needed} MB are needed; choose another disk"
        raise BackupError(_(message, **words))


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
