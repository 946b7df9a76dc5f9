"""Time-series stores behind one protocol (`ioc.store.base`). One store, one file.

The scheme of the URL is the name of the file: `sqlite:///data/series.db`, `memory://`,
`influxdb://host:8086/bucket`, `victoriametrics://host:8428`. A new store is a new file with a
function `open_url(url) -> Store`; one on the network also is a `Remote`.
"""

from __future__ import annotations

import importlib
import pkgutil

from ioc.i18n import _
from ioc.store.base import Store, StoreError


def schemes() -> tuple[str, ...]:
    """Names of the stores that exist, sorted."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(n for n in names if n != "base" and not n.startswith("_")))


def open_store(url: str) -> Store:
    """The store at a URL. Raises StoreError for an unknown scheme or what cannot be opened."""
    scheme = url.partition(":")[0]
    if scheme not in schemes():
        words = {"scheme": scheme, "known": ", ".join(schemes())}
        raise StoreError(_("IOC_STORE={scheme}: no such store; one of {known}", **words))
    store: Store = importlib.import_module(f"{__name__}.{scheme}").open_url(url)
    return store
