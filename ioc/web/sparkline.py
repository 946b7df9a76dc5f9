"""A small line of one day, made on the server: it needs no script and prints well."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, PAD = 240, 44, 3
Samples = Sequence[tuple[int, float]]


def sparkline(samples: Samples, start: int, end: int, step: int, label: str) -> Markup:
    """SVG of (ms, value) samples between two moments; empty when there are none.

    From 0 to the highest value. Gaps longer than two steps stay gaps: nothing was measured there.
    """
    if not samples or end <= start:
        return Markup("")
    top = max(1e-9, *(value for _, value in samples))
    runs: list[list[str]] = []
    last: int | None = None
    for at, value in samples:
        inside = min(max(at - start, 0), end - start) / (end - start)
        x = PAD + (WIDTH - 2 * PAD) * inside
        y = HEIGHT - PAD - (HEIGHT - 2 * PAD) * max(value, 0.0) / top
        if last is None or at - last > 2 * step:
            runs.append([])
        runs[-1].append(f"{x:.1f},{y:.1f}")
        last = at
    return Markup(  # numbers of ours only; the label is escaped by format
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>'
    ).format(WIDTH, HEIGHT, label, Markup("").join(_shape(run) for run in runs))


def _shape(run: list[str]) -> Markup:
    if len(run) == 1:  # one sample alone would be a line without length
        run = [run[0], run[0]]
    return Markup('<polyline points="{}"/>').format(" ".join(run))
