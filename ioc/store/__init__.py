"""Time-series stores behind one protocol (`ioc.store.base`). One store, one file.

The scheme of the URL is the name of the file: `sqlite:///data/series.db`, `memory://`,
`influxdb://host:8086/bucket`, `victoriametrics://host:8428`. A new store is a new file with a
function `open_url(url) -> Store`, or `-> Remote` for a server on the network: what is written for
such a one waits in an outbox until the server has taken it.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import cast

from ioc.i18n import _
from ioc.store.base import Remote, Store, StoreError


def schemes() -> tuple[str, ...]:
    """Names of the stores that exist, sorted."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(n for n in names if n != "base" and not n.startswith("_")))


def open_store(url: str, outbox: Path | None = None, limit: int | None = None) -> Store:
    """The store at a URL. Raises StoreError for an unknown scheme or what cannot be opened.

    outbox: the file in which waits what goes over the network; used by such stores only, which
    open at once whether their server answers or not. limit: bytes the outbox may take, None = see
    ioc.outbox.batches. Without an outbox, write() is a request to the server and fails with it:
    for copying, which can wait.
    """
    scheme = url.partition(":")[0]
    if scheme not in schemes():
        words = {"scheme": scheme, "known": ", ".join(schemes())}
        raise StoreError(_("IOC_STORE={scheme}: no such store; one of {known}", **words))
    opened: Store | Remote = importlib.import_module(f"{__name__}.{scheme}").open_url(url)
    if outbox is None or not isinstance(opened, Remote):
        return cast("Store", opened)  # a server on the network is one as well
    from ioc.store._outboxed import open_outboxed

    return open_outboxed(opened, outbox, limit)
