"""A folder as the program keeps it, small, made by the program's own parts."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ioc.db import StateDatabase
from ioc.settings import Settings, read_settings
from ioc.store.base import Point, SeriesQuery
from ioc.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[3]
MAIN = "area: {id: cho-don, name: Huyện Chợ Đồn}\ninclude: [xa/*.yaml]\n"
PART = "sites:\n  - {id: yen-thinh, name: Xã Yên Thịnh, staff: 18}\n"


def settings(folder: Path) -> Settings:
    """Settings with everything below one folder."""
    data = folder / "data"
    environ = {"IOC_DATA_DIR": str(data), "IOC_INVENTORY": str(folder / "inventory.yaml")}
    return replace(read_settings(environ), listen_port=1)  # nothing listens there


def fill(folder: Path, mark: float, *, rows: int = 50) -> Settings:
    """A folder with data, an inventory in two files, and a report; marked so that one can tell."""
    made = settings(folder)
    made.data_dir.mkdir(parents=True)
    (folder / "xa").mkdir(exist_ok=True)
    made.inventory.write_text(f"{MAIN}# {mark}\n", encoding="utf-8")
    (folder / "xa" / "yên-thịnh.yaml").write_text(f"{PART}# {mark}\n", encoding="utf-8")
    store = SqliteStore(made.data_dir / "series.db")
    store.write([Point("check", (("asset", "a"),), {"up": mark}, i * 1000) for i in range(rows)])
    store.close()
    StateDatabase.open(made.database).close()
    with sqlite3.connect(made.data_dir / "state.db") as state:
        state.execute("INSERT INTO states VALUES ('site', 'a', 'up', ?, NULL, NULL)", [int(mark)])
    state.close()
    report = made.data_dir / "reports" / "r1"
    report.mkdir(parents=True)
    (report / "report.pdf").write_bytes(b"%PDF-" + str(mark).encode())
    (made.data_dir / "cli.token").write_text("secret")
    (folder / ".env").write_text("IOC_TOKEN=secret\n")
    return made


def marks(made: Settings) -> set[float]:
    """The marks of all that is there: one mark when it is all of one time."""
    store = SqliteStore(made.data_dir / "series.db")
    found = store.read(SeriesQuery("check", "up", 0, 10**13, limit=10**6))
    store.close()
    with sqlite3.connect(made.data_dir / "state.db") as state:
        rows = state.execute("SELECT since FROM states").fetchall()
    state.close()
    values = {value for series in found for value in series.values} | {float(r[0]) for r in rows}
    values.add(float((made.data_dir / "reports/r1/report.pdf").read_bytes()[5:]))
    folder = made.inventory.parent
    for file in (made.inventory, folder / "xa" / "yên-thịnh.yaml"):
        values.add(float(file.read_text(encoding="utf-8").rpartition("# ")[2]))
    return values


def python(program: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IOC_LANG": "en"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def was_killed(process: subprocess.Popen[str]) -> bool:
    """Wait for the end: True when it was killed, False when it was done. Nothing else may be."""
    _out, errors = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), errors
    return process.returncode != 0


CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "sqlite3.connect"}


def killed_at(number: int, act: Callable[[], object]) -> bool:
    """Run `act` in a process of its own, killed with -9 at its n-th change of the file system.

    True when it was killed, False when it was done before.
    """
    child = os.fork()
    if child == 0:
        _die_at(number, act)
    _pid, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), f"ended with {code}, see stderr"
    return code != 0


def _die_at(number: int, act: Callable[[], object]) -> None:
    count = 0

    def hook(event: str, words: tuple[object, ...]) -> None:
        nonlocal count
        flags = words[2] if event == "open" else 0
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        if event in CHANGES or writes:
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        sys.addaudithook(hook)
        act()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
