"""Arbitrary requests by the description of the API: never a 5xx, nothing undocumented."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "engine"))

from desk import SIGNED_IN, program

CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
]


@pytest.fixture
def operations(tmp_path: Path) -> Iterator[list[Any]]:
    with program(tmp_path) as running:
        running.all_up()
        running.feed(down=["yen-thinh.fiber", "yen-thinh.pc-1"])
        described = schemathesis.openapi.from_asgi(
            "/api/openapi.json", running.app, headers=SIGNED_IN
        )
        yield [result.ok() for result in described.get_all_operations()]


def test_every_answer_is_a_documented_one(operations: list[Any]) -> None:
    assert len(operations) > 10
    for operation in operations:

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(checks=CHECKS, headers=SIGNED_IN)

        ask()
