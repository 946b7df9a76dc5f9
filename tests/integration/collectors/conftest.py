"""Real servers on loopback: raw asyncio peers, nginx, dnsmasq, certificates of trustme."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
import trustme

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., Awaitable[int]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(handler, host="127.0.0.1", ssl=None)` starts a peer and gives its port."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[None]] = set()

    async def start(
        handler: Handler, host: str = "127.0.0.1", ssl: ssl.SSLContext | None = None
    ) -> int:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
            tasks.discard(task)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

        server = await asyncio.start_server(handle, host, 0, ssl=ssl, backlog=1024)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()
    for _ in range(5):  # connections that were still to be accepted get a handler only now
        await asyncio.sleep(0)
        for task in list(tasks):
            task.cancel()


@pytest.fixture
async def descriptors() -> AsyncIterator[None]:
    """Fails the test when it leaves more open descriptors behind than it found."""
    await asyncio.sleep(0)
    before = psutil.Process().num_fds()
    yield
    for _ in range(200):
        if psutil.Process().num_fds() <= before:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("sockets were left open")


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        assert process.poll() is None, "the server ended at its start"
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("the server does not listen")


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


NGINX = """
pid {dir}/nginx.pid; error_log {dir}/error.log; worker_processes 1; daemon off; {user}
events {{ worker_connections 256; }}
http {{
  access_log off; default_type text/html; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b;
  fastcgi_temp_path {dir}/c; uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{tls} ssl;
    ssl_certificate {dir}/chain.pem; ssl_certificate_key {dir}/key.pem;
    root {dir}/www; charset utf-8; gzip on; gzip_min_length 1;
    location = /moved {{ return 301 /page.html; }}
    location = /secure {{ return 302 https://127.0.0.1:{tls}/page.html; }}
    location = /elsewhere {{ return 302 http://127.0.0.2:{port}/; }}
    location = /broken {{ return 503; }}
    location = /guarded {{ if ($http_x_token != "s3cret") {{ return 403; }} return 200 "in"; }}
    location = /host {{ return 200 "$host $http_user_agent"; }}
  }}
}}
"""


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory, ca: trustme.CA) -> Iterator[tuple[int, int]]:
    """Ports of an nginx: http, https."""
    binary = program("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "www").mkdir()
    page = "<html><h1>Cổng Dịch vụ công</h1></html>"
    (folder / "www" / "page.html").write_text(page, encoding="utf-8")
    (folder / "www" / "big.bin").write_bytes(b"x" * 3_000_000)
    leaf = ca.issue_cert("127.0.0.1", "localhost", "portal.test")
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    for pem in leaf.cert_chain_pems:
        pem.write_to_path(str(folder / "chain.pem"), append=True)
    port, tls = free_port(), free_port()
    root = "user root;" if _is_root() else ""
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(dir=folder, port=port, tls=tls, user=root))
    yield from _run([binary, "-p", str(folder), "-c", str(conf)], port, (port, tls))


def _is_root() -> bool:
    return psutil.Process().uids().effective == 0


def _run(command: list[str], port: int, result: Any) -> Iterator[Any]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port, process)
        yield result
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def dnsmasq() -> Iterator[int]:
    """Port of a name server that knows the zone `test` and refuses to know any other."""
    binary = program("dnsmasq")
    port = free_port(socket.SOCK_DGRAM)
    many = [f"--host-record=many.test,127.9.0.{n}" for n in range(1, 61)]
    command = [
        binary, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        f"--port={port}", "--listen-address=127.0.0.1", "--listen-address=::1",
        "--bind-interfaces", "--pid-file=", "--local=/test/", "--local-ttl=77",
        "--host-record=portal.test,127.9.9.9,::9", "--cname=www.test,portal.test",
        "--txt-record=portal.test,Cong dich vu", "--mx-host=portal.test,mail.test,10", *many,
    ]  # fmt: skip
    if _is_root():
        command.append("--user=root")
    yield from _run(command, port, port)
