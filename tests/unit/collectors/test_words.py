"""Every reason a connection collector can give has a Vietnamese text with the same values."""

from __future__ import annotations

import ast
import string
from pathlib import Path

from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[3]
OURS = [
    "_http",
    "_match",
    "_names",
    "_net",
    "_tls",
    "_trouble",
    "_url",
    "dns",
    "http",
    "tcp",
    "tls",
]
RAISERS = {"Failed", "Unmeasured", "awaits", "ValueError"}
TABLES = {"_PEER", "_LOCAL", "_CERTIFICATE", "_HANDSHAKE", "_RCODES"}


def texts_of(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in RAISERS and node.args:
                found |= literals(node.args[0])
            if name == "get" and len(node.args) == 2:
                found |= {text for text in literals(node.args[1]) if " " in text}
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in TABLES:
            assert isinstance(node.value, ast.Dict)
            for value in node.value.values:
                found |= literals(value)
    return found


def literals(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def catalog() -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in (ROOT / "ioc" / "locale" / "vi").glob("*.po"):
        with path.open("rb") as file:
            texts |= {str(m.id): str(m.string) for m in read_po(file, locale="vi") if m.id}
    return texts


def fields(template: str) -> set[str]:
    if "${" in template:
        return set()
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def used() -> set[str]:
    files = [ROOT / "collectors" / f"{name}.py" for name in OURS]
    return set().union(*(texts_of(file.read_text(encoding="utf-8")) for file in files))


def test_every_reason_has_a_vietnamese_text_with_the_same_values() -> None:
    known = catalog()
    reasons = used()
    assert len(reasons) > 80  # the search above still finds them
    assert [text for text in sorted(reasons) if not known.get(text)] == []
    assert [t for t in sorted(reasons) if fields(t) != fields(known[t])] == []


def test_the_catalog_of_collectors_holds_nothing_that_is_never_said() -> None:
    path = ROOT / "ioc" / "locale" / "vi" / "collectors.po"
    with path.open("rb") as file:
        ids = {str(message.id) for message in read_po(file, locale="vi") if message.id}
    assert ids - used() == set()
