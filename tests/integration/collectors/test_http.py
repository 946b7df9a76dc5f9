"""http against nginx, and against peers that lie, flood, drip and never end."""

from __future__ import annotations

import asyncio
import gzip
import logging
import tracemalloc
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from collectors import http
from collectors.base import Measurement, Verdict

pytestmark = pytest.mark.usefixtures("descriptors")


async def ask(url: str, timeout: float = 3, **settings: Any) -> Measurement:
    return await http.measure(http.Settings(url=url, **settings), timeout)


def answering(
    *pieces: bytes, forever: bytes = b"", pause: float = 0.0
) -> Callable[[StreamReader, StreamWriter], Awaitable[None]]:
    """A peer that reads the request, sends the pieces, then `forever` again and again."""

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        while forever:
            writer.write(forever)
            await writer.drain()
            await asyncio.sleep(pause)

    return handle


def page(body: bytes, *headers: str) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


# --- telephones


def portal_for(telephones: str, others: str) -> Callable[[StreamReader, StreamWriter], Any]:
    """A portal that answers telephones with another page, as old ones do."""

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        agent = next(line for line in asked.split("\r\n") if line.startswith("User-Agent:"))
        body = telephones if "Mobile" in agent else others
        writer.write(page(body.encode(), "Content-Type: text/html; charset=utf-8"))
        await writer.drain()

    return handle


FITS = '<html><head><meta name="viewport" content="width=device-width, initial-scale=1"></head>'
FIXED = '<html><head><meta name="viewport" content="width=1024"><title>Cổng</title></head>'


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        (FITS, 1.0),
        (FIXED, 0.0),
        ("<html><title>Cổng</title>", 0.0),
        ("", 0.0),
        ("<META CONTENT='initial-scale=1,width = device-width' NAME='viewport'/>", 1.0),
        ("<meta name=viewport content=width=device-width>", 1.0),
        ("<!-- " + FITS + " --><p>", 0.0),
        ("<!-- cũ --><!-- " + FIXED + "-->" + FITS, 1.0),
        ("<!-- không đóng " + FITS, 0.0),
        ('<meta name="description" content="width=device-width">', 0.0),
        ("<p>" * 80_000 + FITS, 0.0),
    ],
)
async def test_a_page_made_for_small_screens_says_so(serve: Any, body: str, fits: float) -> None:
    port = await serve(portal_for(body, FIXED if fits else FITS))
    result = await ask(f"http://127.0.0.1:{port}/", mobile=True)
    assert result.verdict is Verdict.OK, "what a page looks like is no failure"
    assert result.values["mobile"] == fits


async def test_nobody_asks_as_a_telephone_unless_told(serve: Any) -> None:
    port = await serve(portal_for(FIXED, FITS))
    result = await ask(f"http://127.0.0.1:{port}/")
    assert result.verdict is Verdict.OK
    assert "mobile" not in result.values


async def test_a_portal_that_is_broken_says_nothing_of_telephones(serve: Any) -> None:
    port = await serve(answering(b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"))
    result = await ask(f"http://127.0.0.1:{port}/", mobile=True)
    assert result.verdict is Verdict.FAILED
    assert "mobile" not in result.values


async def test_a_page_that_cannot_be_unpacked_says_nothing_of_telephones(serve: Any) -> None:
    port = await serve(answering(page(b"xx", "Content-Encoding: br")))
    result = await ask(f"http://127.0.0.1:{port}/", mobile=True)
    assert result.verdict is Verdict.OK
    assert "mobile" not in result.values


async def test_a_hostile_page_is_looked_through_at_once(serve: Any) -> None:
    port = await serve(answering(page(b"<meta " * 30_000 + b"<!--" * 30_000)))
    result = await ask(f"http://127.0.0.1:{port}/", mobile=True)
    assert result.values["mobile"] == 0.0


# --- nginx


async def test_a_page_is_up_with_all_its_times(nginx: tuple[int, int]) -> None:
    result = await ask(f"http://localhost:{nginx[0]}/page.html", body="Cổng Dịch vụ")
    assert result.verdict is Verdict.OK
    values = result.values
    assert values["status"] == 200
    assert values["redirects"] == 0
    assert values["body_bytes"] == len("<html><h1>Cổng Dịch vụ công</h1></html>".encode())
    parts = values["dns_ms"] + values["connect_ms"] + values["first_byte_ms"]
    assert 0 < parts <= values["total_ms"]
    assert "tls_ms" not in values


async def test_https_with_an_own_authority(nginx: tuple[int, int], ca_file: str) -> None:
    result = await ask(f"https://127.0.0.1:{nginx[1]}/page.html", ca_file=ca_file)
    assert result.verdict is Verdict.OK
    assert result.values["tls_ms"] > 0


async def test_https_with_an_unknown_authority_fails_unless_not_verified(
    nginx: tuple[int, int],
) -> None:
    url = f"https://127.0.0.1:{nginx[1]}/page.html"
    assert "not trusted" in str((await ask(url)).reason)
    assert (await ask(url, verify=False)).verdict is Verdict.OK


async def test_a_missing_ca_file_is_our_trouble(nginx: tuple[int, int]) -> None:
    result = await ask(f"https://127.0.0.1:{nginx[1]}/", ca_file="/nowhere/ca.pem")
    assert result.verdict is Verdict.UNKNOWN
    assert str(result.reason) == (
        "the CA file /nowhere/ca.pem cannot be used: No such file or directory"
    )


async def test_redirects_are_followed_also_into_https(nginx: tuple[int, int], ca_file: str) -> None:
    moved = await ask(f"http://127.0.0.1:{nginx[0]}/moved", body="Dịch vụ")
    secure = await ask(f"http://127.0.0.1:{nginx[0]}/secure", ca_file=ca_file)
    assert (moved.verdict, moved.values["redirects"]) == (Verdict.OK, 1)
    assert (secure.verdict, secure.values["redirects"]) == (Verdict.OK, 1)
    assert secure.details["url"].startswith("https://")


async def test_a_redirect_can_be_refused_or_expected(nginx: tuple[int, int]) -> None:
    url = f"http://127.0.0.1:{nginx[0]}/moved"
    refused = await ask(url, follow=0)
    assert str(refused.reason) == f"redirected to http://127.0.0.1:{nginx[0]}/page.html"
    assert (await ask(url, status=301)).verdict is Verdict.OK
    assert (await ask(url, location="/page.html$")).verdict is Verdict.OK
    elsewhere = await ask(url, location="/login")
    assert str(elsewhere.reason).startswith("redirected to ")
    missing = await ask(f"http://127.0.0.1:{nginx[0]}/page.html", location="x")
    assert str(missing.reason) == "answered with status 200 OK instead of a redirect"


async def test_another_status_is_a_failure_that_keeps_what_was_measured(
    nginx: tuple[int, int],
) -> None:
    url = f"http://127.0.0.1:{nginx[0]}/broken"
    result = await ask(url)
    assert str(result.reason) == "answered with status 503 Service Temporarily Unavailable"
    assert result.values["status"] == 503
    assert result.values["total_ms"] > 0
    assert (await ask(url, status=["200-299", 503])).verdict is Verdict.OK


async def test_head_has_no_body(nginx: tuple[int, int]) -> None:
    result = await ask(f"http://127.0.0.1:{nginx[0]}/page.html", method="HEAD")
    assert (result.verdict, result.values["body_bytes"]) == (Verdict.OK, 0)


async def test_a_big_page_is_read_to_the_limit_only(nginx: tuple[int, int]) -> None:
    result = await ask(f"http://127.0.0.1:{nginx[0]}/big.bin", max_body=100_000, body="xxx")
    assert (result.verdict, result.values["body_bytes"]) == (Verdict.OK, 100_000)


async def test_body_patterns(nginx: tuple[int, int]) -> None:
    url = f"http://127.0.0.1:{nginx[0]}/page.html"
    assert str((await ask(url, body="bảo trì")).reason) == "the page does not contain bảo trì"
    assert str((await ask(url, body_not="C[oổ]+ng")).reason) == "the page contains C[oổ]+ng"
    assert (await ask(url, body="h1>.*</h1", body_not="bảo trì")).verdict is Verdict.OK


async def test_a_secret_comes_from_the_environment_and_is_told_to_nobody(
    nginx: tuple[int, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"http://127.0.0.1:{nginx[0]}/guarded"
    headers = {"X-Token": "${IOC_PORTAL_TOKEN}"}
    unset = await ask(url, headers=headers)
    monkeypatch.setenv("IOC_PORTAL_TOKEN", "s3cret")
    good = await ask(url, headers=headers)
    monkeypatch.setenv("IOC_PORTAL_TOKEN", "s3cret\r\nX-Evil: 1")
    bad = await ask(url, headers=headers)
    assert str(unset.reason) == "the environment variable IOC_PORTAL_TOKEN is not set"
    assert good.verdict is Verdict.OK
    assert str(bad.reason) == "the value for the header X-Token cannot be sent"
    assert unset.verdict is bad.verdict is Verdict.UNKNOWN
    assert "s3cret" not in caplog.text + repr((unset, good, bad))


async def test_own_host_header_and_user_agent(nginx: tuple[int, int]) -> None:
    url = f"http://127.0.0.1:{nginx[0]}/host"
    result = await ask(
        url, headers={"Host": "portal.test"}, user_agent="probe/1", body="^portal.test probe/1$"
    )
    assert result.verdict is Verdict.OK


async def test_headers_are_not_carried_to_another_server(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []

    async def listen(reader: StreamReader, writer: StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(page(b"ok"))
        await writer.drain()

    other = await serve(listen)
    away = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{other}/\r\nContent-Length: 0\r\n\r\n"
    first = await serve(answering(away.encode()))
    monkeypatch.setenv("IOC_TOKEN", "s3cret")
    result = await ask(f"http://127.0.0.1:{first}/", headers={"Authorization": "${IOC_TOKEN}"})
    assert result.verdict is Verdict.OK
    assert b"s3cret" not in heard[0]


# --- hostile peers

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HOSTILE = {
    "silent": (answering(forever=b"", pause=0), "the peer closed the connection without an answer"),
    "head that drips": (
        answering(HEAD, forever=b"X", pause=0.05),
        "the answer's headers were not complete within 1 s",
    ),
    "chunks that drip for ever": (
        answering(CHUNKED, forever=b"1\r\na\r\n", pause=0.05),
        "the answer's body was not complete within 1 s",
    ),
    "body that never comes": (
        answering(HEAD + b"Content-Length: 10\r\n\r\n", forever=b"", pause=0),
        "the peer closed the connection before the answer was complete",
    ),
    "header flood": (
        answering(HEAD, forever=b"X-A: b\r\n" * 1000),
        "the answer's headers are longer than 100 KB",
    ),
    "one endless header": (
        answering(HEAD + b"X-A: ", forever=b"b" * 10_000),
        "the answer's headers are longer than 100 KB",
    ),
    "interim answers without end": (
        answering(forever=b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
        None,
    ),
    "tiny chunks without end": (
        answering(CHUNKED, forever=b"1\r\na\r\n" * 1000),
        None,
    ),
    "HTTP/0.9": (answering(b"<html>hello</html>"), "the answer is not HTTP: <html>hello</html>"),
    "another protocol": (answering(b"SSH-2.0-x\r\n"), "the answer is not HTTP: SSH-2.0-x"),
    "broken status line": (answering(b"HTTP/9 abc\r\n\r\n"), "the answer is not HTTP: HTTP/9 abc"),
    "two lengths": (
        answering(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "the answer is not HTTP: HTTP/1.1 200 OK Content-Length: 1 Conte…",
    ),
    "broken chunk": (
        answering(CHUNKED + b"zz\r\nabc"),
        "the peer closed the connection before the answer was complete",
    ),
    "redirect to itself": (
        answering(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
        "redirected more than 5 times",
    ),
    "redirect to a file": (
        answering(b"HTTP/1.1 302 F\r\nLocation: file:///etc/x\r\nContent-Length: 0\r\n\r\n"),
        "redirected to file:///etc/x, which is no web address",
    ),
    "packed as it likes": (
        answering(page(b"x", "Content-Encoding: br")),
        "the body is packed as br, which was not asked for",
    ),
    "not even gzip": (
        answering(page(b"x", "Content-Encoding: gzip")),
        "the body is not valid gzip",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_peers_end_in_time_with_a_clear_reason(serve: Any, name: str) -> None:
    handler, words = HOSTILE[name]
    async with asyncio.timeout(1):  # as the poller does: our own reason comes first
        result = await ask(f"http://127.0.0.1:{await serve(handler)}/", timeout=1, body="zzz")
    assert result.verdict is Verdict.FAILED
    if words is None:
        assert "endless" in str(result.reason) or "within 1 s" in str(result.reason)
    else:
        assert str(result.reason) == words


async def test_a_peer_that_accepts_and_never_answers(serve: Any) -> None:
    async def hang(reader: StreamReader, writer: StreamWriter) -> None:
        await asyncio.sleep(60)

    port = await serve(hang)
    plain = await ask(f"http://127.0.0.1:{port}/", timeout=0.5)
    tls = await ask(f"https://127.0.0.1:{port}/", timeout=0.5)
    assert str(plain.reason) == "connected, but no answer within 0.5 s"
    assert str(tls.reason) == "no TLS handshake within 0.5 s"


async def test_a_gzip_bomb_costs_no_more_than_the_limit(serve: Any) -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)
    port = await serve(answering(page(bomb, "Content-Encoding: gzip")))
    tracemalloc.start()
    try:
        result = await ask(f"http://127.0.0.1:{port}/", body="zzz", timeout=10)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(result.reason) == "the page does not contain zzz"
    assert peak < 20_000_000


async def test_gzip_that_was_not_asked_for_is_read_all_the_same(serve: Any) -> None:
    body = gzip.compress("Cổng dịch vụ".encode())
    port = await serve(answering(page(body, "Content-Encoding: gzip")))
    assert (await ask(f"http://127.0.0.1:{port}/", body="dịch vụ")).verdict is Verdict.OK


async def test_vietnamese_in_an_old_character_set_is_found(serve: Any) -> None:
    body = "Uỷ ban".encode("utf-16")
    port = await serve(answering(page(body, "Content-Type: text/html; charset=utf-16")))
    assert (await ask(f"http://127.0.0.1:{port}/", body="Uỷ ban")).verdict is Verdict.OK


async def test_a_catastrophic_pattern_is_our_trouble_and_ends_in_time(serve: Any) -> None:
    port = await serve(answering(page(b"a" * 60)))
    async with asyncio.timeout(1):
        result = await ask(f"http://127.0.0.1:{port}/", timeout=1, body="(a+)+b")
    assert result.verdict is Verdict.UNKNOWN
    assert str(result.reason) == "searching for (a+)+b took longer than 1 s"


async def test_a_flooding_peer_leaves_others_their_turn(serve: Any, nginx: tuple[int, int]) -> None:
    port = await serve(answering(CHUNKED, forever=b"1\r\na\r\n" * 1000))
    order: list[str] = []

    async def check(name: str, url: str) -> None:
        await ask(url, timeout=2)
        order.append(name)

    flood = [check("flood", f"http://127.0.0.1:{port}/") for _ in range(5)]
    await asyncio.gather(*flood, check("live", f"http://127.0.0.1:{nginx[0]}/page.html"))
    assert order[0] == "live"


async def test_200_hung_peers_do_not_delay_a_live_one(serve: Any, nginx: tuple[int, int]) -> None:
    async def hang(reader: StreamReader, writer: StreamWriter) -> None:
        await asyncio.sleep(60)

    port = await serve(hang)
    order: list[str] = []

    async def check(name: str, url: str) -> None:
        await ask(url, timeout=3)
        order.append(name)

    checks = [check("hung", f"http://127.0.0.1:{port}/") for _ in range(200)]
    checks.insert(100, check("live", f"http://127.0.0.1:{nginx[0]}/page.html"))
    await asyncio.gather(*checks)
    assert order[0] == "live"
    assert len(order) == 201


@pytest.mark.parametrize("pattern", [None, "(a+)+b"])
async def test_cancelling_leaves_nothing_behind(serve: Any, pattern: str | None) -> None:
    peer = answering(page(b"a" * 60)) if pattern else answering(CHUNKED, forever=b"1\r\na\r\n")
    url = f"http://127.0.0.1:{await serve(peer)}/"
    task = asyncio.create_task(ask(url, timeout=30, body=pattern))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_proxy_of_the_environment_is_used(
    nginx: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    assert (await ask(f"http://127.0.0.1:{nginx[0]}/page.html")).verdict is Verdict.OK
