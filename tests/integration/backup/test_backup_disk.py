"""A disk that is too small: said before anything is written; nothing is left when it fills up."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ioc.backup import BackupError, back_up, create, restore, unpack
from tests._disk import mounted
from tests.integration.backup._place import fill, marks, settings

NOW = datetime(2026, 11, 25, 2, 40, tzinfo=UTC)

pytestmark = pytest.mark.root


def quiet(what: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "1m") as folder:
        yield folder


def test_too_little_room_is_said_before_anything_is_written(small: Path, tmp_path: Path) -> None:
    made = fill(tmp_path / "old", 1)
    with pytest.raises(BackupError, match=r"1 MB are free, \d+ MB are needed"):
        back_up(made, small / "b.tar.gz", NOW, quiet)
    file = back_up(made, tmp_path / "b.tar.gz", NOW, quiet).file
    with pytest.raises(BackupError, match=r"MB are free, \d+ MB are needed"):
        restore(settings(small / "new"), file, None, quiet)
    assert list(small.iterdir()) in ([], [small / "new"])
    assert not any((small / "new").iterdir())


def test_the_room_that_is_asked_for_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The most that lies there at once: all copies, and an archive that did not get smaller."""
    made = fill(tmp_path / "old", 1)
    for name in ("a.db", "b.db"):  # what does not get smaller
        database = sqlite3.connect(made.data_dir / name)
        with database:
            database.execute("CREATE TABLE t (x BLOB)")
            database.execute("INSERT INTO t VALUES (randomblob(3000000))")
        database.close()
    asked, most = [], 0
    there = tmp_path / "there"

    def room(folder: Path, needed: int) -> None:
        asked.append(needed)

    def look(*_words: object) -> None:
        nonlocal most
        sizes = [path.stat().st_size for path in there.rglob("*") if path.is_file()]
        most = max(most, sum(sizes))

    monkeypatch.setattr(create, "_check_room", room)
    size = back_up(made, there / "b.tar.gz", NOW, look).size
    [needed] = asked
    assert needed > 6_000_000
    assert size > 6_000_000
    assert needed * 1.25 < most <= 2 * needed
    assert most < needed + size, "copies go as soon as they are packed"


def test_a_disk_that_fills_up_meanwhile_leaves_nothing_half(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another program writes to it, too."""
    for module in (create, unpack):
        monkeypatch.setattr(module, "ROOM", -(10**9))
    made = fill(tmp_path / "old", 1, rows=60_000)
    with pytest.raises(BackupError, match=r"full|No space"):
        back_up(made, small / "b.tar.gz", NOW, quiet)
    assert list(small.iterdir()) == []
    file = back_up(made, tmp_path / "b.tar.gz", NOW, quiet).file
    (small / "new").mkdir()
    with pytest.raises(BackupError, match="No space"):
        restore(settings(small / "new"), file, None, quiet)
    assert list((small / "new").iterdir()) == []
    assert marks(made) == {1}


def test_a_disk_that_fills_up_while_packing(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "ROOM", -(10**9))
    made = fill(tmp_path / "old", 1)
    report = made.data_dir / "reports" / "r1" / "report.xlsx"
    report.write_bytes(os.urandom(2_000_000))
    with pytest.raises(BackupError, match="No space"):
        back_up(made, small / "b.tar.gz", NOW, quiet)
    assert list(small.iterdir()) == []
