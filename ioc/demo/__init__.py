"""`ioc demo`: the same program, polling a simulated district of real listeners on loopback.

    inventory.yaml ─▶ demo inventory ─┬─▶ world: a child process of listeners that fail by scenario
                                      ├─▶ past: two weeks of data, written before the start
                                      └─▶ ioc.app: the program itself, told that it is simulated

Everything it writes is below `<data directory>/demo`, never beside real data.
"""

from __future__ import annotations

from ioc.settings import Settings


def run(settings: Settings) -> int:
    """Run the demo until SIGTERM or Ctrl-C. Exit code as ioc.app.run.

    Raises SettingsError (address taken, another demo in the same directory, a listener that
    cannot be opened), InventoryError, StoreError, StateDatabaseError.
    """
    from ioc.demo.program import run as run_program  # the listeners' process needs none of it

    return run_program(settings)
