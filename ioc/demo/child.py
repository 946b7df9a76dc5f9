"""The process of the simulated listeners, seen from the demo that started it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import ioc
from ioc.i18n import _
from ioc.settings import SettingsError

START_TIMEOUT = 30.0  # seconds, a very slow machine included
END_TIMEOUT = 2.0


class World:
    """A context manager: listeners while inside, none after. started: see Scenario."""

    def __init__(self, inventory: Path, started: int) -> None:
        self._command = [sys.executable, "-m", "ioc.demo.world", str(inventory), str(started)]

    def __enter__(self) -> World:
        # In a session of its own, so that Ctrl-C reaches only the demo, which then ends it.
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": _import_path()},
            start_new_session=True,
            text=True,
        )
        return self

    def __exit__(self, *why: object) -> None:
        """End the listeners: the end of its standard input tells the child, a signal insists."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def wait_until_ready(self) -> None:
        """Until every listener is open. Raises SettingsError with the reason when one cannot be."""
        output = self._process.stdout
        assert output
        said = (
            output.readline().strip() if select.select([output], [], [], START_TIMEOUT)[0] else ""
        )
        if said != "ready":
            reason = said or _("no answer")
            raise SettingsError(_("the simulated district does not start: {reason}", reason=reason))


def _import_path() -> str:
    """Where the child finds this very package, installed or not."""
    here = str(Path(ioc.__file__).resolve().parent.parent)
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))
