"""What all tests share: which must not run beside others, and a clean environment."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent
ALONE = ("lab", "browser", "bench")  # they use the machine's network or a browser: one at a time
ADDRESSES = "test_demo_"  # their listeners have the same fixed addresses of loopback

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook; some versions
# of pytest take no notice of them, so what shares addresses takes a lock as well
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that must not run side by side into one group of pytest-xdist."""
    for item in items:
        if item.path.relative_to(ROOT / "tests").parts[0] in ALONE:
            item.add_marker(pytest.mark.xdist_group("alone"))
        elif item.path.name.startswith(ADDRESSES):
            item.add_marker(pytest.mark.xdist_group("demo"))
            item.add_marker(pytest.mark.timeout(400))  # waiting for its turn included


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the IOC_ variables of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("IOC_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _demos_one_at_a_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests of the demo listen on the same addresses: one of them at a time on a machine."""
    if not request.path.name.startswith(ADDRESSES):
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
