"""An inventory in several files: one tree, each mistake in its own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioc.inventory.loader import InventoryError, load

HEAD = "area: {id: a, name: A}\n"
SITE = "sites:\n  - {id: %s, name: X, devices: [{kind: router, address: %s}]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sites").mkdir()
    return tmp_path


def put(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name.replace('__', '/')}.yaml").write_text(text, encoding="utf-8")
    return folder / "inventory.yaml"


def refused(path: Path) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        load(path)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_included_sites_and_services_follow_those_of_the_file_itself(folder: Path) -> None:
    path = put(
        folder,
        inventory=HEAD + 'include: ["sites/*.yaml", chung.yaml]\n' + SITE % ("x", "127.0.0.1"),
        sites__b=SITE % ("b", "127.0.0.3"),
        sites__a=SITE % ("a", "127.0.0.2"),
        chung="services: [{id: s, name: S, address: 127.0.0.4}]\n",
    )
    loaded = load(path)
    assert list(loaded.topology.sites) == ["x", "a", "b"]
    assert "s" in loaded.topology.assets
    names = [file.relative_to(folder).as_posix() for file in loaded.files]
    assert names == ["inventory.yaml", "sites/a.yaml", "sites/b.yaml", "chung.yaml"]


def test_the_digest_is_of_all_files(folder: Path) -> None:
    path = put(folder, inventory=HEAD + "include: [a.yaml]\n", a=SITE % ("x", "127.0.0.1"))
    before = load(path).topology.digest
    put(folder, a=SITE % ("x", "127.0.0.2"))
    assert load(path).topology.digest != before


def test_a_file_that_two_patterns_name_is_read_once(folder: Path) -> None:
    path = put(
        folder,
        inventory=HEAD + 'include: ["a.yaml", "*.yaml"]\n',
        a=SITE % ("x", "127.0.0.1"),
    )
    assert list(load(path).topology.sites) == ["x"]


def test_a_mistake_names_the_file_and_the_place_in_it(folder: Path) -> None:
    path = put(
        folder,
        inventory=HEAD + 'include: ["sites/*.yaml"]\n' + SITE % ("x", "127.0.0.1"),
        sites__a="# xã\n" + SITE % ("x", "127.0.0.2"),
        sites__b=SITE % ("b", "127.0.0.1") + "  - {id: c, name: C, staf: 5}\n",
        sites__c="sites: [\n",
    )
    assert refused(path) == [
        "sites/a.yaml:3: sites[0].id: x exists already: inventory.yaml:4; give this one another id",
        "sites/b.yaml:2: sites[0].devices[0].address: 127.0.0.1 is measured already: "
        "inventory.yaml:4; each address belongs to one asset",
        "sites/b.yaml:3: sites[1].staf: unknown key; did you mean staff?",
        "sites/c.yaml:1: wrong indentation, or a hyphen is missing",
    ]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("nothing.yaml", "there is no such file in the inventory's folder"),
        ("nowhere/*.yaml", "there is no such file in the inventory's folder"),
        ("sites", "there is no such file in the inventory's folder"),
        ("[", "there is no such file in the inventory's folder"),
        ("../*.yaml", "must name files in the inventory's folder or below, without .. and **"),
        (
            "sites/../a.yaml",
            "must name files in the inventory's folder or below, without .. and **",
        ),
        ("/etc/hostname", "must name files in the inventory's folder or below, without .. and **"),
        ("**/*.yaml", "must name files in the inventory's folder or below, without .. and **"),
        ("link.yaml", "there is no such file in the inventory's folder"),
    ],
)
def test_what_leads_nowhere_or_out_of_the_folder_is_refused(folder: Path, pattern, words) -> None:
    inside = folder / "inside"
    inside.mkdir()
    (inside / "sites").mkdir()
    (folder / "secret.yaml").write_text("sites: []\n", encoding="utf-8")
    (inside / "link.yaml").symlink_to(folder / "secret.yaml")
    path = put(inside, inventory=HEAD + f'include: ["{pattern}"]\n', a="sites: []\n")
    assert refused(path) == [f"inventory.yaml:2: include[0]: {words}"]


def test_an_included_file_includes_nothing_and_is_no_inventory(folder: Path) -> None:
    path = put(
        folder,
        inventory=HEAD + "include: [a.yaml, b.yaml, c.yaml]\n",
        a="include: [inventory.yaml]\n",
        b="- x\n",
        c="sites: {id: x}\n",
    )
    assert refused(path) == [
        "a.yaml:1: include: an included file holds sites: or services: only; move it",
        "b.yaml:1: an included file holds sites: or services:",
        "c.yaml:1: sites: must be a list",
    ]


def test_an_inventory_that_includes_itself_is_read_once(folder: Path) -> None:
    path = put(folder, inventory=HEAD + 'include: ["*.yaml"]\n' + SITE % ("x", "127.0.0.1"))
    assert list(load(path).topology.sites) == ["x"]


def test_an_empty_included_file_adds_nothing(folder: Path) -> None:
    path = put(folder, inventory=HEAD + "include: [a.yaml]\n", a="# later\n")
    assert not load(path).topology.sites


def test_what_may_be_in_a_missing_file_is_not_called_missing_as_well(folder: Path) -> None:
    path = put(folder, inventory=HEAD + "monitor: {site: x}\ninclude: [x.yaml]\n")
    assert refused(path) == [
        "inventory.yaml:3: include[0]: there is no such file in the inventory's folder"
    ]


def test_too_many_files_are_refused(folder: Path) -> None:
    for number in range(205):
        (folder / "sites" / f"{number}.yaml").write_text("sites: []\n", encoding="utf-8")
    path = put(folder, inventory=HEAD + 'include: ["sites/*.yaml"]\n')
    assert refused(path) == [
        "inventory.yaml:2: include[0]: more than 200 files or 16 MB are included"
    ]


def test_paths_may_be_relative_and_the_inventory_a_link(folder: Path, monkeypatch) -> None:
    real = put(folder, inventory=HEAD + "include: [a.yaml]\n", a=SITE % ("x", "127.0.0.1"))
    monkeypatch.chdir(folder)
    assert load("inventory.yaml").files[0] == real
    (folder / "here.yaml").symlink_to(real)
    assert list(load("here.yaml").topology.sites) == ["x"]
