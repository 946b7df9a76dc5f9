"""The pages of the real program on a port of loopback, for a browser."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "engine"))

from desk import Program


class Server:
    """uvicorn in a thread on a port of loopback that stays the same over restarts."""

    def __init__(self, running: Program) -> None:
        self.running = running
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            self.running.app, host="127.0.0.1", port=self.port, log_level="error",
            ws="websockets-sansio", timeout_graceful_shutdown=1, lifespan="off",
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(
            target=self.loop.run_until_complete, args=(self.server.serve(),)
        )
        self.thread.start()
        while not self.server.started:
            self.thread.join(0.01)
            assert self.thread.is_alive()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.loop.close()

    def do(self, act: Callable[[], Any]) -> None:
        """Run on the server's loop, where the engine lives."""
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self.loop.call_soon_threadsafe(run)
        assert done.wait(5)
