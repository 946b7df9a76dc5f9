"""The traps of YAML and of files: each ends in one clear mistake with its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ioc.inventory.document import MAX_BYTES, read_document
from ioc.inventory.loader import InventoryError, load

GOOD = "area: {id: a, name: A}\n"

BAD_FILES = {
    "empty": (b"", "1: must hold keys such as area: and sites:"),
    "only a comment": (b"# later\n", "1: must hold keys such as area: and sites:"),
    "a list": (b"- a\n", "1: must hold keys such as area: and sites:"),
    "plain text": (b"hello\n", "1: must hold keys such as area: and sites:"),
    "not UTF-8": (
        b"area:\n  name: Ch\xe5 \x90\n",
        "2: not UTF-8 text; save the file as UTF-8",
    ),
    "UTF-16": (GOOD.encode("utf-16"), "1: not UTF-8 text; save the file as UTF-8"),
    "NUL": (b"area:\n  name: a\x00\n", "2: a control character (U+0000); remove it"),
    "escape": (b"a: 1\nb: 2\nc: \x1b[31m\n", "3: a control character (U+001B); remove it"),
    "next line": (b"a: 1\nb: \xc2\x9b\n", "2: a control character (U+009B); remove it"),
    "a tab": (b"area:\n\tid: a\n", "2: a tab; indent with spaces"),
    "a tab after spaces": (b"area:\n  \tid: a\n  name: b\n", "2: a tab; indent with spaces"),
    "no closing quote": (b'area: {id: a, name: "A}\n', "1: a closing quote is missing"),
    "no closing bracket": (
        b"area: {id: a, name: A\nsites: []\n",
        "1: a comma or a closing bracket is missing",
    ),
    "no colon": (
        b"area\n  id: a\nsites: []\n",
        "2: wrong indentation, or text that holds a colon: put it in quotes",
    ),
    "a colon in text": (
        b"area:\n  id: a\n  name: Khu: A\n",
        "3: wrong indentation, or text that holds a colon: put it in quotes",
    ),
    "no space after the colon": (
        b"area:\n  id: a\n  name:A\nsites: []\n",
        "4: a colon and a space are missing after the key",
    ),
    "wrong indentation": (
        b"area:\n    id: a\n   name: A\n",
        "3: wrong indentation, or a hyphen is missing",
    ),
    "a reserved character": (
        b"area:\n  id: a\n  name: @A\n",
        "3: text cannot begin with this character; put it in quotes",
    ),
    "nested too deep": (b"a: " + b"[" * 5_000_000, "1: nested too deep"),
    "keys nested too deep": (
        b"".join(b" " * i + b"a:\n" for i in range(100)),
        "22: nested too deep",
    ),
    "50 MB": (b"a" * (50 * 2**20), "1: larger than 8 MB; split it with include"),
    "too many values": (
        b"area: [" + b"1," * 500_000 + b"]",
        "1: more than 400000 values; split it with include, use `addresses`",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_is_no_inventory_is_one_mistake(case, mistakes) -> None:
    content, expected = BAD_FILES[case]
    assert mistakes(content) == [f"inventory.yaml:{expected}"]


BAD_PARTS = {
    "a duplicate key": (
        GOOD + "sites: []\nsites: []\n",
        "3: sites: written twice; first on line 2",
    ),
    "a duplicate key inside": (
        "area:\n  id: a\n  name: A\n  name: {b: [c]}\n",
        "4: area.name: written twice; first on line 3",
    ),
    "an alias": (
        "area: &x {id: a, name: A}\nmonitor: *x\n",
        "2: monitor: aliases (*name) are not supported; write the value out",
    ),
    "a merge key": (
        "area: {<<: {id: a}, id: a, name: A}\n",
        "1: area.<<: unknown key; the keys here are id, name, timezone",
    ),
    "a tag": (
        "area: {id: a, name: !secret A}\n",
        "1: area.name: YAML tags (!name) are not supported; remove it",
    ),
    "a Python tag": (
        GOOD + 'x: !!python/object/apply:os.system ["true"]\n',
        "2: x: YAML tags (!name) are not supported; remove it",
    ),
    "a standard tag": (
        "area: {id: a, name: !!str 5}\n",
        "1: area.name: YAML tags (!name) are not supported; remove it",
    ),
    "a key of lists": (GOOD + "? [a, b]\n: 1\n", "2: a key must be plain text"),
    "a second document": (
        GOOD + "---\narea: {}\n",
        "2: a second document (---); use one file for each",
    ),
}


@pytest.mark.parametrize("case", BAD_PARTS)
def test_what_yaml_has_and_an_inventory_has_not_is_refused(case, mistakes) -> None:
    text, expected = BAD_PARTS[case]
    assert f"inventory.yaml:{expected}" in mistakes(text)


def test_an_alias_bomb_is_refused_at_once(mistakes) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
    )
    assert "inventory.yaml:2: b[0]: aliases (*name) are not supported; write the value out" in (
        mistakes(bomb)
    )


def test_of_endless_mistakes_a_thousand_are_shown(mistakes) -> None:
    found = mistakes(GOOD + "sites:\n" + "  - x\n" * 20_000)
    assert len(found) == 1001
    assert found[0] == "inventory.yaml:3: sites[0]: must be a block of keys, not 'x'"
    assert "inventory.yaml:1002: more than 1000 mistakes; the rest is not shown" in found


VALUES = {
    "off": "off",
    "no": "no",
    "YES": "YES",
    "0123": "0123",
    "0x1F": "0x1F",
    "0o17": "0o17",
    "10:20:30": "10:20:30",
    "1_000": "1_000",
    "2026-02-17": "2026-02-17",
    "2026-02-17 10:00:00": "2026-02-17 10:00:00",
    "1e3": "1e3",
    ".inf": ".inf",
    ".nan": ".nan",
    "1.": "1.",
    "99999999999999999999": "99999999999999999999",
    "=": "=",
    '"5"': "5",
    "'true'": "true",
    "5": 5,
    "-5": -5,
    "5.25": 5.25,
    "true": True,
    "False": False,
    "~": None,
    "null": None,
    "": None,
}


@pytest.mark.parametrize("written", VALUES)
def test_a_value_is_what_it_looks_like(written, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"a: {written}\n", encoding="utf-8")
    found = read_document(path, "x.yaml").values["a"]
    assert (found, type(found)) == (VALUES[written], type(VALUES[written]))


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(loaded) -> None:
    text = "\ufeffarea:\r\n  id: a\r\n  name: Chợ Đồn\r\n"
    assert loaded(text.encode()).topology.area_name == "Chợ Đồn"


def test_a_missing_file_a_folder_and_a_pipe_are_mistakes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    expected = {
        tmp_path / "none.yaml": "none.yaml:1: does not exist; check the name and the folder",
        tmp_path: f"{tmp_path.name}:1: is a folder, not a file",
        tmp_path / "pipe": "pipe:1: is not a plain file",
        tmp_path / "x" / "y": "y:1: does not exist; check the name and the folder",
        tmp_path / ("n" * 300): "n" * 300 + ":1: cannot be read: File name too long",
    }
    for path, message in expected.items():
        with pytest.raises(InventoryError) as caught:
            load(path)
        assert str(caught.value) == message


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(GOOD.encode() + b"#" * (MAX_BYTES - len(GOOD)))
    assert load(path).topology.area_id == "a"


def test_an_odd_key_cannot_write_to_the_terminal(mistakes) -> None:
    assert mistakes(GOOD + '"\\e[31mred": 1\n') == [
        "inventory.yaml:2: '\\x1b[31mred': unknown key; the keys here are sites, services, area, "
        "monitor, include, freshness, sentinels, calendars, defaults, units, targets, adequacy, "
        "reports, routes, alerts"
    ]
