"""A small line of one day, made on the server: it needs no script and prints well."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT, PAD = 240, 40, 3


def sparkline(samples: Sequence[tuple[int, float]], start: int, end: int, step: int) -> str:
    """SVG of (ms, value) samples between two moments. Gaps longer than two steps stay gaps."""
    if not samples or end <= start:
        return ""
    top = max(value for _, value in samples) or 1.0
    parts: list[list[str]] = []
    last: int | None = None
    for at, value in samples:
        x = PAD + (WIDTH - 2 * PAD) * min(max(at - start, 0), end - start) / (end - start)
        y = HEIGHT - PAD - (HEIGHT - 2 * PAD) * max(value, 0.0) / top
        if last is None or at - last > 2 * step:
            parts.append([])
        parts[-1].append(f"{x:.1f},{y:.1f}")
        last = at
    lines = "".join(
        f'<polyline points="{" ".join(part)}"/>'
        if len(part) > 1
        else '<circle cx="{}" cy="{}" r="1.5"/>'.format(*part[0].split(","))
        for part in parts
    )
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="max {top:.1f} ms">{lines}</svg>'
    )
