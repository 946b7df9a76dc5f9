"""The composition root: the only place that wires the parts together.

inventory ─▶ Poller ─▶ Pipeline ─┬─▶ Sink ─▶ Store
                                 ├─▶ Sink ─▶ StateDatabase
                                 └─▶ Hub ─▶ web
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

import psutil
import uvloop

from collectors import collector
from collectors.base import Reason
from ioc import entrance, space, store_watch
from ioc.accounts.audit import Audit
from ioc.accounts.store import Accounts
from ioc.api.context import Context
from ioc.clock import Clock, SystemClock
from ioc.counters import counters
from ioc.db import StateDatabase, StateDatabaseError
from ioc.engine.hub import Hub
from ioc.engine.incident import Event, Incident
from ioc.engine.incidents import REOPEN_WITHIN
from ioc.engine.maintenance import Window
from ioc.engine.model import AssetView, CheckStatus, SiteView, Transition
from ioc.engine.pipeline import Change, Pipeline
from ioc.engine.poller import Poller
from ioc.engine.problems import Problems
from ioc.engine.reachability import check_parents
from ioc.engine.sink import Sink
from ioc.engine.trouble import peers
from ioc.inventory.loader import InventoryError, Loaded, load
from ioc.inventory.topology import Topology
from ioc.inventory.watch import watch
from ioc.jobs import Jobs
from ioc.ledger.keeper import Keeper
from ioc.ledger.records import Records
from ioc.ledger.sla import Agreements
from ioc.listening import bind, make_server, raise_file_limit
from ioc.notify import desk
from ioc.notify.channels import read_channels
from ioc.notify.delivery import Deliverer
from ioc.notify.heartbeat import Heartbeat
from ioc.notify.planner import Planner
from ioc.outbox import Message, Outbox
from ioc.reports.gather import Sources
from ioc.reports.post import Post
from ioc.sdnotify import ALIVE, READY, STOPPING, Systemd
from ioc.series import Drawn, Stopwatch
from ioc.settings import Settings
from ioc.store import open_store
from ioc.store.base import Point, Store, StoreError
from ioc.web import create_app

log = logging.getLogger(__name__)

SETTLE = 0.05  # seconds in which results are gathered before states are worked out
TICK = 1.0
CHECKPOINT = 60.0
DISK_EVERY = 30.0
DISK_LOW = 512 * 2**20  # bytes; 480 assets write this in two weeks or more
UNHEALTHY = frozenset({"store", "database", "disk", store_watch.FULL})


def run(settings: Settings, *, simulated: bool = False) -> int:
    """Run until SIGTERM or SIGINT. Exit code 0 after a clean end, 1 after a broken part.

    Raises InventoryError, SettingsError (address in use), StoreError, StateDatabaseError before
    anything is started.
    """
    for chatty in ("watchfiles", "alembic", "uvicorn", "apscheduler"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    raise_file_limit()
    loaded = load(settings.inventory)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with bind(settings) as listener:
        database = StateDatabase.open(settings.database)
        try:
            store = open_store(
                settings.store, settings.data_dir / "outbox.db", settings.outbox_limit
            )
            try:
                program = Program(settings, loaded, store, database, simulated=simulated)
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    return runner.run(program.run(listener))
            finally:
                store.close()
        finally:
            database.close()


class Program:
    """Everything that runs, on one event loop."""

    def __init__(
        self,
        settings: Settings,
        loaded: Loaded,
        store: Store,
        database: StateDatabase,
        *,
        simulated: bool,
    ) -> None:
        self.settings = settings
        self._loaded = loaded
        self.store, self.database = store, database
        self.clock: Clock = SystemClock()
        self.problems = Problems(self.clock)
        self.hub = Hub()
        stopwatch = Stopwatch(store)
        self.points: Sink[Point] = Sink("store", stopwatch.write, StoreError, self.problems)
        self.changes: Sink[Change | desk.Change] = Sink(
            "database", self._save, StateDatabaseError, self.problems
        )
        self.outbox = Outbox(database.engine)
        self.accounts = Accounts(database.engine, self.clock)
        self.channels = read_channels(os.environ)
        self.systemd = Systemd(os.environ)
        url = os.environ.get("IOC_HEARTBEAT_URL")
        self.heartbeat = Heartbeat(url, self._healthy, self.problems) if url else None
        self._polls_before = 0
        self.deliverer = Deliverer(self.clock, self.outbox, self.channels, self.problems)
        self.desk = desk.Desk(
            self.clock,
            self.problems,
            Planner(self.channels.of, settings.language),
            persist=self._persist_incidents,
            changed=self._incidents_changed,
        )
        self.pipeline = Pipeline(
            self.clock,
            loaded.topology,
            record=self.points.add,
            persist=self.changes.add,
            hub=self.hub,
            defer=lambda settle: asyncio.get_running_loop().call_later(SETTLE, settle),
            settled=self._watch_over,
            windows=self.desk.windows,
        )
        self.poller = Poller(self.clock, self.pipeline.accept)
        self.watch = store_watch.StoreWatch(self.clock, store, self.problems, self.pipeline)
        self.keeper = Keeper(
            self.clock, self.pipeline, store, Records(database.engine), Agreements(database.engine)
        )
        self.drawn = Drawn(
            self.clock, self.pipeline, self.desk, self.keeper, self.outbox, stopwatch
        )
        sources = Sources(self.clock, self.pipeline, self.keeper, database, simulated)
        self.post = Post(sources, database.engine, settings.data_dir, self.channels, self.problems)
        self.context = Context(
            clock=self.clock,
            monitor=self.pipeline,
            store=store,
            database=database,
            accounts=self.accounts,
            audit=Audit(database.engine, self.clock),
            local=entrance.local(settings.data_dir),
            desk=self.desk,
            outbox=self.outbox,
            flush=self.changes.flush,
            hub=self.hub,
            problems=self.problems,
            keeper=self.keeper,
            reports=self.post.reports,
            counters=self._counters,
            started_at=self.clock.now(),
            simulated=simulated,
            hosts=settings.hosts,
        )
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._notes: set[asyncio.Task[object]] = set()
        self._process = psutil.Process()

    async def run(self, listener: socket.socket) -> int:
        """Until a signal. 0 after a clean end, 1 when a part broke."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        self._loop = asyncio.get_running_loop()
        await self._restore()
        server = make_server(create_app(self.context), self.settings)
        scheduler = Jobs(self).scheduled()
        sinks = [asyncio.create_task(s.run()) for s in (self.points, self.changes)]
        parts = {
            asyncio.create_task(self.poller.run(), name="poller"),
            asyncio.create_task(self._every(TICK, self._tick), name="tick"),
            asyncio.create_task(self._every(CHECKPOINT, self._checkpoint), name="checkpoint"),
            asyncio.create_task(self._every(DISK_EVERY, self._check_disk), name="disk"),
            asyncio.create_task(self._every(store_watch.EVERY, self.watch.look), name="store"),
            asyncio.create_task(self._watch_inventory(), name="inventory"),
            asyncio.create_task(self.deliverer.run(), name="deliverer"),
            asyncio.create_task(self.post.run(), name="reports"),
            asyncio.create_task(server.serve(sockets=[listener]), name="web"),
        }
        if self.heartbeat is not None:
            parts.add(asyncio.create_task(self.heartbeat.run(), name="heartbeat"))
        if self.systemd.every is not None:
            alive = self._every(self.systemd.every, self._show_life)
            parts.add(asyncio.create_task(alive, name="watchdog"))
        scheduler.start()
        self._note_inventory(self.pipeline.topology.digest, ok=True, text="")
        self._announce(listener)
        await asyncio.to_thread(
            entrance.welcome, self.settings, self.accounts, simulated=self.context.simulated
        )
        if self.settings.exposed:
            self.problems.report("exposed", Reason(entrance.EXPOSED))
        self.systemd.tell(READY)
        broken = await self._wait(parts)
        self.systemd.tell(STOPPING)
        scheduler.shutdown(wait=False)
        server.should_exit = True
        await _end(parts)
        self.pipeline.settle()
        self._checkpoint()
        for sink in (self.points, self.changes):
            sink.stop()
        entrance.close(self.settings.data_dir)
        await asyncio.gather(*sinks)
        await _close_collectors(self.pipeline.topology)
        return 1 if broken else 0

    # --- parts that repeat

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None] | None]) -> None:
        """Call `act` about every so many seconds; what it raises is logged and it goes on."""
        while True:
            await asyncio.sleep(seconds)
            try:
                outcome = act()
                if outcome is not None:
                    await outcome
            except Exception:
                log.exception("a repeated task broke; it goes on")

    def _tick(self) -> None:
        self.pipeline.tick()
        self._watch_over()
        if self.pipeline.view().uplink_lost:
            self.problems.report("uplink", Reason("our own uplink is lost: nothing else is judged"))
        else:
            self.problems.clear("uplink")

    def _checkpoint(self) -> None:
        self.pipeline.checkpoint()
        self.points.add(self.drawn.points(self._counters()))

    def _healthy(self) -> bool:
        """Whether it does its work: measures, and stores what it measures."""
        codes = {problem.code for problem in self.problems.present()}
        return self.poller.stats.polls > 0 and codes.isdisjoint(UNHEALTHY)

    def _show_life(self) -> None:
        """Tell systemd that we live, but only while something is measured."""
        polls = self.poller.stats.polls
        if polls > self._polls_before or not self.pipeline.topology.checks:
            self.systemd.tell(ALIVE)
        self._polls_before = polls

    def _check_disk(self) -> None:
        found = space.troubles(self.settings.data_dir, self.clock.now(), DISK_LOW)
        for code, reason in found.items():
            if reason is None:
                self.problems.clear(code)
            else:
                self.problems.report(code, reason)

    # --- inventory

    async def _watch_inventory(self) -> None:
        await watch(self._loaded, self._replace, self._refuse)

    def _replace(self, loaded: Loaded) -> None:
        self.pipeline.replace(loaded.topology)
        self._set_polls(loaded.topology)
        self.problems.clear("inventory")
        self._in_thread(self.keeper.note_goals)
        log.info("inventory applied: %d assets", len(loaded.topology.assets))
        self._note_inventory(loaded.topology.digest, ok=True, text="")

    def _refuse(self, error: InventoryError) -> None:
        mistakes = error.mistakes
        words: dict[str, str | int | float] = {"count": len(mistakes), "first": str(mistakes[0])}
        text = "the changed inventory has {count} mistakes and is not in force: {first}"
        self.problems.report("inventory", Reason(text, words))
        for mistake in mistakes:
            log.error("%s", mistake)
        self._note_inventory("", ok=False, text=str(error))

    def _note_inventory(self, digest: str, *, ok: bool, text: str) -> None:
        """Keep in the state database which inventory was in force when, and what was refused."""
        now = self.clock.now()
        self._in_thread(lambda: self.database.record_inventory(digest, now, ok, text[:10_000]))

    def _in_thread(self, work: Callable[[], object]) -> None:
        """Something to write down that nothing waits for."""
        note = asyncio.create_task(asyncio.to_thread(work))
        self._notes.add(note)
        note.add_done_callback(self._noted)

    def _noted(self, note: asyncio.Task[object]) -> None:
        self._notes.discard(note)
        if not note.cancelled() and note.exception() is not None:
            log.error("the inventory's history: %s", note.exception())

    def _set_polls(self, topology: Topology) -> None:
        fatal = {check.id: check.fatal for check in topology.checks.values()}
        parents = check_parents(topology.assets, fatal)
        self.poller.replace(topology.checks, parents, self.pipeline.failing(), peers(topology))

    # --- state database

    async def _restore(self) -> None:
        saved = await asyncio.to_thread(self.database.load)
        since = {
            name: (state, start)
            for table in (saved.assets, saved.sites)
            for name, (state, start, *_rest) in table.items()
        }
        alive_until = await self.watch.last_sample()
        self.pipeline.restore(saved.checks, since, alive_until)
        known = await asyncio.to_thread(
            self.database.load_incidents, self.clock.now() - REOPEN_WITHIN
        )
        self.desk.load(known.recent, known.events, known.waiting, known.windows)
        await self.watch.look()
        self.pipeline.settle()
        self._set_polls(self.pipeline.topology)
        await asyncio.to_thread(self.keeper.load)
        await asyncio.to_thread(self.post.load)

    # --- incidents

    def _watch_over(self) -> None:
        if self._stop.is_set():
            return  # what falls silent because we end is no incident
        self.desk.watch(self.pipeline)

    def _persist_incidents(self, changes: Iterable[desk.Change]) -> None:
        self.changes.add(changes, soon=True)

    def _incidents_changed(self) -> None:
        self.points.add(self.drawn.incidents())
        self.hub.publish()

    def _save(self, changes: Sequence[Change | desk.Change]) -> None:
        """Newest value of each check, asset and site, and every transition. Runs in a thread."""
        self.database.save(
            list({c.check: c for c in changes if isinstance(c, CheckStatus)}.values()),
            list({c.id: c for c in changes if isinstance(c, AssetView)}.values()),
            list({c.id: c for c in changes if isinstance(c, SiteView)}.values()),
            [c for c in changes if isinstance(c, Transition)],
            incidents=list({c.id: c for c in changes if isinstance(c, Incident)}.values()),
            events=[c for c in changes if isinstance(c, Event)],
            windows=list({c.id: c for c in changes if isinstance(c, Window)}.values()),
            messages=[c for c in changes if isinstance(c, Message)],
        )
        if any(isinstance(c, Message) for c in changes) and self._loop is not None:
            self._loop.call_soon_threadsafe(self.deliverer.wake)

    # --- the rest

    def _counters(self) -> dict[str, float]:
        own = counters(
            self.poller, self.pipeline, self.points, self.changes, self.hub, self._process
        )
        return own | self.watch.figures()

    def _announce(self, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{port}/", flush=True)

    async def _wait(self, parts: set[asyncio.Task[None]]) -> bool:
        """Until a signal comes or a part ends by itself, which none should. True when one did."""
        stop = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait({stop, *parts}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        for part in done - {stop}:
            log.error("%s ended", part.get_name(), exc_info=part.exception())
        return stop not in done


async def _end(parts: set[asyncio.Task[None]]) -> None:
    for part in parts:
        if part.get_name() != "web":
            part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)


async def _close_collectors(topology: Topology) -> None:
    for kind in {check.kind for check in topology.checks.values()}:
        if (close := getattr(collector(kind), "close", None)) is not None:
            await close()
