"""Twenty communes, real faults: each gives exactly its incidents and its messages, no other.

Messages are what a real HTTP server received from the real program through a real channel.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.lab._district import CORE, District
from tests.lab._hook import Hook
from tests.lab._inventory import ALERTS, INTERVAL, inventory
from tests.lab._monitor import Monitor
from tests.lab._namespaces import Namespaces, why_not

PORT = 8080  # inside the namespace nothing else listens
PATIENCE = 40.0
STEADY = 2 * INTERVAL  # seconds in which nothing further may be said

pytestmark = [
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

Open = tuple[str, str]  # kind, subject


@dataclass(slots=True)
class Lab:
    district: District
    monitor: Monitor
    hook: Hook
    read: int = field(default=0)

    def open(self) -> list[Open]:
        items = self.monitor.get("incidents?state=open&lang=en")["items"]
        return sorted((item["kind"], item["subject"]) for item in items)

    def incidents(self) -> list[dict[str, Any]]:
        return self.monitor.get("incidents?limit=1000&lang=en")["items"]

    def heard(self) -> list[str]:
        """`recipient: text` of the messages received since the last time."""
        everything = self.hook.heard()
        new, self.read = everything[self.read :], len(everything)
        return [f"{one.path}: {one.text}" for one in new]

    def expect(self, act: Callable[[], object], opened: list[Open], *messages: str) -> list[str]:
        """Do something: exactly these incidents are open then, and exactly these messages came.

        messages: parts of them, in any order, one for each. Gives the messages.
        """
        act()
        self.monitor.until(lambda: self.open() == sorted(opened), PATIENCE, f"open: {opened}")
        self._settle(len(messages))
        heard = self.heard()
        assert self.open() == sorted(opened)
        assert len(heard) == len(messages), heard
        missing = [part for part in messages if not any(part in text for text in heard)]
        assert not missing, (missing, heard)
        return heard

    def _settle(self, count: int) -> None:
        def came() -> bool:
            return len(self.hook.heard()) - self.read >= count

        self.monitor.until(came, PATIENCE, f"{count} messages")
        time.sleep(STEADY)

    def heal(self) -> None:
        self.district.heal()
        self.monitor.until(lambda: not self.open(), 2 * PATIENCE, "nothing open")
        time.sleep(STEADY)
        self.heard()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("incidents")
    with Namespaces() as spaces:
        district = District(spaces, communes=20, computers=5)
        for site in ("xa-1", "xa-2"):
            district.open_proxy(site)
        hook = Hook(spaces, CORE, folder / "heard.txt")
        monitor = Monitor(
            folder,
            inventory(district, more=ALERTS, views=True, slow="xa-3"),
            port=PORT,
            spawn=partial(spaces.spawn, CORE),
            dial=partial(spaces.socket, CORE),
            environment={
                "IOC_CHANNEL_DUTY": hook.url("duty"),
                "IOC_CHANNEL_CHIEF": hook.url("chief"),
            },
        )
        with monitor:
            made = Lab(district, monitor, hook)
            everything = lambda: set(monitor.states().values()) == {"up"}  # noqa: E731
            monitor.until(everything, PATIENCE, "everything up")
            yield made


@pytest.fixture
def lab(running: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    failed = request.session.testsfailed
    yield running
    if request.session.testsfailed > failed:
        running.heal()


def test_a_quiet_start_says_nothing(lab: Lab) -> None:
    lab.expect(lambda: None, [])
    assert lab.incidents() == []


def test_fiber_cut(lab: Lab) -> None:
    lab.expect(
        lambda: lab.district.cut("xa-4.fiber"),
        [("on-backup", "xa-4.fiber")],
        "duty: [CRITICAL] Xã 4: fiber is down since",
    )
    lab.expect(lambda: lab.district.repair("xa-4.fiber"), [], "duty: [RESTORED] Xã 4: fiber")


def test_fiber_and_4g_cut_together(lab: Lab) -> None:
    def cut() -> None:
        lab.district.cut("xa-5.fiber")
        lab.district.cut("xa-5.4g")

    def repair() -> None:
        lab.district.repair("xa-5.fiber")
        lab.district.repair("xa-5.4g")

    lab.expect(cut, [("site-dark", "xa-5")], "duty: [CRITICAL] Xã 5: every link and the router")
    lab.expect(repair, [], "duty: [RESTORED] Xã 5")


def test_power_cut_of_a_site(lab: Lab) -> None:
    lab.expect(
        lambda: lab.district.power_cut("xa-6"),
        [("site-dark", "xa-6")],
        "duty: [CRITICAL] Xã 6: every link and the router are silent, power cut suspected",
    )
    lab.expect(lambda: lab.district.power_back("xa-6"), [], "duty: [RESTORED] Xã 6")


def test_a_parent_that_is_polled_long_after_its_children(lab: Lab) -> None:
    """The router falls silent first; its links, asked once a minute, are asked at once."""
    lab.expect(
        lambda: lab.district.power_cut("xa-3"),
        [("site-dark", "xa-3")],
        "duty: [CRITICAL] Xã 3: every link and the router are silent",
    )
    number = lab.monitor.get("incidents?state=open")["items"][0]["id"]
    lab.monitor.send("POST", f"incidents/{number}/acknowledge", {})  # it takes up to a minute
    lab.district.power_back("xa-3")
    lab.monitor.until(lambda: lab.open() == [], 100, "nothing open")
    lab.expect(lambda: None, [], "duty: [RESTORED] Xã 3")


def test_nobody_acknowledges_a_power_cut(lab: Lab) -> None:
    def wait() -> None:
        lab.district.power_cut("xa-7")
        time.sleep(24)

    lab.expect(
        wait,
        [("site-dark", "xa-7")],
        "duty: [CRITICAL] Xã 7",
        "chief: [CRITICAL] [NOT ACKNOWLEDGED FOR",
    )
    back = partial(lab.district.power_back, "xa-7")
    lab.expect(back, [], "duty: [RESTORED] Xã 7", "chief: [RESTORED] Xã 7")


def test_core_uplink_cut(lab: Lab) -> None:
    """Everything is silent: one incident; when it is back the children stay quiet."""
    lab.expect(
        lab.district.cut_uplink,
        [("uplink-lost", "lab")],
        "duty: [CRITICAL] Huyện thử nghiệm: the center has lost its own way out",
    )
    lab.expect(lab.district.repair_uplink, [], "duty: [RESTORED] Huyện thử nghiệm")


def test_an_outage_under_a_lost_uplink_is_told_afterwards_once(lab: Lab) -> None:
    """The parent recovers first: what is still silent is asked again before anything is said."""
    lab.expect(lab.district.cut_uplink, [("uplink-lost", "lab")], "duty: [CRITICAL] Huyện")
    lab.district.power_cut("xa-8")
    lab.expect(
        lab.district.repair_uplink,
        [("site-dark", "xa-8")],
        "duty: [RESTORED] Huyện thử nghiệm",
        "duty: [CRITICAL] Xã 8: every link and the router",
    )
    lab.expect(lambda: lab.district.power_back("xa-8"), [], "duty: [RESTORED] Xã 8")


def test_brownout(lab: Lab) -> None:
    lab.expect(
        lambda: lab.district.brownout("xa-9.fiber", 0.3),
        [("quality", "xa-9.fiber")],
        "of the packets are lost",
    )
    lab.district.brownout("xa-9.fiber", 0)
    lab.monitor.until(lambda: lab.open() == [], 120, "nothing open")
    lab.expect(lambda: None, [], "duty: [RESTORED] Xã 9")


def test_flapping_link(lab: Lab) -> None:
    for _ in range(5):
        lab.district.cut("xa-10.4g")
        lab.monitor.until(lambda: lab.monitor.states()["xa-10.4g"] == "down", PATIENCE, "down")
        time.sleep(1)
        lab.district.repair("xa-10.4g")
        lab.monitor.until(lambda: lab.monitor.states()["xa-10.4g"] == "up", PATIENCE, "up")
        time.sleep(1)
    texts = lab.heard()
    assert sum("[UNSTABLE] Xã 10: 4G" in text for text in texts) == 1, texts
    assert lab.open() == [("link-down", "xa-10.4g")]
    lab.monitor.until(lambda: lab.open() == [], PATIENCE, "its end")
    time.sleep(STEADY)
    assert Counter("[RESTORED] Xã 10" in text for text in lab.heard()) == {True: 1}


def test_portal_down_for_all(lab: Lab) -> None:
    lab.expect(
        lab.district.close_portal,
        [("service-down", "portal")],
        "duty: [CRITICAL] Huyện thử nghiệm: Cổng dịch vụ công does not work",
    )
    lab.expect(lab.district.open_portal, [], "duty: [RESTORED]")


def test_portal_unreachable_from_one_commune(lab: Lab) -> None:
    lab.expect(
        lambda: lab.district.hide_portal("xa-2"),
        [("service-from-site", "xa-2.portal")],
        "duty: [WARNING] Xã 2: Cổng dịch vụ công does not work from here; elsewhere it does",
    )
    lab.expect(lambda: lab.district.show_portal("xa-2"), [], "duty: [RESTORED] Xã 2")


def test_maintenance_overlapping_an_outage(lab: Lab) -> None:
    now = time.time()
    window = {
        "text": "thay cáp",
        "sites": ["xa-11"],
        "ends_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 20)),
    }
    lab.monitor.send("POST", "maintenance", window)
    lab.expect(lambda: lab.district.cut("xa-11.fiber"), [("on-backup", "xa-11.fiber")])
    assert lab.monitor.states()["xa-11.fiber"] == "maintenance"
    time.sleep(max(0, now + 20 - time.time()))
    lab.expect(
        lambda: None, [("on-backup", "xa-11.fiber")], "duty: [CRITICAL] Xã 11: fiber is down"
    )
    lab.expect(lambda: lab.district.repair("xa-11.fiber"), [], "duty: [RESTORED] Xã 11")


def test_acknowledged_then_worse(lab: Lab) -> None:
    cut = partial(lab.district.cut, "xa-12.fiber")
    lab.expect(cut, [("on-backup", "xa-12.fiber")], "duty: [CRITICAL] Xã 12: fiber")
    number = lab.monitor.get("incidents?state=open")["items"][0]["id"]
    found = lab.monitor.send("POST", f"incidents/{number}/acknowledge", {"text": "đang xem"})
    assert found["acknowledged_at"] is not None
    lab.expect(
        lambda: lab.district.cut("xa-12.4g"),
        [("site-dark", "xa-12")],
        "duty: [CRITICAL] Xã 12: every link and the router",
    )

    def repair() -> None:
        lab.district.repair("xa-12.fiber")
        lab.district.repair("xa-12.4g")

    lab.expect(repair, [], "duty: [RESTORED] Xã 12")
    steps = [s["step"] for s in lab.monitor.get(f"incidents/{number}")["timeline"]]
    assert steps[:4] == ["noticed", "opened", "acknowledged", "worsened"]
    assert steps[-1] == "resolved"


def test_restart_of_the_monitor_in_the_middle_of_an_outage(lab: Lab) -> None:
    dark = [("site-dark", "xa-13")]
    lab.expect(lambda: lab.district.power_cut("xa-13"), dark, "duty: [CRITICAL] Xã 13")
    number = lab.monitor.get("incidents?state=open")["items"][0]["id"]
    lab.monitor.send("POST", f"incidents/{number}/acknowledge", {})

    def restart() -> None:
        lab.monitor.kill()
        lab.monitor.start()

    lab.expect(restart, dark)
    assert [i["id"] for i in lab.monitor.get("incidents?state=open")["items"]] == [number]
    lab.expect(lambda: lab.district.power_back("xa-13"), [], "duty: [RESTORED] Xã 13")
