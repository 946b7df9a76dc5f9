"""Waiting before the next attempt: longer each time, bounded, never in step with others."""

from __future__ import annotations

import pytest

from ioc.outbox.backoff import Backoff, delay


@pytest.mark.parametrize(("failures", "longest"), [(1, 2), (2, 4), (3, 8), (4, 10), (10**6, 10)])
def test_twice_as_long_each_time_up_to_the_last(failures: int, longest: float) -> None:
    found = [delay(failures, 2.0, 10.0) for _ in range(200)]
    assert all(longest / 2 <= seconds <= longest for seconds in found)
    assert len(set(found)) > 100, "never all at the same moment"


def test_what_the_other_side_asks_for_is_obeyed_within_reason() -> None:
    backoff = Backoff(0.5, 5.0, patience=60.0)
    assert backoff.failed(30.0) == 30.0
    assert backoff.failed(86_400.0) == 60.0
    assert backoff.failed(0.0) >= 0.5, "but not at once: others are told the same"


def test_success_begins_anew() -> None:
    backoff = Backoff(1.0, 64.0)
    for _ in range(6):
        backoff.failed()
    assert backoff.failed() > 30
    backoff.succeeded()
    assert backoff.failed() <= 1.0
