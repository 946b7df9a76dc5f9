"""VictoriaMetrics: written like InfluxDB, read by export and with MetricsQL.

Single node: `victoriametrics://host:8428`. Cluster: `victoriametrics://vminsert:8480,vmselect:8481/
?tenant=0&storage=vmstorage-1:8482,vmstorage-2:8482`; one address with a tenant is a proxy in front
of both (vmauth). `storage` is asked when its processes started, because they lose rows when they
are killed, and so is vminsert, which acknowledges rows that it has only in memory (behind a proxy
it cannot be asked: name it and vmselect instead); `storage=none` where vmstorage cannot be asked
and rows are replicated. Further: `&tls=1`,
`&ca=FILE`, `&gzip=1`, `&timeout=20` (seconds). IOC_STORE_TOKEN is a bearer token or
`user:password`.

What the server must be started with: `-retentionPeriod=100y` (it forgets after a month otherwise)
and `-dedup.minScrapeInterval=1ms` (what was sent twice then counts once; without it every step is
computed here from raw samples, which is slower).

What differs from the other stores: it keeps 12 to 15 digits of a number; nothing before 1970, past
its retention or more than two days ahead (refused); of two different values sent for one moment
it keeps one, in newer versions the greater; rows become visible about a second after they were
sent, the first ones of a new series after up to ten. It answers before rows are on disk and loses
them when it is killed: see started_at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ioc.i18n import _
from ioc.store._address import HOST, Address, authorization, hosts, parse, secret
from ioc.store._contents_remote import victoria_contents
from ioc.store._http import Forbidden, Http, NotFound
from ioc.store._lines import times
from ioc.store._vmclock import ServerClock
from ioc.store._vmfacts import Processes
from ioc.store._vmread import AHEAD, VictoriaReader
from ioc.store._writer import LineWriter, batches
from ioc.store.base import (
    Content,
    Point,
    Series,
    SeriesQuery,
    StoreError,
    StoreHealth,
    StoreRefused,
    StoreUnavailable,
)

EXAMPLE = "victoriametrics://127.0.0.1:8428"
CLUSTER = (
    "victoriametrics://vminsert:8480,vmselect:8481/?tenant=0"
    "&storage=vmstorage-1:8482,vmstorage-2:8482"
)
OPTIONS = {"tenant": r"[0-9]+(?::[0-9]+)?", "storage": rf"none|{HOST}(?:,{HOST})*"}
SHORTEST = 86_400_000  # ms; of the retentions that the server takes
SINGLE, INSERT, SELECT, STORAGE = 8428, 8480, 8481, 8482  # usual ports


class VictoriaStore:
    """See ioc.store.base.Remote; `write` sends points without an outbox."""

    def __init__(self, address: Address, token: str | None) -> None:
        ways = _ways(address)
        headers = authorization(token, "Bearer")
        self.name = _name(ways.select)
        self._http = Http(self.name, ways.select, address, headers)
        keepers = [Http(_name(base), base, address, headers) for base in ways.keepers]
        self._processes = Processes(self._http, keepers)
        self._clock = ServerClock(keepers[::-1] or [self._http])
        self._writer = LineWriter(_name(ways.insert), ways.write, address, headers)
        self._read_path = ways.read
        self._reader = VictoriaReader(self._http, ways.read, self._processes.counts_once)

    def send(self, lines: bytes) -> None:
        """See ioc.store.base.Remote. What the server would drop without a word is refused here,
        before anything is sent."""
        if not lines:
            return
        self._check(lines)
        try:
            self._writer.send(lines)
        except StoreRefused as error:  # never because of a line: something else is wrong
            raise StoreUnavailable(str(error)) from error

    def write(self, points: Sequence[Point]) -> None:
        """Acknowledged, not durable, when it returns. ValueError, before anything is sent, for
        what cannot be kept."""
        for lines in batches(points):
            self.send(lines)

    def started_at(self) -> float | None:
        """See ioc.store.base.Remote: the sum over all processes that hold rows. Only its change
        means something, and it changes with any of them, also with one whose clock is behind."""
        starts = [facts.started_at for facts in self._processes.keepers()]
        return sum(starts) if starts else None

    def read(self, query: SeriesQuery) -> list[Series]:
        """See ioc.store.base.SeriesQuery. Raises ValueError, StoreError."""
        return self._reader.read(query)

    def contents(self) -> list[Content]:
        """See ioc.store.base.Listed. A measurement ends at the first `_`: the server knows names
        of metrics only."""
        return victoria_contents(self._http, self._read_path)

    def maintain(self, now: int) -> None:
        """Read again how the server was started; it merges and forgets by itself."""
        self._processes.refresh()

    def health(self) -> StoreHealth:
        """Whether it answers; bytes that all who keep rows take, and free at the fullest: None
        where they are not told, which is no reason not to work."""
        try:
            self._answers()
        except StoreError as error:
            return StoreHealth(False, str(error))
        try:
            facts = self._processes.keepers()
        except StoreError:
            return StoreHealth(True)
        size = sum(one.size or 0 for one in facts)
        free = [one.free for one in facts if one.free is not None]
        return StoreHealth(True, None, size, min(free, default=None))

    def _answers(self) -> None:
        """Raises StoreError. A proxy may pass on nothing but questions and rows."""
        try:
            self._http.ask("GET", "/health")
        except (Forbidden, NotFound):
            self._http.ask("GET", f"{self._read_path}/query", {"query": "1"})

    def close(self) -> None:
        self._writer.close()
        self._http.close()
        self._processes.close()

    def _check(self, lines: bytes) -> None:
        """Raise StoreRefused for a line that the server would drop without a word."""
        try:
            found = list(times(lines))
        except ValueError as error:
            words = {"store": self.name, "said": str(error)}
            raise StoreRefused(_("{store} refuses it: {said}", **words)) from None
        early, late = min(found), max(found)
        at = self._outside(early, late)
        if at is not None and at >= 0:  # a time told long ago, or another retention by now
            at = self._outside(early, late, anew=True)
        if at is not None:
            raise self._no_such_time(at)

    def _outside(self, early: int, late: int, *, anew: bool = False) -> int | None:
        """Which of the two the server does not keep; by its clock, since ours may be dead."""
        now = self._clock.now(anew=anew)
        if early < 0 or late > now + AHEAD:
            return early if early < 0 else late
        if early < now - SHORTEST and early < self._processes.earliest(now, anew=anew):
            return early
        return None

    def _no_such_time(self, at: int) -> StoreError:
        """Never, but only when there is no doubt what time it is."""
        words = {"store": self.name, "time": str(at)}
        if at >= 0 and not self._clock.agrees():
            return StoreUnavailable(
                _("{store} does not keep {time}, but its clock is not ours: set both", **words)
            )
        return StoreRefused(
            _("{store} does not keep {time}: before 1970, past its retention or ahead", **words)
        )


@dataclass(frozen=True, slots=True)
class _Ways:
    """insert, select, keepers: addresses of processes; keepers: that lose rows when killed, those
    with disks last. write: what `/api/v2/write` is under.

    read: path of the API of Prometheus at select.
    """

    insert: str
    select: str
    keepers: tuple[str, ...]
    write: str
    read: str


def _ways(address: Address) -> _Ways:
    tenant = address.options.get("tenant")
    if tenant is None:
        base = address.base(address.hosts[0], SINGLE)
        return _Ways(base, base, (base,), base, "/api/v1")
    insert, select = address.hosts[0], address.hosts[-1]
    given = address.options.get("storage", "none")
    storage = [] if given == "none" else [address.base(h, STORAGE) for h in hosts(given)]
    first = address.base(insert, INSERT)
    watched = [first] if len(address.hosts) > 1 else []  # one address: of a proxy
    return _Ways(
        first,
        address.base(select, SELECT),
        (*watched, *storage),
        f"{first}/insert/{tenant}/influx",
        f"/select/{tenant}/prometheus/api/v1",
    )


def _name(base: str) -> str:
    return f"VictoriaMetrics {base}"


def open_url(url: str) -> VictoriaStore:
    """See the top of this file. Raises StoreError."""
    address = parse(url, EXAMPLE, OPTIONS)
    cluster = "tenant" in address.options
    fits = len(address.hosts) in ((1, 2) if cluster else (1,)) and not address.name
    fits = fits and ("storage" in address.options) == cluster
    if not fits:
        example = CLUSTER if cluster or len(address.hosts) > 1 else EXAMPLE
        raise StoreError(_("IOC_STORE={url}: must look like {example}", url=url, example=example))
    return VictoriaStore(address, secret())
