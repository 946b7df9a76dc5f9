from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "engine"))
sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "reports"))

from demo_world import world

from ioc.reports.gather import Sources


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    """The demo district on 2026-11-25, with two weeks of samples and a year of readings."""
    with world(tmp_path_factory.mktemp("district")) as made:
        yield made
