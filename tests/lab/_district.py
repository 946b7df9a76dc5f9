"""A district of network namespaces: what is plugged into what, and how it can break.

    core ──uplink── edge ─┬─ fiber ─┬─ xa-1.router ─ lan ─ xa-1.pc-10   (a real computer)
    (the monitor)         │─ 4G ────┘      └ xa-1.pc-11 …               (addresses of the router)
                          ├─ fiber ─┬─ xa-2.router …
                          │─ 4G ────┘
                          ├─ sentinel                                   (beyond the uplink)
                          └─ portal                                     (a real HTTP server)

Addresses, commune i: LAN 10.64.i.0/24 with its router at .1 and computers from .10; fiber
10.65.i.0/30 and 4G 10.65.i.4/30, the router at .2 and .6. All of it exists inside the lab only.

edge prefers fiber and falls back to 4G when the fiber has no carrier, and drops silently what it
has no way for: so a router stays reachable over 4G, and a link's own address never does.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab import _wire as wire
from tests.lab._namespaces import Namespaces, end_process

CORE, EDGE, SENTINEL, PORTAL = "core", "edge", "sentinel", "portal"
UPLINK, UPLINK_FAR = "10.66.0.2", "10.66.0.1"
SENTINEL_ADDRESS, PORTAL_ADDRESS = "10.67.0.2", "10.68.0.2"
PORTAL_PORT = 80
PROXY_PORT = 8000  # on a commune's router: the portal as seen from there
FIBER_DELAY_MS, MOBILE_DELAY_MS = 2.0, 25.0  # one way; plausible for a district and for LTE
FIRST_COMPUTER = 10
PORTAL_PAGE = "Cổng dịch vụ công"

PORTAL_SERVER = f"""
import http.server, os, socketserver, sys, threading
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {PORTAL_PAGE!r}.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
socketserver.ThreadingTCPServer.allow_reuse_address = True  # HTTPServer asks the DNS for a name
server = socketserver.ThreadingTCPServer(({PORTAL_ADDRESS!r}, {PORTAL_PORT}), Page)
print("ready", flush=True)
server.serve_forever()
"""


PROXY = f"""
import socket, sys, threading, os
def carry(peer):
    with peer:
        try:
            with socket.create_connection(({PORTAL_ADDRESS!r}, {PORTAL_PORT}), 0.3) as portal:
                portal.settimeout(0.3)
                portal.sendall(peer.recv(65536))
                while data := portal.recv(65536):
                    peer.sendall(data)
        except OSError:
            pass
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server = socket.create_server(("", {PROXY_PORT}))
print("ready", flush=True)
while True:
    peer, _ = server.accept()
    peer.settimeout(0.3)
    threading.Thread(target=carry, args=(peer,), daemon=True).start()
"""


@dataclass(frozen=True, slots=True)
class Commune:
    """Number i of the district, from 1. computers: how many, the first one in its own namespace."""

    number: int
    computers: int

    @property
    def id(self) -> str:
        return f"xa-{self.number}"

    @property
    def router(self) -> str:
        return f"10.64.{self.number}.1"

    @property
    def fiber(self) -> str:
        return f"10.65.{self.number}.2"

    @property
    def mobile(self) -> str:
        return f"10.65.{self.number}.6"

    @property
    def pcs(self) -> dict[str, str]:
        """Local asset id -> address."""
        numbers = range(FIRST_COMPUTER, FIRST_COMPUTER + self.computers)
        return {f"pc-{n}": f"10.64.{self.number}.{n}" for n in numbers}

    @property
    def first_pc(self) -> str:
        return f"pc-{FIRST_COMPUTER}"


class District:
    """Builds itself in `spaces`. Assets are named as in the inventory: `xa-1.fiber`, `xa-1.pc-10`.

    Every fault has its repair; both may be called in any order and twice.
    """

    def __init__(self, spaces: Namespaces, communes: int = 3, computers: int = 3) -> None:
        self.spaces = spaces
        self.communes = {c.id: c for c in (Commune(n, computers) for n in range(1, communes + 1))}
        self.proxies: dict[str, subprocess.Popen[bytes]] = {}
        self._portal: subprocess.Popen[bytes] | None = None
        spaces.add(CORE, EDGE, SENTINEL, PORTAL)
        spaces.sysctl(EDGE, ["net.ipv4.ip_forward=1"])
        spaces.ip(EDGE, "route add blackhole 10.0.0.0/8 metric 1000")
        self._join_core()
        self._join_host(SENTINEL, SENTINEL_ADDRESS)
        self._join_host(PORTAL, PORTAL_ADDRESS)
        for commune in self.communes.values():
            self._join_commune(commune)
        self.open_portal()

    # --- faults

    def cut(self, link: str) -> None:
        """Cut `xa-1.fiber` or `xa-1.4g`: both ends lose the carrier."""
        self.spaces.ip(EDGE, f"link set {_edge_device(link)} down")

    def repair(self, link: str) -> None:
        commune, device = self._commune(link), _edge_device(link)
        self.spaces.ip(EDGE, f"link set {device} up", *_way_in(commune, link))
        self.spaces.wait_for_carrier(EDGE, device)
        self.spaces.wait_for_carrier(_router(commune), link.rpartition(".")[2])

    def power_off(self, computer: str) -> None:
        """Switch off one computer."""
        commune, pc = self._commune(computer), computer.rpartition(".")[2]
        if pc == commune.first_pc:
            self.spaces.ip(computer, "link set lan down")
        else:
            self.spaces.ip(_router(commune), f"addr flush dev lo to {commune.pcs[pc]}/32")

    def power_on(self, computer: str) -> None:
        commune, pc = self._commune(computer), computer.rpartition(".")[2]
        if pc == commune.first_pc:
            self.spaces.ip(
                computer, "link set lan up", f"route replace default via {commune.router}"
            )
            self.spaces.wait_for_carrier(computer, "lan")
            self.spaces.wait_for_carrier(_router(commune), "lan")
            # Who was asked for a moment ago is asked again only a second later.
            self.spaces.ip(_router(commune), "neigh flush dev lan")
        else:
            self.spaces.ip(_router(commune), f"addr replace {commune.pcs[pc]}/32 dev lo")

    def power_cut(self, site: str) -> None:
        """The whole commune goes dark: router, both modems and every computer at once."""
        down = (f"link set {device} down" for device in ("lan", "fiber", "4g"))
        self.spaces.ip(_router(self.communes[site]), *down)

    def power_back(self, site: str) -> None:
        commune = self.communes[site]
        up = (f"link set {device} up" for device in ("lan", "fiber", "4g"))
        self.spaces.ip(_router(commune), *up, *_ways_out(commune))
        self.spaces.wait_for_carrier(_router(commune), "lan", "fiber", "4g")
        self.spaces.wait_for_carrier(EDGE, *(_edge_device(f"{site}.{k}") for k in ("fiber", "4g")))

    def cut_uplink(self) -> None:
        """The provider's side of the monitor's own uplink goes away."""
        self.spaces.ip(EDGE, "link set uplink down")

    def repair_uplink(self) -> None:
        self.spaces.ip(EDGE, "link set uplink up")
        self.spaces.wait_for_carrier(EDGE, "uplink")
        self.spaces.wait_for_carrier(CORE, "uplink")

    def lose_own_route(self) -> None:
        """The monitor's own network card is switched off: it cannot even send."""
        self.spaces.ip(CORE, "link set uplink down")

    def regain_own_route(self) -> None:
        self.spaces.ip(CORE, "link set uplink up", f"route replace default via {UPLINK_FAR}")
        self.spaces.wait_for_carrier(CORE, "uplink")
        self.spaces.wait_for_carrier(EDGE, "uplink")

    def brownout(self, link: str, loss: float = 0.3) -> None:
        """Lose a fraction of the packets from the commune on a link; 0 ends it."""
        wire.lose(self.spaces, EDGE, _edge_device(link), loss)

    def close_portal(self) -> None:
        """The portal's server dies; its host stays."""
        if self._portal is not None:
            end_process(self._portal)
            self._portal = None

    def open_portal(self) -> None:
        """Start the portal's server; returns when it listens."""
        if self._portal is None:
            argv = [sys.executable, "-c", PORTAL_SERVER]
            pipe = subprocess.PIPE
            self._portal = self.spaces.spawn(PORTAL, argv, stdin=pipe, stdout=pipe)
            self._portal.stdout.readline()  # type: ignore[union-attr]

    def open_proxy(self, site: str) -> None:
        """Let a commune's router pass requests on to the portal; returns when it listens."""
        pipe = subprocess.PIPE
        argv = [sys.executable, "-c", PROXY]
        proxy = self.spaces.spawn(_router(self.communes[site]), argv, stdin=pipe, stdout=pipe)
        proxy.stdout.readline()
        self.proxies[site] = proxy

    def hide_portal(self, site: str) -> None:
        """Nothing of the portal reaches one commune."""
        router = _router(self.communes[site])
        self.spaces.ip(router, f"route replace blackhole {PORTAL_ADDRESS}/32")

    def show_portal(self, site: str) -> None:
        router = _router(self.communes[site])
        self.spaces.ip(router, f"route del blackhole {PORTAL_ADDRESS}/32")

    def heal(self) -> None:
        """Repair everything, whatever was broken."""
        self.spaces.ip(CORE, "link set uplink up")
        self.repair_uplink()
        self.regain_own_route()
        self.open_portal()
        for commune in self.communes.values():
            for pc in commune.pcs:
                self.power_on(f"{commune.id}.{pc}")
            edge = (_edge_device(f"{commune.id}.{kind}") for kind in ("fiber", "4g"))
            self.spaces.ip(EDGE, *(f"link set {device} up" for device in edge))
            self.power_back(commune.id)
            for link in (f"{commune.id}.fiber", f"{commune.id}.4g"):
                self.repair(link)
                self.brownout(link, 0)

    # --- wiring

    def _join_core(self) -> None:
        self.spaces.cable(CORE, "uplink", EDGE, "uplink")
        self.spaces.ip(EDGE, f"addr add {UPLINK_FAR}/30 dev uplink")
        self.spaces.ip(
            CORE, f"addr add {UPLINK}/30 dev uplink", f"route add default via {UPLINK_FAR}"
        )

    def _join_host(self, name: str, address: str) -> None:
        gateway = address[:-1] + "1"
        self.spaces.cable(name, "eth", EDGE, name)
        self.spaces.ip(EDGE, f"addr add {gateway}/30 dev {name}")
        self.spaces.ip(name, f"addr add {address}/30 dev eth", f"route add default via {gateway}")

    def _join_commune(self, commune: Commune) -> None:
        spaces, router, n = self.spaces, _router(commune), commune.number
        computer = f"{commune.id}.{commune.first_pc}"
        spaces.add(router, computer)
        spaces.cable(router, "fiber", EDGE, _edge_device(f"{commune.id}.fiber"))
        spaces.cable(router, "4g", EDGE, _edge_device(f"{commune.id}.4g"))
        spaces.cable(router, "lan", computer, "lan")
        spaces.sysctl(router, ["net.ipv4.ip_forward=1", *_follow_carrier("fiber", "4g")])
        for kind, near in (("fiber", f"10.65.{n}.1"), ("4g", f"10.65.{n}.5")):
            device = _edge_device(f"{commune.id}.{kind}")
            spaces.sysctl(EDGE, _follow_carrier(device))
            ways = _way_in(commune, f"{commune.id}.{kind}")
            spaces.ip(EDGE, f"addr add {near}/30 dev {device}", *ways)
        first, *others = commune.pcs.values()
        spaces.ip(
            router,
            f"addr add {commune.fiber}/30 dev fiber",
            f"addr add {commune.mobile}/30 dev 4g",
            f"addr add {commune.router}/24 dev lan",
            f"rule add from {commune.mobile} lookup 4",
            *(f"addr add {address}/32 dev lo" for address in others),
            *_ways_out(commune),
        )
        spaces.ip(
            computer, f"addr add {first}/24 dev lan", f"route add default via {commune.router}"
        )
        self._slow(commune)

    def _slow(self, commune: Commune) -> None:
        for kind, milliseconds in (("fiber", FIBER_DELAY_MS), ("4g", MOBILE_DELAY_MS)):
            wire.delay(self.spaces, EDGE, _edge_device(f"{commune.id}.{kind}"), milliseconds)
            wire.delay(self.spaces, _router(commune), kind, milliseconds)

    def _commune(self, asset: str) -> Commune:
        return self.communes[asset.partition(".")[0]]

    def assets(self) -> Iterator[str]:
        """Ids of everything the inventory of this district has."""
        for commune in self.communes.values():
            for local in ("fiber", "4g", "router", *commune.pcs):
                yield f"{commune.id}.{local}"
        yield from (SENTINEL, PORTAL)


def _router(commune: Commune) -> str:
    return f"{commune.id}.router"


def _edge_device(link: str) -> str:
    """Device at the provider's side: `xa-1.fiber` -> `fiber-1`."""
    site, _, kind = link.partition(".")
    return f"{kind}-{site.rpartition('-')[2]}"


def _follow_carrier(*devices: str) -> list[str]:
    """Routes over these devices count only while there is a carrier."""
    return [f"net.ipv4.conf.{device}.ignore_routes_with_linkdown=1" for device in devices]


def _way_in(commune: Commune, link: str) -> list[str]:
    """The provider's route to the LAN over one link, fiber first."""
    fiber = link.endswith(".fiber")
    via, metric = (commune.fiber, 10) if fiber else (commune.mobile, 20)
    device = _edge_device(link)
    return [f"route replace 10.64.{commune.number}.0/24 via {via} dev {device} metric {metric}"]


def _ways_out(commune: Commune) -> list[str]:
    """The router's own routes: fiber first; what was asked of the 4G address goes back by 4G."""
    fiber, mobile = (f"via 10.65.{commune.number}.{end} dev" for end in (1, 5))
    return [
        f"route replace default {fiber} fiber metric 10",
        f"route replace default {mobile} 4g metric 20",
        f"route replace default {mobile} 4g table 4",
    ]
