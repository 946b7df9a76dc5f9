"""Which 16-bit ICMP sequence number is free: none is used again while its reply may still come."""

from __future__ import annotations

SPACE = 1 << 16


class Sequences:
    """Hands out sequence numbers in order, leaving out those still taken.

    generation: 16 bits, grows at every wrap, so that (sequence, generation) is unique for
    2^32 packets: a very late reply can be told from a present one.
    """

    def __init__(self, start: int = 0) -> None:
        self._taken = bytearray(SPACE)
        self._next = start % SPACE
        self.generation = 0
        self.free = SPACE

    def take(self, count: int) -> range:
        """Free numbers in a row: `count` of them, fewer before a taken one or the wrap, none
        only when all 65,536 are taken. All are of the present generation."""
        start = self._taken.find(0, self._next)
        if start < 0:
            if not self.free:
                return range(0)
            self.generation = (self.generation + 1) & 0xFFFF
            start = self._taken.find(0)
        end = min(start + count, SPACE)
        taken = self._taken.find(1, start, end)
        end = end if taken < 0 else taken
        self._taken[start:end] = b"\1" * (end - start)
        self._next = end
        self.free -= end - start
        return range(start, end)

    def release(self, sequence: int) -> None:
        """Give a number back. Raises ValueError when it is not taken."""
        if not self._taken[sequence]:
            raise ValueError(f"sequence {sequence} is not taken")
        self._taken[sequence] = 0
        self.free += 1
