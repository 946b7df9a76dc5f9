"""`ioc report`: by the running program, and from its databases when none runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parts import district, reading, sources

from tests.lab._monitor import RUN, Monitor, free_port

VIETNAMESE = {"IOC_LANG": "vi"}
INVENTORY = """\
area: {id: huyen, name: Huyện thử}
sentinels: [{id: ra-ngoai, address: 127.0.0.1}]
sites:
  - {id: c, name: Xã c, kind: commune, links: [{id: fiber, kind: fiber, address: 127.0.0.2}]}
targets:
  - {id: files, name: Hồ sơ trên mạng, goal: 80, per: commune, sources: [exported]}
"""


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    with Monitor(tmp_path_factory.mktemp("report"), INVENTORY) as made:
        made.until(lambda: made.states().get("c.fiber") == "up", 30, "the first results")
        yield made


def ioc(folder: Path, environment: dict[str, str], *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*RUN, "report", *words], env=environment | VIETNAMESE, cwd=folder, timeout=90,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_running_program_makes_it_and_the_files_come_here(
    monitor: Monitor, tmp_path: Path
) -> None:
    today = time.strftime("%Y-%m")
    code, out, error = ioc(tmp_path, monitor.environment(), "--month", today, "--lang", "en")
    assert (code, error) == (0, "")
    names = out.split()
    assert names == [f"bao-cao-{today}-en.pdf", f"bao-cao-{today}-en.xlsx"]
    assert (tmp_path / names[0]).read_bytes().startswith(b"%PDF-")
    assert (tmp_path / names[1]).read_bytes().startswith(b"PK")
    made = monitor.get("reports")["items"][0]
    assert (made["state"], made["language"]) == ("ready", "en")


def test_into_one_file_with_json(monitor: Monitor, tmp_path: Path) -> None:
    words = ("--format", "xlsx", "--output", "moi/so-lieu.xlsx", "--place", "c", "--json")
    code, out, _error = ioc(tmp_path, monitor.environment(), *words)
    said: dict[str, Any] = json.loads(out)
    assert (code, said["files"], said["place"]) == (0, ["moi/so-lieu.xlsx"], "c")
    assert (tmp_path / "moi" / "so-lieu.xlsx").stat().st_size > 3000


WRONG = [
    (("--month", "2026-13"), "--month 2026-13: ghi như 2026-10"),
    (("--quarter", "Q3"), "--quarter Q3: ghi như 2026-Q3"),
    (("--year", "26000"), "--year 26000: ghi như 2026"),
    (("--month", "2026-10", "--year", "2026"),
     "chỉ chọn một trong --month, --quarter, --year, hoặc --from cùng với --to"),
    (("--from", "30.9"), "30.9: không phải ngày tháng; ghi như 30/09/2026"),
    (("--from", "2026-01-01"), "chọn từ ngày đến ngày thì phải có ngày đầu và ngày cuối"),
    (("--from", "2026-01-02", "--to", "01/01/2026"), "ngày cuối sớm hơn ngày đầu"),
    (("--year", "2999"), "01/01/2999 là ngày chưa tới"),
    (("--place", "#panic()"), "không có đơn vị #panic()"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_what_cannot_be_made_is_said_in_one_line(
    monitor: Monitor, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    code, out, error = ioc(tmp_path, monitor.environment(), *words)
    assert (code, out, error.strip()) == (2, "", f"Lỗi: {said}")
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_a_problem_in_words(
    monitor: Monitor, tmp_path: Path
) -> None:
    (tmp_path / "tep").write_text("a file, no folder")
    words = ("--format", "xlsx", "--output", "tep/x.xlsx")
    code, _out, error = ioc(tmp_path, monitor.environment(), *words)
    assert code == 1
    assert "không ghi được tep/x.xlsx" in error


def test_interrupted_it_is_cancelled_in_the_program(monitor: Monitor, tmp_path: Path) -> None:
    before = {job["id"] for job in monitor.get("reports")["items"]}
    with subprocess.Popen(
        [*RUN, "report"], env=monitor.environment() | VIETNAMESE, cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        fresh = lambda: [j for j in monitor.get("reports")["items"] if j["id"] not in before]  # noqa: E731
        monitor.until(fresh, 30, "the report asked for")
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=30)
    job = monitor.get(f"reports/{fresh()[0]['id']}")
    if process.returncode == 0:  # it was quicker than the interrupt
        assert job["state"] == "ready"
        return
    assert (process.returncode, out) == (130, "")
    assert job["state"] == "cancelled"
    assert "Đã hủy báo cáo." in error


# --- when nothing runs


@pytest.fixture
def stopped(tmp_path: Path) -> dict[str, str]:
    """A folder as a program left it that does not run any more."""
    (tmp_path / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    with sources(tmp_path, district()) as made:
        made.keeper.declare([reading("c", "2026-01-31", 3, 4)], "an")
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("IOC_")},
        "IOC_DATA_DIR": str(tmp_path),
        "IOC_LISTEN": f"127.0.0.1:{free_port()}",
    }


def test_from_the_databases_of_a_program_that_does_not_run(
    stopped: dict[str, str], tmp_path: Path
) -> None:
    from openpyxl import load_workbook

    code, out, error = ioc(tmp_path, stopped, "--month", "2026-01", "--format", "xlsx")
    assert (code, error) == (0, "")
    sheet = load_workbook(tmp_path / out.strip())["Theo đơn vị"]
    found = {(r[1].value, r[2].value): (r[3].value, r[4].value, r[5].value) for r in sheet}
    assert found["Hồ sơ trên mạng", "Xã c"] == (3, 4, 0.75)


def test_without_any_data_nothing_is_made_up(stopped: dict[str, str], tmp_path: Path) -> None:
    elsewhere = tmp_path / "khong-co"
    code, _out, error = ioc(tmp_path, stopped | {"IOC_DATA_DIR": str(elsewhere)})
    assert code == 2
    assert "chưa có cơ sở dữ liệu" in error
    assert not elsewhere.exists()


def test_help_names_every_option() -> None:
    done = subprocess.run(
        [*RUN, "report", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    for option in ("--month", "--quarter", "--year", "--from", "--to", "--place", "--units",
                   "--format", "--lang", "--output", "--json"):  # fmt: skip
        assert option in done.stdout
