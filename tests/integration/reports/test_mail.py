"""Reports on their way to people: a real mail server gets them, with their files, once."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from parts import At, Monitor, district, sources

from ioc.engine.problems import Problems
from ioc.inventory.topology import ReportLayout, SendReport
from ioc.notify.channels import read_channels
from ioc.outbox import SENT, Outbox
from ioc.reports.gather import Sources
from ioc.reports.kept import READY
from ioc.reports.post import Post

PATIENCE = 60.0
FIRST_OF_MARCH = 1_772_334_000_000  # 2026-03-01 10:00 in Vietnam


class Mailbox:
    def __init__(self) -> None:
        self.letters: list[tuple[str, EmailMessage]] = []
        self.refuse = 0

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        if self.refuse:
            self.refuse -= 1
            return "451 later"
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append((envelope.rcpt_tos[0], letter))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    made = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(made, hostname="127.0.0.1", port=port, data_size_limit=20 * 2**20)
    controller.start()
    yield made, port
    controller.stop()


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Sources]:
    wanted = ReportLayout(send=(SendReport("lanh-dao"), SendReport("lanh-dao", "quarter")))
    with sources(tmp_path, replace(district(), reports=wanted), FIRST_OF_MARCH) as found:
        yield found


def post(made: Sources, folder: Path, environ: dict[str, str]) -> tuple[Post, Problems]:
    problems = Problems(made.clock)
    found = Post(made, made.database.engine, folder, read_channels(environ), problems)
    found.load()
    return found, problems


async def run(found: Post, holds: Any) -> None:
    running = asyncio.create_task(found.run(soon=0))
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                assert not running.done(), running.exception()
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def address(port: int) -> dict[str, str]:
    url = f"mailto://127.0.0.1:{port}?from=ioc@example.vn&to=chu-tich@example.vn,vp@example.vn"
    return {"IOC_CHANNEL_LANH_DAO": url}


async def test_the_report_of_the_month_arrives_once_with_its_files(
    made: Sources, mailbox: tuple[Mailbox, int], tmp_path: Path
) -> None:
    box, port = mailbox
    found, problems = post(made, tmp_path, address(port))
    outbox = Outbox(made.database.engine)
    await run(found, lambda: [message.state for message in outbox.list()] == [SENT, SENT])
    assert sorted(to for to, _letter in box.letters) == ["chu-tich@example.vn", "vp@example.vn"]
    letter = box.letters[0][1]
    assert letter["subject"] == "Báo cáo của huyện thử, tháng 2 năm 2026"
    body = letter.get_body(("plain", "html"))
    assert body is not None
    assert "gửi kèm" in body.get_content()
    files = {part.get_filename(): part.get_content() for part in letter.iter_attachments()}
    assert set(files) == {"bao-cao-2026-02.pdf", "bao-cao-2026-02.xlsx"}
    job = found.reports.jobs()[0]
    for name, content in files.items():
        path = found.reports.file(job, name.rpartition(".")[2])
        assert path is not None
        assert content == path.read_bytes()
    assert [(job.author, job.state) for job in found.reports.jobs()] == [
        ("lịch gửi báo cáo", READY)
    ], "the quarter is not over"
    assert not problems.present()

    again, _problems = post(made, tmp_path, address(port))
    await again.daily()
    assert len(again.reports.jobs()) == 1, "asked for once"
    await run(again, lambda: True)
    assert len(outbox.list()) == len(box.letters) == 2


async def test_a_server_that_refuses_gets_it_later(
    made: Sources, mailbox: tuple[Mailbox, int], tmp_path: Path
) -> None:
    box, port = mailbox
    box.refuse = 2
    found, _problems = post(made, tmp_path, address(port))
    found.deliverer._first_retry = 0.05
    at = made.clock
    assert isinstance(at, At)

    def holds() -> bool:
        at.moment += 1000  # so that what waits comes due
        found.deliverer.wake()
        return len(box.letters) == 2

    await run(found, holds)
    assert all(list(letter.iter_attachments()) for _to, letter in box.letters)


async def test_what_was_ready_when_the_program_stopped_is_sent_at_the_next_start(
    made: Sources, mailbox: tuple[Mailbox, int], tmp_path: Path
) -> None:
    box, port = mailbox
    deaf, _problems = post(made, tmp_path, {})
    await run(deaf, lambda: any(job.state == READY for job in deaf.reports.jobs()))
    assert not Outbox(made.database.engine).list()
    found, _problems = post(made, tmp_path, address(port))
    await run(found, lambda: len(box.letters) == 2)
    assert len(found.reports.jobs()) == 1


async def test_a_channel_with_nobody_behind_it_is_shown_as_a_problem(
    made: Sources, tmp_path: Path
) -> None:
    found, problems = post(made, tmp_path, {})
    await run(found, problems.present)
    assert [problem.code for problem in problems.present()] == ["reports:lanh-dao"]


async def test_a_way_without_files_is_told_where_the_report_is(
    made: Sources, tmp_path: Path
) -> None:
    url = "json://127.0.0.1:9/hook"  # port 9 discards: nothing is to arrive
    found, _problems = post(made, tmp_path, {"IOC_CHANNEL_LANH_DAO": url})
    recipient = next(iter(read_channels({"IOC_CHANNEL_LANH_DAO": url})))
    assert isinstance(made.monitor, Monitor)
    await found.sending.submit()
    await run(found, lambda: Outbox(made.database.engine).list())
    body = Outbox(made.database.engine).list()[0].body
    assert ("gửi kèm" in body) is recipient.takes_files
