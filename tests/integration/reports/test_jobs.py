"""Reports being made: cancelled, killed, interrupted, without room; nothing half-made is left."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from parts import sources, wanted

from ioc.db import StateDatabaseError
from ioc.reports import jobs as jobs_module
from ioc.reports.gather import Sources
from ioc.reports.jobs import INTERNAL, NO_SPACE, QUEUE, STOPPED, TRIES, Reports, TooMany
from ioc.reports.kept import CANCELLED, FAILED, PENDING, READY, RUNNING, WAITING, Job, Rows
from tests._disk import mounted

WORK = Path(__file__).parent / "_work.py"
JANUARY = wanted("2026-01-01", "2026-01-31", every="month")
PATIENCE = 60.0


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Sources]:
    with sources(tmp_path) as found:
        yield found


@pytest.fixture
async def reports(made: Sources, tmp_path: Path) -> AsyncIterator[Reports]:
    found = Reports(made, made.database.engine, tmp_path / "reports")
    found.load()
    running = asyncio.create_task(found.run())
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


async def over(reports: Reports, id: str) -> Job:
    await until(lambda: state(reports, id) not in PENDING)
    found = reports.job(id)
    assert found is not None
    return found


def state(reports: Reports, id: str) -> str:
    found = reports.job(id)
    return found.state if found else "forgotten"


def rows(made: Sources) -> dict[str, Job]:
    return {job.id: job for job in Rows(made.database.engine).all()}


def children() -> list[psutil.Process]:
    """Processes that lay out for us."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "ioc.reports" in child.cmdline():
                found.append(child)
    return found


async def test_a_report_is_made_and_its_progress_only_grows(
    reports: Reports, made: Sources, tmp_path: Path
) -> None:
    told: list[str] = []

    async def done(job: Job) -> None:
        told.append(job.id)

    reports.done = done
    job = await reports.submit(JANUARY, "an")
    assert rows(made)[job.id].state == WAITING, "it is kept before anybody is told"
    seen: list[float] = []

    def ready() -> bool:
        now = reports.job(job.id)
        assert now is not None
        seen.append(now.progress)
        return now.state not in PENDING

    await until(ready)
    assert (await over(reports, job.id)).error == ""
    assert seen == sorted(seen)
    assert len(set(seen)) >= 3
    await until(lambda: told)
    assert told == [job.id]
    folder = tmp_path / "reports"
    assert [path.name for path in folder.iterdir()] == [job.id]
    assert {path.name for path in (folder / job.id).iterdir()} == {"report.pdf", "report.xlsx"}
    for form, start in (("pdf", b"%PDF-"), ("xlsx", b"PK")):
        path = reports.file(job, form)
        ready_job = reports.job(job.id)
        assert path is None, "the job as it was asked for is not ready"
        assert ready_job is not None
        path = reports.file(ready_job, form)
        assert path is not None
        assert path.read_bytes().startswith(start)
    assert (rows(made)[job.id].state, rows(made)[job.id].tries) == (READY, 1)


async def test_two_at_once_are_made_one_after_the_other(reports: Reports) -> None:
    one = await reports.submit(JANUARY, "an")
    two = await reports.submit(JANUARY.model_copy(update={"formats": ("xlsx",)}), "binh")
    together = 0

    def both() -> bool:
        nonlocal together
        together = max(together, sum(job.state == RUNNING for job in reports.jobs()))
        return all(job.state not in PENDING for job in reports.jobs())

    await until(both)
    assert together == 1
    assert {state(reports, one.id), state(reports, two.id)} == {READY}
    found = reports.job(two.id)
    assert found is not None
    assert reports.file(found, "pdf") is None
    assert reports.file(found, "xlsx") is not None


async def test_one_that_waits_can_be_cancelled_and_stays_so(
    reports: Reports, made: Sources, tmp_path: Path
) -> None:
    first = await reports.submit(JANUARY, "an")
    second = await reports.submit(JANUARY, "an")
    await reports.cancel(second.id)
    assert rows(made)[second.id].state == CANCELLED
    await over(reports, first.id)
    again = Reports(made, made.database.engine, tmp_path / "reports")
    again.load()
    assert state(again, second.id) == CANCELLED, "a restart does not bring it back"


async def test_one_that_is_laid_out_is_cancelled_at_once_and_leaves_nothing(
    reports: Reports, made: Sources, tmp_path: Path
) -> None:
    job = await reports.submit(JANUARY, "an")
    await until(children)
    began = time.monotonic()
    await reports.cancel(job.id)
    await until(lambda: not children())
    assert time.monotonic() - began < 5
    await until(lambda: not list((tmp_path / "reports").iterdir()))
    next_one = await reports.submit(JANUARY, "an")
    assert (await over(reports, next_one.id)).state == READY, "the others are made all the same"
    assert state(reports, job.id) == rows(made)[job.id].state == CANCELLED
    unchanged = await reports.cancel(next_one.id)
    assert unchanged is not None
    assert unchanged.state == READY, "what is ready cannot be cancelled"
    assert await reports.cancel("0-none") is None


async def test_a_child_that_is_killed_fails_one_report_only(
    reports: Reports, tmp_path: Path
) -> None:
    job = await reports.submit(JANUARY, "an")
    await until(children)
    for child in children():
        child.send_signal(signal.SIGKILL)
    found = await over(reports, job.id)
    assert (found.state, found.error) == (FAILED, "exit code -9")
    assert not list((tmp_path / "reports").iterdir())
    assert (await over(reports, (await reports.submit(JANUARY, "an")).id)).state == READY


async def test_what_goes_wrong_is_said_in_words(reports: Reports) -> None:
    job = await reports.submit(JANUARY.model_copy(update={"place": "khong-co"}), "an")
    found = await over(reports, job.id)
    assert (found.state, found.error) == (FAILED, "không có đơn vị khong-co")


async def test_a_queue_that_is_full_refuses(made: Sources, tmp_path: Path) -> None:
    reports = Reports(made, made.database.engine, tmp_path / "reports")
    for _number in range(QUEUE):
        await reports.submit(JANUARY, "an")
    with pytest.raises(TooMany):
        await reports.submit(JANUARY, "an")
    await reports.cancel(reports.jobs()[0].id)
    await reports.submit(JANUARY, "an")


async def test_what_the_database_cannot_keep_is_not_promised(
    made: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = Reports(made, made.database.engine, tmp_path / "reports")
    with made.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE reports RENAME TO elsewhere")
    with pytest.raises(StateDatabaseError):
        await reports.submit(JANUARY, "an")
    assert reports.jobs() == []


async def test_the_oldest_go_when_there_are_too_many(made: Sources, tmp_path: Path) -> None:
    reports = Reports(made, made.database.engine, tmp_path / "reports", kept=2)
    running = asyncio.create_task(reports.run())
    asked = JANUARY.model_copy(update={"formats": ("xlsx",)})
    ids = []
    for _number in range(4):
        made.clock.moment += 1000  # type: ignore[attr-defined]
        ids.append((await reports.submit(asked, "an")).id)
    await until(lambda: [job.id for job in reports.jobs()] == ids[:1:-1])
    await until(lambda: all(job.state == READY for job in reports.jobs()))
    await until(lambda: len(rows(made)) == 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == sorted(ids[2:])


async def test_one_that_a_stop_interrupted_too_often_is_given_up(
    made: Sources, tmp_path: Path
) -> None:
    Rows(made.database.engine).keep(Job("1-a", JANUARY, "an", 1, RUNNING, tries=TRIES))
    reports = Reports(made, made.database.engine, tmp_path / "reports")
    reports.load()
    found = reports.job("1-a")
    assert found is not None
    assert (found.state, found.error) == (FAILED, STOPPED)
    assert rows(made)["1-a"].state == FAILED


@pytest.mark.parametrize("data", ["{}", "not json", '{"every": "century", "later": 1}', "[]"])
async def test_what_another_version_wrote_does_not_keep_the_program_from_starting(
    made: Sources, tmp_path: Path, data: str
) -> None:
    Rows(made.database.engine).keep(Job("1-a", JANUARY, "an", 1, CANCELLED))
    with made.database.engine.begin() as connection:
        row = ("2-b", 2, "an", READY, "", data)
        connection.exec_driver_sql(
            "INSERT INTO reports (id, created_at, author, state, error, data) VALUES (?,?,?,?,?,?)",
            row,
        )
    reports = Reports(made, made.database.engine, tmp_path / "reports")
    reports.load()
    assert [job.id for job in reports.jobs()] == ["1-a"]


@pytest.mark.parametrize("moment", ["0.05", "0.65"], ids=["while gathering", "while laying out"])
def test_a_killed_program_makes_it_at_the_next_start_and_leaves_no_child(
    tmp_path: Path, moment: str
) -> None:
    with work(tmp_path) as first:
        first.stdin.write("one\n")
        first.stdin.flush()
        wait_for(first, lambda line: " running " in line and line.split()[2] >= moment)
        kids = psutil.Process(first.pid).children()
        first.send_signal(signal.SIGKILL)
        first.wait(10)
    _gone, alive = psutil.wait_procs(kids, 10)
    assert not alive, "the child ends when its standard input does"
    with work(tmp_path) as second:
        line = wait_for(second, lambda line: " ready " in line)
        second.stdin.close()
        second.wait(20)
    id = line.split()[0]
    assert [p.name for p in (tmp_path / "reports").iterdir()] == [id], "no half-made folder"
    assert (tmp_path / "reports" / id / "report.pdf").stat().st_size > 10_000


@contextlib.contextmanager
def work(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(WORK), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=WORK.parents[3],
    ) as process:  # fmt: skip
        try:
            wait_for(process, lambda line: line == "ready")
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], wanted: Callable[[str], bool]) -> str:
    assert process.stdout
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        assert line, "the program ended"
        if wanted(line.strip()):
            return line.strip()
    raise AssertionError("it took too long")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "small", "64k") as folder:
        yield folder


@pytest.mark.root
async def test_a_full_disk_fails_the_report_in_words_and_leaves_room(
    made: Sources, small_disk: Path
) -> None:
    reports = Reports(made, made.database.engine, small_disk / "reports")
    running = asyncio.create_task(reports.run())
    found = await over(reports, (await reports.submit(JANUARY, "an")).id)
    assert (found.state, found.error) == (FAILED, NO_SPACE)
    assert not list((small_disk / "reports").iterdir())
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    found = await over(reports, (await reports.submit(JANUARY, "an")).id)
    assert found.state == READY
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("bug", [KeyError("moi"), ZeroDivisionError("division by zero")])
async def test_a_bug_in_gathering_ends_one_report_and_not_the_others(
    reports: Reports,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    bug: Exception,
) -> None:
    def broken(*_anything: object) -> None:
        raise bug

    with monkeypatch.context() as patched:
        patched.setattr(jobs_module, "gather", broken)
        found = await over(reports, (await reports.submit(JANUARY, "an")).id)
    assert (found.state, found.error) == (FAILED, INTERNAL), "no bare key is shown to people"
    [told] = [record for record in caplog.records if record.name == jobs_module.__name__]
    assert told.exc_info, "where it happened is in the log"
    assert (await over(reports, (await reports.submit(JANUARY, "an")).id)).state == READY


class Slow(dict[str, Job]):
    """Jobs that somebody cancels right after the thread that gathers looked at its own, before it
    writes down how far it is."""

    def __init__(self, cancel: Callable[[str], object]) -> None:
        super().__init__()
        self._cancel = cancel
        self.done: list[str] = []

    def get(self, id: str, default: object = None) -> Any:
        return self._then_cancelled(id, super().get(id, default))

    def __getitem__(self, id: str) -> Job:
        return cast(Job, self._then_cancelled(id, super().__getitem__(id)))

    def _then_cancelled(self, id: str, found: object) -> object:
        writing = sys._getframe(2).f_code.co_name == "_set"
        in_thread = threading.current_thread() is not threading.main_thread()
        if writing and in_thread and not self.done:
            self.done.append(id)
            self._cancel(id)
            deadline = time.monotonic() + 0.5  # a lock rightly keeps the other from it meanwhile
            while super().__getitem__(id).state != CANCELLED and time.monotonic() < deadline:
                time.sleep(0.01)
        return found


async def test_progress_told_while_it_is_cancelled_does_not_bring_it_back(
    made: Sources, tmp_path: Path
) -> None:
    reports = Reports(made, made.database.engine, tmp_path / "reports")
    loop = asyncio.get_running_loop()
    slow = Slow(lambda id: asyncio.run_coroutine_threadsafe(reports.cancel(id), loop))
    reports._jobs = slow
    running = asyncio.create_task(reports.run())
    job = await reports.submit(JANUARY, "an")
    await until(lambda: slow.done and state(reports, job.id) not in PENDING)
    await until(lambda: not reports._cancelled)
    found = reports.job(job.id)
    assert found is not None
    assert found.state == rows(made)[job.id].state == CANCELLED
    assert found.ended_at is not None
    assert rows(made)[job.id].ended_at == found.ended_at
    assert not list((tmp_path / "reports").glob("*"))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_one_cancelled_at_the_last_moment_leaves_no_files(
    made: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = Reports(made, made.database.engine, tmp_path / "reports")
    running = asyncio.create_task(reports.run())
    loop = asyncio.get_running_loop()
    finish = reports._folders.finish

    def late(id: str) -> None:
        finish(id)
        asyncio.run_coroutine_threadsafe(reports.cancel(id), loop).result(20)

    monkeypatch.setattr(reports._folders, "finish", late)
    told: list[str] = []

    async def done(job: Job) -> None:
        told.append(job.id)

    reports.done = done
    job = await reports.submit(JANUARY, "an")
    await until(lambda: state(reports, job.id) == CANCELLED and not reports._cancelled)
    assert rows(made)[job.id].state == CANCELLED
    assert not list((tmp_path / "reports").iterdir())
    assert told == []
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
