"""Windows of five minutes, three hours of them in one row: the past is kept mostly in these.

A column each, the bytes of equal weight beside each other, then zlib: half of what rows of a table
take, and a tenth for `up`. They are written once, when samples go, and read seldom.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Mapping
from operator import add, attrgetter, sub

from ioc.store._schema import FINEST, HOUR, LEVELS
from ioc.store._windows import Window, Windows

SPAN = 3 * HOUR  # ms in one row: three rows of a noisy series fill a page
WIDTH = LEVELS[FINEST][1]
COLUMNS: tuple[tuple[str, str], ...] = (  # of Window, in its order; type code of the array
    ("count", "I"), ("total", "d"), ("low", "d"), ("high", "d"), ("first_time", "I"),
    ("last_time", "I"), ("last", "d"), ("up_ms", "I"), ("known_ms", "I"),
)  # fmt: skip
RELATIVE = frozenset({"first_time", "last_time"})  # to the start of the window


def pack(start: int, windows: Mapping[int, Window]) -> bytes:
    """The windows of a row that starts at `start`, ms UTC. ValueError for what does not fit."""
    times = sorted(windows)
    ordered = [windows[time] for time in times]
    columns = [_plain("I", [(time - start) // WIDTH for time in times])]
    for name, code in COLUMNS:
        values = list(map(attrgetter(name), ordered))
        if name in RELATIVE:
            values = list(map(sub, values, times))
        columns.append(_plain(code, values))
    return zlib.compress(b"".join(columns))


def unpack(start: int, packed: bytes) -> Windows:
    """What pack() was given. ValueError for what it did not make."""
    try:
        plain = zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    sizes = [array(code).itemsize for _name, code in COLUMNS]
    count, rest = divmod(len(plain), 4 + sum(sizes))
    if rest:
        raise ValueError(f"{len(plain)} bytes")
    times = [start + int(slot) * WIDTH for slot in _column("I", plain[: 4 * count])]
    at = 4 * count
    columns = []
    for (name, code), size in zip(COLUMNS, sizes, strict=True):
        column = _column(code, plain[at : at + size * count])
        columns.append(list(map(add, column, times)) if name in RELATIVE else column)
        at += size * count
    return dict(zip(times, map(Window, *columns), strict=True))


def _plain(code: str, values: list[int] | list[float]) -> bytes:
    """Little-endian, first the lowest bytes of all values, then the next ones …"""
    try:
        column = array(code, values)
    except OverflowError as error:
        raise ValueError(str(error)) from error
    if sys.byteorder == "big":
        column.byteswap()
    plain = column.tobytes()
    return b"".join(plain[byte :: column.itemsize] for byte in range(column.itemsize))


def _column(code: str, plain: bytes) -> array[int] | array[float]:
    column = array(code)
    size = column.itemsize
    count = len(plain) // size
    mixed = bytearray(len(plain))
    for byte in range(size):
        mixed[byte::size] = plain[byte * count : (byte + 1) * count]
    column.frombytes(bytes(mixed))
    if sys.byteorder == "big":
        column.byteswap()
    return column
