"""What all tests share: which must not run beside others, and a clean environment."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent
ALONE = ("lab", "browser", "bench")  # they use the machine's network or a browser: one at a time
ADDRESSES = "test_demo_"  # their listeners have the same fixed addresses of loopback

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that must not run side by side into one group of pytest-xdist."""
    for item in items:
        if item.path.relative_to(ROOT / "tests").parts[0] in ALONE:
            item.add_marker(pytest.mark.xdist_group("alone"))
        elif item.path.name.startswith(ADDRESSES):
            item.add_marker(pytest.mark.xdist_group("demo"))


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the IOC_ variables of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("IOC_")]:
        monkeypatch.delenv(name)
