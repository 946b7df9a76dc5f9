"""Windows come out of a packed row as they went in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.store._packed import SPAN, pack, unpack
from ioc.store._windows import Window

FIVE = 300_000
numbers = st.floats(allow_nan=False)
lengths = st.integers(0, 2**32 - 1)


@st.composite
def rows(draw: st.DrawFn) -> tuple[int, dict[int, Window]]:
    start = draw(st.integers(-(10**6), 10**6)) * SPAN
    slots = draw(st.sets(st.integers(0, SPAN // FIVE - 1), max_size=72))
    windows = {}
    for slot in slots:
        time = start + slot * FIVE
        first, last = (time + draw(st.integers(0, FIVE - 1)) for _ in range(2))
        total, low, high, value = (draw(numbers) for _ in range(4))
        count, up, known = (draw(lengths) for _ in range(3))
        windows[time] = Window(count, total, low, high, first, last, value, up, known)
    return start, windows


@given(rows())
def test_what_is_packed_is_unpacked(row: tuple[int, dict[int, Window]]) -> None:
    start, windows = row
    assert unpack(start, pack(start, windows)) == windows


def test_a_day_of_up_takes_a_few_bytes() -> None:
    windows = {
        t: Window(5, 5.0, 1.0, 1.0, t + 7000, t + 247_000, 1.0, FIVE, FIVE)
        for t in range(0, SPAN, FIVE)
    }
    assert len(pack(0, windows)) < 4 * len(windows)


@pytest.mark.parametrize("packed", [b"", b"nothing", pack(0, {})[:-1]])
def test_what_was_not_packed_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(0, packed)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        pack(0, {0: Window(2**32, 0, 0, 0, 0, 0, 0)})
