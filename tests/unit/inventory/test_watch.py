"""Hot reload on real files: what editors, copies and network folders do to them."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from ioc.inventory import watch as watching
from ioc.inventory.loader import InventoryError, Loaded, load
from ioc.inventory.watch import watch

PATIENCE = 20.0  # seconds until a test gives up
QUIET = 0.6  # seconds in which an event and several polls would have been seen

Outcome = Loaded | InventoryError


def inventory(name: str, tail: str = "") -> str:
    return f"area: {{id: a, name: {name}}}\n{tail}"


class Watched:
    """A watched inventory: what was called back, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: list[Outcome] = []

    def write(self, text: str) -> None:
        self.path.write_text(text, encoding="utf-8")

    async def until(self, count: int) -> Outcome:
        async with asyncio.timeout(PATIENCE):
            while len(self.told) < count:
                await asyncio.sleep(0.02)
        return self.told[count - 1]

    async def name(self, count: int) -> str:
        found = await self.until(count)
        assert isinstance(found, Loaded), found
        return found.topology.area_name

    async def mistake(self, count: int) -> str:
        found = await self.until(count)
        assert isinstance(found, InventoryError), found
        return str(found)

    async def nothing_more(self, count: int) -> None:
        await asyncio.sleep(QUIET)
        assert len(self.told) == count


@asynccontextmanager
async def watched(path: Path, text: str, poll: float = 0.2) -> AsyncIterator[Watched]:
    path.write_text(text, encoding="utf-8")
    found = Watched(path)
    task = asyncio.create_task(watch(load(path), found.told.append, found.told.append, poll))
    await asyncio.sleep(0.1)
    try:
        yield found
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "STEP", 0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inventory.yaml"


async def test_a_changed_file_is_applied(path: Path) -> None:
    async with watched(path, inventory("A")) as files:
        files.write(inventory("B"))
        assert await files.name(1) == "B"
        files.write(inventory("C"))
        assert await files.name(2) == "C"
        await files.nothing_more(2)


async def test_a_file_event_is_enough_long_before_the_next_poll(path: Path) -> None:
    async with watched(path, inventory("A"), poll=3600) as files:
        await asyncio.sleep(0.2)
        files.write(inventory("B"))
        assert await files.name(1) == "B"


async def test_a_wrong_file_is_told_and_so_is_its_repair(path: Path) -> None:
    async with watched(path, inventory("A")) as files:
        files.write("area: {id: A}\n")
        assert "area.id" in await files.mistake(1)
        files.write(inventory("A"))  # the content that is still in force
        assert await files.name(2) == "A"
        await files.nothing_more(2)


async def test_the_same_content_is_not_told_again(path: Path) -> None:
    async with watched(path, inventory("A")) as files:
        files.write(inventory("A"))
        os.utime(path)
        copy = path.with_suffix(".copy")
        shutil.copy(path, copy)
        copy.replace(path)
        await files.nothing_more(0)


async def test_an_editor_may_replace_the_file_and_keep_a_backup(path: Path) -> None:
    async with watched(path, inventory("A")) as files:
        path.rename(path.with_name("inventory.yaml~"))
        path.with_name(".inventory.yaml.swp").write_text("x", encoding="utf-8")
        files.write(inventory("B"))
        assert await files.name(1) == "B"
        path.rename(path.with_name("inventory.yaml~"))
        files.write(inventory("C"))
        assert await files.name(2) == "C"


async def test_a_file_that_is_written_in_pieces_is_read_when_it_is_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "STEP", 0.5)
    async with watched(path, inventory("A")) as files:
        with path.open("w", encoding="utf-8") as file:
            for piece in ("area: {id: a,", " na", "me: B}\n"):
                file.write(piece)
                file.flush()
                await asyncio.sleep(0.1)
        assert await files.name(1) == "B"


async def test_a_file_that_is_gone_for_good_is_told_once_and_so_is_its_return(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SETTLE", 0.3)
    async with watched(path, inventory("A")) as files:
        path.unlink()
        assert "does not exist" in await files.mistake(1)
        await files.nothing_more(1)
        files.write(inventory("A"))
        assert await files.name(2) == "A"


async def test_a_folder_may_vanish_for_a_moment(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    async with watched(folder / "inventory.yaml", inventory("A")) as files:
        folder.rename(tmp_path / "old")
        folder.mkdir()
        files.write(inventory("B"))
        assert await files.name(1) == "B"
        shutil.rmtree(folder)
        await asyncio.sleep(0.3)
        folder.mkdir()
        files.write(inventory("C"))
        await eventually(lambda: names(files)[-1:] == ["C"])


def names(files: Watched) -> list[str]:
    return [t.topology.area_name for t in files.told if isinstance(t, Loaded)]


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


async def test_included_files_are_watched_and_new_ones_seen(path: Path, tmp_path: Path) -> None:
    sites = tmp_path / "sites"
    sites.mkdir()
    (sites / "a.yaml").write_text("sites: [{id: a, name: A}]\n", encoding="utf-8")
    async with watched(path, inventory("A", 'include: ["sites/*.yaml"]\n')) as files:
        (sites / "a.yaml").write_text("sites: [{id: b, name: B}]\n", encoding="utf-8")
        assert list((await files.until(1)).topology.sites) == ["b"]
        (sites / "c.yaml").write_text("sites: [{id: c, name: C}]\n", encoding="utf-8")
        assert list((await files.until(2)).topology.sites) == ["b", "c"]
        (sites / "a.yaml").unlink()
        assert list((await files.until(3)).topology.sites) == ["c"]
        await files.nothing_more(3)


async def test_the_missing_include_of_a_wrong_inventory_mends_it_when_it_appears(
    path: Path, tmp_path: Path
) -> None:
    async with watched(path, inventory("A")) as files:
        files.write(inventory("A", "include: [later.yaml]\n"))
        assert "include[0]" in await files.mistake(1)
        (tmp_path / "later.yaml").write_text("sites: [{id: x, name: X}]\n", encoding="utf-8")
        assert list((await files.until(2)).topology.sites) == ["x"]


async def test_a_change_before_watching_began_is_seen(path: Path) -> None:
    path.write_text(inventory("A"), encoding="utf-8")
    before = load(path)
    path.write_text(inventory("B"), encoding="utf-8")
    told: list[Outcome] = []
    task = asyncio.create_task(watch(before, told.append, told.append))
    await eventually(lambda: bool(told))
    task.cancel()
    assert isinstance(told[0], Loaded)
    assert told[0].topology.area_name == "B"


async def test_a_folder_without_events_is_polled(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network folder: the watcher is told of nothing, or cannot be had at all."""

    def no_events(*_folders: Path, **_options: object) -> AsyncIterator[None]:
        raise OSError("too many watches")

    monkeypatch.setattr(watching, "awatch", no_events)
    async with watched(path, inventory("A")) as files:
        files.write(inventory("B"))
        assert await files.name(1) == "B"
