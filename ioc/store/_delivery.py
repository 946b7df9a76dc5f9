"""Lines on their way to a server: cut smaller until each is taken, or known to be refused."""

from __future__ import annotations

from collections.abc import Sequence

from ioc.i18n import _
from ioc.outbox.model import Refused
from ioc.store.base import Remote, StoreRefused, StoreTooLarge, StoreUnavailable

MOST, LEAST = 5_000, 200  # lines in a request
CAUTION = 50  # requests that must go well before one that was too large is tried again
DOUBT = 20  # lines refused one after the other, none taken: is it the lines, or the server?


class Experience:
    """What the server has shown so far: how many lines it takes at once, and that it takes any."""

    def __init__(self, most: int = MOST) -> None:
        self._largest = most
        self._left = 0  # requests that must go well before more is tried
        self._wait = 0
        self._in_a_row, self._doubt, self._well = 0, DOUBT, 0
        self.most = most

    def struggled(self) -> None:
        """No answer, or not now: perhaps it was too much."""
        self.most = max(min(LEAST, self._largest), self.most // 2)
        self._wait = self._left = 0

    def too_large(self, lines: int) -> None:
        """The server said so of a request of so many lines."""
        self.most = max(1, lines // 2)
        self._wait = self._left = CAUTION

    def refused(self, why: str) -> None:
        """A line alone was refused. StoreUnavailable when so are all: then the lines are kept."""
        if self._in_a_row >= self._doubt:
            raise StoreUnavailable(_("it refuses everything: {error}", error=why))
        self._in_a_row += 1

    def went_well(self) -> None:
        if self._in_a_row >= self._doubt:  # it takes others, so it was the lines: believe it longer
            self._doubt *= 2
        self._well = 0 if self._in_a_row else self._well + 1
        if self._well >= CAUTION:
            self._doubt = DOUBT
        self._in_a_row = 0
        if self._left > 0:
            self._left -= 1
        elif self.most < self._largest:
            self.most = min(self._largest, self.most * 2)
            self._left = self._wait


class Delivery:
    """Some lines for one server, a request at each step.

    A refused request is halved until the bad line stands alone; the others are delivered. What
    was taken already may be sent twice: that changes nothing.
    """

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._parts = [list(lines)] if lines else []
        self.refused: list[Refused] = []

    @property
    def done(self) -> bool:
        return not self._parts

    def step(self, remote: Remote, server: Experience) -> None:
        """One request. Raises StoreUnavailable, with nothing forgotten."""
        part = self._next(server.most)
        try:
            remote.send(b"\n".join(part))
        except StoreTooLarge as error:
            server.too_large(len(part))
            self._smaller(part, error, server)
        except StoreRefused as error:
            self._smaller(part, error, server)
        except BaseException:
            self._parts.append(part)
            raise
        else:
            server.went_well()

    def _next(self, most: int) -> list[bytes]:
        part = self._parts.pop()
        if len(part) > most:
            self._parts.append(part[most:])
            part = part[:most]
        return part

    def _smaller(self, part: list[bytes], error: Exception, server: Experience) -> None:
        if len(part) > 1:
            middle = len(part) // 2
            self._parts += [part[middle:], part[:middle]]
            return
        try:
            server.refused(str(error))
        except StoreUnavailable:
            self._parts.append(part)
            raise
        self.refused.append(Refused(part[0], str(error)))
