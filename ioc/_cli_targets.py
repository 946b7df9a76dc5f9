"""`ioc targets …`: asks and tells the running program over its own API, so that a figure is the
same here, on the page and in a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from ioc._cli_base import CommandError, ExitCode, paint, say, say_json
from ioc._cli_incidents import reach
from ioc._cli_time import day
from ioc._client import download, tell
from ioc.i18n import _, language, mark
from ioc.ledger.rounding import shown
from ioc.settings import Settings

Row = Mapping[str, Any]
WORDS = {
    "met": (mark("goal reached"), "good"),
    "partly": (mark("partly reached"), "warn"),
    "not_met": (mark("goal not reached"), "bad"),
    "tracked": (mark("tracked"), "quiet"),
    "unknown": (mark("not enough evidence"), "quiet"),
}
SOURCES = {
    "measured": mark("measured"),
    "exported": mark("exported"),
    "declared": mark("declared"),
    "mixed": mark("several sources"),
}
OUTCOMES = {
    "new": mark("The figures are entered."),
    "corrected": mark("Entered as a correction; the version before stays in the list."),
    "unchanged": mark("Nothing to change: the same figures stand there already."),
}
SHOWN = 100  # rows of evidence that are listed; --json has all
PATIENCE = 120.0  # seconds for a file of tens of thousands of rows


def show_targets(settings: Settings, place: str | None, state: str | None, *, as_json: bool) -> int:
    """Every target, one line each."""
    page = _get(settings, "/api/v1/targets", place=place, state=state)
    if as_json:
        say_json(page)
    else:
        for row in page["items"]:
            _print(settings, row["standing"], f"{row['name']} [{row['id']}]", row)
        if not page["items"]:
            say(_("No target like this."))
    return ExitCode.FINE


def show_target(settings: Settings, target: str, place: str | None, *, as_json: bool) -> int:
    """One target: every source, every place, what counts and what does not."""
    path = f"/api/v1/targets/{quote(target, safe='')}"
    one = _get(settings, path, place=place)
    evidence = list(_evidence(settings, path, place))
    if as_json:
        say_json({**one, "entries": evidence})
        return ExitCode.FINE
    standing = one["standing"]
    _print(settings, standing, f"{one['name']} – {standing['name']}", one)
    say("  " + standing["figure"]["rule"])
    for figure in standing["others"]:
        say(f"  {_('beside it')}: {_figure(settings, figure)}")
    for found in one["places"]:
        _print(settings, found, f"{found['name']} [{found['place']}]", one, "  ")
    missing = [entry for entry in evidence if entry["counts"] is not True]
    for entry in missing[:SHOWN]:
        why = entry["reason"]["text"] if entry["reason"] else ""
        sign = paint("?", "quiet") if entry["counts"] is None else paint("✗", "bad")
        where = f"{entry['place_name']}: " if entry["place_name"] else ""
        say(f"  {sign} {where}{entry['name']} [{entry['id']}] {why}".rstrip())
    if len(missing) > SHOWN:
        say("  " + _("and {count} more (--json shows all)", count=len(missing) - SHOWN))
    return ExitCode.FINE


def declare_reading(
    settings: Settings, target: str, given: Mapping[str, object], *, as_json: bool
) -> int:
    """Enter one figure. Raises CommandError for what is refused."""
    body = {name: value for name, value in given.items() if value not in (None, "", ())}
    for name in ("numerator", "denominator"):
        try:
            body[name] = int(str(given[name]))
        except ValueError:
            raise CommandError(f"{name}: " + _("must be a whole number")) from None
    body["links"] = list(given["links"])  # type: ignore[call-overload]
    path = f"/api/v1/targets/{quote(target, safe='')}/readings?lang={language()}"
    kept = reach(settings, lambda: tell(settings, "POST", path, body))
    if as_json:
        say_json(kept)
    else:
        reading = kept["reading"]
        say(_(OUTCOMES[kept["outcome"]]))
        counted = f"{reading['numerator']}/{reading['denominator']}  {reading['as_of']}"
        version = _("version {n}", n=reading["version"])
        say(f"  {counted}  {_(SOURCES[reading['source']])}  {version}")
    return ExitCode.FINE


def import_file(settings: Settings, file: str, commit: str, *, as_json: bool) -> int:
    """Look at a table of figures, or enter it. Exit code 1 when it has mistakes."""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    path = f"/api/v1/targets/import?commit={commit}&lang={language()}"
    found = reach(settings, lambda: tell(settings, "POST", path, content, PATIENCE))
    if as_json:
        say_json(found)
    else:
        for one in found["mistakes"]:
            row = f"{one['row']}" if one["row"] else ""
            where = ":".join(part for part in (file, one["sheet"], row) if part)
            say(f"{where}: {one['column']}: {one['message']}" if one["column"]
                else f"{where}: {one['message']}")  # fmt: skip
        counts = {name: found[name] for name in ("new", "corrected", "unchanged", "machines")}
        text = mark(
            "{new} new, {corrected} corrections, {unchanged} unchanged, {machines} computers; "
            "{mistakes} rows with mistakes"
        )
        say(_(text, mistakes=len(found["mistakes"]), **counts))
        say(_("Entered.") if found["entered"] else _(NOT_ENTERED))
    return ExitCode.PROBLEM if found["mistakes"] else ExitCode.FINE


NOT_ENTERED = mark(
    "Nothing was entered. --commit all enters a file without mistakes, --commit good its good rows."
)


def write_template(settings: Settings, file: str) -> int:
    """Write the workbook to fill in; an existing file stays. Raises CommandError."""
    path = f"/api/v1/targets/template?lang={language()}"
    content = reach(settings, lambda: download(settings, path, PATIENCE))
    try:
        with Path(file).open("xb") as out:
            out.write(content)
    except FileExistsError as error:
        raise CommandError(_("{file} exists already; name another", file=file)) from error
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    say(file)
    return ExitCode.FINE


def _get(settings: Settings, path: str, **given: str | None) -> Any:
    query = {"lang": language(), **{k: v for k, v in given.items() if v is not None}}
    return reach(settings, lambda: tell(settings, "GET", f"{path}?{urlencode(query)}"))


def _evidence(settings: Settings, path: str, place: str | None) -> Iterator[Row]:
    cursor: str | None = None
    while True:
        page = _get(settings, f"{path}/evidence", place=place, limit="1000", cursor=cursor)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def _print(settings: Settings, standing: Row, title: str, target: Row, indent: str = "") -> None:
    """One line: state, figure, title, source; a second one for what must be said of it."""
    word, colour = WORDS[standing["state"]]
    goal = ""
    if target["goal"] is not None and not indent:
        sign = target["comparator"].replace(">=", "≥")
        goal = "; " + _("goal {comparator} {goal} %", comparator=sign, goal=target["goal"])
    say(f"{indent}{paint(_(word), colour)}  {title}: {_figure(settings, standing['figure'])}{goal}")
    for note in (standing["conflict"], standing["figure"]["note"]):
        if note is not None:
            say(f"{indent}  ! {note['text']}")


def _figure(settings: Settings, figure: Row) -> str:
    source = _(SOURCES[figure["source"]])
    if figure["value"] is None:
        return f"– ({source})"
    whole = "–" if figure["denominator"] is None else figure["denominator"]
    value = _("{value} % ({numerator} of {denominator})", value=_shown(figure["value"]),
              numerator=figure["numerator"], denominator=str(whole))  # fmt: skip
    parts = [value, source]
    if figure["as_of"]:
        on = day(settings, figure["as_of"])
        parts.append(_("as of") + " " + on + (" " + _("(old)") if figure["stale"] else ""))
    if figure["evidence"] is not None:
        parts.append(_("evidence") + f" {_shown(figure['evidence'])} %")
    return " · ".join(parts)


def _shown(value: float) -> str:
    """At most one decimal, as the pages show it."""
    text = f"{shown(value):.1f}".removesuffix(".0")
    return text.replace(".", ",") if language() == "vi" else text
