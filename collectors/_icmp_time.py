"""Round-trip times from kernel timestamps that a step of the wall clock cannot falsify.

The kernel stamps an arriving packet with the wall clock; we stamp the departing one with the
monotonic clock. The difference of the two clocks, sampled at every look at the socket, carries
one over to the other. When it has moved since the last look the wall clock was stepped, and what
arrived in between is timed by the moment it is read: never too short, never negative.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Nanoseconds = Callable[[], int]
STEP = 500_000  # ns between two looks that count as a step; slewing (500 ppm) needs 1 s for it
NOISE = 50_000  # ns a kernel stamp may lie before the departure without being nonsense
SHORTEST = 1_000  # ns; what a time within the noise is reported as
_QUICK = 20_000  # ns within which both clocks must have been read
_TRIES = 3


class ClockBridge:
    """Carries kernel timestamps (wall clock, ns) over to the monotonic clock (ns)."""

    def __init__(
        self, wall: Nanoseconds = time.time_ns, monotonic: Nanoseconds = time.monotonic_ns
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self.offset = self._sample()
        self.stepped = False

    def look(self) -> None:
        """Sample the difference of the clocks; `stepped` tells whether it moved since last time."""
        offset = self._sample()
        self.stepped = abs(offset - self.offset) > STEP
        self.offset = offset

    def rtt(self, sent: int, stamp: int, read: int) -> int:
        """Nanoseconds from `sent` (monotonic) to arrival.

        stamp: the kernel's; 0 when there is none.
         read: monotonic time of reading, the
        latest the packet can have arrived. The result is within SHORTEST .. read - sent.
        """
        rtt = stamp - self.offset - sent
        longest = read - sent
        if SHORTEST <= rtt <= longest and not self.stepped:
            return rtt
        if -NOISE <= rtt < SHORTEST and not self.stepped:
            return SHORTEST
        return longest if longest > SHORTEST else SHORTEST

    def _sample(self) -> int:
        """Wall minus monotonic time; anew when we were held up between the two."""
        best, gap = 0, -1
        for _ in range(_TRIES):
            before = self._monotonic()
            wall = self._wall()
            after = self._monotonic()
            if gap < 0 or after - before < gap:
                best, gap = wall - (before + after) // 2, after - before
            if gap <= _QUICK:
                break
        return best
