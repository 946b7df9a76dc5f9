"""Laying out in a process of its own: it can be ended at any time and never outlives us.

    folder/report.json ─▶ python -m ioc.reports ─▶ a line for each file that is made

The child ends when its standard input does, so not even a killed program leaves one behind.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import ioc
from ioc.i18n import mark

WITHIN = 300.0  # seconds for one report
FULL = 28  # exit code of a child that found no space on the disk (ENOSPC)
BEFORE, AFTER = 0.65, 0.98  # progress before and after laying out
FILES = 2
TOO_LONG = mark("laying it out took too long")
LAYOUT = mark("layout")

Progress = Callable[[str, float, str], None]


class Cancelled(Exception):
    """Somebody does not want the report any more."""


class LayoutError(Exception):
    """It could not be laid out. full: there is no space on the disk."""

    def __init__(self, text: str, *, full: bool = False) -> None:
        super().__init__(text)
        self.full = full


class Child:
    """At most one at a time; on the event loop."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._id = ""

    def end(self, id: str) -> None:
        """End it, if it works on this report."""
        if self._process is not None and self._id == id:
            self._kill()

    async def close(self) -> None:
        """End it, whatever it works on."""
        if self._process is not None:
            self._kill()
            await self._process.wait()

    async def lay_out(self, id: str, folder: Path, progress: Progress) -> None:
        """Make the files of folder/report.json beside it.

        Raises LayoutError, and what `progress` raises: it is called before and after each file.
        """
        progress(id, BEFORE, LAYOUT)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ioc.reports", str(folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": _import_path(), "TMPDIR": str(folder)},
        )  # fmt: skip
        self._process, self._id = process, id
        try:
            async with asyncio.timeout(WITHIN):
                trouble = await self._watch(process, id, progress)
        except TimeoutError:
            raise LayoutError(TOO_LONG) from None
        finally:
            self._kill()
            await process.wait()
            self._process = None
        if process.returncode:
            said = trouble.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise LayoutError(
                "".join(said)[:500] or f"exit code {process.returncode}",
                full=process.returncode == FULL,
            )

    async def _watch(
        self, process: asyncio.subprocess.Process, id: str, progress: Progress
    ) -> bytes:
        assert process.stdout
        assert process.stderr
        trouble = asyncio.create_task(process.stderr.read())
        made = 0
        async for _line in process.stdout:
            made += 1
            progress(id, BEFORE + (AFTER - BEFORE) * made / FILES, LAYOUT)
        said = await trouble
        await process.wait()
        progress(id, AFTER, LAYOUT)
        return said

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()


def _import_path() -> str:
    """Where the child finds this very package, installed or not."""
    here = str(Path(ioc.__file__).resolve().parent.parent)
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))
