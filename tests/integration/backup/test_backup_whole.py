"""There and back: what is backed up, while it is written to, and what is restored of it."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
import sys
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ioc.backup import BackupError, back_up, examine, finish, restore
from ioc.backup.manifest import public
from ioc.settings import Settings
from ioc.store import open_store
from ioc.store.base import Point, SeriesQuery
from ioc.store.sqlite import SqliteStore
from tests.integration.backup._place import ROOT, fill, marks, python, settings

NOW = datetime(2026, 11, 25, 2, 40, tzinfo=UTC)


def quiet(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def names(file: Path) -> list[str]:
    with tarfile.open(file) as tar:
        return tar.getnames()


@pytest.fixture
def made(tmp_path: Path) -> Settings:
    return fill(tmp_path / "old", 1)


@pytest.fixture
def file(made: Settings, tmp_path: Path) -> Path:
    return back_up(made, tmp_path / "b.tar.gz", NOW, quiet).file


def test_a_backup_holds_everything_but_secrets(file: Path) -> None:
    assert names(file) == [
        "data/series.db",
        "data/state.db",
        "inventory/inventory.yaml",
        "inventory/xa/yên-thịnh.yaml",
        "data/reports/r1/report.pdf",
        "manifest.json",
    ]
    assert b"secret" not in gzip.decompress(file.read_bytes())
    assert file.stat().st_mode & 0o777 == 0o600


def test_it_is_restored_onto_an_empty_machine(file: Path, tmp_path: Path) -> None:
    new = settings(tmp_path / "new")
    done = restore(new, file, None, quiet)
    assert marks(new) == {1}
    assert done.old is None
    assert done.notes == ()
    left = {path.name for path in (tmp_path / "new").iterdir()}
    assert left == {"data", "inventory.yaml", "xa"}
    assert not (new.data_dir / "cli.token").exists()


def test_what_is_there_is_moved_never_lost(file: Path, tmp_path: Path) -> None:
    other = fill(tmp_path / "new", 2)
    with pytest.raises(BackupError, match="--move-old"):
        restore(other, file, None, quiet)
    assert marks(other) == {2}
    old = tmp_path / "kept" / "data"
    assert restore(other, file, old, quiet).old == old
    assert marks(other) == {1}
    store = SqliteStore(old / "series.db")
    assert store.read(SeriesQuery("check", "up", 0, 10**13))[0].values[0] == 2
    store.close()
    before = old / "inventory-before-restore"
    assert (before / "inventory.yaml").read_text(encoding="utf-8").endswith("# 2\n")
    assert (before / "xa" / "yên-thịnh.yaml").exists()


def test_another_inventory_alone_is_not_overwritten(file: Path, tmp_path: Path) -> None:
    new = settings(tmp_path / "new")
    new.inventory.parent.mkdir()
    new.inventory.write_text("area: {id: x, name: X}\n")
    with pytest.raises(BackupError, match=r"inventory\.yaml exists and differs.*--move-old"):
        restore(new, file, None, quiet)
    assert not new.data_dir.exists()
    restore(new, file, tmp_path / "kept", quiet)
    assert marks(new) == {1}
    kept = tmp_path / "kept" / "inventory-before-restore" / "inventory.yaml"
    assert kept.read_text() == "area: {id: x, name: X}\n"


def test_an_inventory_folder_that_cannot_be_written_is_said(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = settings(tmp_path / "new")
    new.inventory.parent.mkdir()
    (new.inventory.parent / "xa").write_text("a file where a folder must be")
    [note] = restore(new, file, None, quiet).notes
    assert "copy it by hand" in note
    assert (new.data_dir / "restored" / "inventory.yaml").exists()
    (new.inventory.parent / "xa").unlink()
    assert finish(new) is None
    assert marks(new) == {1}


def test_an_inventory_that_was_edited_since_is_not_overwritten_later(
    file: Path, tmp_path: Path
) -> None:
    """The restored one could not be placed; somebody goes on with the one that is there."""
    new = settings(tmp_path / "new")
    new.inventory.parent.mkdir()
    new.inventory.write_text("area: {id: x, name: X}\n")
    in_the_way = new.inventory.parent / "xa"
    in_the_way.write_text("a file where a folder must be")
    restore(new, file, tmp_path / "kept", quiet)
    new.inventory.write_text("area: {id: x, name: Newer}\n")
    in_the_way.unlink()
    for _ in range(2):  # said at every start
        note = finish(new)
        assert note is not None
        assert "was changed since the restore" in note
        assert new.inventory.read_text() == "area: {id: x, name: Newer}\n"
        assert not in_the_way.exists(), "all or nothing"
    new.inventory.write_bytes((new.data_dir / "restored" / "inventory.yaml").read_bytes())
    assert finish(new) is None
    assert marks(new) == {1}


def test_the_sample_that_comes_with_the_program_may_be_replaced(file: Path, tmp_path: Path) -> None:
    """On a fresh clone it stands where the restored inventory belongs."""
    new = settings(tmp_path / "new")
    new.inventory.parent.mkdir()
    new.inventory.write_bytes((ROOT / "inventory.yaml").read_bytes())
    assert restore(new, file, None, quiet).notes == ()
    assert marks(new) == {1}


def test_files_of_another_name_in_the_configuration(file: Path, tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    new = replace(settings(tmp_path / "new"), store=f"sqlite:///{data / 'kho' / 'đo.db'}")
    restore(new, file, None, quiet)
    store = SqliteStore(data / "kho" / "đo.db")
    assert store.read(SeriesQuery("check", "up", 0, 10**13))
    store.close()
    outside = replace(new, store=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    with pytest.raises(BackupError, match=r"IOC_STORE.*outside of the data folder"):
        restore(outside, file, tmp_path / "kept", quiet)


def test_what_a_server_keeps_is_named_without_its_secrets(made: Settings, tmp_path: Path) -> None:
    remote = replace(made, store="influxdb://me:hidden@127.0.0.1:8086/ioc?org=a&token=hidden")
    done = back_up(remote, tmp_path / "b.tar.gz", NOW, quiet)
    assert "data/series.db" in names(done.file), "what the embedded store kept before"
    [missing] = done.missing
    assert "127.0.0.1:8086" in missing
    assert b"hidden" not in gzip.decompress(done.file.read_bytes())
    assert "hidden" not in done.manifest.model_dump_json()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///data/series.db", "sqlite:///data/series.db"),
        ("sqlite:////srv/đo.db", "sqlite:////srv/đo.db"),
        ("postgresql+psycopg://ioc:p@ss@db:5432/ioc?x=secret", "postgresql+psycopg://db:5432/ioc"),
        (
            "victoriametrics://a:8480,b:8481/?tenant=0&storage=c:1",
            "victoriametrics://a:8480,b:8481/",
        ),
        ("influxdb://[::1]:8086/ioc?org=huyen", "influxdb://[::1]:8086/ioc"),
    ],
)
def test_addresses_without_what_is_secret(url: str, shown: str) -> None:
    assert public(url) == shown


def test_what_waits_for_a_server_goes_along(made: Settings, tmp_path: Path) -> None:
    remote = replace(made, store="influxdb://127.0.0.1:1/ioc?org=huyen")
    outbox = made.data_dir / "outbox.db"
    store = open_store(remote.store, outbox)  # nobody answers there
    store.write([Point("check", (("asset", "máy"),), {"up": 1.0}, i) for i in range(70)])
    done = back_up(remote, tmp_path / "b.tar.gz", NOW, quiet)  # while it is open
    store.close()
    assert "data/outbox.db" in names(done.file)
    new = replace(settings(tmp_path / "new"), store=remote.store)
    restore(new, done.file, None, quiet)
    restored = open_store(new.store, new.data_dir / "outbox.db")
    backlog = restored.health().backlog
    assert backlog is not None
    assert backlog.rows == 70
    restored.close()


def test_an_inventory_with_mistakes_is_backed_up_as_it_is(made: Settings, tmp_path: Path) -> None:
    made.inventory.write_text("area: [\n")
    done = back_up(made, tmp_path / "b.tar.gz", NOW, quiet)
    restore(settings(tmp_path / "new"), done.file, None, quiet)
    assert (tmp_path / "new" / "inventory.yaml").read_text() == "area: [\n"


def test_without_an_inventory_the_rest_is_backed_up_and_it_is_said(
    made: Settings, tmp_path: Path
) -> None:
    made.inventory.unlink()
    done = back_up(made, tmp_path / "b.tar.gz", NOW, quiet)
    [missing] = done.missing
    assert str(made.inventory) in missing
    [note] = restore(settings(tmp_path / "new"), done.file, None, quiet).notes
    assert "in this backup" in note


def test_a_damaged_database_gives_no_backup(made: Settings, tmp_path: Path) -> None:
    path = made.data_dir / "series.db"
    content = bytearray(path.read_bytes())
    content[4096:12000] = bytes(7904)
    path.write_bytes(content)
    with pytest.raises(BackupError, match=r"series\.db"):
        back_up(made, tmp_path / "b.tar.gz", NOW, quiet)
    assert not [p for p in tmp_path.iterdir() if p.name != "old"]


def test_nothing_to_back_up_and_a_name_that_is_taken(made: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="IOC_DATA_DIR"):
        back_up(settings(tmp_path / "none"), tmp_path / "b.tar.gz", NOW, quiet)
    (tmp_path / "b.tar.gz").write_text("precious")
    with pytest.raises(BackupError, match="exists"):
        back_up(made, tmp_path / "b.tar.gz", NOW, quiet)
    assert (tmp_path / "b.tar.gz").read_text() == "precious"


WRITER = """
import sys
from pathlib import Path
from ioc.store.base import Point
from ioc.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]), recent_rows=20_000)
tags = [(("asset", str(i)),) for i in range(50)]
for batch in range(1, 100_000):
    store.write([Point("check", some, {"up": 1.0}, batch * 60_000) for some in tags])
    print(batch, flush=True)
    if batch % 50 == 0:
        store.maintain(batch * 60_000)
"""


def test_backups_while_another_process_writes_are_each_of_one_moment(tmp_path: Path) -> None:
    made = settings(tmp_path / "old")
    made.data_dir.mkdir(parents=True)
    writer = python(WRITER, made.data_dir / "series.db")
    assert writer.stdout is not None
    try:
        for number in range(4):
            for _line in range(40):
                before = int(writer.stdout.readline())
            file = back_up(made, tmp_path / f"{number}.tar.gz", NOW, quiet).file
            assert writer.poll() is None
            new = settings(tmp_path / f"new{number}")
            restore(new, file, None, quiet)
            store = SqliteStore(new.data_dir / "series.db")
            found = store.read(SeriesQuery("check", "up", 0, 10**13, limit=10**8))
            store.close()
            lengths = {len(series.times) for series in found}
            assert len(found) == 50
            assert len(lengths) == 1, "a batch is in it as a whole"
            [length] = lengths
            assert length >= before
            assert list(found[0].times) == [60_000 * (i + 1) for i in range(length)]
            with sqlite3.connect(new.data_dir / "series.db") as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            database.close()
    finally:
        writer.kill()
        writer.communicate()
    store = SqliteStore(made.data_dir / "series.db")  # what was backed up from goes on
    assert store.health().ok
    store.close()


def test_no_restore_while_the_program_uses_the_data(file: Path, made: Settings) -> None:
    store = SqliteStore(made.data_dir / "series.db")
    try:
        with pytest.raises(BackupError, match="in use: stop the program"):
            restore(made, file, made.data_dir.with_name("kept"), quiet)
    finally:
        store.close()
    assert marks(made) == {1}


def test_old_data_goes_to_the_same_disk_and_not_into_itself(file: Path, made: Settings) -> None:
    with pytest.raises(BackupError, match="inside of"):
        restore(made, file, made.data_dir / "old", quiet)
    with pytest.raises(BackupError, match="exists"):
        restore(made, file, made.data_dir.parent, quiet)
    other = Path("/dev/shm/ioc-kept")
    if other.parent.is_dir() and other.parent.stat().st_dev != made.data_dir.stat().st_dev:
        with pytest.raises(BackupError, match="another disk"):
            restore(made, file, other, quiet)
    assert marks(made) == {1}


def test_a_data_folder_that_is_a_link_is_refused(
    file: Path, made: Settings, tmp_path: Path
) -> None:
    made.data_dir.rename(tmp_path / "real")
    made.data_dir.symlink_to(tmp_path / "real")
    with pytest.raises(BackupError, match="a mount point or a link"):
        restore(made, file, tmp_path / "kept", quiet)


def test_the_commands(made: Settings, tmp_path: Path) -> None:
    folder = made.inventory.parent

    def ioc(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ioc", *words]
        environment = {"PYTHONPATH": str(ROOT), "IOC_LANG": "en", "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)

    done = ioc("backup", "b.tar.gz")
    assert done.returncode == 0, done.stderr
    assert "passwords and tokens (.env)" in done.stdout
    assert ioc("backup", "b.tar.gz").returncode == 1
    assert "whole, of" in ioc("restore", "--check", "b.tar.gz").stdout
    refused = ioc("restore", "b.tar.gz")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "--move-old data.old" in refused.stderr
    done = ioc("restore", "b.tar.gz", "--move-old", "data.old")
    assert done.returncode == 0, done.stderr
    assert marks(made) == {1}
    assert ioc("restore", "none.tar.gz", "--move-old", "x").returncode == 1


def test_examining_writes_nothing(file: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert examine(file, quiet).size > 0
    assert sorted(tmp_path.rglob("*")) == before
