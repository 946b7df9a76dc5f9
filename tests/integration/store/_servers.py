"""Real servers on loopback for tests: VictoriaMetrics, and InfluxDB 1.6.7 behind nginx.

Debian's InfluxDB has no `/api/v2/write`; nginx rewrites it to `/write?db=`. Each server is a
process of its own in a folder of its own, on a port that the kernel chose, ended by its id.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import pytest

Kind = TypeVar("Kind", bound="Daemon")

START = 30.0  # seconds that a server may take to answer


class Daemon:
    """A server process that can be stopped, killed and started again on the same port and data.

    command: with `{port}` and `{folder}` filled in. ready: path that answers once it serves.
    """

    def __init__(self, command: Sequence[str], folder: Path, ready: str) -> None:
        self.folder, self.port = folder, free_port()
        self._command = [part.format(port=self.port, folder=folder) for part in command]
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self._command[0]} did not start: {self._log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to end; wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: connections are taken, nothing is answered. `thaw` goes on."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        try:
            return ask(self.port, "GET", self._ready)[0] in (200, 204)
        except (OSError, http.client.HTTPException):
            return False

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


class Victoria(Daemon):
    """VictoriaMetrics, single node. flags: added to those that the documentation asks for."""

    def __init__(self, folder: Path, *flags: str) -> None:
        command = [
            program("victoria-metrics"),
            "-httpListenAddr=127.0.0.1:{port}",
            "-storageDataPath={folder}/data",
            "-retentionPeriod=100y",
            "-loggerLevel=ERROR",
            "-memory.allowedBytes=256MB",
            *(flags or ("-dedup.minScrapeInterval=1ms",)),
        ]
        super().__init__(command, folder, "/health")

    @property
    def url(self) -> str:
        return f"victoriametrics://127.0.0.1:{self.port}"

    def flush(self) -> None:
        """Make visible what was sent; otherwise it takes about a second."""
        ask(self.port, "GET", "/internal/force_flush")

    def wipe(self) -> None:
        """Forget all series."""
        self.flush()
        everything = "/api/v1/admin/tsdb/delete_series?match[]=%7B__name__!%3D%22%22%7D"
        status, said = ask(self.port, "POST", everything)
        assert status == 204, said


class Cluster:
    """A cluster of VictoriaMetrics: two vmstorage, vminsert, vmselect, with the flags of
    docker-compose.yml. programs: the folder they are in."""

    def __init__(self, programs: Path, folder: Path) -> None:
        def made(name: str, *flags: str, at: str = "") -> Daemon:
            command = [
                f"{programs}/{name}", "-httpListenAddr=127.0.0.1:{port}", "-loggerLevel=ERROR",
                "-memory.allowedBytes=128MB", *flags,
            ]  # fmt: skip
            return Daemon(command, folder / f"{name}{at}", "/health")

        doors = [(free_port(), free_port()) for _storage in range(2)]  # for vminsert, vmselect
        self.storages = [
            made(
                "vmstorage", "-storageDataPath={folder}/data", "-retentionPeriod=100y",
                "-dedup.minScrapeInterval=1ms", f"-vminsertAddr=127.0.0.1:{door[0]}",
                f"-vmselectAddr=127.0.0.1:{door[1]}", at=str(n),
            )
            for n, door in enumerate(doors)
        ]  # fmt: skip
        ins, outs = (",".join(f"127.0.0.1:{door[i]}" for door in doors) for i in range(2))
        self.insert = made("vminsert", f"-storageNode={ins}")
        self.select = made(
            "vmselect", f"-storageNode={outs}", "-dedup.minScrapeInterval=1ms",
            "-search.denyPartialResponse", "-cacheDataPath={folder}/cache",
        )  # fmt: skip
        self._tenants = count(1)

    @property
    def all(self) -> list[Daemon]:
        return [*self.storages, self.insert, self.select]

    @property
    def url(self) -> str:
        """Of a tenant without samples."""
        storages = ",".join(f"127.0.0.1:{one.port}" for one in self.storages)
        hosts = f"127.0.0.1:{self.insert.port},127.0.0.1:{self.select.port}"
        return f"victoriametrics://{hosts}/?tenant={next(self._tenants)}&storage={storages}"

    def flush(self) -> None:
        """Make visible what was sent: vminsert passes on what it has five times a second."""
        time.sleep(0.3)
        for storage in self.storages:
            ask(storage.port, "GET", "/internal/force_flush")


class Nginx(Daemon):
    """The real nginx. locations: of its one server. It also listens on `tls_port` when it is given
    a file with a certificate and its key."""

    def __init__(self, folder: Path, locations: str, certificate: Path | None = None) -> None:
        command = [program("nginx"), "-p", "{folder}", "-c", "{folder}/nginx.conf", "-e", "stderr"]
        super().__init__(command, folder, "/front")
        self.tls_port = free_port()
        if certificate is not None:
            files = f"ssl_certificate {certificate}; ssl_certificate_key {certificate};"
            locations = f"listen 127.0.0.1:{self.tls_port} ssl; {files} {locations}"
        config = NGINX.replace("LOCATIONS", locations).replace("PORT", str(self.port))
        (self.folder / "nginx.conf").write_text(config)


class Influx(Daemon):
    """InfluxDB 1.6.7; `url` is the address of the nginx in front of it."""

    def __init__(self, folder: Path) -> None:
        command = [program("influxd"), "-config", "{folder}/influxdb.conf"]
        super().__init__(command, folder / "influxd", "/ping")
        (self.folder / "influxdb.conf").write_text(
            INFLUXDB.format(port=self.port, folder=self.folder)
        )
        self.front = Nginx(folder / "nginx", REWRITTEN.replace("BEHIND", str(self.port)))

    def start(self) -> None:
        super().start()
        if self.front._process is None:
            self.front.start()

    def drop(self, database: str) -> None:
        """Forget all of a database."""
        query = urlencode({"q": f'DROP DATABASE "{database}"'})
        status, said = ask(self.port, "POST", f"/query?{query}")
        assert status == 200, said

    def url(self, database: str) -> str:
        return f"influxdb://127.0.0.1:{self.front.port}/{database}"


INFLUXDB = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[logging]
  level = "error"
  suppress-logo = true
"""

NGINX = """
daemon off;
master_process off;
error_log stderr error;
pid nginx.pid;
events { worker_connections 64; }
http {
  access_log off;
  client_max_body_size 25m;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  proxy_http_version 1.1;
  proxy_buffering off;
  server {
    listen 127.0.0.1:PORT;
    location = /front { return 204; }
    LOCATIONS
  }
}
"""

REWRITTEN = """
    location = /api/v2/write {
      rewrite ^ /write?db=$arg_bucket&precision=$arg_precision? break;
      proxy_pass http://127.0.0.1:BEHIND;
    }
    location / { proxy_pass http://127.0.0.1:BEHIND; }
"""


def program(name: str) -> str:
    """Where a program is; the test is skipped, saying why, where it is not installed."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed: scripts/debian-packages.sh tests")
    return found


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
    """Status and text of an answer on loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


@contextmanager
def together(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster that runs meanwhile."""
    with ExitStack() as stack:
        for one in cluster.all:
            stack.enter_context(running(one))
        yield cluster


@contextmanager
def running(server: Kind) -> Iterator[Kind]:
    """A server that runs meanwhile."""
    try:
        server.start()
        yield server
    finally:
        server.stop()
        if isinstance(server, Influx):
            server.front.stop()
