"""`ioc doctor`: each thing that can be wrong is found, with a remedy, and breaks nothing else."""

from __future__ import annotations

import json
import resource
import socket
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from collectors import icmp
from collectors.base import Reason
from collectors.icmp import Mode, NeighbourLimit
from ioc import doctor
from ioc.cli import run_command
from ioc.doctor import Finding, Level, examine
from ioc.settings import Settings, read_settings

VALID = "area: {id: a, name: A}\nservices: [{id: s, name: S, checks: [{kind: tcp, address: 127.0.0.1, port: 9}]}]\n"  # noqa: E501


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventory.yaml").write_text(VALID)
    return replace(read_settings({}), listen_port=free_port())


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def find(settings: Settings, code: str) -> Finding:
    found = [finding for finding in examine(settings) if finding.code == code]
    assert len(found) == 1, f"{code}: {found}"
    return found[0]


def test_a_sound_machine_has_no_problem(settings: Settings) -> None:
    findings = list(examine(settings))
    assert {"python", "inventory", "icmp", "data", "sqlite", "store", "database", "port"} <= {
        finding.code for finding in findings
    }
    assert not [f for f in findings if f.level is Level.PROBLEM]
    assert all(f.remedy for f in findings if f.level is Level.WARNING)


def test_examining_leaves_nothing_behind(settings: Settings, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    list(examine(settings))
    assert sorted(tmp_path.rglob("*")) == before


def test_an_invalid_inventory_is_a_problem_and_the_rest_goes_on(settings: Settings) -> None:
    settings.inventory.write_text("area: 3\n")
    codes = [finding.code for finding in examine(settings)]
    assert find(settings, "inventory").level is Level.PROBLEM
    assert "zone" in codes


def test_a_data_directory_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    finding = find(replace(settings, data_dir=tmp_path / "file"), "data")
    assert finding.level is Level.PROBLEM
    assert finding.remedy


def test_a_data_directory_to_be_made_is_fine(settings: Settings, tmp_path: Path) -> None:
    assert find(replace(settings, data_dir=tmp_path / "a" / "b"), "data").level is not Level.PROBLEM


def test_a_full_disk_is_a_problem(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_NEEDED", 2**62)
    assert find(settings, "data").level is Level.PROBLEM
    monkeypatch.setattr(doctor, "FREE_NEEDED", 0)
    monkeypatch.setattr(doctor, "FREE_WANTED", 2**62)
    assert find(settings, "data").level is Level.WARNING


def test_a_port_of_another_program_is_a_problem(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))  # bound, and nobody answers
        taken = replace(settings, listen_port=other.getsockname()[1])
        finding = find(taken, "port")
    assert finding.level is Level.PROBLEM
    assert "IOC_LISTEN" in str(finding.remedy)


def test_an_address_of_another_machine_is_a_problem(settings: Settings) -> None:
    finding = find(replace(settings, listen_host="192.0.2.1"), "port")
    assert finding.level is Level.PROBLEM
    assert finding.what.args["address"].startswith("192.0.2.1:")


def test_a_host_that_is_no_address_is_a_problem(settings: Settings) -> None:
    finding = find(replace(settings, listen_host="không.invalid"), "port")
    assert finding.level is not Level.OK


def test_a_file_that_is_no_database_is_a_problem(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "state.db").write_bytes(b"not a database" * 100)
    assert find(settings, "database").level is Level.PROBLEM
    assert find(settings, "store").level is Level.OK


def test_a_database_in_use_opens(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "dữ liệu 100%"
    folder.mkdir()
    path = folder / "series?.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (x)")
        database.execute("BEGIN IMMEDIATE")
        finding = find(replace(settings, store=f"sqlite:///{path}"), "store")
    database.close()
    assert finding.level is Level.OK
    assert finding.what.args["tables"] == 1


def test_too_few_open_files_are_a_problem(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (100, 100))
    finding = find(settings, "files")
    assert finding.level is Level.PROBLEM
    assert finding.what.args == {"limit": 100, "needed": 257}


def test_unlimited_files_are_enough(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1024, unlimited))
    assert find(settings, "files").level is Level.OK


@pytest.mark.parametrize(
    ("limit", "level"), [(1024, Level.OK), (20, Level.WARNING), (17, Level.PROBLEM)]
)
def test_a_small_neighbour_table_is_found(
    limit: int, level: Level, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = NeighbourLimit(socket.AF_INET, limit, hosts=18)
    monkeypatch.setattr(icmp, "neighbour_limits", lambda _addresses: [found])
    finding = find(settings, "neighbours")
    assert finding.level is level
    assert finding.remedy is None if level is Level.OK else "gc_thresh3=72" in str(finding.remedy)


@pytest.mark.parametrize(
    ("name", "level"),
    [("raw", Level.OK), ("dgram", Level.OK), ("ping3", Level.WARNING), ("none", Level.PROBLEM)],
)
def test_a_poor_way_of_pinging_is_found(
    name: str, level: Level, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(icmp, "mode", lambda _family: Mode(name, Reason("why")))
    finding = find(settings, "icmp")
    assert finding.level is level
    assert (finding.remedy is None) == (level is Level.OK)


def test_one_examination_that_breaks_is_a_finding(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def _clock(_settings: object, _topology: object):
        raise OSError("no such call here")
        yield

    broken = tuple(_clock if e.__name__ == "_clock" else e for e in doctor.EXAMINATIONS)
    monkeypatch.setattr(doctor, "EXAMINATIONS", broken)
    finding = find(settings, "clock")
    assert finding.level is Level.WARNING
    assert "no such call here" in str(finding.what)
    assert find(settings, "zone").level is Level.OK


def test_the_command_prints_levels_and_exits_1_on_a_problem(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("IOC_LISTEN", f"127.0.0.1:{settings.listen_port}")
    assert run_command(["doctor"]) == 0
    assert f"tốt       Python {'.'.join(map(str, sys.version_info[:3]))}" in (
        capsys.readouterr().out
    )
    settings.inventory.write_text("area: 3\n")
    assert run_command(["doctor", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert {"code", "level", "what", "remedy"} == set(data[0])
    assert [f["level"] for f in data if f["code"] == "inventory"] == ["problem"]
