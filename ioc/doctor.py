"""Examines the machine and the configuration: what is fine, what is not, what to do about it.

Reads only; it starts nothing and changes nothing but a file it makes and removes in the data
directory. Each examination is one function and stands alone: one that breaks is itself a finding.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import shutil
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collectors import icmp
from collectors.base import Reason
from ioc import space
from ioc._client import is_running
from ioc.inventory.topology import Topology
from ioc.settings import Settings

FREE_NEEDED = 512 * 2**20  # bytes; about a month of 480 assets
FREE_WANTED = 5 * 2**30  # bytes; about a year of 480 assets with rollups
FILES_BESIDE_CHECKS = 256  # databases, libraries, screens
SQLITE_NEEDED = (3, 37)  # strict tables
CLOCK_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
NEIGHBOURS_TIGHT = 0.8  # of the table; others on the same networks need entries as well


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination. remedy: what to do; None when all is well."""

    code: str
    level: Level
    what: Reason
    remedy: Reason | None = None


Examination = Callable[[Settings, Topology | None], Iterator[Finding]]


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, in the order in which a person would mend them."""
    yield from _python()
    findings, topology = _inventory(settings)
    yield from findings
    for examination in EXAMINATIONS:
        try:
            yield from examination(settings, topology)
        except Exception as error:
            words = {"error": f"{type(error).__name__}: {error}"}
            code = examination.__name__.strip("_")
            yield Finding(code, Level.WARNING, Reason("cannot be examined here: {error}", words))


def _python() -> Iterator[Finding]:
    words = {"version": sys.version.split()[0], "path": sys.executable}
    yield Finding("python", Level.OK, Reason("Python {version} ({path})", words))


def _inventory(settings: Settings) -> tuple[list[Finding], Topology | None]:
    from ioc.inventory.loader import InventoryError, load

    words: dict[str, str | int] = {"file": str(settings.inventory)}
    try:
        topology = load(settings.inventory).topology
    except InventoryError as error:
        words |= {"count": len(error.mistakes), "first": str(error.mistakes[0])}
        what = Reason("the inventory has {count} mistakes, the first: {first}", words)
        remedy = Reason("see all of them: ioc inventory validate {file}", words)
        return [Finding("inventory", Level.PROBLEM, what, remedy)], None
    words |= {"sites": len(topology.sites), "assets": len(topology.assets)}
    what = Reason("inventory {file} is valid: {sites} sites, {assets} assets", words)
    return [Finding("inventory", Level.OK, what)], topology


def _data_directory(settings: Settings, _topology: Topology | None) -> Iterator[Finding]:
    """Writable, and room enough. A directory that does not exist yet is made by `ioc run`."""
    wanted = settings.data_dir.absolute()
    place = next(path for path in (wanted, *wanted.parents) if path.exists())
    words: dict[str, str | int | float] = {"path": str(wanted)}
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        words["error"] = str(error.strerror)
        what = Reason("data directory {path} cannot be written: {error}", words)
        remedy = Reason("give it to the user that runs ioc, or set IOC_DATA_DIR", words)
        yield Finding("data", Level.PROBLEM, what, remedy)
        return
    free = shutil.disk_usage(place).free
    words["free"] = round(free / 2**30, 1)
    what = Reason("data directory {path}: {free} GB free", words)
    level = (
        Level.PROBLEM if free < FREE_NEEDED else Level.WARNING if free < FREE_WANTED else Level.OK
    )
    remedy = Reason("make room, or set IOC_DATA_DIR to a larger disk")
    yield Finding("data", level, what, None if level is Level.OK else remedy)
    soon = space.forecast(space.read(wanted), FREE_NEEDED)
    if soon is not None:
        low = Level.WARNING if soon.soon else Level.OK
        yield Finding("space", low, space.reason(soon), remedy if soon.soon else None)


def _neighbours(_settings: Settings, topology: Topology | None) -> Iterator[Finding]:
    """The kernel refuses echoes to on-link hosts beyond gc_thresh3, as if they were down."""
    addresses = [asset.address or "" for asset in topology.assets.values()] if topology else []
    for limit in icmp.neighbour_limits(addresses):
        if not limit.hosts:
            continue
        words: dict[str, str | int | float] = {
            "hosts": limit.hosts,
            "limit": limit.limit,
            "setting": limit.setting,
            "wanted": 4 * limit.hosts,
        }
        what = Reason("{hosts} hosts on networks of this machine, {setting} is {limit}", words)
        remedy = Reason("as root: sysctl -w {setting}={wanted}; also in /etc/sysctl.d", words)
        if not limit.enough:
            yield Finding("neighbours", Level.PROBLEM, what, remedy)
        elif limit.hosts > NEIGHBOURS_TIGHT * limit.limit:
            yield Finding("neighbours", Level.WARNING, what, remedy)
        else:
            yield Finding("neighbours", Level.OK, what)


def _open_files(_settings: Settings, topology: Topology | None) -> Iterator[Finding]:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES_BESIDE_CHECKS + (len(topology.checks) if topology else 0)
    shown = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    words: dict[str, str | int] = {"limit": shown, "needed": needed}
    what = Reason("open files: at most {limit}, {needed} may be needed", words)
    if shown >= needed:
        yield Finding("files", Level.OK, what)
    else:
        remedy = Reason("ulimit -Hn {needed}, or LimitNOFILE={needed} in the systemd unit", words)
        yield Finding("files", Level.PROBLEM, what, remedy)


def _clock(_settings: Settings, _topology: Topology | None) -> Iterator[Finding]:
    """adjtimex(2) with nothing to change; the buffer is larger than any struct timex."""
    answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if answer == CLOCK_UNSYNCHRONISED:
        what = Reason("nothing keeps the clock of this machine right")
        remedy = Reason("apt install systemd-timesyncd, or chrony with a server inside the network")
        yield Finding("clock", Level.WARNING, what, remedy)
    else:
        yield Finding("clock", Level.OK, Reason("the clock is kept right"))


def _time_zone(_settings: Settings, topology: Topology | None) -> Iterator[Finding]:
    zone = topology.timezone.key if topology else "Asia/Ho_Chi_Minh"
    words = {"zone": zone}
    try:
        ZoneInfo(zone)
    except ZoneInfoNotFoundError:
        what = Reason("no data of time zone {zone}", words)
        yield Finding("zone", Level.PROBLEM, what, Reason("apt install tzdata"))
    else:
        yield Finding("zone", Level.OK, Reason("time zone {zone}", words))


def _port(settings: Settings, _topology: Topology | None) -> Iterator[Finding]:
    host, port = settings.listen_host, settings.listen_port
    words: dict[str, str | int] = {"address": f"{host}:{port}"}
    trouble = _bind_trouble(host, port)
    if trouble is None:
        yield Finding("port", Level.OK, Reason("{address} is free for the page", words))
    elif trouble.errno == errno.EADDRINUSE and is_running(settings):
        yield Finding("port", Level.OK, Reason("ioc is running on {address}", words))
    elif trouble.errno == errno.EADDRINUSE:
        what = Reason("another program holds {address}", words)
        remedy = Reason("choose another: IOC_LISTEN=127.0.0.1:8081 in .env")
        yield Finding("port", Level.PROBLEM, what, remedy)
    else:
        words["error"] = trouble.strerror or str(trouble)
        what = Reason("cannot listen on {address}: {error}", words)
        remedy = Reason("IOC_LISTEN must be an address of this machine and a port above 1023")
        yield Finding("port", Level.PROBLEM, what, remedy)


def _bind_trouble(host: str, port: int) -> OSError | None:
    """Why listening there would fail, None when it would not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
            trial.listen(1)
        except OSError as error:
            return error
    return None


def _channels(_settings: Settings, topology: Topology | None) -> Iterator[Finding]:
    """Whether somebody is behind every channel that the routes name."""
    from ioc.notify.channels import PREFIX, ChannelError, read_channels

    if topology is None:
        return
    try:
        known = read_channels(os.environ).names()
    except ChannelError as error:
        yield Finding("channels", Level.PROBLEM, Reason("{error}", {"error": str(error)}))
        return
    if not topology.routes:
        what = Reason("no routes in the inventory: nobody is told of anything")
        remedy = Reason("write routes: into the inventory; see README")
        yield Finding("channels", Level.WARNING, what, remedy)
    for name in dict.fromkeys(route.channel for route in topology.routes):
        words = {"name": name, "variable": PREFIX + name.upper().replace("-", "_")}
        if name in known:
            yield Finding("channels", Level.OK, Reason("channel {name} has recipients", words))
        else:
            what = Reason("nobody is behind channel {name}", words)
            remedy = Reason("set {variable} in .env; see README", words)
            yield Finding("channels", Level.WARNING, what, remedy)


def _exposed(settings: Settings, _topology: Topology | None) -> Iterator[Finding]:
    from ioc.entrance import EXPOSED

    if settings.exposed:
        yield Finding("exposed", Level.WARNING, Reason(EXPOSED))


def _databases(settings: Settings, _topology: Topology | None) -> Iterator[Finding]:
    """SQLite files open, read-only: a running program is not disturbed."""
    version = {"version": sqlite3.sqlite_version}
    if sqlite3.sqlite_version_info < SQLITE_NEEDED:
        needed = ".".join(map(str, SQLITE_NEEDED))
        remedy = Reason("install Python with SQLite {needed} or newer", {"needed": needed})
        yield Finding(
            "sqlite", Level.PROBLEM, Reason("SQLite {version} is too old", version), remedy
        )
    else:
        yield Finding("sqlite", Level.OK, Reason("SQLite {version}", version))
    for code, url in (("store", settings.store), ("database", settings.database)):
        if url.startswith(SQLITE):
            yield _database(code, Path(url.removeprefix(SQLITE)))


def _database(code: str, path: Path) -> Finding:
    words = {"path": str(path)}
    if not path.exists():
        return Finding(code, Level.OK, Reason("{path} will be made at the first run", words))
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    except sqlite3.Error as error:
        what = Reason("{path} cannot be read: {error}", words | {"error": str(error)})
        remedy = Reason("stop ioc, keep a copy of {path}, and start again without it", words)
        return Finding(code, Level.PROBLEM, what, remedy)
    size = round(path.stat().st_size / 2**20, 1)
    figures: dict[str, str | int | float] = {**words, "size": size, "tables": tables}
    return Finding(code, Level.OK, Reason("{path} opens: {tables} tables, {size} MB", figures))


def _network_store(settings: Settings, _topology: Topology | None) -> Iterator[Finding]:
    """A store on the network answers, and would take what is written."""
    from ioc.store import open_store
    from ioc.store.base import Remote, StoreError

    if settings.store.startswith(SQLITE):
        return
    try:
        store = open_store(settings.store)
    except StoreError as error:
        yield Finding("store", Level.PROBLEM, Reason("{error}", {"error": str(error)}))
        return
    with closing(store):
        if not isinstance(store, Remote):
            return
        health = store.health()
        words = {"name": store.name, "error": health.problem or ""}
    if health.ok:
        yield Finding("store", Level.OK, Reason("{name} answers", words))
    else:
        what = Reason("the store does not answer: {error}", words)
        remedy = Reason("start it, or correct IOC_STORE; until then all that is measured waits")
        yield Finding("store", Level.PROBLEM, what, remedy)


def _outbox(settings: Settings, _topology: Topology | None) -> Iterator[Finding]:
    """What waits for a store on the network, and what such a one has refused."""
    from ioc.outbox.errors import OutboxError
    from ioc.outbox.look import look

    path = settings.data_dir / "outbox.db"
    if not path.exists():
        return
    words: dict[str, str | int | float] = {"path": str(path)}
    try:
        found = look(path)
    except OutboxError as error:
        what = Reason("{path} cannot be read: {error}", words | {"error": error.what})
        yield Finding("outbox", Level.PROBLEM, what, Reason("stop ioc and move {path} away", words))
        return
    words |= {"rows": found.rows, "count": found.refused, "example": found.example}
    what = Reason("{rows} samples wait for the store in {path}", words)
    if found.rows and settings.store.startswith(SQLITE):
        remedy = Reason("set IOC_STORE to that store again until none waits")
        yield Finding("outbox", Level.WARNING, what, remedy)
    else:
        yield Finding("outbox", Level.OK, what)
    if found.refused:
        what = Reason("the store refused {count} samples, the last: {example}", words)
        remedy = Reason("look at them: table refused in {path}", words)
        yield Finding("refused", Level.WARNING, what, remedy)


def _icmp(_settings: Settings, _topology: Topology | None) -> Iterator[Finding]:
    """Which socket the echoes leave by. IPv6 is told where it exists and differs."""
    mode, other = icmp.mode(socket.AF_INET), icmp.mode(socket.AF_INET6)
    modes = [mode] if other.name in (mode.name, "none") else [mode, other]
    for found in modes:
        level = ICMP_LEVELS.get(found.name, Level.PROBLEM)
        yield Finding("icmp", level, found.why, None if level is Level.OK else ICMP_REMEDY)


SQLITE = "sqlite:///"
ICMP_REMEDY = Reason(
    "with systemd: AmbientCapabilities=CAP_NET_RAW; by hand: setcap cap_net_raw+ep on a copy of "
    "python; for unprivileged sockets: sysctl -w net.ipv4.ping_group_range='0 2147483647'"
)
ICMP_LEVELS = {"raw": Level.OK, "dgram": Level.OK, "ping3": Level.WARNING}
EXAMINATIONS: tuple[Examination, ...] = (
    _icmp,
    _data_directory,
    _databases,
    _network_store,
    _outbox,
    _channels,
    _exposed,
    _port,
    _open_files,
    _neighbours,
    _clock,
    _time_zone,
)
