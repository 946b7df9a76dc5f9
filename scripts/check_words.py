"""Nothing in the repository that belongs to one machine, is secret, or was left unfinished.

Exit 1 and `file:line: why` for each finding in the files that git tracks.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = {".png", ".woff2", ".ico", ".jpg", ".gz", ".pyc"}

# Written so that no pattern matches itself.
FORBIDDEN: dict[str, re.Pattern[str]] = {
    "a package registry's address": re.compile(
        r"py[p]i\.org|python[h]osted\.org|registry\.np[m]js|--extra[-]index-url|--index[-]url"
    ),
    "a path of one machine": re.compile(r"(?<![\w.])/(?:ho[m]e/[a-z]\w*|ro[o]t|wo[r]k|Us[e]rs)/"),
    "a private key": re.compile(r"BEGIN [A-Z ]*PRIVATE[ ]KEY-----\s*\\?n?[A-Za-z0-9+/]{16}"),
    "a token": re.compile(r"gh[p]_\w{20}|xox[b]-\w{10}|AKI[A][0-9A-Z]{12}|gl[p]at-\w{16}"),
    "an unfinished note": re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b"),
    "a merge conflict": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}


def main() -> int:
    """Check all tracked files. Exit code."""
    findings = [finding for path in tracked() for finding in check(path)]
    for finding in findings:
        print(finding, file=sys.stderr)
    return bool(findings)


def tracked() -> list[Path]:
    """Files that git tracks and that exist, relative to the repository's root."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z"]
    names = subprocess.run(git, check=True, capture_output=True).stdout.decode().split("\0")  # noqa: S603
    return [Path(name) for name in names if name and (ROOT / name).is_file()]


def check(path: Path) -> Iterator[str]:
    """Findings in one file, each as `path:line: what it is`."""
    if path.suffix in BINARY:
        return
    yield from check_text(str(path), (ROOT / path).read_text(encoding="utf-8"))


def check_text(name: str, text: str) -> Iterator[str]:
    """Findings in a text."""
    for what, pattern in FORBIDDEN.items():
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: {what}: {match.group().strip()}"


if __name__ == "__main__":
    sys.exit(main())
