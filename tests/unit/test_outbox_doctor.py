"""`ioc doctor` looks at what waits for a store on the network, and at that store."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from ioc.doctor import Finding, Level, examine
from ioc.i18n import render
from ioc.outbox.batches import Batches
from ioc.outbox.model import Batch, Refused
from ioc.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventory.yaml").write_text("area: {id: a, name: A}\n")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return replace(read_settings({}), store=f"victoriametrics://127.0.0.1:{port}")


def find(settings: Settings, code: str) -> list[Finding]:
    return [finding for finding in examine(settings) if finding.code == code]


def fill(settings: Settings) -> Batches:
    queue = Batches(settings.data_dir / "outbox.db", 10**9)
    queue.append([Batch(b"a\nb", 2, 1, 2), Batch(b"c", 1, 3, 3)])
    return queue


def test_a_store_that_does_not_answer_is_a_problem_with_a_remedy(settings: Settings) -> None:
    (finding,) = find(settings, "store")
    assert finding.level is Level.PROBLEM
    assert "VictoriaMetrics http://127.0.0.1:" in render(finding.what, "en")
    assert finding.remedy is not None


def test_an_address_that_cannot_be_is_a_problem(settings: Settings) -> None:
    (finding,) = find(replace(settings, store="victoriametrics://"), "store")
    assert finding.level is Level.PROBLEM


def test_of_an_outbox_that_is_not_there_nothing_is_said(settings: Settings) -> None:
    assert find(settings, "outbox") == []


def test_what_waits_is_told_while_the_program_runs(settings: Settings) -> None:
    queue = fill(settings)
    (finding,) = find(settings, "outbox")
    assert finding.level is Level.OK
    assert render(finding.what, "vi").startswith("3 mẫu số liệu đang chờ gửi")
    assert find(settings, "refused") == []
    queue.close()


def test_what_was_refused_is_told(settings: Settings) -> None:
    queue = fill(settings)
    queue.settle([], None, [Refused("dòng hỏng".encode(), "400")])
    queue.close()
    (finding,) = find(settings, "refused")
    assert (
        render(finding.what, "vi") == "kho số liệu đã từ chối 1 mẫu, mẫu gần nhất: 400: dòng hỏng"
    )


def test_what_waits_for_a_store_that_is_not_used_any_more_is_a_warning(settings: Settings) -> None:
    fill(settings).close()
    (finding,) = find(replace(settings, store="sqlite:///data/series.db"), "outbox")
    assert finding.level is Level.WARNING
    assert "IOC_STORE" in render(finding.remedy, "vi")  # type: ignore[arg-type]


def test_a_damaged_outbox_is_a_problem(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "outbox.db").write_bytes(b"nothing of ours" * 999)
    (finding,) = find(settings, "outbox")
    assert finding.level is Level.PROBLEM
