"""Real servers, one of each kind for the session: start them once, use what is your own in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.store._servers import Cluster, Influx, Victoria, running, together
from tests.integration.store._stores import CLUSTER


@pytest.fixture(scope="session")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victoria]:
    """Started as the documentation asks for. Wipe it before use."""
    with running(Victoria(tmp_path_factory.mktemp("victoria"))) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Use a tenant of your own."""
    with together(Cluster(Path(CLUSTER), tmp_path_factory.mktemp("cluster"))) as servers:
        yield servers


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """Use a database of your own."""
    with running(Influx(tmp_path_factory.mktemp("influx"))) as server:
        yield server
