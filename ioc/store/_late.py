"""Samples of a time whose samples were dropped already: windows cannot be worked out anew.

They go into the finest window that is left, when they are older or newer than all it was made of;
those in between are taken for samples that were sent twice, so that sending again changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from ioc.store._view import View, worn
from ioc.store._windows import Windows, add, fold, hold, runs

Samples = tuple[Sequence[int], Sequence[float]]  # times, ascending, and values
Span = tuple[int, int]  # times of the oldest and the newest sample of a window


def late_windows(view: View, level: int, series: int, samples: Samples, up: bool) -> Windows:
    """Windows of a level, of those samples that the stored windows were not made of."""
    times, values = samples
    found = Windows()
    if not times:
        return found
    grid = view.grid(level)
    known = _spans(view, level, series, grid.start(times[0]), times[-1] + 1)
    for start, first, after in runs(times, grid):
        for part in _outside(times, first, after, known.get(start)):
            fold(times[part], values[part], grid, found)
            if up:
                hold(times[part], values[part], None, grid, found)
    return found


def take_late(
    view: View, series: int, start: int, end: int, up: bool
) -> Iterator[tuple[int, int, int]]:
    """Bring late samples into windows and let them go. Touched: (level, start, end)."""
    times, values = view.samples(series, start, end)
    for level, first, after in worn(view.floors(), start, end):
        part = slice(bisect_left(times, first), bisect_left(times, after))
        late = late_windows(view, level, series, (times[part], values[part]), up)
        for begin, window in late.items():
            _add_stored(view, level, series, begin, {begin: window})
            yield level, begin, begin + 1
    view.connection.execute(
        "DELETE FROM raw WHERE series = ? AND time >= ? AND time < ?", (series, start, end)
    )


def _add_stored(view: View, level: int, series: int, start: int, windows: Windows) -> None:
    for begin, window in view.windows(level, series, start, start + 1):
        add(windows, begin, window)
    view.put(level, [(series, windows)])


def _spans(view: View, level: int, series: int, start: int, end: int) -> dict[int, Span]:
    stored = view.windows(level, series, start, end)
    return {time: (window.first_time, window.last_time) for time, window in stored}


def _outside(times: Sequence[int], first: int, after: int, span: Span | None) -> tuple[slice, ...]:
    """Where times[first:after] lie before and after a known span."""
    if span is None:
        return (slice(first, after),)
    return (
        slice(first, bisect_left(times, span[0], first, after)),
        slice(bisect_right(times, span[1], first, after), after),
    )
