"""The inventory of a backup: from inside the restored data folder to where it belongs.

It is placed after the data is in force, file by file; what a kill left is placed at the next start.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from ioc.backup.create import sync_folder
from ioc.backup.manifest import INVENTORY, BackupError, allowed_inventory
from ioc.i18n import translate as _
from ioc.inventory.sources import read_sources

RESTORED = "restored"  # folder in the data folder, until its files are in place
PLAN = "plan.json"
BEFORE = "inventory-before-restore"  # folder beside the old data, for what was replaced
# The inventory.yaml that comes with the program: nobody's work is lost with it.
SAMPLE = "c3907bf5d3a5a76902127989d2546327ac0653f55aba682bf00ad48530f3542e"


def stage(work: Path, main: str, inventory: Path, old: Path | None) -> Iterator[str]:
    """Move the inventory of a backup into the data folder being made. Notes, in words.

    Only the main file and what it includes are placed, and only when the included files are parts
    of an inventory: a backup must not bring files of another kind.
    """
    folder = work / INVENTORY
    if not main or not folder.is_dir():
        yield _("no inventory in this backup")
        return
    if not allowed_inventory(main) or "/" in main or not (folder / main).is_file():
        raise BackupError(_("its list of contents is damaged ({where})", where=INVENTORY))
    sources = read_sources(folder / main)
    files = [file.relative_to(folder.absolute()).as_posix() for file in sources.files]
    present = {f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file()}
    if any(part.mistakes for part in sources.parts) or present != set(files):
        kept = "inventory-of-backup"
        folder.rename(work / "data" / kept)
        yield _("the inventory has mistakes; look at it in {file}", file=f"data/{kept}")
        return
    folder.rename(work / "data" / RESTORED)
    staged = work / "data" / RESTORED
    targets = {f: inventory.absolute().parent / f for f in files if f != main}
    targets[main] = inventory.absolute()
    plan = {
        "main": main,
        "old": None if old is None else str(old.absolute()),
        "was": {f: _sum(target) for f, target in targets.items() if target.exists()},
    }
    _write(staged / PLAN, json.dumps(plan).encode())


def differing(folder: Path, inventory: Path) -> list[Path]:
    """Files in the way of a staged inventory, with another content; the sample is in no way."""
    if not folder.is_dir():
        return []
    wanted = _wanted(folder, inventory)
    return [t for source, t in wanted if t.exists() and _sum(t) not in (_sum(source), SAMPLE)]


def place(data: Path, inventory: Path) -> str | None:
    """Put a staged inventory where it belongs; once more is no harm. What is left to do, or None.

    Where its folder cannot be written (a read-only mount), that is said, and nothing else fails.
    Nothing is placed when somebody has changed a file there since: what is newer stays.
    """
    folder = data / RESTORED
    if not (folder / PLAN).is_file():
        return None
    plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    old = plan["old"]
    try:
        if edited := _edited(folder, inventory, plan.get("was", {})):
            message = (
                "{file} was changed since the restore and stays as it is; the restored "
                "inventory is in {folder}: compare them, then remove that folder"
            )
            return _(message, file=str(edited), folder=str(folder))
        for source, target in _wanted(folder, inventory):
            _place(source, target, None if old is None else Path(old) / BEFORE, inventory)
    except OSError as error:
        words = {"file": str(error.filename or inventory), "error": error.strerror or str(error)}
        message = (
            "{file}: {error}; the restored inventory is in {folder}: copy it by hand, then remove "
            "that folder"
        )
        return _(message, folder=str(folder), **words)
    (folder / PLAN).unlink()
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _edited(folder: Path, inventory: Path, was: Mapping[str, str]) -> Path | None:
    """A file that is neither as it was when the restore began nor as the restore wants it."""
    for source, target in _wanted(folder, inventory):
        known = (was.get(source.relative_to(folder).as_posix()), _sum(source))
        if target.exists() and _sum(target) not in known:
            return target
    return None


def _wanted(folder: Path, inventory: Path) -> list[tuple[Path, Path]]:
    """(staged file, where it belongs), the main file last: it is what makes the others count."""
    plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    parts = sorted(f for f in folder.rglob("*") if f.is_file() and f.name != PLAN)
    main = folder / plan["main"]
    target = inventory.absolute()
    pairs = [(part, target.parent / part.relative_to(folder)) for part in parts if part != main]
    return [*pairs, (main, target)] if main in parts else pairs


def _place(source: Path, target: Path, before: Path | None, inventory: Path) -> None:
    content = source.read_bytes()
    if target.exists():
        present = target.read_bytes()
        if present == content:
            return
        if before is not None:
            kept = before / target.relative_to(inventory.absolute().parent)
            kept.parent.mkdir(parents=True, exist_ok=True)
            _write(kept, present)
    target.parent.mkdir(parents=True, exist_ok=True)
    _write(target, content)


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """The whole content or what was there before, durably."""
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)
    sync_folder(path.parent)
