"""TCP listeners on loopback that a test opens and closes, and the inventory that measures them."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading

HOST = "127.0.0.1"


class Peers:
    """Named listeners in a thread of their own; each takes connections and hangs up.

    A closed one refuses: its port stays the same, nothing else takes it in a test's time.
    """

    def __init__(self, *names: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._open: dict[str, socket.socket] = {}
        self.ports: dict[str, int] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        for name in names:
            self.open(name)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Peers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for name in list(self._open):
            self.close(name)
        self._selector.close()

    def open(self, name: str) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, self.ports.get(name, 0)))
        listener.listen()
        listener.setblocking(False)
        self.ports[name] = listener.getsockname()[1]
        with self._lock:
            self._open[name] = listener
            self._selector.register(listener, selectors.EVENT_READ)

    def close(self, name: str) -> None:
        with self._lock:
            listener = self._open.pop(name)
            self._selector.unregister(listener)
            listener.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(0.05):
                with self._lock, contextlib.suppress(OSError):  # closed or gone meanwhile
                    key.fileobj.accept()[0].close()  # type: ignore[union-attr]


NAMES = ("fiber", "4g", "router", "pc-1", "pc-2", "portal")


def inventory(peers: Peers, *, interval: str = "1s", extra: str = "", freshness: float = 3) -> str:
    """One commune and a portal. Asset ids: `xa.fiber` … `xa.pc-2`, `portal`."""
    checks = {
        name: f"checks: [{{kind: tcp, address: {HOST}, port: {port}}}]"
        for name, port in peers.ports.items()
    }
    return f"""\
area: {{id: thu, name: Huyện thử}}
freshness: {freshness}
defaults:
  all: {{interval: {interval}, timeout: 0.5s, retry_delay: 0.1s}}
services:
  - {{id: portal, name: Cổng thông tin, kind: portal, {checks["portal"]}}}
{extra}\
sites:
  - id: xa
    name: Xã Yên Thịnh
    links:
      - {{id: fiber, kind: fiber, {checks["fiber"]}}}
      - {{id: 4g, kind: 4g, {checks["4g"]}}}
    devices:
      - {{id: router, kind: router, {checks["router"]}}}
      - {{id: pc-1, kind: computer, {checks["pc-1"]}}}
      - {{id: pc-2, kind: computer, {checks["pc-2"]}}}
"""


def all_up() -> dict[str, str]:
    """Expected states when every peer is open: assets and the site."""
    return {"portal" if name == "portal" else f"xa.{name}": "up" for name in NAMES} | {"xa": "up"}
