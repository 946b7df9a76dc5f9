"""A running program without its poller: the test feeds the results."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))  # the small district is shared

from desk import SIGNED_IN, Program, program
from fastapi.testclient import TestClient


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Program]:
    with program(tmp_path) as made:
        yield made


@pytest.fixture
def client(running: Program) -> Iterator[TestClient]:
    with TestClient(
        running.app,
        base_url="http://127.0.0.1",
        raise_server_exceptions=False,
        headers=SIGNED_IN,
        client=("127.0.0.1", 50000),
    ) as made:
        yield made
