"""Reading a backup: nothing in it is believed before its sum is right, nothing else is written."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from ioc.backup.manifest import (
    LARGEST,
    MOST,
    NAME,
    BackupError,
    Manifest,
    Part,
    Progress,
    check_name,
    read_manifest,
)
from ioc.i18n import translate as _

CHUNK = 2**20  # bytes read at once; more is asked for by damaged headers only
ROOM = 64 * 2**20  # bytes that must stay free
BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError, UnicodeError, ValueError)


def unpack(file: Path, folder: Path | None, progress: Progress) -> Manifest:
    """Write what a backup holds below an empty folder, durably; only look when it is None.

    Raises BackupError when anything in it is damaged, missing, or does not belong there; what was
    written until then is of no use.
    """
    try:
        with file.open("rb") as stream:
            whole = os.fstat(stream.fileno()).st_size
            unzipped = gzip.GzipFile(fileobj=stream, mode="rb")
            guarded = _Guarded(unzipped, lambda: progress(_("unpacking"), stream.tell(), whole))
            manifest, found = _members(guarded, folder)
            _compare(manifest, found)
    except BackupError as error:
        raise BackupError(f"{file}: {error}") from error
    except BROKEN as error:
        message = "{file}: damaged, cut off, or no backup ({error})"
        raise BackupError(_(message, file=str(file), error=str(error)[:200])) from error
    except OSError as error:
        raise BackupError(f"{error.filename or file}: {error.strerror or error}") from error
    return manifest


class _Guarded:
    """What `tarfile` reads from: no header makes it take much memory or go backwards."""

    def __init__(self, stream: gzip.GzipFile, step: Callable[[], None]) -> None:
        self._stream, self._step = stream, step

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= CHUNK:
            raise tarfile.ReadError("a header is too large")
        self._step()
        return self._stream.read(size)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or place < self._stream.tell():
            raise tarfile.ReadError("a header points backwards")
        return self._stream.seek(place)

    def tell(self) -> int:
        return self._stream.tell()


def _members(stream: _Guarded, folder: Path | None) -> tuple[Manifest, dict[str, Part]]:
    found: dict[str, Part] = {}
    manifest = None
    with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as tar:
        for member in tar:
            _check(member, found, ended=manifest is not None)
            content = tar.extractfile(member)
            assert content is not None  # of a regular file
            if member.name == NAME:
                manifest = read_manifest(content.read(LARGEST))
            else:
                found[member.name] = _keep(member, content, folder)
    _drain(stream)
    if manifest is None:
        raise BackupError(_("its list of contents is missing: it was cut off, or is no backup"))
    return manifest, found


def _check(member: tarfile.TarInfo, found: dict[str, Part], *, ended: bool) -> None:
    """Only plain files of ours, each once, the list of contents last."""
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or ended or len(found) >= MOST:
        words = {"name": repr(member.name)[:200]}
        raise BackupError(_("it holds a file that does not belong there: {name}", **words))
    check_name(member.name)
    if member.name in found:
        raise BackupError(_("it holds {name} twice", name=member.name))
    if member.name == NAME and member.size > LARGEST:
        raise BackupError(_("its list of contents is damaged ({where})", where="size"))


def _keep(member: tarfile.TarInfo, content: IO[bytes], folder: Path | None) -> Part:
    """Take the sum of one member and write it down, if wanted."""
    if folder is None:
        return Part(name=member.name, size=member.size, sha256=_pour(content, None))
    free = shutil.disk_usage(folder).free
    if member.size > free - ROOM:
        words: dict[str, str | int] = {"folder": str(folder)}
        words |= {"free": free >> 20, "needed": (member.size + ROOM) >> 20}
        message = "{folder}: {free} MB are free, {needed} MB are needed; choose another disk"
        raise BackupError(_(message, **words))
    path = folder / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        total = _pour(content, target)
        target.flush()
        os.fsync(target.fileno())
    return Part(name=member.name, size=member.size, sha256=total)


def _pour(content: IO[bytes], target: IO[bytes] | None) -> str:
    """Everything into a file, or nowhere. Its sum."""
    taken = hashlib.sha256()
    while piece := content.read(CHUNK):
        taken.update(piece)
        if target is not None:
            target.write(piece)
    return taken.hexdigest()


def _drain(stream: _Guarded) -> None:
    """The end of the archive is zeros, and the end of the file: reading it checks its sum."""
    rest = stream.read(CHUNK)
    if rest.strip(b"\0") or len(rest) == CHUNK or stream.read(1):
        raise BackupError(_("something follows its end: damaged, or no backup"))


def _compare(manifest: Manifest, found: dict[str, Part]) -> None:
    listed = {part.name: part for part in manifest.parts}
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            raise BackupError(_("{name} is missing in it", name=name))
        if listed.get(name) != found[name]:
            raise BackupError(_("{name} is damaged: its sum is not the one listed", name=name))
    if len(listed) != len(manifest.parts):
        raise BackupError(_("its list of contents is damaged ({where})", where="parts"))
