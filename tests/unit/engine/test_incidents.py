"""From faults to incidents and messages: one root cause, one message, nothing false."""

from __future__ import annotations

from dataclasses import replace

import pytest
from district import device
from watch import RULES, Watch, district

from ioc.engine.maintenance import Window
from ioc.inventory.topology import Asset, AssetType, Route, Severity

FIBER, MOBILE, ROUTER = "xa-1.fiber", "xa-1.4g", "xa-1.router"


@pytest.fixture
def watch() -> Watch:
    made = Watch(district())
    assert made.open == []
    assert made.heard() == []
    return made


def test_a_fiber_cut_is_one_incident_and_one_message(watch: Watch) -> None:
    watch.fail(FIBER)
    assert watch.open == [("on-backup", FIBER)]
    watch.live(60)
    assert watch.heard() == [
        "[CRITICAL] Xã xa-1: fiber is down since 09:40, running on 4G as backup."
    ]


def test_its_repair_is_told_once_with_its_length(watch: Watch) -> None:
    watch.fail(FIBER)
    watch.live(600)
    watch.heard()
    watch.repair(FIBER)
    watch.live(60)
    assert watch.open == []
    (text,) = watch.heard()
    assert text.startswith("[RESTORED] Xã xa-1: fiber is down - restored at ")
    assert "after 10 min" in text
    assert watch.steps() == ["noticed", "opened", "paused", "resolved"]


def test_a_power_cut_is_one_dark_site(watch: Watch) -> None:
    watch.fail(FIBER, MOBILE, ROUTER)
    watch.live(60)
    assert watch.open == [("site-dark", "xa-1")]
    (text,) = watch.heard()
    assert "power cut suspected" in text
    watch.repair(FIBER, MOBILE, ROUTER)
    watch.live(60)
    assert watch.open == []
    assert len(watch.heard()) == 1


def test_links_that_fall_one_after_the_other_are_one_story_that_gets_worse(watch: Watch) -> None:
    watch.fail(FIBER)
    watch.live(60)
    watch.desk.acknowledge(1, "an")
    watch.fail(MOBILE)
    watch.live(60)
    assert watch.open == [("site-dark", "xa-1")]
    first, second = watch.heard()
    assert "running on 4G" in first
    assert "power cut suspected" in second
    assert watch.incidents[1].acknowledged_at is None, "what got worse wants a new look"
    watch.repair(MOBILE)
    watch.live(30)
    assert watch.open == [("on-backup", FIBER)]
    assert watch.heard() == [], "partly back, and not for long yet"
    watch.live(60)
    (eased,) = watch.heard()
    assert eased.startswith("[PARTLY RESTORED]")
    watch.repair(FIBER)
    watch.live(60)
    assert watch.open == []
    assert len(watch.heard()) == 1


def test_what_belongs_together_is_waited_for(watch: Watch) -> None:
    """The fiber is known to fail, the 4G and the router have not been asked since."""
    watch.down.update((FIBER, MOBILE, ROUTER))
    watch.pass_time(5)
    watch.poll(FIBER)
    assert watch.open == [("on-backup", FIBER)]
    assert watch.heard() == []
    watch.pass_time(2)
    watch.poll()
    assert watch.open == [("site-dark", "xa-1")]
    assert len(watch.heard()) == 1


def test_what_never_answers_is_not_waited_for_for_ever(watch: Watch) -> None:
    watch.pass_time(5)
    watch.down.add(FIBER)
    watch.poll(FIBER)
    watch.pass_time(11)
    assert len(watch.heard()) == 1


def test_a_blip_is_noted_and_not_told(watch: Watch) -> None:
    watch.pass_time(5)
    watch.down.add(FIBER)
    watch.poll(FIBER)
    watch.repair(FIBER)
    watch.live(60)
    assert watch.heard() == []
    assert watch.steps() == ["noticed", "paused", "resolved"]


def test_our_own_uplink_is_one_incident_whatever_lies_behind() -> None:
    watch = Watch(district(communes=5))
    watch.fail("uplink")
    watch.live(60)
    assert watch.open == [("uplink-lost", "huyen")]
    assert len(watch.heard()) == 1
    watch.repair("uplink")
    watch.live(60)
    assert watch.open == []
    assert len(watch.heard()) == 1


def test_an_outage_outlives_a_lost_uplink(watch: Watch) -> None:
    watch.fail(FIBER)
    watch.live(30)
    watch.fail("uplink")
    watch.live(120)
    assert ("on-backup", FIBER) in watch.open, "nothing known is no recovery"
    watch.heard()
    watch.repair("uplink")
    watch.live(60)
    assert watch.open == [("on-backup", FIBER)]
    assert [text.split("]")[0] for text in watch.heard()] == ["[RESTORED"]


def test_a_router_that_fails_joins_the_dark_site_and_comes_out_again(watch: Watch) -> None:
    watch.fail(ROUTER)
    watch.live(30)
    assert watch.open == [("device-down", ROUTER)]
    assert len(watch.heard()) == 1
    watch.fail(FIBER, MOBILE)
    watch.live(30)
    assert watch.open == [("site-dark", "xa-1")]
    assert watch.incidents[1].merged_into == 2
    watch.heard()
    watch.repair(FIBER, MOBILE)
    watch.live(60)
    assert watch.open == [("device-down", ROUTER)]
    (restored,) = watch.heard()
    assert restored.startswith("[RESTORED]")
    watch.repair(ROUTER)
    watch.live(60)
    assert watch.open == []
    assert len(watch.heard()) == 1


def test_a_core_router_takes_its_sites_along_in_one_message() -> None:
    core = Asset("core", AssetType.DEVICE, "router", "Router lõi", checks=("core.fake",))
    found = district(communes=10, extra=[core])
    links = {
        name: replace(asset, parents=("core",)) if asset.type is AssetType.LINK else asset
        for name, asset in found.assets.items()
    }
    watch = Watch(replace(found, assets=links))
    watch.fail("core")
    watch.live(60)
    assert watch.open == [("device-down", "core")]
    (text,) = watch.heard()
    assert "affects 60 devices at 10 places" in text


def test_a_link_that_comes_and_goes_is_told_once_as_unstable() -> None:
    watch = Watch(district(rules=replace(RULES, flapping=6, flapping_quiet=120)))
    for _ in range(10):
        watch.fail(FIBER)
        watch.live(20)
        watch.repair(FIBER)
        watch.live(20)
    texts = watch.heard()
    assert sum("UNSTABLE" in text for text in texts) == 1
    assert len(texts) <= 7
    assert watch.open == [("on-backup", FIBER)]
    watch.live(200)
    assert watch.open == []
    (end,) = watch.heard()
    assert end.startswith("[RESTORED]")


def test_the_portal_is_out_for_all_or_from_one_site() -> None:
    views = [
        Asset(f"xa-{n}.dvc", AssetType.SERVICE, "portal", "Cổng DVC", f"xa-{n}",
              checks=(f"xa-{n}.dvc.fake",), parents=(f"xa-{n}.router",))
        for n in (1, 2)
    ]  # fmt: skip
    watch = Watch(district(extra=views))
    watch.fail("xa-1.dvc")
    watch.live(30)
    assert watch.open == [("service-from-site", "xa-1.dvc")]
    (text,) = watch.heard()
    assert text.startswith("[WARNING] Xã xa-1: Cổng DVC does not work from here; elsewhere it does")
    watch.fail("dvc", "xa-2.dvc")
    watch.live(30)
    assert [kind for kind, _ in watch.open] == ["service-down"]
    (text,) = watch.heard()
    assert text.startswith("[CRITICAL] Huyện thử: Cổng DVC does not work since")
    watch.repair("dvc", "xa-1.dvc", "xa-2.dvc")
    watch.live(30)
    assert watch.open == []


def test_computers_are_counted_by_site_never_told_one_by_one(watch: Watch) -> None:
    watch.fail("xa-1.pc-1")
    watch.live(60)
    assert watch.open == []
    watch.fail("xa-1.pc-2")
    watch.live(60)
    assert watch.open == [("computers-missing", "xa-1")]
    (text,) = watch.heard()
    assert "67 % of the expected computers unseen (2/3)" in text
    watch.repair("xa-1.pc-1", "xa-1.pc-2")
    watch.live(60)
    assert watch.open == []


def test_maintenance_stops_messages_and_nothing_else(watch: Watch) -> None:
    now = watch.clock.now()
    window = Window(0, "thay cáp", "an", now, now, now + 120_000, sites=frozenset({"xa-1"}))
    watch.desk.plan_work(window)
    watch.fail(FIBER)
    watch.live(60)
    assert watch.open == [("on-backup", FIBER)]
    assert watch.pipeline.view().assets[FIBER].state == "maintenance"
    assert watch.heard() == []
    watch.live(90)
    assert len(watch.heard()) == 1, "the work is over, the fiber is not back"
    watch.repair(FIBER)
    watch.live(60)
    assert len(watch.heard()) == 1


def test_an_outage_from_before_the_work_is_resolved_in_it_and_told(watch: Watch) -> None:
    watch.fail(FIBER)
    watch.live(30)
    watch.heard()
    now = watch.clock.now()
    watch.desk.plan_work(Window(0, "thay cáp", "an", now, now, now + 600_000))
    watch.live(60)
    assert watch.open == [("on-backup", FIBER)]
    watch.repair(FIBER)
    watch.live(60)
    assert watch.open == []
    assert [text.split("]")[0] for text in watch.heard()] == ["[RESTORED"]


def test_nobody_acknowledges_so_it_escalates_once() -> None:
    routes = (Route("duty"), Route("chief", after=120.0))
    watch = Watch(district(routes=routes), people={"duty": ["duty/0"], "chief": ["chief/0"]})
    watch.fail(FIBER)
    watch.live(600)
    assert [m.recipient for m in watch.messages] == ["duty/0", "chief/0"]
    assert "[NOT ACKNOWLEDGED FOR 2 MIN]" in watch.messages[1].body
    watch.heard()
    watch.repair(FIBER)
    watch.live(60)
    assert sorted(m.recipient for m in watch.messages) == ["chief/0", "duty/0"]


def test_who_acknowledges_stops_the_escalation() -> None:
    routes = (Route("duty"), Route("chief", after=120.0))
    watch = Watch(district(routes=routes), people={"duty": ["duty/0"], "chief": ["chief/0"]})
    watch.fail(FIBER)
    watch.live(60)
    watch.desk.acknowledge(1, "an")
    watch.live(600)
    assert [m.recipient for m in watch.messages] == ["duty/0"]


def test_a_hand_cannot_declare_up_what_is_down(watch: Watch) -> None:
    watch.fail(FIBER)
    watch.live(30)
    watch.desk.resolve(1, "an", "đứt cáp")
    assert watch.open == [("on-backup", FIBER)]
    watch.repair(FIBER)
    watch.live(30)
    assert watch.incidents[1].cause == "đứt cáp"
    assert watch.open == []


def test_loss_makes_a_link_bad_and_what_lies_behind_is_not_told() -> None:
    watch = Watch(district())
    for number in range(20):
        watch.pass_time(10)
        for name in (FIBER, ROUTER):
            check = watch.found.checks[f"{name}.fake"]
            watch.pipeline.accept(_lossy(check.id, watch.clock.now(), 1 + number % 2))
        watch.poll("xa-1.4g", "uplink", "dvc")
    assert [one for one in watch.open if one[0] == "quality"] == [("quality", FIBER)]
    (text,) = [text for text in watch.heard() if "lost" in text]
    assert "of the packets are lost" in text


def test_latency_is_judged_by_what_is_usual() -> None:
    watch = Watch(district())
    for _ in range(40):
        watch.pass_time(10)
        watch.pipeline.accept(_rtt(f"{FIBER}.fake", watch.clock.now(), 20.0))
    assert watch.pipeline.quality.usual(f"{FIBER}.fake") == 20.0
    for _ in range(8):
        watch.pass_time(10)
        watch.pipeline.accept(_rtt(f"{FIBER}.fake", watch.clock.now(), 200.0))
        watch.pipeline.settle()
    watch.pass_time(1)
    assert ("quality", FIBER) in watch.open
    for _ in range(8):
        watch.pass_time(10)
        watch.pipeline.accept(_rtt(f"{FIBER}.fake", watch.clock.now(), 21.0))
    watch.pass_time(30)
    assert ("quality", FIBER) not in watch.open


def test_no_data_is_an_incident_of_its_own(watch: Watch) -> None:
    watch.pass_time(400)
    assert watch.open == [("stale", "huyen")]
    assert len(watch.heard()) == 1
    watch.live(60)
    assert watch.open == []


def test_trouble_of_the_monitor_itself_is_told(watch: Watch) -> None:
    from collectors.base import Reason

    watch.problems.report("disk", Reason("only {free} MB left on the data disk", {"free": 3}))
    watch.pass_time(2)
    assert watch.open == [("monitor", "disk")]
    (text,) = watch.heard()
    assert text.startswith("[CRITICAL] The monitor: only 3 MB left")
    watch.problems.clear("disk")
    watch.pass_time(10)
    assert watch.open == []


def test_a_step_of_the_wall_clock_ends_nothing_and_holds_nothing_up(watch: Watch) -> None:
    watch.fail(FIBER)
    watch.live(30)
    watch.clock.step = -7200
    watch.repair(FIBER)
    watch.live(30)
    assert watch.open == []
    assert len(watch.heard()) == 2


def test_what_can_wait_comes_together_in_the_morning() -> None:
    from ioc.inventory.topology import CalendarRule

    office = CalendarRule("office", frozenset(range(5)), ((7 * 60, 9 * 60), (10 * 60, 17 * 60)))
    rules = replace(RULES, calendar="office", digest=frozenset({Severity.WARNING}))
    found = replace(district(communes=6, rules=rules), calendars={"office": office})
    watch = Watch(found)  # 09:40: between the hours
    watch.fail(*(f"xa-{n}.4g" for n in range(1, 7)))
    watch.live(60)
    watch.repair("xa-1.4g")
    watch.live(60)
    assert len(watch.open) == 5
    assert watch.heard() == []
    watch.live(20 * 60)
    (text,) = watch.heard()
    assert text.startswith("6 things happened:")
    assert text.count("4G is down") == 6
    assert "[RESTORED] Xã xa-1" in text
    watch.repair(*(f"xa-{n}.4g" for n in range(1, 7)))
    watch.live(60)
    assert len(watch.heard()) == 1, "five at once come as one"


def test_3000_assets_behind_one_router_are_one_message() -> None:
    core = device("xa-1", "core", (ROUTER,), "switch")
    many = [device("xa-1", f"sw-{n}", (core.id,), "switch") for n in range(3000)]
    watch = Watch(district(extra=[core, *many]))
    watch.fail(core.id)
    watch.live(30)
    assert watch.open == [("device-down", core.id)]
    (text,) = watch.heard()
    assert "affects 3,000 devices" in text or "affects 3000 devices" in text


def _lossy(check: str, at: int, attempts: int):
    from collectors.base import Result, Verdict

    return Result(check, at, Verdict.OK, {"rtt_ms": 1.0}, attempts=attempts)


def _rtt(check: str, at: int, rtt: float):
    from collectors.base import Result, Verdict

    return Result(check, at, Verdict.OK, {"rtt_ms": rtt})


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (Route("duty"), True),
        (Route("duty", severities=frozenset({Severity.CRITICAL})), True),
        (Route("duty", severities=frozenset({Severity.WARNING})), False),
        (Route("duty", sites=frozenset({"xa-1"})), True),
        (Route("duty", sites=frozenset({"xa-2"})), False),
        (Route("duty", kinds=frozenset({"fiber"})), True),
        (Route("duty", kinds=frozenset({"link"})), True),
        (Route("duty", kinds=frozenset({"on-backup"})), True),
        (Route("duty", kinds=frozenset({"router", "portal"})), False),
        (Route("duty", hours=((9 * 60, 10 * 60),)), True),  # it is 09:40
        (Route("duty", hours=((22 * 60, 5 * 60),)), False),
        (Route("duty", hours=((22 * 60, 9 * 60 + 50),)), True),
        (Route("nobody"), False),
    ],
)
def test_routes_say_who_hears_of_what(route: Route, told: bool) -> None:
    watch = Watch(district(routes=(route,)))
    watch.fail(FIBER)
    watch.live(30)
    assert bool(watch.heard()) is told


def test_each_route_speaks_its_own_language() -> None:
    routes = (Route("duty"), Route("old", language="vi", plain=True))
    watch = Watch(district(routes=routes), people={"duty": ["duty/0"], "old": ["old/0"]})
    watch.fail(FIBER)
    watch.live(30)
    bodies = {message.recipient: message.body for message in watch.messages}
    assert bodies["duty/0"].startswith("[CRITICAL] Xã xa-1: fiber is down")
    assert bodies["old/0"].startswith("[NGHIEM TRONG] Xa xa-1: mat ket noi cap quang")
