"""Tells systemd that the program is ready, alive, or stopping (sd_notify(3)).

A datagram to the socket that systemd names in NOTIFY_SOCKET; without it every call does nothing.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


class Systemd:
    """environ: where NOTIFY_SOCKET and WATCHDOG_USEC stand."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        usec = environ.get("WATCHDOG_USEC", "")
        self.every = int(usec) / 2e6 if usec.isdecimal() and int(usec) > 0 else None
        """Seconds between two signs of life: half of what systemd waits; None = it does not."""

    def tell(self, *states: str) -> None:
        """Send states. What cannot be sent is logged: the program does not stop for it."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.connect(self._address)
                sender.send("\n".join(states).encode())
        except OSError as error:
            log.warning("systemd is not told: %s", error)
