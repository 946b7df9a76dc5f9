"""Reports as a process of their own, to be killed at any point. Argument: a folder.

Says "ready" when it takes work, "<id> <state> <progress>" at every change. A line on standard
input asks for one more report.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "engine"))
sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "reports"))

from parts import sources, wanted

from ioc.reports.jobs import Reports


async def main(folder: Path) -> None:
    with sources(folder) as made:
        reports = Reports(made, made.database.engine, folder / "reports")
        reports.load()
        running = asyncio.create_task(reports.run())
        print("ready", flush=True)
        asked = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        said = ""
        while not running.done():
            await asyncio.sleep(0.01)
            if asked.done():
                if not asked.result():
                    return
                await reports.submit(wanted("2026-01-01", "2026-01-31", every="month"), "an")
                asked = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            now = "\n".join(f"{j.id} {j.state} {j.progress:.2f}" for j in reports.jobs())
            if now != said:
                print(said := now, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
