"""What a process of VictoriaMetrics says of itself under /metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from ioc.store._http import Forbidden, Http, NotFound, strange
from ioc.store.base import StoreRefused

# ms in the units of a retention; without one it is months, of 31 days.
UNITS = {"": 2_678_400_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}

_LINE = re.compile(r"^(\w+)(?:\{([^}]*)\})? ([0-9.eE+-]+)$", re.MULTILINE)
_FLAG = re.compile(r'name="([^"]*)", ?value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Facts:
    """started_at: seconds since the epoch. size, free: bytes, None = it keeps no rows itself.

    flags: how it was started, name -> value.
    """

    started_at: float
    size: int | None
    free: int | None
    flags: dict[str, str]

    @property
    def retention(self) -> int | None:
        """How long rows are kept, ms; None = it does not say."""
        found = re.fullmatch(r"([0-9.]+)([hdwy]?)", self.flags.get("retentionPeriod", ""))
        return int(float(found[1]) * UNITS[found[2]]) if found else None


class Processes:
    """The processes of one VictoriaMetrics. select: answers questions; keepers: hold
    rows, on disk or (vminsert) on their way there.

    What they were started with is remembered until refresh().
    """

    def __init__(self, select: Http, keepers: Sequence[Http]) -> None:
        self._select, self._keepers = select, keepers
        self._of_select: Facts | None = None
        self._retention: int | None = None

    def refresh(self) -> None:
        """Raises StoreError."""
        self._of_select = read_facts(self._select)
        kept = [facts.retention for facts in self.keepers()]
        self._retention = min((ms for ms in kept if ms is not None), default=None)

    def keepers(self) -> list[Facts]:
        """Raises StoreError."""
        return [read_facts(http) for http in self._keepers]

    def counts_once(self) -> bool:
        """Whether what was sent twice counts once in the answers; False also when it does not say.

        Raises StoreError.
        """
        self._known()
        facts = self._of_select
        return facts is not None and facts.flags.get("dedup.minScrapeInterval") == "1ms"

    def earliest(self, now: int, *, anew: bool = False) -> int:
        """What is earlier, ms UTC, is not kept: 1970 when it does not say. anew: ask again.

        now: by the server's clock.
        Raises StoreError.
        """
        self._known(anew=anew)
        return 0 if self._retention is None else max(0, now - self._retention)

    def _known(self, *, anew: bool = False) -> None:
        if anew or self._of_select is None:
            with suppress(Forbidden, NotFound, StoreRefused):  # no reason not to work
                self.refresh()

    def close(self) -> None:
        for http in self._keepers:
            http.close()


def read_facts(http: Http) -> Facts:
    """Raises StoreError."""
    text = http.ask("GET", "/metrics").body.decode(errors="replace")
    sums: dict[str, float] = {}
    flags: dict[str, str] = {}
    for name, labels, number in _LINE.findall(text):
        if name == "flag" and (found := _FLAG.search(labels)):
            flags[found[1]] = found[2]
        sums[name] = sums.get(name, 0.0) + float(number)
    started = sums.get("vm_app_start_timestamp") or sums.get("process_start_time_seconds")
    if started is None:
        raise strange(http.name, 200)
    size, free = sums.get("vm_data_size_bytes"), sums.get("vm_free_disk_space_bytes")
    return Facts(started, _whole(size), _whole(free), flags)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
