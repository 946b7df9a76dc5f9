"""What a process of VictoriaMetrics says of itself under /metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ioc.store._http import Http, strange

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
