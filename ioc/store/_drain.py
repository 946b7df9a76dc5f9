"""The thread that takes samples from the outbox to a server, whatever the server does.

next parcel ─▶ one request ─▶ settle ─▶ look, at times, whether the server was started anew
     ▲              │
     └── wait, longer each time ◀── server away
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ioc.i18n import _
from ioc.outbox.backoff import Backoff
from ioc.outbox.batches import Batches
from ioc.outbox.errors import OutboxError
from ioc.outbox.model import State
from ioc.store._delivery import Experience
from ioc.store._lanes import LIVE, Lanes, Parcel
from ioc.store.base import Remote, StoreError, StoreHealth, StoreUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. first, last: between attempts while the server is away. look: between two looks at
    when the server was started, and rounds: of those, how many what was sent is kept; together
    five minutes, of the ten seconds in which VictoriaMetrics writes to disk what it has
    acknowledged. goodbye: how long the end may be put off to send what is waiting.
    """

    first: float = 0.5
    last: float = 5.0
    live: float = LIVE
    look: float = 10.0
    rounds: int = 30
    health: float = 60.0
    goodbye: float = 1.0


class Drain:
    """Runs from the beginning until stop(). All its figures are read without waiting."""

    def __init__(self, remote: Remote, batches: Batches, pace: Pace = Pace()) -> None:
        self._remote = remote
        self._batches = batches
        self._pace = pace
        self._server = Experience()
        self._lanes = Lanes(batches, self._server, pace.live)
        self._backoff = Backoff(pace.first, pace.last)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._next_look = self._next_health = 0.0
        self._forgets: bool | None = None  # whether the server may lose what it has acknowledged
        self._blind = False  # when it was started cannot be seen
        self.sent = 0  # samples
        self.away_since: int | None = None  # ms UTC
        self.error = ""
        self.health = StoreHealth(ok=True)
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def stop(self) -> None:
        """End, after a last try to send what waits; a request that hangs is left behind."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(self._pace.goodbye + 0.5)

    # --- the thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            wait = self._turn(self._step)
            if wait > 0 and self.away_since is None:
                self._wake.wait(wait)
                self._wake.clear()
            else:
                self._stopping.wait(wait)
        end = time.monotonic() + self._pace.goodbye
        while self.away_since is None and time.monotonic() < end:
            if self._turn(self._step) > 0:
                break

    def _turn(self, act: Callable[[], float]) -> float:
        """Seconds to wait until the next. Nothing that happens here may end the thread."""
        try:
            wait = act()
        except StoreUnavailable as error:
            self._server.struggled()
            return self._away(str(error), error.retry_after)
        except (StoreError, OutboxError) as error:
            return self._away(str(error), None)
        except Exception as error:
            log.exception("outbox: the unexpected; trying again")
            return self._away(f"{type(error).__name__}: {error}", None)
        return wait

    def _step(self) -> float:
        now = time.monotonic()
        if self._forgets is None:
            self._look_at_start(now)
        parcel = self._lanes.next(now)
        if parcel is None:
            wait = self._idle(now)
        else:
            parcel.delivery.step(self._remote, self._server)
            if parcel.delivery.done:
                self._settle(parcel)
            wait = 0.0
        self._there()
        if self._forgets and now >= self._next_look:
            self._look_at_start(now)
        return wait

    def _look_at_start(self, now: float) -> None:
        """Where it cannot be seen, what is sent is kept until it can: no reason not to send."""
        self._next_look = now + self._pace.look
        try:
            start = self._remote.started_at()
        except StoreUnavailable as error:
            if self._forgets and not self._blind:
                log.warning("%s; what is sent is kept until it can be seen", error)
            self._forgets = self._blind = True
            return
        self._forgets, self._blind = start is not None, False
        if start is None:
            self._batches.forget_kept()
        elif again := self._batches.other_side_started(start, self._pace.rounds):
            self._lanes.reset()
            log.warning("%s was started anew; %d samples are sent again", self._remote.name, again)

    def _settle(self, parcel: Parcel) -> None:
        if parcel.early:  # what is refused is found and noted when it is sent in its turn
            self._batches.settle(parcel.taken, State.EARLY)
        else:
            then = State.KEPT if self._forgets else None
            self._batches.settle(parcel.taken, then, parcel.delivery.refused)
        first_time = sum(batch.rows for batch in parcel.taken if batch.state is State.WAITING)
        self.sent += first_time - (0 if parcel.early else len(parcel.delivery.refused))
        self._lanes.finished(parcel)

    def _idle(self, now: float) -> float:
        """Nothing to send: look after the server and the file. Seconds until the next look."""
        if now >= self._next_health:
            self.health = self._remote.health()
            if not self.health.ok:  # which says nothing of how much it takes at once
                raise StoreError(self.health.problem or _("it does not say why"))
            self._next_health = now + self._pace.health
        if self._batches.give_back():
            return 0.01
        return min(self._pace.look, self._pace.health, self._pace.live)

    def _there(self) -> None:
        if self.away_since is not None:
            log.warning("%s answers again", self._remote.name)
        self._backoff.succeeded()
        self.away_since, self.error = None, ""

    def _away(self, error: str, asked: float | None) -> float:
        if self.away_since is None:
            log.error("%s; samples wait in the outbox", error)
            self.away_since = time.time_ns() // 1_000_000
        self.error = error
        self._next_look = 0.0
        return self._backoff.failed(asked)
