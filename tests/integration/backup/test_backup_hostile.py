"""Damaged, cut off, foreign and hostile files: refused by name, and nothing outside is written."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ioc.backup import BackupError, back_up, examine, restore
from ioc.backup.manifest import Manifest, Part
from tests.integration.backup._place import fill, marks, settings

NOW = datetime(2026, 11, 25, 2, 40, tzinfo=UTC)
Entry = tuple[tarfile.TarInfo, bytes]


def quiet(what: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return back_up(fill(tmp_path / "source", 1), tmp_path / "b.tar.gz", NOW, quiet).file


def refuse(file: Path, tmp_path: Path, match: str = "") -> None:
    """It is refused, on a machine with data and without; what is there stays as it is."""
    with pytest.raises(BackupError, match=match):
        examine(file, quiet)
    place = fill(tmp_path / "there", 2)
    outside = sorted(tmp_path.rglob("*"))
    with pytest.raises(BackupError, match=match):
        restore(place, file, tmp_path / "kept", quiet)
    assert marks(place) == {2}
    assert {p for p in outside if "series.db" not in p.name} <= set(tmp_path.rglob("*"))
    assert not (tmp_path / "kept").exists()
    empty = settings(tmp_path / "empty")
    with pytest.raises(BackupError, match=match):
        restore(empty, file, None, quiet)
    assert not empty.data_dir.exists()
    assert list((tmp_path / "empty").iterdir()) == []


# --- damaged


def test_cut_off_anywhere(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    cut = tmp_path / "cut.tar.gz"
    for length in (*range(0, len(whole), max(1, len(whole) // 150)), len(whole) - 1):
        cut.write_bytes(whole[:length])
        with pytest.raises(BackupError):
            examine(cut, quiet)
    cut.write_bytes(whole[: len(whole) // 2])
    refuse(cut, tmp_path, "damaged, cut off")


def test_any_flipped_bit(file: Path, tmp_path: Path) -> None:
    """Noticed, unless it changes nothing: there are several ways to write a run of zeros."""
    whole, chance = file.read_bytes(), random.Random(3)
    content, noticed = gzip.decompress(whole), 0
    wrong = tmp_path / "wrong.tar.gz"
    for _again in range(200):
        place = chance.randrange(10, len(whole))  # before: time and flags of gzip, no content
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        wrong.write_bytes(flipped)
        try:
            examine(wrong, quiet)
        except BackupError:
            noticed += 1
        else:
            assert gzip.decompress(flipped) == content
    assert noticed > 150


def test_something_after_the_end(file: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.tar.gz"
    more.write_bytes(file.read_bytes() + gzip.compress(b"something else"))
    refuse(more, tmp_path, "follows its end")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x1f\x8b", b"x" * 5000, bytes(20_000)])
def test_no_backup_at_all(content: bytes, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.tar.gz"
    for name, made in (("plain", content), ("zipped", gzip.compress(content))):
        wrong.write_bytes(made)
        with pytest.raises(BackupError, match=r"wrong\.tar\.gz"):
            examine(wrong, quiet)
        assert name


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(BackupError, match=str(path)):
            examine(path, quiet)


# --- hostile: with a list of contents that fits


def entries(file: Path) -> list[Entry]:
    with tarfile.open(file) as tar:
        return [(m, tar.extractfile(m).read()) for m in tar.getmembers()]  # type: ignore[union-attr]


def manifest_of(found: list[Entry]) -> Manifest:
    return Manifest.model_validate_json(found[-1][1])


def build(target: Path, found: list[Entry], *, listed: bool = True) -> Path:
    """An archive of these files; the list of contents, the last of them, is made to fit."""
    *files, (last, text) = found
    if listed:
        parts = tuple(
            Part(name=m.name, size=len(c), sha256=hashlib.sha256(c).hexdigest()) for m, c in files
        )
        fitting = Manifest.model_validate_json(text).model_copy(update={"parts": parts})
        text = fitting.model_dump_json().encode()
        last.size = len(text)
    with tarfile.open(target, "w:gz") as tar:
        for member, content in [*files, (last, text)]:
            tar.addfile(member, io.BytesIO(content))
    return target


def entry(name: str, content: bytes = b"evil", kind: bytes = tarfile.REGTYPE) -> Entry:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.size = len(content) if kind in (tarfile.REGTYPE, tarfile.AREGTYPE) else 0
    member.linkname = "/etc/passwd"
    return member, content


@pytest.mark.parametrize(
    "name",
    [
        "../evil.yaml",
        "/tmp/ioc-evil.yaml",
        "data/../../evil.db",
        "data/.hidden.db",
        "data/cli.token",
        "data/sub/evil.db",
        "data/reports/../x/report.pdf",
        "inventory/../evil.yaml",
        "inventory/.env",
        "inventory/.git/config.yaml",
        "inventory/a/../../evil.yaml",
        "inventory//evil.yaml",
        "inventory/evil.py",
        "inventory/evil\\x.yaml",
        "inventory/evil\n.yaml",
        "inventory/" + "a" * 600 + ".yaml",
        ".env",
        "evil",
        "",
    ],
)
def test_names_that_are_not_ours(name: str, file: Path, tmp_path: Path) -> None:
    found = entries(file)
    wrong = build(tmp_path / "wrong.tar.gz", [entry(name), *found], listed=len(name) < 500)
    refuse(wrong, tmp_path, "does not belong there")
    assert not list(tmp_path.rglob("evil*"))
    assert not Path("/tmp/ioc-evil.yaml").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_links_devices_and_folders(kind: bytes, file: Path, tmp_path: Path) -> None:
    wrong = build(tmp_path / "wrong.tar.gz", [entry("data/evil.db", b"", kind), *entries(file)])
    refuse(wrong, tmp_path, "does not belong there")


def changed_sum(found: list[Entry]) -> list[Entry]:
    member, content = found[0]
    return [(member, content[:-1] + b"?"), *found[1:]]


def without_one(found: list[Entry]) -> list[Entry]:
    return found[1:]


def one_more(found: list[Entry]) -> list[Entry]:
    return [entry("data/more.db"), *found]


def twice(found: list[Entry]) -> list[Entry]:
    return [found[0], *found]


def no_list(found: list[Entry]) -> list[Entry]:
    return found[:-1]


def file_after_the_list(found: list[Entry]) -> list[Entry]:
    return [*found, entry("data/more.db")]


def of_a_newer_program(found: list[Entry]) -> list[Entry]:
    text = json.dumps(json.loads(found[-1][1]) | {"format": 99}).encode()
    return [*found[:-1], entry("manifest.json", text)]


def a_time_that_writes_to_the_terminal(found: list[Entry]) -> list[Entry]:
    text = json.dumps(json.loads(found[-1][1]) | {"made_at": "\x1b]0;evil\x07"}).encode()
    return [*found[:-1], entry("manifest.json", text)]


def no_json(found: list[Entry]) -> list[Entry]:
    return [*found[:-1], entry("manifest.json", b"{")]


def huge_list(found: list[Entry]) -> list[Entry]:
    return [*found[:-1], entry("manifest.json", b" " * 2**21)]


@pytest.mark.parametrize(
    "change",
    [
        changed_sum,
        without_one,
        one_more,
        twice,
        no_list,
        file_after_the_list,
        of_a_newer_program,
        a_time_that_writes_to_the_terminal,
        no_json,
        huge_list,
    ],
)
def test_contents_that_do_not_fit_the_list(
    change: Callable[[list[Entry]], list[Entry]], file: Path, tmp_path: Path
) -> None:
    wrong = build(tmp_path / "wrong.tar.gz", change(entries(file)), listed=False)
    refuse(wrong, tmp_path, r"wrong\.tar\.gz: ")


def raw_header(size: bytes, kind: bytes = b"0", name: bytes = b"data/evil.db") -> bytes:
    """A header with any size field, its sum right."""
    header = bytearray(512)
    header[: len(name)] = name
    header[100:108] = b"0000600\x00"
    header[124 : 124 + len(size)] = size
    header[156:157] = kind
    header[257:265] = b"ustar\x0000"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\x00 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        (b"77777777777\x00", b"0"),  # 8 GB that are not there
        (b"\x80" + (2**62).to_bytes(11, "big"), b"0"),  # more than any disk
        (b"\xff" * 12, b"0"),  # negative
        (b"\xff" * 12, b"x"),
        (b"77777777777\x00", b"x"),  # an extended header that fills the memory
        (b"77777777777\x00", b"L"),
        (b"77777777777\x00", b"g"),
        (b"nonsense\x00", b"0"),
    ],
)
def test_sizes_that_lie(size: bytes, kind: bytes, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.tar.gz"
    wrong.write_bytes(gzip.compress(raw_header(size, kind) + bytes(4096)))
    refuse(wrong, tmp_path, r"wrong\.tar\.gz")


def test_a_bomb_is_refused_before_it_fills_the_disk(file: Path, tmp_path: Path) -> None:
    """Zeros that unpack to 200 MB behind the end, and in a header."""
    wrong = tmp_path / "wrong.tar.gz"
    wrong.write_bytes(gzip.compress(raw_header(b"%011o\x00" % (200 * 2**20), b"x") + bytes(2**27)))
    refuse(wrong, tmp_path, "header is too large")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docker-compose.override.yaml", "services:\n  ioc: {image: evil, privileged: true}\n"),
        ("xa/a.yaml", "area: {id: x, name: X}\n"),
    ],
)
def test_files_that_are_no_parts_of_an_inventory_are_not_placed(
    name: str, text: str, file: Path, tmp_path: Path
) -> None:
    """A backup may come from anywhere: it must not bring files that another program reads."""
    main = entry("inventory/inventory.yaml", b"area: {id: a, name: A}\ninclude: ['**', '*.yaml']\n")
    kept = [e for e in entries(file) if not e[0].name.startswith("inventory/")]
    wrong = build(
        tmp_path / "wrong.tar.gz", [main, entry(f"inventory/{name}", text.encode()), *kept]
    )
    place = settings(tmp_path / "new")
    [note] = restore(place, wrong, None, quiet).notes
    assert "inventory-of-backup" in note
    assert {p.name for p in place.inventory.parent.iterdir()} == {"data"}
