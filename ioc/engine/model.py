"""The words of the engine: states, what is known of each asset and site, transitions.

Frozen values only. The engine makes new ones; API, screens and ledger read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from collectors.base import Reason, Result, no_values
from ioc.inventory.topology import Topology


class State(StrEnum):
    """State of an asset or a site (design, section 2), from best to worst for counting."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNREACHABLE = "unreachable"  # something between us and it is down; says nothing of it
    OFF = "off"  # not answering, and not expected to
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"  # no data, or data too old


@dataclass(frozen=True, slots=True)
class CheckStatus:
    """What is known of one check. since, ok_at: ms UTC; ok_at: last success, None = never seen.

    state: UP | DEGRADED | DOWN | UNKNOWN only. fresh_until: monotonic seconds.
    """

    check: str
    state: State = State.UNKNOWN
    since: int = 0
    last: Result | None = None
    ok_at: int | None = None
    fresh_until: float = 0.0


@dataclass(frozen=True, slots=True)
class AssetView:
    """What is shown of one asset.

    cause: the asset whose failure explains this one (UNREACHABLE), else None.
    observed_at: ms UTC of the newest result, None = never. seen_at: newest success, None = never.
    reason: why it is not UP. values: newest values of its first check, and of further checks with
    `<check name>_` before the name.
    """

    id: str
    state: State
    since: int
    cause: str | None = None
    reason: Reason | None = None
    observed_at: int | None = None
    seen_at: int | None = None
    values: Mapping[str, float] = field(default_factory=no_values)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a calendar says of now. on: inside expected hours; settled: and for long enough
    (grace) that absence counts."""

    on: bool
    settled: bool


@dataclass(frozen=True, slots=True)
class ComputerCounts:
    """Computers of a site by state. expected: how many should be on now by their calendars."""

    total: int = 0
    expected: int = 0
    up: int = 0
    down: int = 0
    off: int = 0
    unreachable: int = 0
    unknown: int = 0
    maintenance: int = 0


@dataclass(frozen=True, slots=True)
class SiteView:
    """What is shown of one site.

    on_backup: reached over a backup link only (state DEGRADED). dark: every link and the router
    silent together, power cut suspected (state DOWN). observed_at: ms UTC, newest result of any
    of its assets; oldest_at: the oldest among the newest results of its links and router.
    """

    id: str
    state: State
    since: int
    on_backup: bool = False
    dark: bool = False
    cause: str | None = None
    reason: Reason | None = None
    observed_at: int | None = None
    oldest_at: int | None = None
    computers: ComputerCounts = field(default_factory=ComputerCounts)


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state of an asset or a site. at: ms UTC. kind: "asset" | "site"."""

    kind: str
    id: str
    before: State
    after: State
    at: int
    cause: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class AreaView:
    """The whole area at one moment. uplink_lost: no sentinel answers: nothing else is judged.

    version grows with every change. topology: the inventory that these views are of.
    planned: asset -> id of the maintenance window it is in.
    """

    at: int
    version: int
    uplink_lost: bool
    sites: Mapping[str, SiteView]
    assets: Mapping[str, AssetView]
    topology: Topology
    planned: Mapping[str, int] = field(default_factory=dict)
