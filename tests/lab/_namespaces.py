"""Network namespaces of one test run: made together, removed together, whatever happens.

Every name carries the pid of the run that owns it, so that a run which was killed leaves nothing
behind for long: the next one removes the namespaces whose owner is gone. No interface of a lab is
ever connected to the machine's own network.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import count
from pathlib import Path

PREFIX = "ioclab"
NETNS = Path("/run/netns")
CARRIER_PATIENCE = 5.0
CLONE_NEWNET = 0x40000000  # linux/sched.h
_serial = count()
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """A command of the lab failed; the message holds the command and what it said."""


@cache
def why_not() -> str | None:
    """Why no lab can be built here, None when it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool in ("ip", "tc"):
        if shutil.which(tool) is None:
            return f"`{tool}` is missing (Debian package iproute2)"
    probe = f"{PREFIX}-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode != 0:
        return f"this machine refuses network namespaces: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return None


class Namespaces:
    """The namespaces of one lab. A context manager; names given here are local to the lab."""

    def __init__(self) -> None:
        self._base = f"{PREFIX}-{os.getpid()}-{next(_serial)}"
        self._made: list[str] = []
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Namespaces:
        remove_leftovers()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def full(self, name: str) -> str:
        """The name of a namespace as the machine knows it."""
        return f"{self._base}-{name}"

    def add(self, *names: str) -> None:
        """Make namespaces, loopback up."""
        for name in names:
            _run("ip", "netns", "add", self.full(name))
            self._made.append(name)
            self.ip(name, "link set lo up")

    def cable(self, a: str, device_a: str, b: str, device_b: str) -> None:
        """A veth pair between two namespaces, both ends up."""
        ends = (device_a, "netns", self.full(a), "type", "veth", "peer", "name", device_b)
        _run("ip", "link", "add", "name", *ends, "netns", self.full(b))
        self.ip(a, f"link set {device_a} up")
        self.ip(b, f"link set {device_b} up")

    def ip(self, name: str, *commands: str) -> None:
        """Run `ip` commands inside a namespace, in order, as one batch. Raises LabError."""
        argv = ["ip", "-n", self.full(name), "-batch", "-"]
        _run(*argv, text="".join(f"{command}\n" for command in commands))

    def wait_for_carrier(self, name: str, *devices: str) -> None:
        """Until the kernel has noticed the carrier of devices: it takes up to a second over it."""
        deadline = time.monotonic() + CARRIER_PATIENCE
        for device in devices:
            command = ["ip", "-n", self.full(name), "-o", "link", "show", "dev", device]
            while (
                " state UP " not in subprocess.run(command, capture_output=True, text=True).stdout
            ):
                if time.monotonic() > deadline:
                    raise LabError(f"{name}: {device} gets no carrier")
                time.sleep(0.02)

    def tc(self, name: str, *words: str) -> None:
        """Run one `tc` command inside a namespace. Raises LabError."""
        _run("tc", "-n", self.full(name), *words)

    def sysctl(self, name: str, settings: Iterable[str]) -> None:
        """Set kernel parameters of a namespace: `net.ipv4.ip_forward=1`."""
        _run("ip", "netns", "exec", self.full(name), "sysctl", "-qw", *settings)

    def spawn(self, name: str, argv: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
        """Start a process inside a namespace; it is ended with the lab. Options: as Popen."""
        command = ["ip", "netns", "exec", self.full(name), *argv]
        child = subprocess.Popen(command, **options)  # type: ignore[call-overload]
        self._children.append(child)
        return child

    def socket(self, name: str, family: int = socket.AF_INET) -> socket.socket:
        """A TCP socket that lives in a namespace, usable from the caller's own thread.

        A socket stays in the namespace of the thread that made it, so a thread made for this
        enters the namespace and this process as a whole never leaves its own.
        """
        made: list[socket.socket | OSError] = []

        def enter() -> None:
            try:
                enter_namespace(self.full(name))
                made.append(socket.socket(family, socket.SOCK_STREAM))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def close(self) -> None:
        """End the processes, remove the namespaces. Safe to call twice."""
        for child in self._children:
            end_process(child)
        for name in self._made:
            subprocess.run(["ip", "netns", "del", self.full(name)], capture_output=True)
        self._made.clear()
        self._children.clear()


def enter_namespace(full: str) -> None:
    """Move the calling thread into a named network namespace. Raises OSError."""
    with (NETNS / full).open() as handle:
        if _libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def end_process(child: subprocess.Popen[bytes], patience: float = 5.0) -> int:
    """End a process with SIGTERM, or SIGKILL when it does not listen. Gives its exit code."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
    code = child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
    return code


def remove_leftovers() -> None:
    """Remove namespaces of runs that are gone, and the processes still living inside them."""
    if not NETNS.is_dir():
        return
    for path in NETNS.iterdir():
        owner = re.match(rf"{PREFIX}-(\d+)-", path.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            inside = subprocess.run(
                ["ip", "netns", "pids", path.name], capture_output=True, text=True
            )
            for pid in inside.stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", path.name], capture_output=True)


def _run(*argv: str, text: str | None = None) -> None:
    done = subprocess.run(argv, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        asked = " ".join(argv) + (f" <<< {text!r}" if text else "")
        raise LabError(f"{asked}: {done.stderr.strip()}")
