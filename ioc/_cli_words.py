"""How states are called on the command line, and in which colour."""

from __future__ import annotations

from ioc.engine.model import State
from ioc.i18n import mark

STATE_WORDS = {
    State.UP: (mark("normal"), "good"),
    State.DEGRADED: (mark("degraded"), "warn"),
    State.DOWN: (mark("down"), "bad"),
    State.UNREACHABLE: (mark("unreachable"), "warn"),
    State.OFF: (mark("off"), "quiet"),
    State.MAINTENANCE: (mark("maintenance"), "quiet"),
    State.UNKNOWN: (mark("unknown"), "warn"),
}
