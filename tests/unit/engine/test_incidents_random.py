"""Any faults and repairs, in any order, on any district: in the end it is quiet, and nobody was
told too much, nor of what lies behind something that was known to have failed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from district import commune, device, topology
from hypothesis import given, settings
from hypothesis import strategies as st
from watch import RULES, Watch

from ioc.engine.incident import Step
from ioc.engine.maintenance import Window
from ioc.inventory.topology import Asset, AssetType, Route, Topology

ROUTES = (Route("duty"), Route("chief", after=60.0))
PEOPLE = {"duty": ["duty/0", "duty/1"], "chief": ["chief/0"]}


def make_district(chance: random.Random) -> Topology:
    """Up to five communes, some behind a core router, some without 4G, switches behind switches."""
    pairs, extra = [], []
    core = Asset("core", AssetType.DEVICE, "router", "Lõi", checks=("core.fake",),
                 parents=("uplink",))  # fmt: skip
    extra.append(core)
    for number in range(1, chance.randint(2, 5)):
        site, assets = commune(f"xa-{number}", chance.randint(0, 4))
        if chance.random() < 0.4:
            assets = [
                replace(a, parents=("core",)) if a.type is AssetType.LINK else a for a in assets
            ]
        parent = f"xa-{number}.router"
        for depth in range(chance.randint(0, 3)):
            switch = device(site.id, f"sw-{depth}", (parent,), "switch")
            assets.append(switch)
            site = replace(site, devices=(*site.devices, switch.id))
            parent = switch.id
        pairs.append((site, assets))
    portal = Asset("dvc", AssetType.SERVICE, "portal", "Cổng", checks=("dvc.fake",),
                   parents=("uplink",))  # fmt: skip
    found = topology(pairs, extra=[*extra, portal])
    checks = {name: replace(c, interval=30.0) for name, c in found.checks.items()}
    return replace(found, checks=checks, alerts=RULES, routes=ROUTES)


@pytest.mark.timeout(400)  # sixty districts, beside other tests
@settings(max_examples=60)
@given(seed=st.integers(0, 10**9), steps=st.integers(1, 25))
def test_after_quiet_nothing_is_open_and_little_was_said(seed: int, steps: int) -> None:
    chance = random.Random(seed)
    watch = Watch(make_district(chance), people=PEOPLE)
    assets = list(watch.found.assets)
    faults = 0
    for _ in range(steps):
        act = chance.choice(("fail", "fail", "repair", "wait", "some", "plan", "ack"))
        if act == "fail":
            names = chance.sample(assets, chance.randint(1, 3))
            faults += len([name for name in names if name not in watch.down])
            watch.fail(*names)
        elif act == "repair" and watch.down:
            watch.repair(*chance.sample(sorted(watch.down), 1))
        elif act == "some":  # parents are not always measured before their children
            watch.poll(*chance.sample(assets, max(1, len(assets) // 2)))
        elif act == "plan":
            now = watch.clock.now()
            where = frozenset(chance.sample(sorted(watch.found.sites), 1))
            watch.desk.plan_work(Window(0, "x", "an", now, now, now + 60_000, sites=where))
        elif act == "ack" and watch.desk.book.open:
            number = chance.choice(list(watch.desk.book.open.values())).id
            watch.desk.acknowledge(number, "an")
        else:
            watch.live(chance.choice((10, 30, 120)))
        _nothing_is_told_of_what_lies_behind(watch)
    watch.repair(*watch.down)
    watch.live(1300)

    assert watch.open == []
    assert all(not incident.open for incident in watch.incidents.values())
    for incident in watch.incidents.values():
        ends = watch.steps(incident.id)
        assert ends[-1] in (Step.RESOLVED, Step.MERGED), ends
        if incident.told and incident.merged_into is None:
            last = [m for m in watch.messages if m.about == f"incident:{incident.id}"]
            bundled = any(m.about == "incidents" for m in watch.messages)
            assert bundled or last[-1].body.startswith("[RESTORED]"), incident
    # A cause is told to each: once when it opens or gets worse, once when it ends, once late.
    assert len(watch.messages) <= faults * (2 * 2 + 1 * 3 + 3)
    assert len({m.key for m in watch.messages}) == len(watch.messages)


def _nothing_is_told_of_what_lies_behind(watch: Watch) -> None:
    """An open incident that was told has a subject that nothing else explains, when told."""
    view = watch.pipeline.view()
    newest = {e.incident for e in watch.events if e.step is Step.OPENED}
    for incident in watch.desk.book.open.values():
        at = [e.at for e in watch.events if e.incident == incident.id and e.step is Step.OPENED]
        if incident.id in newest and at and at[-1] == watch.clock.now():
            state = view.assets.get(incident.subject)
            assert state is None or state.state != "unreachable", incident
