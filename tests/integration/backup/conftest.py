"""Messages are compared in English here; others test the Vietnamese ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ioc import i18n


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    before = i18n.language()
    i18n.use_language("en")
    yield
    i18n.use_language(before)
