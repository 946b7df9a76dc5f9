"""The real program but its poller and its loop: pages and API over results the test feeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from district import HandClock, commune, failed, ok, topology
from fastapi import FastAPI

from ioc.accounts.audit import Audit
from ioc.accounts.model import Actor, Role
from ioc.accounts.store import Accounts
from ioc.api.context import Context
from ioc.db import StateDatabase
from ioc.engine.hub import Hub
from ioc.engine.incident import Event, Incident
from ioc.engine.maintenance import Window
from ioc.engine.model import AssetView, CheckStatus, SiteView, Transition
from ioc.engine.pipeline import Change, Pipeline
from ioc.engine.problems import Problems
from ioc.engine.reachability import depths
from ioc.inventory.topology import Asset, AssetType, Topology
from ioc.ledger.keeper import Keeper
from ioc.ledger.records import Records
from ioc.ledger.sla import Agreements
from ioc.notify.desk import Desk
from ioc.notify.planner import Planner
from ioc.outbox import Message, Outbox
from ioc.reports.gather import Sources
from ioc.reports.jobs import Reports
from ioc.store import open_store
from ioc.web import create_app

NASTY = "<script>alert('x')</script> Xã có tên rất dài để thử xem ô có bị tràn ra ngoài hay không"


SECRET = "of-the-tests"
SIGNED_IN = {"Authorization": f"Bearer {SECRET}"}


@dataclass
class Program:
    clock: HandClock
    pipeline: Pipeline
    context: Context
    app: FastAPI

    def feed(self, up: Iterable[str] = (), down: Iterable[str] = ()) -> None:
        """Results a second later, parents first."""
        self.clock.seconds += 1
        depth = depths(self.pipeline.topology.assets)
        for name in sorted(up, key=lambda a: depth[a]):
            self.pipeline.accept(ok(name, self.clock.now()))
        for name in sorted(down, key=lambda a: depth[a]):
            self.pipeline.accept(failed(name, self.clock.now()))
        self.pipeline.settle()
        self.context.desk.step(self.pipeline)

    def session(self, name: str = "an", role: Role = Role.ADMIN) -> str:
        """The cookie of somebody who is signed in."""
        accounts = self.context.accounts
        if all(user.name != name for user in accounts.users()):
            accounts.add(name, role)
        return accounts.open_session(name, "127.0.0.1", "tests")

    def all_up(self) -> None:
        self.feed(up=self.pipeline.topology.assets)


def small_district() -> Topology:
    pairs = [commune("yen-thinh"), commune("ban-thi"), commune("nasty")]
    site, assets = pairs[2]
    pairs[2] = (replace(site, name=NASTY), assets)
    portal = Asset("dvc", AssetType.SERVICE, "portal", "Cổng & Dịch vụ công", checks=("dvc.fake",),
                   parents=("uplink",))  # fmt: skip
    return topology(pairs, extra=[portal])


@contextmanager
def program(folder: Path, found: Topology | None = None) -> Iterator[Program]:
    clock, hub = HandClock(), Hub()
    store = open_store("memory://")
    database = StateDatabase.open(f"sqlite:///{folder}/state.db")

    def persist(changes: Iterable[Change]) -> None:
        some = list(changes)
        database.save(
            [c for c in some if isinstance(c, CheckStatus)],
            [c for c in some if isinstance(c, AssetView)],
            [c for c in some if isinstance(c, SiteView)],
            [c for c in some if isinstance(c, Transition)],
        )

    def persist_incidents(changes: Iterable[Incident | Event | Message | Window]) -> None:
        some = list(changes)
        database.save(
            [], [], [], [],
            incidents=[c for c in some if isinstance(c, Incident)],
            events=[c for c in some if isinstance(c, Event)],
            windows=[c for c in some if isinstance(c, Window)],
            messages=[c for c in some if isinstance(c, Message)],
        )  # fmt: skip

    problems = Problems(clock)
    planner = Planner(lambda channel: [f"{channel}/0"], "vi")
    desk = Desk(clock, problems, planner, persist=persist_incidents)
    pipeline = Pipeline(
        clock,
        found or small_district(),
        record=lambda points: store.write(list(points)),
        persist=persist,
        hub=hub,
        settled=lambda: desk.step(pipeline),
        windows=desk.windows,
    )

    keeper = Keeper(clock, pipeline, store, Records(database.engine), Agreements(database.engine))
    keeper.load()

    async def flush(_: float) -> bool:
        return True

    context = Context(
        clock=clock,
        monitor=pipeline,
        store=store,
        database=database,
        accounts=Accounts(database.engine, clock),
        audit=Audit(database.engine, clock),
        local={SECRET: Actor("test", Role.ADMIN, "local")},
        desk=desk,
        outbox=Outbox(database.engine),
        flush=flush,
        hub=hub,
        problems=problems,
        keeper=keeper,
        reports=Reports(
            Sources(clock, pipeline, keeper, database, False), database.engine, folder / "reports"
        ),
        counters=lambda: {"polls": 1.0, "lag_p99_ms": 0.5},
        started_at=clock.now(),
    )
    try:
        yield Program(clock, pipeline, context, create_app(context))
    finally:
        database.close()
        store.close()
