"""The collectors on the event loop that the program runs on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop

from collectors import dns, http, tcp, tls
from collectors.base import Measurement, Verdict


@pytest.fixture
def run() -> Iterator[Any]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run


def test_tcp(run: Any, nginx: tuple[int, int]) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        closed = sock.getsockname()[1]
    live = run(tcp.measure(tcp.Settings(address="localhost", port=nginx[0]), 3))
    refused = run(tcp.measure(tcp.Settings(address="127.0.0.1", port=closed), 3))
    assert live.verdict is Verdict.OK
    assert live.values["connect_ms"] % 1 > 0  # finer than the loop's own clock
    assert str(refused.reason) == "connection refused"


def test_http_with_tls_and_a_costly_pattern(run: Any, nginx: tuple[int, int], ca_file: str) -> None:
    url = f"https://localhost:{nginx[1]}/page.html"
    settings = http.Settings(url=url, ca_file=ca_file, body="C[oổ]+ng")
    assert run(http.measure(settings, 5)).verdict is Verdict.OK


def test_tls(run: Any, nginx: tuple[int, int], ca_file: str) -> None:
    settings = tls.Settings(address="127.0.0.1", port=nginx[1], ca_file=ca_file)
    assert run(tls.measure(settings, 3)).verdict is Verdict.OK


@pytest.mark.parametrize("name", ["portal.test", "many.test"])
def test_dns(run: Any, dnsmasq: int, name: str) -> None:
    settings = dns.Settings(address="127.0.0.1", port=dnsmasq, name=name)
    assert run(dns.measure(settings, 3)).verdict is Verdict.OK


def test_cancelling(run: Any) -> None:
    async def main() -> list[Measurement | BaseException]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            settings = dns.Settings(
                address="127.0.0.1", port=deaf.getsockname()[1], name="portal.test"
            )
            tasks = [asyncio.create_task(dns.measure(settings, 30)) for _ in range(20)]
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(end, asyncio.CancelledError) for end in run(main()))
