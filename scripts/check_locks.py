"""Are the lock files in step with pyproject.toml? Needs no network.

Every direct requirement must be locked at a version it allows, every locked package must be needed
by something, every line must carry hashes, and both locks must agree. Exit 1 and one line for each
mistake otherwise.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
Lock = Mapping[str, str]  # canonical name -> version


def main() -> int:
    """Check both lock files of the project. Exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = [Requirement(text) for text in project["project"]["dependencies"]]
    dev = [Requirement(text) for text in project["dependency-groups"]["dev"]]
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in FILES]
    locks = [read_lock(text) for text in texts]
    mistakes = [
        *check(FILES[0], texts[0], runtime),
        *check(FILES[1], texts[1], [*runtime, *dev]),
        *(
            f"{FILES[1]}: {name} {locks[1].get(name)}, but {version} in {FILES[0]}"
            for name, version in locks[0].items()
            if locks[1].get(name) != version
        ),
    ]
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        print("run: make lock", file=sys.stderr)
    return bool(mistakes)


FILES = ("requirements.lock", "requirements-dev.lock")


def read_lock(text: str) -> dict[str, str]:
    """Names and versions of a lock file's text."""
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def check(name: str, text: str, wanted: Iterable[Requirement]) -> Iterator[str]:
    """Mistakes of one lock file against the requirements it was made for."""
    lock, wanted = read_lock(text), list(wanted)
    for requirement in wanted:
        version = lock.get(canonicalize_name(requirement.name))
        if version is None:
            yield f"{name}: {requirement.name} is missing"
        elif not requirement.specifier.contains(version, prereleases=True):
            yield f"{name}: {requirement.name} {version} is not {requirement.specifier}"
    for stale in sorted(set(lock) - reachable(wanted)):
        yield f"{name}: nothing needs {stale}"
    for block in re.split(r"\n(?=\S)", text.strip()):
        if "--hash=sha256:" not in block:
            yield f"{name}: no hash: {block.splitlines()[0]}"


def reachable(wanted: Iterable[Requirement]) -> set[str]:
    """Names of all that the requirements need, by the metadata of what is installed.

    Packages for other systems are not installed; what they need would be unknown, but no package
    for another system that needs a further one is locked so far.
    """
    seen: set[tuple[str, str]] = set()
    queue = [(r.name, extra) for r in wanted for extra in ("", *r.extras)]
    while queue:
        name, extra = queue.pop()
        if (canonicalize_name(name), extra) in seen:
            continue
        seen.add((canonicalize_name(name), extra))
        for needed in needs(name, extra):
            queue += [(needed.name, inner) for inner in ("", *needed.extras)]
    return {name for name, _ in seen}


def needs(name: str, extra: str) -> Iterator[Requirement]:
    """Requirements of an installed package, whatever system they are for; of one extra if given."""
    try:
        texts = requires(name) or []
    except PackageNotFoundError:
        return
    for requirement in map(Requirement, texts):
        asks_extra = "extra ==" in str(requirement.marker)
        if not asks_extra or (extra and requirement.marker.evaluate({"extra": extra})):
            yield requirement


if __name__ == "__main__":
    sys.exit(main())
