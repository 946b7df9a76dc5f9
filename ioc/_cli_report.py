"""`ioc report`: made by the running program, or from its databases when it does not run."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ioc._cli_base import CommandError, ExitCode, load_inventory, say, say_json
from ioc._client import NotRunningError, RefusedError, download, tell
from ioc.i18n import _, language, render
from ioc.reports.asked import Asked, WrongReport, wanted_of
from ioc.reports.gather import Sources
from ioc.reports.model import FORMATS, Wanted
from ioc.reports.sending import file_name
from ioc.settings import Settings

EVERY = 0.3  # seconds between two looks at the progress
QUARTER = re.compile(r"(\d{4})[-/ ]?[Qq]?([1-4])")
MONTH = re.compile(r"(\d{4})-(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Words:
    """What stands on the command line."""

    month: str | None
    quarter: str | None
    year: int | None
    since: str | None
    until: str | None
    place: str | None
    units: str
    formats: Sequence[str]
    lang: str | None
    output: str | None


def make(settings: Settings, given: Words, *, as_json: bool) -> int:
    """Make one report and write its files. Exit code 1 when it fails. Raises CommandError."""
    asked = _asked(given)
    try:
        files, wanted = _by_program(settings, asked)
    except NotRunningError:
        files, wanted = _by_ourselves(settings, asked)
    except RefusedError as error:
        raise CommandError(str(error)) from error
    written = [_write(given.output, wanted, form, data) for form, data in files.items()]
    if as_json:
        say_json(
            {
                "since": wanted.since.isoformat(),
                "until": wanted.until.isoformat(),
                "place": wanted.place,
                "files": [str(path) for path in written],
            }
        )
    else:
        for path in written:
            say(str(path))
    return ExitCode.FINE


# --- what is asked for


def _asked(given: Words) -> Asked:
    """Raises CommandError."""
    named = [name for name in ("month", "quarter", "year") if getattr(given, name) is not None]
    ranged = given.since is not None or given.until is not None
    if len(named) + ranged > 1:
        raise CommandError(_("choose one of --month, --quarter, --year, or --from with --to"))
    every, day = "month", None
    if named:
        every = named[0]
        day = _day(every, getattr(given, every))
    return Asked(
        every="range" if ranged else every,  # type: ignore[arg-type]
        day=day,
        since=_date(given.since),
        until=_date(given.until),
        place=given.place,
        units="before" if given.units == "before" else "now",
        language="en" if (given.lang or language()) == "en" else "vi",
        formats=tuple(given.formats) or FORMATS,  # type: ignore[arg-type]
    )


def _day(every: str, text: str | int) -> date:
    """The first day of a month `2026-10`, a quarter `2026-Q3`, a year `2026`."""
    try:
        if every == "year":
            return date(int(text), 1, 1)
        pattern = MONTH if every == "month" else QUARTER
        found = pattern.fullmatch(str(text).strip())
        if found is None:
            raise ValueError(text)
        number = int(found[2])
        return date(int(found[1]), number if every == "month" else 3 * number - 2, 1)
    except ValueError:
        example = {"month": "2026-10", "quarter": "2026-Q3", "year": "2026"}[every]
        text = _("--{option} {text}: write it as {example}", option=every, text=str(text),
                 example=example)  # fmt: skip
        raise CommandError(text) from None


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day, no moment
        except ValueError:
            continue
    raise CommandError(_("{text}: not a date; write for example 30/09/2026", text=text))


# --- by the running program


def _by_program(settings: Settings, asked: Asked) -> tuple[Mapping[str, bytes], Wanted]:
    """Files by format. Raises NotRunningError, RefusedError, CommandError."""
    body = {
        "every": asked.every,
        "day": asked.day and asked.day.isoformat(),
        "since": asked.since and asked.since.isoformat(),
        "until": asked.until and asked.until.isoformat(),
        "place": asked.place,
        "units": asked.units,
        "language": asked.language,
        "formats": list(asked.formats),
    }
    lang = f"lang={language()}"
    job: dict[str, Any] | None = None
    try:
        with _uninterrupted() as interrupted:  # else nobody would know which one to cancel
            job = tell(settings, "POST", f"/api/v1/reports?{lang}", body)
        if interrupted():
            raise KeyboardInterrupt
        job = _wait(settings, job, lang)
    except KeyboardInterrupt:
        if job is not None:
            tell(settings, "DELETE", f"/api/v1/reports/{job['id']}?{lang}")
            say(_("The report is cancelled."), error=True)
        raise
    if job["state"] != "ready":
        why = job["error"] or _("cancelled")
        raise CommandError(_("the report was not made: {why}", why=why), ExitCode.PROBLEM)
    files = {form: download(settings, path) for form, path in job["files"].items()}
    return files, _wanted(job)


def _wait(settings: Settings, job: dict[str, Any], lang: str) -> dict[str, Any]:
    """The report when it is neither waiting nor being made any more."""
    with _progress() as show:
        while job["state"] in ("waiting", "running"):
            show(job["progress"], job["stage"] or _("waiting for its turn"))
            time.sleep(EVERY)
            job = tell(settings, "GET", f"/api/v1/reports/{job['id']}?{lang}")
    return job


@contextmanager
def _uninterrupted() -> Iterator[Callable[[], bool]]:
    """Ctrl-C waits until the end; the value says whether it came."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)


def _wanted(job: Mapping[str, Any]) -> Wanted:
    names = ("every", "since", "until", "place", "units", "language", "formats")
    return Wanted.model_validate({name: job[name] for name in names})


# --- by ourselves


def _by_ourselves(settings: Settings, asked: Asked) -> tuple[Mapping[str, bytes], Wanted]:
    """From the databases. Raises CommandError."""
    from ioc._db_base import StateDatabaseError
    from ioc.reports.__main__ import MAKERS
    from ioc.reports.gather import gather
    from ioc.store.base import StoreError

    try:
        with _opened(settings) as sources:
            topology = sources.monitor.topology
            now = sources.clock.now() / 1000
            today = datetime.fromtimestamp(now, topology.timezone).date()
            wanted = wanted_of(topology, asked, today)
            with _progress() as show:
                report = gather(sources, wanted, lambda share, stage: show(share, _(stage)))
                files: dict[str, bytes] = {}
                for form in wanted.formats:
                    show(0.7, _("layout"))
                    files[form] = MAKERS[form](report)
            return files, wanted
    except WrongReport as error:
        raise CommandError(render(error.reason)) from error
    except (StateDatabaseError, StoreError, OSError) as error:
        raise CommandError(str(error), ExitCode.PROBLEM) from error


@contextmanager
def _opened(settings: Settings) -> Iterator[Sources]:
    """What a report is made from, as the program that last ran left it."""
    from ioc.clock import SystemClock
    from ioc.db import StateDatabase
    from ioc.engine.hub import Hub
    from ioc.engine.pipeline import Pipeline
    from ioc.ledger.keeper import Keeper
    from ioc.ledger.records import Records
    from ioc.ledger.sla import Agreements
    from ioc.store import open_store

    loaded = load_inventory(settings.inventory)
    _refuse_absent(settings)
    database = StateDatabase.open(settings.database)
    try:
        store = open_store(settings.store)
        try:
            clock = SystemClock()
            pipeline = Pipeline(clock, loaded.topology, record=_ignore, persist=_ignore, hub=Hub())
            saved = database.load()
            since = {
                name: (state, start)
                for table in (saved.assets, saved.sites)
                for name, (state, start, *_rest) in table.items()
            }
            pipeline.restore(saved.checks, since)
            pipeline.settle()
            engine = database.engine
            keeper = Keeper(clock, pipeline, store, Records(engine), Agreements(engine))
            keeper.load()
            yield Sources(clock, pipeline, keeper, database, simulated=_simulated(settings))
        finally:
            store.close()
    finally:
        database.close()


def _simulated(settings: Settings) -> bool:
    """Whether the database is one that `ioc demo` made."""
    from sqlalchemy import make_url

    from ioc.demo.program import MARKER

    return (Path(make_url(settings.database).database or "").parent / MARKER).exists()


def _refuse_absent(settings: Settings) -> None:
    """An empty database made by the way would look like a district without data."""
    from sqlalchemy import make_url

    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        text = _("{path}: no such database; run `ioc run` first, or check IOC_DATABASE and "
                 "IOC_DATA_DIR", path=url.database or "")  # fmt: skip
        raise CommandError(text)


def _ignore(_things: object) -> None:
    pass


# --- out


def _write(output: str | None, wanted: Wanted, form: str, data: bytes) -> Path:
    """Into a folder, or as the file that was named. Raises CommandError."""
    path = Path(output or ".")
    if path.is_dir() or len(wanted.formats) > 1:
        path = path / file_name(wanted, form)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        text = _("{path} cannot be written: {error}", path=str(path), error=error.strerror or "")
        raise CommandError(text, ExitCode.PROBLEM) from error
    return path


@contextmanager
def _progress() -> Iterator[Callable[[float, str], None]]:
    """Shows progress on a terminal, in one line that is gone when the work is done."""
    stream = sys.stderr
    shown = stream is not None and stream.isatty()

    def show(share: float, stage: str) -> None:
        if shown:
            print(f"\r\033[K{share:4.0%}  {stage}", end="", file=stream, flush=True)

    try:
        yield show
    finally:
        if shown:
            print("\r\033[K", end="", file=stream, flush=True)
