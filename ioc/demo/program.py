"""What `ioc demo` does, in order. See ioc.demo."""

from __future__ import annotations

import fcntl
import json
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ioc import app
from ioc.db import StateDatabase
from ioc.demo.child import World
from ioc.demo.inventory import simulated
from ioc.demo.past import Past
from ioc.demo.scenario import Scenario
from ioc.i18n import _
from ioc.inventory.loader import Loaded, load
from ioc.settings import Settings, SettingsError
from ioc.store import open_store

VERSION = 3  # of the past: grows when the scenario or the measurements change
CONTINUE_WITHIN = 30 * 60.0  # seconds since the last demo in which its data is simply carried on
MARKER = "demo.json"
DATA = ("series.db*", "state.db*", MARKER)


def run(settings: Settings) -> int:
    """See ioc.demo.run."""
    _refuse_taken(settings)
    folder = settings.data_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        own = _own_settings(settings, folder)
        own.inventory.write_text(simulated(load(settings.inventory).inventory), encoding="utf-8")
        loaded = load(own.inventory)
        started = time.time_ns() // 1_000_000
        with World(own.inventory, started) as world:
            _prepare_past(own, loaded, started)
            world.wait_until_ready()
            print(_("Simulated district: {count} assets.", count=len(loaded.topology.assets)))
            return app.run(own, simulated=True)


def _own_settings(settings: Settings, folder: Path) -> Settings:
    """The user's address and language; a store and a state database of the demo's own."""
    return replace(
        settings,
        inventory=folder / "inventory.yaml",
        data_dir=folder,
        store=f"sqlite:///{folder / 'series.db'}",
        database=f"sqlite:///{folder / 'state.db'}",
    )


def _prepare_past(settings: Settings, loaded: Loaded, started: int) -> None:
    """Carry on the data of a demo that ran a moment ago, or make two weeks of it anew."""
    marker = settings.data_dir / MARKER
    wanted = json.dumps({"version": VERSION, "digest": loaded.topology.digest})
    if _recent(marker, wanted, settings.data_dir / "state.db"):
        return
    for pattern in DATA:
        for old in settings.data_dir.glob(pattern):
            old.unlink()
    shutil.rmtree(settings.data_dir / "reports", ignore_errors=True)
    print(_("Writing two weeks of past data…"), flush=True)
    past = Past(loaded.topology, Scenario(loaded.topology, started), started)
    store = open_store(settings.store)
    try:
        database = StateDatabase.open(settings.database)
        try:
            past.write(store, database)
        finally:
            database.close()
    finally:
        store.close()
    marker.write_text(wanted, encoding="utf-8")  # last: a past cut short is made anew


def _recent(marker: Path, wanted: str, database: Path) -> bool:
    """Whether the data is of this district and was written to a moment ago."""
    try:
        same = marker.read_text(encoding="utf-8") == wanted
        age = time.time() - max(f.stat().st_mtime for f in database.parent.glob("state.db*"))
    except (OSError, ValueError):
        return False
    return same and 0 <= age <= CONTINUE_WITHIN


def _refuse_taken(settings: Settings) -> None:
    """Find out before the work that the page's address is free; ioc.app binds it for good."""
    host, port = settings.listen_host, settings.listen_port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(f"IOC_LISTEN={host}:{port}: {error.strerror}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One demo in a directory: a second one would pull the data from under the first."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = _("another demo runs in {folder}; stop it first", folder=str(folder))
            raise SettingsError(text) from None
        yield
