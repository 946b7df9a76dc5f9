"""Collectors: how each thing is measured. One kind, one file; the file name is the kind.

Adding a kind is adding a file here: a `Settings` model and an async `measure`. Files that start
with an underscore support a kind and are not kinds. Nothing in this package imports `ioc`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from collectors.base import Collector


@cache
def kinds() -> tuple[str, ...]:
    """Names of the collector kinds that exist, sorted."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(n for n in names if n != "base" and not n.startswith("_")))


@cache
def collector(kind: str) -> Collector:
    """The collector of a kind.

    Raises KeyError when there is no such kind, TypeError when its module is not a collector.
    """
    if kind not in kinds():
        raise KeyError(kind)
    module = importlib.import_module(f"{__name__}.{kind}")
    if not isinstance(module, Collector):
        raise TypeError(f"collectors/{kind}.py needs a Settings model and an async measure()")
    return module
