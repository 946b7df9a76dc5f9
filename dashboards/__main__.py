"""`python -m dashboards`: writes the JSON of every dashboard in both languages.

python -m dashboards           write dashboards/json
python -m dashboards --check   write nothing; exit 1 and name what differs
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import influxql, promql
from dashboards.boards import BOARDS

JSON = Path(__file__).parent / "json"


def build() -> Mapping[Path, str]:
    """Path -> content of every file."""
    return {
        JSON / dialect.NAME / f"{name}.json": _text(make(dialect).to_json())
        for dialect in (influxql, promql)
        for name, make in BOARDS.items()
    }


def differing(wanted: Mapping[Path, str]) -> list[Path]:
    """Files that are missing, different, or not made by any definition."""
    there = {path: path.read_text(encoding="utf-8") for path in JSON.glob("*/*.json")}
    return sorted(path for path in {*wanted, *there} if wanted.get(path) != there.get(path))


def main(words: Sequence[str]) -> int:
    wanted = build()
    changed = differing(wanted)
    for path in changed:
        print(path.relative_to(JSON.parent.parent))
        if "--check" not in words:
            _write(path, wanted.get(path))
    return 1 if changed and "--check" in words else 0


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _text(dashboard: object) -> str:
    return json.dumps(dashboard, cls=JSONEncoder, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
