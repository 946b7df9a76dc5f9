"""The simulated district: real TCP, HTTP and DNS listeners on loopback that fail by the scenario.

    python -m ioc.demo.world INVENTORY STARTED_MS

Serves whatever the tcp, http and dns checks of the inventory point to, says `ready` on standard
output, and ends when its standard input does: so it never outlives the demo that started it, not
even one that was killed. It runs beside the monitor, not inside it, so the monitor's own figures
are its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ioc.demo.doors import Door, DoorError, open_door
from ioc.demo.scenario import Mode, Scenario
from ioc.inventory.loader import load
from ioc.inventory.topology import Topology

STEP = 0.25  # seconds between two looks at the timetable
SPARE_FILES = 200


def open_doors(topology: Topology) -> dict[str, list[Door]]:
    """Asset -> its listeners, open. Call on the event loop.

    Raises DoorError when an address is not on loopback or is taken.
    """
    doors: dict[str, list[Door]] = {}
    try:
        for check in topology.checks.values():
            doors.setdefault(check.asset, []).append(open_door(check.kind, check.settings))
    except BaseException:
        close(doors)
        raise
    return doors


def close(doors: Mapping[str, Sequence[Door]]) -> None:
    for door in (door for behind in doors.values() for door in behind):
        door.close()


def play(doors: Mapping[str, Sequence[Door]], modes: Mapping[str, Mode]) -> None:
    """Set every listener to what the scenario says now."""
    for asset, behind in doors.items():
        for door in behind:
            door.set(modes.get(asset))


async def serve(inventory: Path, started: int) -> None:
    """Until standard input ends."""
    topology = load(inventory).topology
    _allow_files(3 * len(topology.checks) + SPARE_FILES)  # a silent listener holds three
    doors = open_doors(topology)
    scenario = Scenario(topology, started)
    try:
        play(doors, scenario.modes(_now()))
        print("ready", flush=True)
        over = asyncio.create_task(_end_of_input())
        while not over.done():
            await asyncio.wait({over}, timeout=STEP)
            play(doors, scenario.modes(_now()))
    finally:
        close(doors)


def main(arguments: Sequence[str]) -> int:
    try:
        asyncio.run(serve(Path(arguments[0]), int(arguments[1])))
    except DoorError as error:
        print(error, flush=True)
        return 1
    return 0


async def _end_of_input() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    os.set_blocking(descriptor, False)

    def look() -> None:
        with contextlib.suppress(BlockingIOError):
            if not os.read(descriptor, 1024):
                ended.set()

    loop.add_reader(descriptor, look)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)


def _allow_files(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise DoorError(f"{needed} open files are needed, {hard} are allowed: raise ulimit -n")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _now() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
