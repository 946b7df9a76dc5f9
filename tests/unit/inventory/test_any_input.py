"""Whatever a file holds, loading gives an inventory or an InventoryError, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.inventory.loader import InventoryError, load
from ioc.inventory.models import CalendarModel, Device, Inventory, Link, Service, SiteModel

ROOT = Path(__file__).parent.parent.parent.parent
SAMPLE = (ROOT / "inventory.yaml").read_bytes()
ONE_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def load_or_refuse(folder: Path, content: bytes) -> None:
    path = folder / "inventory.yaml"
    path.write_bytes(content)
    try:
        load(path)
    except InventoryError as error:
        assert error.mistakes
        for mistake in error.mistakes:
            assert 1 <= mistake.line <= content.count(b"\n") + content.count(b"\r") + 1
            assert mistake.message
            assert str(mistake).startswith("inventory.yaml:")


@ONE_FILE
@given(st.binary())
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    load_or_refuse(tmp_path, content)


@ONE_FILE
@given(st.text("ab: -[]{}&*!|>'\"%@`#,?\n\t\\~=<0123."))
def test_any_text_of_yaml_characters(tmp_path: Path, text: str) -> None:
    load_or_refuse(tmp_path, text.replace("\x85", "").encode())


@ONE_FILE
@given(st.integers(0, len(SAMPLE)), st.integers(0, 60), st.binary(max_size=30))
def test_the_sample_with_a_piece_replaced(
    tmp_path: Path, start: int, length: int, piece: bytes
) -> None:
    load_or_refuse(tmp_path, SAMPLE[:start] + piece + SAMPLE[start + length :])


KEYS = sorted(
    {"kind", "address", "port", "url", "interval", "timeout", "thresholds", "above", "office", ""}
    | {
        key
        for model in (Inventory, SiteModel, Link, Device, Service, CalendarModel)
        for key in model.model_fields
    }
)
SCALARS = st.sampled_from(
    ["x", "X Y", "fiber", "4g", "computer", "icmp", "tcp", "http", "dns", "fiber-communes", "mon",
     "127.0.0.1", "127.0.0.1-9", "::1", "07:30-11:30", "2026-02-17", "15s", "VN", ">=", "primary",
     "off", "../*", "*.yaml", "inventory.yaml", "a\x1bb", "ế", "[key]", 0, 1, 5.5, -3, True, None]
)  # fmt: skip
TREES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=25,
)
HEADS = st.fixed_dictionaries({"area": st.just({"id": "a", "name": "A"}) | TREES})
MOSTLY_RIGHT = st.fixed_dictionaries(
    {"area": st.just({"id": "a", "name": "A"})},
    optional={
        "sites": st.lists(
            st.fixed_dictionaries(
                {"id": st.sampled_from(["x", "y", "z"]), "name": st.just("X") | TREES},
                optional={"links": st.lists(TREES), "devices": st.lists(TREES), "code": TREES},
            ),
            max_size=3,
        ),
        "services": st.lists(TREES, max_size=3),
        "monitor": st.just({"site": "x"}) | TREES,
        "include": TREES,
        "calendars": TREES,
        "defaults": TREES,
        "routes": st.lists(TREES, max_size=2),
    },
)


@ONE_FILE
@given(TREES | HEADS | MOSTLY_RIGHT)
def test_any_tree_of_known_keys(tmp_path: Path, tree: Any) -> None:
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    text = yaml.dump(tree, Dumper=Plain, allow_unicode=True)
    load_or_refuse(tmp_path, text.encode())


@ONE_FILE
@given(st.text(max_size=30))
def test_any_include(tmp_path: Path, pattern: str) -> None:
    tree = {"area": {"id": "a", "name": "A"}, "include": [pattern]}
    load_or_refuse(tmp_path, yaml.safe_dump(tree, allow_unicode=True).encode())


@pytest.mark.parametrize("name", ["a\x00b", "", "."])
def test_any_name_of_a_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(InventoryError):
        load(tmp_path / name)
