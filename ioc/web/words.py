"""States, links and figures in words."""

from __future__ import annotations

from collections.abc import Mapping

from ioc.engine.model import SiteView, State
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.ledger.model import Source, TargetState
from ioc.ledger.rounding import shown

LINK_LABELS = {
    "fiber": mark("Fiber"),
    "4g": mark("4G"),
    "leased": mark("Leased line"),
    "satellite": mark("Satellite"),
}
STATE_WORDS = {
    State.UP: mark("normal"),
    State.DEGRADED: mark("degraded"),
    State.DOWN: mark("outage"),
    State.UNREACHABLE: mark("not reachable"),
    State.OFF: mark("switched off"),
    State.MAINTENANCE: mark("maintenance"),
    State.UNKNOWN: mark("unknown"),
}
VALUE_WORDS = {
    "rtt_ms": mark("latency"),
    "loss_pct": mark("packet loss"),
    "jitter_ms": mark("jitter"),
    "dns_ms": mark("name lookup"),
    "query_ms": mark("name lookup"),
    "connect_ms": mark("connection"),
    "tls_ms": mark("encryption"),
    "handshake_ms": mark("encryption"),
    "answer_ms": mark("answer"),
    "first_byte_ms": mark("first byte"),
    "total_ms": mark("whole answer"),
    "status": mark("HTTP status"),
    "days_left": mark("certificate valid for"),
    "mobile": mark("made for telephones"),
}


TARGET_WORDS = {
    TargetState.MET: mark("goal reached"),
    TargetState.PARTLY: mark("partly reached"),
    TargetState.NOT_MET: mark("goal not reached"),
    TargetState.TRACKED: mark("tracked"),
    TargetState.UNKNOWN: mark("not enough evidence"),
}
SOURCE_WORDS = {
    Source.MEASURED: mark("measured"),
    Source.EXPORTED: mark("exported"),
    Source.DECLARED: mark("declared"),
    Source.MIXED: mark("several sources"),
}


def target_word(state: TargetState, lang: str) -> str:
    return _(TARGET_WORDS[state], lang)


def source_word(source: Source, lang: str) -> str:
    return _(SOURCE_WORDS[source], lang)


def state_word(state: State, lang: str) -> str:
    return _(STATE_WORDS[state], lang)


def link_word(state: State, lang: str) -> str:
    return _("line down", lang) if state is State.DOWN else state_word(state, lang)


def link_label(kind: str, lang: str) -> str:
    return _(LINK_LABELS[kind], lang) if kind in LINK_LABELS else kind


def site_word(view: SiteView, lang: str) -> str:
    if view.dark:
        return _("dark, power cut suspected", lang)
    if view.on_backup:
        return _("on backup link", lang)
    return state_word(view.state, lang)


def percent(value: float | None, lang: str, digits: int = 1) -> str:
    """Decimals only where it is not whole; a dash for unknown."""
    return "–" if value is None else f"{decimal(shown(value, digits), lang, digits)} %"


def count(value: int | None, lang: str) -> str:
    """With the language's sign for thousands; a dash for unknown."""
    if value is None:
        return "–"
    return f"{value:,}".replace(",", ".") if lang == "vi" else f"{value:,}"


def decimal(value: float, lang: str, digits: int = 1) -> str:
    """At most so many decimals, with the language's sign for them."""
    text = f"{value:.{digits}f}".rstrip("0").removesuffix(".") if digits else f"{value:.0f}"
    return text.replace(".", ",") if lang == "vi" else text


def measured(values: Mapping[str, float], lang: str) -> str:
    """Values with their names and units, as `độ trễ 12,4 ms · mất gói 0 %`."""
    return " · ".join(
        f"{_(word, lang)} {_with_unit(name, values[name], lang)}"
        for name, word in VALUE_WORDS.items()
        if name in values
    )


def _with_unit(name: str, value: float, lang: str) -> str:
    if name.endswith("mobile"):
        return _("yes" if value else "no", lang)
    if name == "days_left":
        return _("{n} days", lang, n=int(value))
    unit = {"ms": " ms", "pct": " %"}.get(name.rpartition("_")[2], "")
    return f"{decimal(value, lang)}{unit}"
