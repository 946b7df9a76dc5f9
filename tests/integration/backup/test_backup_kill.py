"""kill -9 at any moment of a backup or a restore: whole or not there, the old or the new."""

from __future__ import annotations

import random
import shutil
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from ioc.backup import BackupError, back_up, examine, finish, restore
from tests.integration.backup._place import fill, killed_at, marks, python, settings, was_killed

NOW = datetime(2026, 11, 25, 2, 40, tzinfo=UTC)
MOST = 400  # changes of the file system that a backup or a restore of this size may need


def quiet(what: str, done: int, total: int) -> None:
    pass


BACK_UP = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ioc.backup import back_up
from tests.integration.backup._place import settings
folder, file = map(Path, sys.argv[1:])
back_up(settings(folder), file, datetime.now(UTC), lambda what, done, total: None)
"""


@pytest.mark.timeout(180)
def test_a_backup_killed_at_any_step_leaves_none_or_a_whole_one(tmp_path: Path) -> None:
    made = fill(tmp_path / "old", 1)
    folder, file = tmp_path / "backups", tmp_path / "backups" / "b.tar.gz"
    outcomes = []
    for number in range(1, MOST):
        if not killed_at(number, lambda: back_up(made, file, NOW, quiet)):
            break
        outcomes.append(file.exists())
        if file.exists():
            examine(file, quiet)
            file.unlink()
    else:
        raise AssertionError(f"not done after {MOST} changes")
    assert len(outcomes) > 8, "it was killed at many steps"
    assert outcomes.count(True) < len(outcomes), "before the end there is no file"
    assert list(folder.iterdir()) == [file], "what the killed ones left is gone"
    examine(file, quiet)
    assert marks(made) == {1}


@pytest.mark.timeout(180)
def test_a_backup_killed_while_copying_and_packing(tmp_path: Path) -> None:
    """Within the copying of pages and the packing, where no name in the file system changes."""
    made = fill(tmp_path / "old", 1, rows=400_000)
    chance = random.Random(11)
    folder, file = tmp_path / "backups", tmp_path / "backups" / "b.tar.gz"
    killed = 0
    for _again in range(8):
        backup = python(BACK_UP, made.inventory.parent, file)
        end = time.monotonic() + 30
        while not list(folder.glob(".ioc-backup-*/*")) and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.3))
        backup.kill()
        if was_killed(backup):
            killed += 1
        if file.exists():
            examine(file, quiet)
            file.unlink()
    assert killed > 3
    back_up(made, file, NOW, quiet)
    assert list(folder.iterdir()) == [file]
    restore(settings(tmp_path / "new"), file, None, quiet)
    assert marks(settings(tmp_path / "new")) == {1}


@pytest.mark.timeout(180)
def test_a_restore_killed_at_any_step_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    file = back_up(fill(tmp_path / "source", 1), tmp_path / "b.tar.gz", NOW, quiet).file
    model = tmp_path / "model"
    fill(model, 2)
    outcomes = []
    for number in range(1, MOST):
        folder = tmp_path / str(number)
        shutil.copytree(model, folder)
        place, old = settings(folder), folder / "kept"
        killed = killed_at(number, partial(restore, place, file, old, quiet))
        assert finish(place) is None  # what `ioc run` does first
        found = marks(place)
        assert found in ({1}, {2}), f"neither the old nor the new after change {number}"
        assert (found == {1}) == old.exists(), "the old data is moved, not lost"
        outcomes.append(found == {1})
        if not killed:
            break
        if found == {2}:
            restore(place, file, old, quiet)
            assert marks(place) == {1}, "a restore that was killed can be done again"
        left = {path.name for path in folder.iterdir()}
        assert left == {"data", "kept", "inventory.yaml", "xa", ".env"}
    else:
        raise AssertionError(f"not done after {MOST} changes")
    assert outcomes == sorted(outcomes), "once the new is in force it stays"
    assert outcomes.count(False) > 8
    assert outcomes.count(True) > 3, "also killed between the switch and the end"


@pytest.mark.timeout(180)
def test_a_restore_onto_an_empty_machine_killed_at_any_step(tmp_path: Path) -> None:
    file = back_up(fill(tmp_path / "source", 1), tmp_path / "b.tar.gz", NOW, quiet).file
    outcomes = []
    for number in range(1, MOST):
        folder = tmp_path / str(number)
        folder.mkdir()
        place = settings(folder)
        killed = killed_at(number, partial(restore, place, file, None, quiet))
        finish(place)
        outcomes.append(place.data_dir.exists())
        if not killed:
            break
        if not place.data_dir.exists():
            assert not place.inventory.exists(), "nothing, or all of it"
            restore(place, file, None, quiet)
        assert marks(place) == {1}
    assert outcomes == sorted(outcomes)
    assert outcomes.count(False) > 8


def test_what_a_killed_restore_left_is_not_put_in_place_later(tmp_path: Path) -> None:
    """Killed before the old data was moved: the old is in force, and stays so for good."""
    place = fill(tmp_path / "x", 2)
    ready = place.data_dir.with_name(".data.restored")
    ready.mkdir()
    assert finish(place) is None
    assert not ready.exists()
    assert marks(place) == {2}


def test_two_restores_at_once(tmp_path: Path) -> None:
    import fcntl
    import os

    file = back_up(fill(tmp_path / "source", 1), tmp_path / "b.tar.gz", NOW, quiet).file
    place = settings(tmp_path / "x")
    place.inventory.parent.mkdir()
    held = os.open(tmp_path / "x", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(BackupError, match=r"in use"):
        restore(place, file, None, quiet)
    os.close(held)
    restore(place, file, None, quiet)
    assert marks(place) == {1}
