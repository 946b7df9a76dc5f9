"""The deliverer as a process of its own, to be killed at any point. Arguments: database, URL."""

from __future__ import annotations

import asyncio
import sys

from ioc.clock import SystemClock
from ioc.db import StateDatabase
from ioc.engine.problems import Problems
from ioc.notify.channels import read_channels
from ioc.notify.delivery import Deliverer
from ioc.outbox import Outbox


async def main(database: str, url: str) -> None:
    clock = SystemClock()
    opened = StateDatabase.open(database)
    channels = read_channels({"IOC_CHANNEL_HOOK": url})
    print("ready", flush=True)
    await Deliverer(clock, Outbox(opened.engine), channels, Problems(clock), first_retry=0.1).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
