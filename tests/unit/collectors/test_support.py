"""What the connection collectors share: names, patterns, addresses, words of errors."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import _match, _names
from collectors._http import _charset
from collectors._trouble import (
    Failed,
    Progress,
    Unmeasured,
    budget,
    from_here,
    from_peer,
    measured,
    shown,
)
from collectors._url import parse_url
from collectors.base import Verdict


def progress(timeout: float = 5) -> Progress:
    return Progress(timeout, asyncio.get_running_loop().time() + timeout)


# --- names


class Resolver:
    """A resolver that answers when told to; counts who asked."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asked: list[str] = []

    def __call__(self, name: str, port: int, **kind: object) -> list[tuple[object, ...]]:
        self.asked.append(name)
        if name.startswith("hung"):
            self.open.wait(30)
        if name == "nowhere":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name == "later":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
        if name == "odd":
            raise UnicodeError("label too long")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


async def test_hung_names_delay_no_other_name() -> None:
    resolver = Resolver()
    lookups = _names.Lookups(resolver)
    hung = [asyncio.create_task(lookups.find(f"hung{n}")) for n in range(60)]
    await asyncio.sleep(0)
    assert await lookups.find("live") == [(socket.AF_INET, ("127.0.0.1", 0))]
    assert not any(task.done() for task in hung)
    resolver.open.set()
    assert len(await asyncio.gather(*hung)) == 60


async def test_a_name_is_looked_up_once_for_all_who_ask_and_again_later() -> None:
    resolver = Resolver()
    lookups = _names.Lookups(resolver)
    asking = [asyncio.create_task(lookups.find("hung")) for _ in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()  # one gives up, the others still get their answer
    resolver.open.set()
    await asyncio.wait(asking)
    assert asking[0].cancelled()
    assert all(task.result() for task in asking[1:])
    await lookups.find("hung")
    assert resolver.asked == ["hung", "hung"]


async def test_too_many_hung_names_are_refused_at_once_and_not_for_ever() -> None:
    resolver = Resolver()
    lookups = _names.Lookups(resolver)
    hung = [asyncio.create_task(lookups.find(f"hung{n}")) for n in range(_names.MAX_LOOKUPS)]
    await asyncio.sleep(0)
    with pytest.raises(Unmeasured, match="too many name lookups"):
        await lookups.find("live")
    resolver.open.set()
    await asyncio.gather(*hung)
    assert await lookups.find("live")


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("nowhere", Failed, "the name nowhere does not exist"),
        ("later", Unmeasured, "the name servers gave no answer for later"),
        ("odd", Unmeasured, "odd could not be looked up: label too long"),
    ],
)
async def test_a_missing_name_is_a_failure_and_dead_name_servers_are_not(
    name: str, kind: type[Failed | Unmeasured], words: str
) -> None:
    with pytest.raises(kind) as caught:
        await _names.Lookups(Resolver()).find(name)
    assert str(caught.value.reason) == words


def test_a_loop_that_ends_during_a_lookup_is_survived() -> None:
    resolver = Resolver()
    lookups = _names.Lookups(resolver)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await lookups.find("hung")

    asyncio.run(give_up())
    resolver.open.set()
    for thread in threading.enumerate():
        if thread.name == "lookup hung":
            thread.join(5)
            assert not thread.is_alive()


async def test_literal_addresses_ask_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver()
    monkeypatch.setattr(_names, "_lookups", _names.Lookups(resolver))
    for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "fe80::1%lo"):
        found = await _names.endpoints(host, 80, progress())
        assert found[0][1][1] == 80
    assert resolver.asked == []


# --- patterns


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("dịch vụ", "Cổng dịch vụ công", True),
        ("di\u0323ch vu\u0323", "Cổng dịch vụ công", True),  # decomposed letters
        ("^220 ", "220 mail", True),
        ("a|b", "xxb", True),
        ("(?i)cổng", "CỔNG", True),
        (r"\d{3,}", "abc 12", False),
        ("a.c", "abc", True),
        ("x+", "", False),
    ],
)
async def test_patterns_are_found_here_or_in_a_process(
    pattern: str, text: str, expected: bool
) -> None:
    assert await _match.found(pattern, text, progress()) is expected


async def test_a_catastrophic_pattern_ends_in_time_while_the_loop_goes_on() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    async def steps(found: Progress) -> None:
        await _match.found("(a+)+b", "a" * 60, found)

    counting = asyncio.create_task(count())
    result = await measured(0.5, steps)
    counting.cancel()
    assert result.verdict is Verdict.UNKNOWN
    assert str(result.reason) == "searching for (a+)+b took longer than 0.5 s"
    assert turns > 5
    assert not [p for p in psutil.Process().children() if is_regex_child(p)]


def is_regex_child(process: psutil.Process) -> bool:
    try:
        return "_regex_child" in " ".join(process.cmdline())
    except psutil.Error:  # gone, or dead and not yet buried
        return False


@given(st.text(max_size=50), st.text(max_size=200))
def test_what_runs_inline_has_no_repetition_and_no_groups(pattern: str, text: str) -> None:
    assert not (_match.inline(pattern, text) and any(c in pattern for c in "*+?{("))


# --- web addresses


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("http://127.0.0.1", "http://127.0.0.1/"),
        ("https://[::1]:8443/a?b=c#d", "https://[::1]:8443/a?b=c"),
        ("http://a.test:80/", "http://a.test/"),
        (
            "http://a.test/tiếng-việt?tìm=đất",
            "http://a.test/ti%E1%BA%BFng-vi%E1%BB%87t?t%C3%ACm=%C4%91%E1%BA%A5t",
        ),
        ("HTTP://A.Test/%20", "http://a.test/%20"),
    ],
)
def test_web_addresses_are_brought_into_one_form(text: str, result: str) -> None:
    assert str(parse_url(text)) == result


def test_vietnamese_host_names_are_asked_for_in_their_ascii_form() -> None:
    host = parse_url("http://chợđồn.test/").host
    assert host.startswith("xn--")
    assert host.encode().decode("idna") == "chợđồn.test"


@pytest.mark.parametrize(
    ("location", "result"),
    [
        ("/b", "http://a.test:81/b"),
        ("b", "http://a.test:81/x/b"),
        ("//b.test/", "http://b.test/"),
        ("https://b.test", "https://b.test/"),
        ("?q", "http://a.test:81/x/y?q"),
    ],
)
def test_redirects_lead_where_a_browser_would_go(location: str, result: str) -> None:
    assert str(parse_url("http://a.test:81/x/y").join(location)) == result


@given(st.text(max_size=200))
def test_any_text_is_a_web_address_or_a_value_error(text: str) -> None:
    for candidate in (text, "http://" + text, "http://a/" + text):
        try:
            url = parse_url(candidate)
        except ValueError:
            continue
        assert url.target.isascii() and url.host.isascii()
        assert not any(c.isspace() for c in str(url))


# --- texts of answers


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("text/html", "utf-8"),
        ("text/html; charset=windows-1258", "cp1258"),
        ('text/html; charset="ISO-8859-1"', "iso8859-1"),
        ("text/html; charset=punycode", "utf-8"),
        ("text/html; charset=unicode_escape", "utf-8"),
        ("text/html; charset=utf-7", "utf-8"),
        ("text/html; charset=zlib", "utf-8"),
        ("text/html; charset=no-such", "utf-8"),
        ("text/html; charset=\0", "utf-8"),
        ("text/html; charset=" + "x" * 9999, "utf-8"),
    ],
)
def test_a_server_chooses_only_plain_character_sets(content_type: str, name: str) -> None:
    assert _charset(content_type) == name


def test_answers_are_text_for_people() -> None:
    assert shown(b"a\r\n\x00b\xff") == "a \N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert shown("x" * 500, 10) == "xxxxxxxxx…"


# --- verdicts


@pytest.mark.parametrize("code", sorted(errno.errorcode))
def test_what_the_kernel_refuses_at_once_is_unknown_except_a_refused_connection(code: int) -> None:
    trouble = from_here(OSError(code, ""))
    expected = Verdict.FAILED if code == errno.ECONNREFUSED else Verdict.UNKNOWN
    assert trouble.verdict is expected
    assert str(trouble.reason)


@pytest.mark.parametrize("code", sorted(errno.errorcode))
def test_what_happens_on_the_way_is_the_peers_unless_we_ran_out_of_room(code: int) -> None:
    local = code in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
    trouble = from_peer(OSError(code, ""))
    assert trouble.verdict is (Verdict.UNKNOWN if local else Verdict.FAILED)
    assert str(trouble.reason)


@pytest.mark.parametrize("timeout", [0.01, 0.5, 1, 5, 60])
def test_own_time_ends_before_the_pollers(timeout: float) -> None:
    assert 0 < budget(timeout) < timeout


async def test_a_failure_keeps_what_was_measured_and_an_unknown_does_not() -> None:
    async def fails(found: Progress) -> None:
        found.values["connect_ms"] = 1.5
        raise Failed("connection refused")

    async def unknown(found: Progress) -> None:
        found.values["connect_ms"] = 1.5
        raise Unmeasured("this machine has too many open files")

    assert (await measured(1, fails)).values == {"connect_ms": 1.5}
    assert (await measured(1, unknown)).values == {}


async def test_cancelling_is_passed_on() -> None:
    async def steps(found: Progress) -> None:
        await asyncio.sleep(10)

    task = asyncio.create_task(measured(5, steps))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
