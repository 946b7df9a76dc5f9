"""Upkeep of the SQLite store, in steps short enough that a write hardly waits.

    hot ─▶ raw, touched windows marked dirty ─▶ 5 min ─▶ 1 h ─▶ 1 day ─▶ retention ─▶ vacuum

Each step is one transaction: killed between two, the next run goes on where this one stopped.
"""

from __future__ import annotations

import sqlite3

from ioc.store._schema import LEVELS

CHUNK = 4_000  # rows a step: about 20 ms on a slow disk
PAGES = 200  # pages given back in a step
DAY = 86_400_000

RAW_COLUMNS = "count(*), total(value), min(value), max(value), max(time)"
ROLLED_COLUMNS = "sum(count), total(total), min(low), max(high), max(last_time)"

KEEP_DAYS = {"raw": 30, "rollup_5m": 366, "rollup_1h": 3660, "rollup_1d": 3660}


def merge_step(connection: sqlite3.Connection) -> bool:
    """Move some rows of `hot` into `raw` in order. False when there were none."""
    bounds = connection.execute(
        "SELECT min(rowid), max(rowid) FROM (SELECT rowid FROM hot ORDER BY rowid LIMIT ?)",
        (CHUNK,),
    ).fetchone()
    if bounds[0] is None:
        return False
    window = LEVELS[0][1]
    connection.execute(
        "INSERT OR REPLACE INTO raw SELECT series, time, value FROM hot "
        "WHERE rowid BETWEEN ? AND ? ORDER BY series, time, rowid",
        bounds,
    )
    connection.execute(
        "INSERT OR IGNORE INTO dirty "
        "SELECT DISTINCT 0, series, time - time % :w - (time < 0 AND time % :w) * :w FROM hot "
        "WHERE rowid BETWEEN :a AND :b",
        {"w": window, "a": bounds[0], "b": bounds[1]},
    )
    connection.execute("DELETE FROM hot WHERE rowid BETWEEN ? AND ?", bounds)
    return True


def rollup_step(connection: sqlite3.Connection, level: int) -> bool:
    """Work out some dirty windows of a level anew. False when there were none."""
    rows = connection.execute(
        "SELECT series, time FROM dirty WHERE level = ? ORDER BY series, time LIMIT ?",
        (level, CHUNK // 20),
    ).fetchall()
    if not rows:
        return False
    table, width = LEVELS[level]
    statement = f"INSERT OR REPLACE INTO {table} {_source(level)}"
    connection.executemany(statement, [{"s": s, "a": t, "b": t + width} for s, t in rows])
    if level + 1 < len(LEVELS):
        above = LEVELS[level + 1][1]
        connection.executemany(
            "INSERT OR IGNORE INTO dirty VALUES (?, ?, ?)",
            {(level + 1, s, t - t % above) for s, t in rows},
        )
    connection.executemany(
        "DELETE FROM dirty WHERE level = ? AND series = ? AND time = ?",
        [(level, s, t) for s, t in rows],
    )
    return True


def _source(level: int) -> str:
    """SELECT one window of a level (:s series, :a start, :b end) from the level below it."""
    table, columns = ("raw", RAW_COLUMNS) if level == 0 else (LEVELS[level - 1][0], ROLLED_COLUMNS)
    last = "value" if level == 0 else "last"
    inside = "series = :s AND time >= :a AND time < :b"
    newest = f"(SELECT {last} FROM {table} WHERE {inside} ORDER BY time DESC LIMIT 1)"
    return f"SELECT :s, :a, {columns}, {newest} FROM {table} WHERE {inside} GROUP BY series"


def retain_step(connection: sqlite3.Connection, table: str, series: int, now: int) -> bool:
    """Drop some rows of a series that are past the table's retention. False when none were."""
    before = now - KEEP_DAYS[table] * DAY
    last = connection.execute(
        f"SELECT max(time) FROM (SELECT time FROM {table} WHERE series = ? AND time < ? "
        "ORDER BY time LIMIT ?)",
        (series, before, CHUNK),
    ).fetchone()[0]
    if last is None:
        return False
    connection.execute(f"DELETE FROM {table} WHERE series = ? AND time <= ?", (series, last))
    return True


def vacuum_step(connection: sqlite3.Connection) -> bool:
    """Give some free pages back to the file system. False when there are none."""
    if not connection.execute("PRAGMA freelist_count").fetchone()[0]:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
    return True
