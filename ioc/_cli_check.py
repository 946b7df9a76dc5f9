"""`ioc check`: measure one asset now and show the whole log of it."""

from __future__ import annotations

import asyncio
import difflib
import time
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from collectors import collector
from collectors.base import Check, Measurement, Reason, Result, Verdict
from ioc._cli_base import CommandError, ExitCode, paint, say, say_json
from ioc._cli_words import STATE_WORDS
from ioc.clock import SystemClock
from ioc.engine.model import State
from ioc.engine.state import judge
from ioc.i18n import _, mark, render, translate
from ioc.inventory.topology import Topology

SUGGESTIONS = 5

VERDICT_WORDS = {
    Verdict.OK: (mark("answered"), "good"),
    Verdict.FAILED: (mark("failed"), "bad"),
    Verdict.UNKNOWN: (mark("not measured"), "warn"),
}
# Suffix of a value's name -> how its unit is written.
UNITS = {"ms": "ms", "s": "s", "pct": "%", "dbm": "dBm", "db": "dB", "mb": "MB", "bytes": "B"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One measurement. at: ms UTC when it began. duration_ms: how long it took."""

    at: int
    duration_ms: float
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class Log:
    """All attempts of one check, and what the engine would make of the last."""

    check: Check
    attempts: tuple[Attempt, ...]
    state: State
    reason: Reason | None


def check_now(topology: Topology, wanted: str, *, as_json: bool) -> int:
    """Measure an asset or a single check, print each attempt. Exit code.

    Raises CommandError when there is no such asset or check.
    """
    checks = find_checks(topology, wanted)
    logs = asyncio.run(_measure_all(checks))
    if as_json:
        say_json([_as_data(log) for log in logs])
    else:
        for log in logs:
            _print(log, topology)
    return ExitCode.FINE if all(log.state is State.UP for log in logs) else ExitCode.PROBLEM


def find_checks(topology: Topology, wanted: str) -> list[Check]:
    """The checks of an asset, or the one check of that id. Raises CommandError with suggestions."""
    if wanted in topology.checks:
        return [topology.checks[wanted]]
    if wanted in topology.assets:
        checks = [topology.checks[name] for name in topology.assets[wanted].checks]
        if checks:
            return checks
        raise CommandError(_("{asset} has no checks in the inventory", asset=wanted))
    close = suggest(topology, wanted)
    message = _("there is no asset or check {name}", name=repr(wanted))
    if close:
        message += ". " + _("Did you mean {names}?", names=", ".join(close))
    raise CommandError(message)


def suggest(topology: Topology, wanted: str) -> list[str]:
    """Ids near to what was typed: beneath it, of a name that holds it, spelt alike."""
    plain = _plain(wanted)
    beneath = [name for name in topology.assets if name.startswith(plain.replace(" ", "-") + ".")]
    named = [a.id for a in topology.assets.values() if plain and plain in _plain(a.name)]
    alike = difflib.get_close_matches(plain, [*topology.assets, *topology.checks], n=SUGGESTIONS)
    return list(dict.fromkeys([*beneath, *named, *alike]))[:SUGGESTIONS]


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


async def _measure_all(checks: Iterable[Check]) -> list[Log]:
    checks = list(checks)
    try:
        return list(await asyncio.gather(*(_measure(check) for check in checks)))
    finally:
        for kind in {check.kind for check in checks}:
            close = getattr(collector(kind), "close", None)
            if close is not None:
                await close()


async def _measure(check: Check) -> Log:
    """A round as the poller makes it: a failure is measured again before it counts."""
    attempts = [await _attempt(check)]
    while attempts[-1].measurement.verdict is not Verdict.OK and len(attempts) <= check.retries:
        await asyncio.sleep(max(0.0, check.retry_delay - attempts[-1].duration_ms / 1000))
        attempts.append(await _attempt(check))
    last = attempts[-1]
    result = Result(
        check=check.id,
        observed_at=last.at,
        verdict=last.measurement.verdict,
        values=last.measurement.values,
        reason=last.measurement.reason,
        details=last.measurement.details,
        attempts=len(attempts),
        duration=last.duration_ms / 1000,
    )
    state, reason = judge(check, result)
    return Log(check, tuple(attempts), state, reason)


async def _attempt(check: Check) -> Attempt:
    at, start = SystemClock().now(), time.perf_counter()
    try:
        async with asyncio.timeout(check.timeout):
            measurement = await collector(check.kind).measure(check.settings, check.timeout)
    except TimeoutError:
        measurement = Measurement.failed("no answer within {timeout} s", timeout=check.timeout)
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        measurement = Measurement.unknown("the collector broke: {error}", error=words)
    return Attempt(at, 1000 * (time.perf_counter() - start), measurement)


def address_of(check: Check) -> str:
    """Where the check looks, as its settings name it."""
    for field in ("url", "address", "host", "server"):
        value = getattr(check.settings, field, None)
        if value is not None:
            port = getattr(check.settings, "port", None)
            return f"{value}:{port}" if port is not None and field != "url" else str(value)
    return "-"


def _print(log: Log, topology: Topology) -> None:
    check = log.check
    timing = _(
        "every {interval} s, at most {timeout} s", interval=check.interval, timeout=check.timeout
    )
    say(f"{paint(check.id, 'strong')}  {check.kind}  {address_of(check)}  ({timing})")
    for number, attempt in enumerate(log.attempts, start=1):
        _print_attempt(number, attempt, topology)
    word, colour = STATE_WORDS[log.state]
    reason = f": {render(log.reason)}" if log.reason else ""
    say(f"  => {paint(_(word), colour)}{reason}")


def _print_attempt(number: int, attempt: Attempt, topology: Topology) -> None:
    measured = attempt.measurement
    word, colour = VERDICT_WORDS[measured.verdict]
    parts = [shown_value(name, value) for name, value in measured.values.items()]
    if measured.reason:
        parts.insert(0, render(measured.reason))
    clock = datetime.fromtimestamp(attempt.at / 1000, topology.timezone).strftime("%H:%M:%S")
    took = _("{duration} ms", duration=round(attempt.duration_ms, 1))
    say(f"  {number}. {clock}  {paint(_(word), colour)}  {', '.join(parts)}  [{took}]")
    for name, text in measured.details.items():
        say(f"       {name}: {text}")


def shown_value(name: str, value: float) -> str:
    """`rtt_ms`, 0.41 -> `rtt 0,41 ms`: the unit is the last part of a value's name."""
    stem, _sep, suffix = name.rpartition("_")
    unit = UNITS.get(suffix, "") if stem else ""
    number = translate("{number}", number=float(f"{value:.4g}"))
    return f"{stem if unit else name} {number} {unit}".rstrip()


def _as_data(log: Log) -> Mapping[str, object]:
    return {
        "check": log.check.id,
        "asset": log.check.asset,
        "kind": log.check.kind,
        "address": address_of(log.check),
        "state": log.state,
        "reason": log.reason and render(log.reason),
        "attempts": [
            {
                "at": attempt.at,
                "duration_ms": round(attempt.duration_ms, 3),
                "verdict": attempt.measurement.verdict,
                "values": dict(attempt.measurement.values),
                "details": dict(attempt.measurement.details),
                "reason": attempt.measurement.reason and render(attempt.measurement.reason),
            }
            for attempt in log.attempts
        ],
    }
