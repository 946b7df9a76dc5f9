"""Messages reach people: real mail, real HTTP, servers that misbehave, and kill -9."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiosmtpd.controller import Controller

from ioc.clock import SystemClock
from ioc.db import StateDatabase
from ioc.engine.problems import Problems
from ioc.notify import delivery
from ioc.notify.channels import ChannelError, Channels, read_channels
from ioc.notify.delivery import Deliverer
from ioc.outbox import DEAD, SENT, WAITING, Message, Outbox, put

ROOT = Path(__file__).parents[3]
PATIENCE = 20.0
SECRET = "mat-khau-rat-bi-mat"


class Hook:
    """A real HTTP server. behave: what it does with each request, called with the handler."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.asked = 0
        self.behave: Callable[[Any], None] = self.well
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                hook.asked += 1
                hook.behave(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def well(self, handler: Any) -> None:
        self.heard.append(handler.text)
        self.answer(handler, 200)

    def answer(self, handler: Any, status: int) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def url(self, name: str = "x") -> str:
        return f"json://u:{SECRET}@127.0.0.1:{self.port}/{name}?cto=1&rto=1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[StateDatabase]:
    opened = StateDatabase.open(f"sqlite:///{tmp_path}/state.db")
    yield opened
    opened.close()


def message(key: str, recipient: str = "hook/0", created: int | None = None) -> Message:
    now = int(time.time() * 1000) if created is None else created
    body = f"Xã Yên Thịnh: mất kết nối {key}."
    return Message(key, "notify", recipient, "incident:1", "tiêu đề", body, now, now)


def store(database: StateDatabase, *messages: Message) -> None:
    with database.engine.begin() as connection:
        put(connection, messages)


async def deliver(
    database: StateDatabase, channels: Channels, until: Callable[[], bool], **options: Any
) -> Problems:
    """Run a deliverer until something holds."""
    clock = SystemClock()
    problems = Problems(clock)
    options = {"deadline": 3.0, "first_retry": 0.05} | options
    deliverer = Deliverer(clock, Outbox(database.engine), channels, problems, **options)
    running = asyncio.create_task(deliverer.run())
    try:
        async with asyncio.timeout(PATIENCE):
            while not until():
                deliverer.wake()
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return problems


def states(database: StateDatabase) -> Counter[str]:
    return Counter(one.state for one in Outbox(database.engine).list(limit=1000))


async def test_a_message_arrives_by_mail_with_its_letters(database: StateDatabase) -> None:
    arrived: list[Any] = []

    class Mailbox:
        async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
            arrived.append(envelope)
            return "250 OK"

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Mailbox(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        url = f"mailto://127.0.0.1:{port}?from=ioc@example.vn&to=an@example.vn,binh@example.vn"
        channels = read_channels({"IOC_CHANNEL_MAIL": url})
        assert channels.of("mail") == ["mail/0", "mail/1"], "one recipient is one address"
        store(database, message("a", "mail/0"), message("b", "mail/1"))
        await deliver(database, channels, lambda: states(database)[SENT] == 2)
    finally:
        controller.stop()
    assert sorted(e.rcpt_tos[0] for e in arrived) == ["an@example.vn", "binh@example.vn"]
    import email
    import email.policy

    letter = email.message_from_bytes(arrived[0].content, policy=email.policy.default)
    assert "tiêu đề" in letter["subject"]
    assert "Xã Yên Thịnh: mất kết nối" in letter.get_body(("plain", "html")).get_content()


async def test_an_sms_gateway_by_http_gets_number_and_text(
    database: StateDatabase, hook: Hook
) -> None:
    url = f"form://127.0.0.1:{hook.port}/send?:phone=0912000000&:message=text&:key={SECRET}"
    store(database, message("a", "sms/0"))
    found = read_channels({"IOC_CHANNEL_SMS": url})
    await deliver(database, found, lambda: states(database)[SENT] == 1)
    fields = parse_qs(hook.heard[0])
    assert fields["phone"] == ["0912000000"]
    assert fields["key"] == [SECRET]
    assert fields["text"] == ["Xã Yên Thịnh: mất kết nối a."]


@pytest.mark.parametrize(
    "url",
    [
        "tgram://123456789:abcdefghijklmnopqrstuvwxyz_abcdefg/111/222",
        "zalo://1234567890:abcdefghijklmnopqrst/111",
        "jsons://user:word@example.vn/hook",
        "mailtos://user:word@mail.example.vn?from=ioc@example.vn&to=an@example.vn",
    ],
)
def test_the_addresses_of_the_readme_are_understood(url: str) -> None:
    assert read_channels({"IOC_CHANNEL_X": url}).of("x")


async def test_trouble_is_tried_again_until_it_is_over(database: StateDatabase, hook: Hook) -> None:
    def trouble(handler: Any) -> None:
        kinds = [500, 429, "reset", "half", "close"]
        kind = kinds[(hook.asked - 1) % len(kinds)]
        if hook.asked > len(kinds):
            hook.well(handler)
        elif kind == "half":  # dies in the middle of its answer
            handler.wfile.write(b"HTTP/1.1 2")
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif isinstance(kind, int):
            hook.answer(handler, kind)
        else:
            handler.connection.close()

    hook.behave = trouble
    store(database, message("a"))
    await deliver(database, channels(hook), lambda: states(database)[SENT] == 1)
    assert len(hook.heard) == 1
    (receipt,) = Outbox(database.engine).list()
    assert receipt.attempts == 6
    assert receipt.sent_at is not None


async def test_nobody_listens_and_then_somebody_does(database: StateDatabase) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = read_channels({"IOC_CHANNEL_HOOK": f"json://127.0.0.1:{port}/?cto=1&rto=1"})
    store(database, message("a"))
    outbox = Outbox(database.engine)
    problems = await deliver(database, found, lambda: outbox.list()[0].attempts >= 4)
    assert states(database) == {WAITING: 1}
    assert [p.code for p in problems.present()] == ["channel:hook/0"]


async def test_one_that_hangs_delays_no_other_and_not_the_end(
    database: StateDatabase, hook: Hook
) -> None:
    """It takes the request and says nothing; another drips a byte a second for ever."""
    release = threading.Event()
    slow = Hook()

    def drip(handler: Any) -> None:
        while not release.wait(0.3):
            handler.wfile.write(b"H")

    slow.behave = drip
    environ = {"IOC_CHANNEL_HOOK": hook.url(), "IOC_CHANNEL_SLOW": slow.url()}
    store(database, message("slow", "slow/0"), *(message(f"m{n}") for n in range(5)))
    begin = time.monotonic()
    try:
        outbox = Outbox(database.engine)
        await deliver(
            database,
            read_channels(environ),
            lambda: states(database)[SENT] == 5 and outbox.list(recipient="slow/0")[0].attempts > 0,
            deadline=1.0,
        )
    finally:
        release.set()
        slow.close()
    assert time.monotonic() - begin < 10
    assert states(database) == {SENT: 5, WAITING: 1}


async def test_order_is_kept_for_each_recipient(database: StateDatabase, hook: Hook) -> None:
    def first_badly(handler: Any) -> None:
        hook.answer(handler, 500) if hook.asked <= 2 else hook.well(handler)

    hook.behave = first_badly
    now = int(time.time() * 1000)
    store(database, *(message(f"m{n}", created=now - 1000 + n) for n in range(6)))
    await deliver(database, channels(hook), lambda: states(database)[SENT] == 6)
    assert [n for text in hook.heard for n in range(6) if f"m{n}." in text] == list(range(6))


async def test_many_messages_slow_down_and_come_together(
    database: StateDatabase, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PAUSE", 0.2)
    now = int(time.time() * 1000)
    store(database, *(message(f"m{n}", created=now - 1000 + n) for n in range(60)))
    await deliver(database, channels(hook), lambda: states(database)[SENT] == 60)
    assert delivery.BURST < len(hook.heard) <= delivery.BURST + 10
    told = [n for text in hook.heard for n in range(60) if f"m{n}." in text]
    assert told == list(range(60)), "each once, in order"


async def test_what_nobody_wants_any_more_is_given_up(database: StateDatabase, hook: Hook) -> None:
    old = int(time.time() * 1000) - delivery.GIVE_UP - 1000
    store(database, message("gone", "removed/0"), message("old", created=old))
    await deliver(database, channels(hook), lambda: states(database)[DEAD] == 2)
    assert hook.heard == []


async def test_put_twice_is_sent_once(database: StateDatabase, hook: Hook) -> None:
    store(database, message("a"), message("a"))
    store(database, message("a"))
    await deliver(database, channels(hook), lambda: states(database)[SENT] == 1)
    store(database, message("a"))
    assert states(database) == {SENT: 1}
    assert len(hook.heard) == 1


async def test_no_secret_is_told(
    database: StateDatabase, hook: Hook, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    hook.behave = lambda handler: hook.answer(handler, 500)
    caplog.set_level(logging.DEBUG, "ioc")
    store(database, message("a"))
    outbox = Outbox(database.engine)
    problems = await deliver(database, channels(hook), lambda: outbox.list()[0].attempts >= 4)
    said = caplog.text + "".join(str(p.reason) for p in problems.present())
    content = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    assert outbox.list()[0].last_error
    assert SECRET not in said
    assert SECRET.encode() not in content


def test_a_wrong_address_is_refused_without_being_shown() -> None:
    with pytest.raises(ChannelError) as refused:
        read_channels({"IOC_CHANNEL_HOOK": f"nonsense://{SECRET}@x"})
    assert "IOC_CHANNEL_HOOK" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_killed_at_any_point_nothing_is_lost_and_little_comes_twice(
    database: StateDatabase, hook: Hook, tmp_path: Path
) -> None:
    chance = random.Random(7)
    hook.behave = lambda handler: (time.sleep(0.02), hook.well(handler))
    count, kills = 60, 0
    now = int(time.time() * 1000)
    urls = " ".join(hook.url(f"r{n}") for n in range(6))
    store(database, *(message(f"m{n}", f"hook/{n % 6}", now + n) for n in range(count)))
    argv = [sys.executable, "-m", "tests.integration.notify._work",
            f"sqlite:///{tmp_path}/state.db", urls]  # fmt: skip
    begin = time.monotonic()
    while states(database)[SENT] < count:
        assert time.monotonic() - begin < 90, states(database)
        worker = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
        worker.stdout.readline()  # type: ignore[union-attr]
        time.sleep(chance.uniform(0.02, 0.4) if kills < 12 else 2.0)
        if worker.poll() is None:
            worker.kill()
            kills += 1
        worker.wait()
        worker.stdout.close()  # type: ignore[union-attr]
    times = Counter(n for text in hook.heard for n in range(count) if f"m{n}." in text)
    assert len(times) == count, "nothing is lost"
    # Six recipients are served at once: each may have one message between sending and marking.
    assert sum(times.values()) - count <= 6 * kills
    assert max(times.values()) <= 3


def channels(hook: Hook) -> Channels:
    return read_channels({"IOC_CHANNEL_HOOK": hook.url()})
