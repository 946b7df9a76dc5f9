"""A YAML file as plain values that remember their lines. Every trap of YAML ends in a Mistake.

Only plain text, whole numbers, decimals, true and false have a meaning: `off`, `0123`, `10:20:30`
and dates stay text. Duplicate keys, aliases, tags and several documents are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ioc.i18n import translate as _
from ioc.inventory.mistakes import Mistake

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 8 * 2**20
MAX_DEPTH = 20
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "false": False, "False": False, "": None, "~": None, "null": None,
}  # fmt: skip

Path_ = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """values: dicts, lists, scalars. lines: path -> line, of keys and of list items."""

    name: str
    values: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    raw: bytes = b""

    def wrong(self, line: int, path: Path_, message: str) -> None:
        self.mistakes.append(Mistake(self.name, line, shown(path), message))

    def line(self, path: Path_) -> int:
        """Line of the nearest enclosing thing that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def shown(path: Path_) -> str:
    """`sites[1].links[0].address`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_document(path: Path, name: str) -> Document:
    """The file's values, or its mistakes; never an exception for what a file may hold."""
    document = Document(name)
    text = _read(path, document)
    if text is None:
        return document
    try:
        if _simple(text, document):
            node = yaml.compose(text, Loader=_Loader)
            document.values = None if node is None else _value(node, (), document)
    except yaml.MarkedYAMLError as error:
        _syntax(error, document)
    except yaml.YAMLError as error:
        document.wrong(1, (), _("not YAML: {error}", None, error=str(error).splitlines()[0]))
    except RecursionError:
        document.wrong(1, (), _("nested too deep"))
    return document


def _read(path: Path, document: Document) -> str | None:
    try:
        if path.is_dir():
            document.wrong(1, (), _("is a folder, not a file"))
            return None
        if path.stat().st_size > MAX_BYTES:
            limit = MAX_BYTES // 2**20
            document.wrong(1, (), _("larger than {limit} MB; split it with include", limit=limit))
            return None
        document.raw = path.read_bytes()
    except OSError as error:
        document.wrong(1, (), _("cannot be read: {error}", error=error.strerror or str(error)))
        return None
    try:
        text = document.raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = document.raw[: error.start].count(b"\n") + 1
        document.wrong(line, (), _("not UTF-8 text; save the file as UTF-8"))
        return None
    return _printable(text, document)


def _printable(text: str, document: Document) -> str | None:
    bad = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]", text)
    if bad is not None:
        code = f"U+{ord(bad.group()):04X}"
        line = text.count("\n", 0, bad.start()) + 1
        document.wrong(line, (), _("a control character ({code}); remove it", code=code))
        return None
    return text


def _simple(text: str, document: Document) -> bool:
    """Refuse, before anything is built, what could grow or nest without bound."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            document.wrong(line, (), _("aliases (*name) are not supported; write the value out"))
            return False
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if depth > MAX_DEPTH:
            document.wrong(line, (), _("nested too deep"))
            return False
        if documents > 1:
            document.wrong(line, (), _("a second document (---); use one file for each"))
            return False
    return True


def _syntax(error: yaml.MarkedYAMLError, document: Document) -> None:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or str(error)
    if "\\t" in problem or "tab" in problem:
        document.wrong(line, (), _("a tab; indent with spaces"))
    else:
        document.wrong(line, (), _("not YAML: {error}", error=problem))


def _value(node: yaml.Node, path: Path_, document: Document) -> Any:
    line = node.start_mark.line + 1
    document.lines.setdefault(path, line)
    if node.tag and not node.tag.startswith("tag:yaml.org,2002:"):
        document.wrong(line, path, _("YAML tags (!name) are not supported; remove it"))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), document) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path_, document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            document.wrong(line, path, _("a key must be plain text"))
            continue
        key = str(key_node.value)
        here = (*path, key)
        if key in values:
            words = {"first": document.lines[here]}
            document.wrong(line, here, _("written twice; first on line {first}", **words))
            continue
        document.lines[here] = line
        values[key] = _value(value_node, here, document)
    return values


def _scalar(node: Any) -> Any:
    text = str(node.value)
    if node.style is not None:  # quoted or a block: text, whatever it looks like
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text) and len(text) < 19:
        return int(text)
    if DECIMAL.fullmatch(text):
        return float(text)
    return text
