"""InfluxDB 1.8, 2.x and 3: written through `/api/v2/write`, read with InfluxQL over `/query`.

`influxdb://host:8086/BUCKET?org=ORG`, and any of `&retention=10y` (kept so long; given, it is also
enforced), `&tls=1`, `&ca=FILE`, `&gzip=1`, `&timeout=20` (seconds). The token comes from
IOC_STORE_TOKEN; for InfluxDB 1 it is `user:password`.

What differs with InfluxDB 3 Core: of two values written for one moment it keeps one, not always the
later (3.6 sorts what it has in memory and drops twins as they come). It looks at three days at
once, so a longer question is asked in parts (_halves.py); `--query-file-limit` allows more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from ioc.i18n import _
from ioc.store._address import Address, authorization, parse, secret
from ioc.store._contents_remote import influx_contents
from ioc.store._halves import in_halves
from ioc.store._http import Forbidden, Http, NotFound
from ioc.store._influxadmin import PROBE, Admin, seconds
from ioc.store._influxql import found, samples, select
from ioc.store._stepped import Samples, answer, folded, parts, to_fold
from ioc.store._windows import HELD, check_query
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

EXAMPLE = "influxdb://127.0.0.1:8086/ioc?org=huyen"
OPTIONS = {"org": r".+", "retention": r"(?:[1-9][0-9]{0,4}[hdwy])?"}
PORT = 8086
CHUNK = "10000"  # rows of one series that the server sends at once

Result = TypeVar("Result")


class InfluxStore:
    """See ioc.store.base.Remote; `write` sends points without an outbox.

    Opening it asks for nothing: what is missing is made when the server says so, and by maintain().
    """

    def __init__(self, address: Address, token: str | None) -> None:
        base = address.base(address.hosts[0], PORT)
        self.name = f"InfluxDB {base}/{address.name}"
        self._bucket, self._org = address.name, address.options.get("org", "")
        retention = address.options.get("retention")
        keep = None if retention is None else seconds(retention)
        self._http = Http(self.name, base, address, authorization(token, "Token"))
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._writer = LineWriter(
            self.name, base, address, headers, bucket=self._bucket, org=self._org
        )
        self._admin = Admin(self._http, self._bucket, self._org, keep)
        self._prepared = False
        self._making = threading.Lock()

    def send(self, lines: bytes) -> None:
        """See ioc.store.base.Remote. A missing bucket is made before.

        Asking for it first matters: of a large body for a missing bucket the server may only
        break the connection.
        """
        if not lines:
            return
        try:
            if not self._prepared:
                self._prepare()
            self._once_more(lambda: self._writer.send(lines))
        except StoreUnavailable:
            self._prepared = False
            raise

    def _prepare(self) -> None:
        with suppress(Forbidden):  # a token that may only write is fine, if all is there
            self._ensure()
        self._prepared = True

    def write(self, points: Sequence[Point]) -> None:
        """Durable when it returns. ValueError, before anything is sent, for what cannot be kept."""
        for lines in batches(points):
            self.send(lines)

    def started_at(self) -> None:
        """InfluxDB writes to its log on disk before it answers: it loses nothing."""
        return

    def read(self, query: SeriesQuery) -> list[Series]:
        """See ioc.store.base.SeriesQuery. Raises ValueError, StoreError."""
        check_query(query)
        if query.start >= query.end:
            return []
        return self._once_more(lambda: answer(self._found(query), query))

    def _found(self, query: SeriesQuery) -> Iterator[Samples]:
        asked = to_fold(query) if query.aggregate in HELD else query
        for tags in parts(query.tags):
            for series in in_halves(partial(self._asked, tags), asked):
                yield folded(series, query) if asked is not query else series

    def _asked(self, tags: Mapping[str, tuple[str, ...]], query: SeriesQuery) -> Iterator[Samples]:
        form = [
            ("db", self._bucket),
            ("epoch", "ms"),
            ("chunked", "true"),
            ("chunk_size", CHUNK),
            ("q", select(query, tags)),
        ]
        with self._http.stream("POST", "/query", form=form) as lines:
            yield from samples(lines, self.name)

    def contents(self) -> list[Content]:
        """See ioc.store.base.Listed."""
        return self._once_more(lambda: influx_contents(self._http, self._bucket))

    def maintain(self, now: int) -> None:
        """Bucket, mapping and retention as they should be; the server itself does the rest."""
        self._ensure()

    def health(self) -> StoreHealth:
        """Whether it can be read."""
        try:
            form = [("db", self._bucket), ("q", PROBE)]
            ask = lambda: found(self._http.ask("POST", "/query", form=form).body, self.name)  # noqa: E731
            self._once_more(ask)
        except StoreError as error:
            return StoreHealth(False, str(error))
        return StoreHealth(True)

    def close(self) -> None:
        self._writer.close()
        self._http.close()

    def _once_more(self, act: Callable[[], Result]) -> Result:
        """What failed because the bucket or its mapping is missing works after it is made."""
        try:
            return act()
        except NotFound:
            self._ensure()
        except Forbidden:
            self._ensure()  # says what is missing, if it can be told
            raise
        return act()

    def _ensure(self) -> None:
        try:
            with self._making:  # two threads would both find it missing
                self._admin.ensure()
        except StoreRefused as error:  # a name that it does not take, say: no fault of the points
            raise StoreUnavailable(str(error)) from error


def open_url(url: str) -> InfluxStore:
    """See the top of this file. Raises StoreError."""
    address = parse(url, EXAMPLE, OPTIONS)
    if len(address.hosts) != 1 or not address.name:
        raise StoreError(_("IOC_STORE={url}: must look like {example}", url=url, example=EXAMPLE))
    return InfluxStore(address, secret())
