"""`ioc status`: what the running program sees, asked over its own API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ioc._cli_base import CommandError, ExitCode, paint, say, say_json
from ioc._cli_time import whole_time
from ioc._cli_words import STATE_WORDS
from ioc._client import NotRunningError, RefusedError, ask
from ioc.engine.model import State
from ioc.i18n import _, language
from ioc.settings import Settings

LISTS = ("sites", "links", "devices", "services", "sentinels")
SHOWN = 50  # lines of what is not up; --json has all
WORST_FIRST = (State.DOWN, State.DEGRADED, State.UNREACHABLE, State.UNKNOWN)
Row = Mapping[str, Any]


def show_status(settings: Settings, *, as_json: bool) -> int:
    """Totals, what is not up and since when, problems of the monitor itself.

    Exit code 1 when anything is wrong. Raises CommandError (2) when the program does not run there.
    """
    where = f"{settings.listen_host}:{settings.listen_port}"
    try:
        overview = _overview(settings)
        not_up = [
            row for name in LISTS for state in WORST_FIRST for row in _all(settings, name, state)
        ]
    except RefusedError as error:
        raise CommandError(str(error)) from error
    except NotRunningError as error:
        message = _("ioc does not run on {address} ({error})", address=where, error=str(error))
        raise CommandError(message) from error
    if as_json:
        say_json({"overview": overview, "problems": overview["problems"], "not_up": not_up})
    else:
        _print(settings, overview, not_up)
    return ExitCode.PROBLEM if not_up or overview["problems"] else ExitCode.FINE


def _overview(settings: Settings) -> Row:
    overview = ask(settings, f"/api/v1/overview?lang={language()}")
    if not isinstance(overview, dict) or not isinstance(overview.get("problems"), list):
        raise NotRunningError(_("another program answers there"))
    return overview


def _all(settings: Settings, name: str, state: State) -> Iterator[Row]:
    """Every site or asset of that list in that state, page by page."""
    cursor = ""
    while True:
        query = f"?state={state}&limit=1000&lang={language()}{cursor}"
        page = ask(settings, f"/api/v1/{name}{query}")
        yield from page["items"]
        if not page["next"]:
            return
        cursor = f"&cursor={page['next']}"


def _print(settings: Settings, overview: Row, not_up: list[Row]) -> None:
    title = f"{overview['name']}  {whole_time(settings, overview['at'])}"
    simulated = paint(_("SIMULATED"), "warn") if overview["simulated"] else ""
    say(f"{paint(title, 'strong')}  {simulated}".rstrip())
    for problem in overview["problems"]:
        since = _("since {time}", time=whole_time(settings, problem["since"]))
        say(f"{paint('!', 'bad')} {problem['text']} ({since})")
    for label, counts in _totals(overview):
        say(f"  {label}: {counts}")
    for coverage in overview["coverage"]:
        say(f"  {_coverage(coverage)}")
    causes = [row for row in not_up if not row["cause"]]
    for row in causes[:SHOWN]:
        _print_row(settings, row)
    if len(causes) > SHOWN:
        say(_("and {count} more (--json shows all)", count=len(causes) - SHOWN))
    if len(causes) < len(not_up):
        say(_("and {count} that cannot be judged behind them", count=len(not_up) - len(causes)))


def _totals(overview: Row) -> Iterator[tuple[str, str]]:
    yield _("sites"), _counts(overview["sites"])
    for kind, counts in overview["links"].items():
        yield f"{_('links')} {kind}", _counts(counts)
    for kind, counts in overview["devices"].items():
        yield f"{_('devices')} {kind}", _counts(counts)
    yield _("services"), _counts(overview["services"])


def _counts(counts: Mapping[str, int]) -> str:
    parts = [f"{_(STATE_WORDS[State(name)][0])} {count}" for name, count in counts.items() if count]
    return ", ".join(parts) or "-"


def _coverage(row: Row) -> str:
    goal = (
        ""
        if row["goal"] is None
        else _(
            "goal {comparator} {goal} %",
            comparator=row["comparator"].replace(">=", "≥"),
            goal=row["goal"],
        )
    )
    if row["value"] is None:
        return f"{row['name']}: {_('unknown')} ({goal})"
    value = _("{value} % ({numerator} of {denominator})", value=round(row["value"], 1),
              numerator=row["numerator"], denominator=row["denominator"])  # fmt: skip
    return f"{row['name']}: {value}, {goal}"


def _print_row(settings: Settings, row: Row) -> None:
    word, colour = STATE_WORDS[State(row["state"])]
    reason = f": {row['reason']['text']}" if row["reason"] else ""
    since = _("since {time}", time=whole_time(settings, row["since"]))
    say(f"{paint(_(word), colour)}  {row['name']} [{row['id']}] {since}{reason}")
