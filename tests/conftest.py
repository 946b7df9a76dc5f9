"""What all tests share: which must not run beside others, and a clean environment."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent
# What shares something, or takes long to set up, is done by one worker; the longest begins first.
DEMO = ("test_demo_", "test_targets_of_demo")  # listeners at the same fixed addresses of loopback
TOGETHER = ("integration/grafana",)
FIRST = ("demo", "integration/store", "lab", "integration", "browser")

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


def _share(path: str) -> str:
    """What a test file is done together with: itself, all that use the demo's addresses, all that
    ask the same filled databases."""
    if Path(path).name.startswith(DEMO):
        return "demo"
    share = path.removeprefix("tests/")
    return next((together for together in TOGETHER if share.startswith(together)), share)


def _turn(item: pytest.Item) -> int:
    share = _share(item.path.relative_to(ROOT).as_posix())
    return next((n for n, place in enumerate(FIRST) if share.startswith(place)), len(FIRST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    items.sort(key=_turn)
    for item in items:
        if _turn(item) == 0:
            item.add_marker(pytest.mark.timeout(400))  # waiting for its turn included


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Shares of tests for pytest-xdist, whose own groups newer versions of pytest do not heed."""
    from xdist.scheduler import LoadScopeScheduling

    class Shares(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            return _share(nodeid.partition("::")[0])

    return Shares(config, log)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the IOC_ variables of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("IOC_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _demos_one_at_a_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests of the demo listen on the same addresses: one of them at a time on a machine."""
    if not request.path.name.startswith("test_demo_"):
        yield
        return
    with demo_alone():
        yield


@contextmanager
def demo_alone() -> Iterator[None]:
    """Wait for, then hold, the addresses of the demo."""
    with (Path(tempfile.gettempdir()) / "mini-ioc-demo-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def demo_lock() -> Iterator[None]:
    """The same for tests that share one demo: their files begin with another word."""
    with demo_alone():
        yield
