"""What a panel asks of the store, whichever store it is.

Every question says which fields of which measurement (ioc/engine/points.py and its like), of which
series (`where`: tag -> regular expression or variable), and by which tags the answers are kept
apart (`by`).

    Now     what is so at the end of the dashboard's time range: nothing older than `keep`, so that
            what went silent shows as missing and not as it last was
    Rows    several fields of that as the columns of a table, one row for each `by`
    Course  how it went: one value for each step of the time range
    Total   one figure over the whole time range
    Share   percent of the known time of the range's whole days in which something worked, as
            reports say it (measurement availability); unknown time and announced maintenance count
            neither way. Shares: the same as a table
    Marks   incidents as marks on a time axis
    Choices what a variable may be set to

States are never averaged: a step shows the worst (highest) code in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Written at least every 5 minutes; ioc.store.base.HOLD says the same to the program itself.
STATES = "6m"
# Written every 5 minutes by the ledger; one may be late.
LEDGER = "16m"
# Samples: the longest usual interval of a check is an hour, a day for certificates.
SAMPLES = "15m"
CERTIFICATES = "26h"
RANGE = "range"  # the newest within the whole time range


@dataclass(frozen=True, slots=True)
class Question:
    """measurement: where. where: tag -> pattern, all must match in full; `$name` is a variable with
    several values, `=$name` one with a single value. by: tags kept apart.

    names: how the series is called, as `{place} · {name}`; empty: by the panel.
    """

    measurement: str
    where: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    names: str = ""


@dataclass(frozen=True, slots=True)
class Now(Question):
    """One value for each `by`. of: the tags that make one thing; over several of them the values
    are put together by `join` (sum | max | min | mean | count)."""

    field: str = ""
    of: tuple[str, ...] = ()
    join: str = "max"
    keep: str = STATES


@dataclass(frozen=True, slots=True)
class Rows(Question):
    """columns: field -> how values of several things are put together (max | sum | min | mean).

    of: as in Now; empty: `by`. only: a field that must be 1.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    of: tuple[str, ...] = ()
    only: str | None = None
    keep: str = STATES


@dataclass(frozen=True, slots=True)
class Course(Question):
    """how: what a step shows of its samples (mean | max | min | last | sum | count). keep: for how
    long a sample holds when the next is not there yet; None: not beyond its step. of, join: as in
    Now. gain: how much a counter has grown in a step instead of its value."""

    field: str = ""
    how: str = "mean"
    keep: str | None = None
    of: tuple[str, ...] = ()
    join: str | None = None
    gain: bool = False


@dataclass(frozen=True, slots=True)
class Total(Question):
    """how: mean | max | min | sum | count over all samples of the range."""

    field: str = ""
    how: str = "sum"


@dataclass(frozen=True, slots=True)
class Share(Question):
    """One figure in percent for each `by`."""


@dataclass(frozen=True, slots=True)
class Shares(Question):
    """A table of that with the columns share, difference (to `agreed`, a variable) and known:
    how much of those days is known at all; all in percent."""

    agreed: str = "$agreed"


@dataclass(frozen=True, slots=True)
class Marks(Question):
    """Incidents from beginning to end."""


@dataclass(frozen=True, slots=True)
class Choices(Question):
    """Values of a tag; field: one that is always written with it."""

    tag: str = ""
    field: str = "state"
