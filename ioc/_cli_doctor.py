"""`ioc doctor`: prints what the examination finds."""

from __future__ import annotations

from ioc._cli_base import ExitCode, pad, paint, say, say_json
from ioc.doctor import Finding, Level, examine
from ioc.i18n import _, mark, render
from ioc.settings import Settings

WORDS = {
    Level.OK: (mark("ok"), "good"),
    Level.WARNING: (mark("warning"), "warn"),
    Level.PROBLEM: (mark("problem"), "bad"),
}


def show_findings(settings: Settings, *, as_json: bool) -> int:
    """Examine and print. Exit code 1 when there is a problem; a warning alone is none."""
    findings = []
    for finding in examine(settings):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        say_json([_as_data(finding) for finding in findings])
    worst = any(finding.level is Level.PROBLEM for finding in findings)
    return ExitCode.PROBLEM if worst else ExitCode.FINE


def _print(finding: Finding) -> None:
    width = max(len(_(word)) for word, _colour in WORDS.values())
    word, colour = WORDS[finding.level]
    say(f"{paint(pad(_(word), width), colour)}  {render(finding.what)}")
    if finding.remedy:
        say(f"{' ' * width}  → {render(finding.remedy)}")


def _as_data(finding: Finding) -> dict[str, str | None]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "what": render(finding.what),
        "remedy": render(finding.remedy) if finding.remedy else None,
    }
