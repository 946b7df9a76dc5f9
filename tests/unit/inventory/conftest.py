"""Inventories as a user writes them, and what loading says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from ioc.i18n import use_language
from ioc.inventory.loader import InventoryError, Loaded, load

Write = Callable[..., Path]
Mistakes = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("vi")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write inventory.yaml, further files by name; the path of the inventory."""

    def write(text: str | bytes, **others: str) -> Path:
        path = tmp_path / "inventory.yaml"
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        for name, content in others.items():
            (tmp_path / f"{name}.yaml").write_text(dedent(content), encoding="utf-8")
        return path

    return write


@pytest.fixture
def loaded(write: Write) -> Callable[..., Loaded]:
    return lambda text, **others: load(write(text, **others))


@pytest.fixture
def mistakes(write: Write) -> Mistakes:
    """The mistakes of an inventory, one a line; none is a failure of the test."""

    def mistakes(text: str | bytes, **others: str) -> list[str]:
        with pytest.raises(InventoryError) as caught:
            load(write(text, **others))
        assert str(caught.value).splitlines() == [str(m) for m in caught.value.mistakes]
        return [str(mistake) for mistake in caught.value.mistakes]

    return mistakes
