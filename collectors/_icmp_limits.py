"""The kernel's neighbour table, which must hold every host on a directly connected network.

Beyond gc_thresh3 entries (1,024 by default, arp(7)) pings to further hosts are refused with
ENOBUFS. The table is one for the whole machine, each family having its own.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

_PROC = Path("/proc/sys/net")
_NAMES: dict[int, str] = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class NeighbourLimit:
    """gc_thresh3 of a family; hosts: how many of ours are on directly connected networks."""

    family: int
    limit: int
    hosts: int

    @property
    def setting(self) -> str:
        """Name of the kernel parameter to raise."""
        return f"net.{_NAMES[self.family]}.neigh.default.gc_thresh3"

    @property
    def enough(self) -> bool:
        return self.hosts <= self.limit


def neighbour_limits(addresses: Iterable[str], proc: Path = _PROC) -> list[NeighbourLimit]:
    """The limit of each family beside the number of hosts that need an entry.

    addresses: literal IP addresses; anything else is left out. Families whose limit cannot be
    read (no IPv6; inside a container's network) are absent.
    """
    hosts = on_link(addresses, local_networks())
    limits = []
    for family, name in _NAMES.items():
        try:
            limit = int((proc / name / "neigh/default/gc_thresh3").read_text())
        except (OSError, ValueError):
            continue
        limits.append(NeighbourLimit(family, limit, hosts[family]))
    return limits


def on_link(addresses: Iterable[str], networks: Iterable[Network]) -> dict[int, int]:
    """How many different addresses of each family lie in one of the networks."""
    found: dict[int, set[object]] = {socket.AF_INET: set(), socket.AF_INET6: set()}
    nets = list(networks)
    for text in addresses:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue
        if any(address in network for network in nets):
            found[socket.AF_INET if address.version == 4 else socket.AF_INET6].add(address)
    return {family: len(members) for family, members in found.items()}


def local_networks() -> list[Network]:
    """Networks this machine is directly connected to; loopback needs no neighbours."""
    networks: set[Network] = set()
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family in _NAMES and entry.netmask:
                network = _network(entry.address, entry.netmask)
                if network is not None and not network.is_loopback:
                    networks.add(network)
    return list(networks)


def _network(address: str, netmask: str) -> Network | None:
    try:
        if ":" not in address:
            return ipaddress.ip_network(f"{address}/{netmask}", strict=False)
        prefix = int(ipaddress.IPv6Address(netmask)).bit_count()
        return ipaddress.ip_network(f"{address.partition('%')[0]}/{prefix}", strict=False)
    except ValueError:
        return None
