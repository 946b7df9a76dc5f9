"""Reports that go out by themselves: made after each period, sent to a channel as mail with files.

inventory (reports: send:) ─▶ due() ─▶ Reports.submit ─▶ ready ─▶ one message for each
                                                         recipient in the outbox ─▶ mail
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from collectors.base import Reason
from ioc._db_base import StateDatabaseError, plain
from ioc.clock import Clock
from ioc.engine.problems import Problems
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory.topology import Topology
from ioc.ledger.places import name_of
from ioc.notify.channels import Channels, File
from ioc.outbox import Message, put
from ioc.reports import words
from ioc.reports.jobs import Reports, TooMany
from ioc.reports.kept import CANCELLED, FAILED, READY, Job
from ioc.reports.model import Every, Format, Wanted
from ioc.reports.periods import before

log = logging.getLogger(__name__)

QUEUE = "reports"
LATE = timedelta(days=7)  # after the end of a period: then a report is made up for no more
LATE_MS = 7 * 86_400_000
TRIES = 3  # one a day
ABOUT = "report:"
NOBODY = mark("reports are to be sent to {name}, and nobody is behind this channel")


def due(topology: Topology, jobs: Iterable[Job], today: date) -> list[Wanted]:
    """Reports that the inventory wants sent and that nobody has begun."""
    known: dict[Wanted, list[str]] = {}
    for job in jobs:
        known.setdefault(job.wanted, []).append(job.state)
    found = []
    for send in topology.reports.send:
        every: Every = send.every  # type: ignore[assignment]
        formats: tuple[Format, ...] = send.formats  # type: ignore[assignment]
        since, until = before(every, today)
        wanted = Wanted(
            every=every,
            since=since,
            until=until,
            language="en" if send.language == "en" else "vi",
            formats=formats,
            channel=send.channel,
        )
        states = known.get(wanted, [])
        failed = states.count(FAILED)
        untried = failed == len(states) < TRIES and CANCELLED not in states
        if untried and today - until <= LATE and wanted not in found:
            found.append(wanted)
    return found


class Sending:
    """topology: the inventory in force. Submitting is for the event loop, the rest blocks."""

    def __init__(
        self,
        *,
        clock: Clock,
        reports: Reports,
        engine: sa.Engine,
        channels: Channels,
        problems: Problems,
        topology: Callable[[], Topology],
    ) -> None:
        self._clock = clock
        self._reports = reports
        self._engine = engine
        self._channels = channels
        self._problems = problems
        self._topology = topology

    async def submit(self) -> None:
        """Ask for what is due. Called every day, and once after a start."""
        topology = self._topology()
        today = datetime.fromtimestamp(self._clock.now() / 1000, topology.timezone).date()
        for wanted in due(topology, self._reports.jobs(), today):
            try:
                await self._reports.submit(wanted, _("the schedule"))
            except (TooMany, StateDatabaseError) as error:
                log.error("a report that is to be sent waits until tomorrow: %s", error)

    def announce_all(self) -> None:
        """Once more all that are young enough: what is in the outbox already changes nothing."""
        for job in self._reports.jobs():
            self.announce(job)

    def announce(self, job: Job) -> None:
        """Put the messages of a ready report into the outbox. Raises StateDatabaseError."""
        young = self._clock.now() - (job.ended_at or job.created_at) < LATE_MS
        if job.wanted.channel is None or job.state != READY or not young:
            return
        messages = list(self._messages(job))
        name = job.wanted.channel
        if not messages:
            self._problems.report(f"reports:{name}", Reason(NOBODY, {"name": name}))
            return
        self._problems.clear(f"reports:{name}")
        try:
            with self._engine.begin() as connection:
                put(connection, messages)
        except sa.exc.SQLAlchemyError as error:
            raise StateDatabaseError(plain(error)) from error

    def files(self, about: str) -> list[File]:
        """What goes with a message."""
        job = self._reports.job(about.removeprefix(ABOUT))
        if job is None:
            return []
        paths = ((form, self._reports.file(job, form)) for form in job.wanted.formats)
        return [File(path, file_name(job.wanted, form)) for form, path in paths if path is not None]

    def _messages(self, job: Job) -> Iterator[Message]:
        now, lang = self._clock.now(), job.wanted.language
        title = _("Report of {name}, {period}", lang, **self._names(job))
        for recipient in self._channels.of(job.wanted.channel or ""):
            known = self._channels.get(recipient)
            attached = known is not None and known.takes_files
            how = (
                _("The report is attached, to be looked through and signed.", lang)
                if attached
                else _("The report is ready on the page of reports (/reports).", lang)
            )
            yield Message(
                f"report:{job.id}:{recipient}", QUEUE, recipient, f"{ABOUT}{job.id}", title,
                f"{title}.\n{how}", now, now,
            )  # fmt: skip

    def _names(self, job: Job) -> dict[str, str]:
        topology, wanted = self._topology(), job.wanted
        name = name_of(topology, wanted.place) if wanted.place else topology.area_name
        lang = wanted.language
        return {"name": words.running(name, lang), "period": words.period(wanted, lang)}


def file_name(wanted: Wanted, form: str) -> str:
    """`bao-cao-2026-09.pdf`, `bao-cao-2026-q3.pdf`, `bao-cao-2026.xlsx`, with the unit's id."""
    place = f"-{wanted.place}" if wanted.place else ""
    since = wanted.since
    period = {
        "month": f"{since:%Y-%m}",
        "quarter": f"{since.year}-q{(since.month + 2) // 3}",
        "year": f"{since.year}",
    }.get(wanted.every, f"{since}--{wanted.until}")
    lang = "-en" if wanted.language == "en" else ""
    return f"bao-cao{place}-{period}{lang}.{form}"
