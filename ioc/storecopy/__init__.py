"""Copying all samples of one store into another: `ioc store copy FROM TO`.

SQLite ─▶ a new SQLite file: every level, row by row (ioc.store._replica).
Anything else: samples, a stretch of time of one field after the other: read, compare with what is
there, write what is missing, read back, compare. That needs no notes of what is done: run again,
what is there already is found equal and left alone.
"""

from __future__ import annotations

from ioc.storecopy.copy import Copied, Report, copy
from ioc.storecopy.places import CopyError

__all__ = ["Copied", "CopyError", "Report", "copy"]
