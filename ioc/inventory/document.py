"""A YAML file as plain values that remember their lines. Every trap of YAML ends in a Mistake.

Only text, whole numbers, decimals, true, false and nothing have a meaning: `off`, `0123`,
`10:20:30`, `1_000` and dates stay text. Duplicate keys, aliases, tags and several documents are
refused. Values are built straight from the parser's events, so nothing is built of what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory.mistakes import Mistake

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - PyYAML without libyaml: slower, the same result
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 8 * 2**20  # 50,000 devices written one by one are 4 MB
MAX_DEPTH = 20  # the models need 7
MAX_VALUES = 400_000  # 80,000 devices written one by one
MAX_MISTAKES = 1000  # of one file; nobody reads more
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,30}")
WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "false": False, "False": False, "": None, "~": None, "null": None,
}  # fmt: skip
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")

# A password inside a web address, or what well-known services give out as a token.
SECRET = re.compile(
    r"://[^/\s:@\"']*:[^/\s@\"'${}]+@"
    r"|[?&](?:token|access_token|api_?key|password|passwd|secret)=(?!\$\{)[^&\s\"']+"
    r"|\b\d{8,10}:[A-Za-z0-9_-]{35}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}",
    re.IGNORECASE,
)

Path_ = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """values: dicts, lists, scalars. lines: path -> line, of keys and of list items.

    raw: the file's bytes, cut off after MAX_BYTES + 1; None when it could not be read.
    """

    name: str
    values: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    raw: bytes | None = None
    _told: set[tuple[int, str]] = field(default_factory=set)

    def wrong(self, line: int, path: Path_, message: str) -> None:
        """One mistake at one place: what follows from the first one there is not told."""
        place = (line, shown(path))
        if place in self._told or self.full:
            return
        self._told.add(place)
        self.mistakes.append(Mistake(self.name, line, place[1], message))
        if self.full:
            text = mark("more than {count} mistakes; the rest is not shown")
            self.mistakes.append(Mistake(self.name, line, "", _(text, count=MAX_MISTAKES)))

    @property
    def full(self) -> bool:
        return len(self.mistakes) >= MAX_MISTAKES

    def line(self, path: Path_) -> int:
        """Line of the nearest enclosing thing that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def path_of(self, text: str, line: int) -> Path_:
        """The value on a line that holds a text; () when none does (it is in a comment)."""
        found = (p for p, at in self.lines.items() if at == line and text in str(self._value(p)))
        return max(found, key=len, default=())

    def _value(self, path: Path_) -> Any:
        value = self.values
        for part in path:
            value = value[part]
        return value


def shown(path: Path_) -> str:
    """`sites[1].links[0].address`; a key that could not be printed is shown escaped."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if part.isprintable() else ascii(part)
            text += f".{name}" if text else name
    return text


def read_document(path: Path, name: str) -> Document:
    """The file's values, or its mistakes; never an exception for what a file may hold."""
    document = Document(name)
    text = _read(path, document)
    if text is None:
        return document
    try:
        document.values = _Builder(text, document).build()
    except _TooMuch as error:
        document.wrong(error.line, (), error.message)
    except yaml.MarkedYAMLError as error:
        _syntax(error, text, document)
    except yaml.YAMLError as error:
        document.wrong(1, (), _("not YAML: {error}", error=str(error).partition("\n")[0]))
    _find_secrets(text, document)
    return document


def _read(path: Path, document: Document) -> str | None:
    try:
        if path.is_dir():
            document.wrong(1, (), _("is a folder, not a file"))
        elif path.stat() and not path.is_file():
            document.wrong(1, (), _("is not a plain file"))
        else:
            return _decoded(path, document)
    except FileNotFoundError:
        document.wrong(1, (), _("does not exist; check the name and the folder"))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        document.wrong(1, (), _("cannot be read: {error}", error=reason))
    return None


def _decoded(path: Path, document: Document) -> str | None:
    with path.open("rb") as file:
        document.raw = raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        limit = MAX_BYTES // 2**20
        document.wrong(1, (), _("larger than {limit} MB; split it with include", limit=limit))
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        document.wrong(line, (), _("not UTF-8 text; save the file as UTF-8"))
        return None
    return _printable(text, document)


def _printable(text: str, document: Document) -> str | None:
    bad = CONTROL.search(text)
    if bad is None:
        return text
    line = text.count("\n", 0, bad.start()) + 1
    code = f"U+{ord(bad.group()):04X}"
    document.wrong(line, (), _("a control character ({code}); remove it", code=code))
    return None


def _find_secrets(text: str, document: Document) -> None:
    for found in SECRET.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        document.wrong(line, document.path_of(found.group(), line), _(NO_SECRETS))


NO_SECRETS = mark("a secret does not belong in the inventory; put it in the environment or in .env")


UNCLOSED = ("unexpected end of stream", "expected ',' or")  # told where it was opened

# What libyaml and PyYAML say -> what a user can do. The first part found decides.
SYNTAX = (
    ("unexpected end of stream", mark("a closing quote is missing")),
    ("expected ',' or", mark("a comma or a closing bracket is missing")),
    ("mapping values are not allowed",
     mark("wrong indentation, or text that holds a colon: put it in quotes")),
    ("expected ':'", mark("a colon and a space are missing after the key")),
    ("did not find expected", mark("wrong indentation, or a hyphen is missing")),
    ("expected <block end>", mark("wrong indentation, or a hyphen is missing")),
    ("cannot start any token",
     mark("text cannot begin with this character; put it in quotes")),
)  # fmt: skip


def _syntax(error: yaml.MarkedYAMLError, text: str, document: Document) -> None:
    lines = text.splitlines() or [""]
    problem = error.problem or str(error)
    opened = any(part in problem for part in UNCLOSED)
    marks = (error.context_mark, error.problem_mark) if opened else (error.problem_mark,)
    at = next((m.line for m in (*marks, error.context_mark) if m is not None), 0)
    at = min(at, len(lines) - 1)  # what is missing is missed after the last line
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    remedy = next((words for part, words in SYNTAX if part in problem), None)
    if "\t" in indent:
        remedy = mark("a tab; indent with spaces")
    message = _(remedy) if remedy else _("not YAML: {error}", error=problem)
    document.wrong(at + 1, (), message)


class _TooMuch(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class _Builder:
    """Values from the parser's events, in one pass."""

    def __init__(self, text: str, document: Document) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self._document = document
        self._count = 0

    def build(self) -> Any:
        """The first document's value; None when there is none. Raises _TooMuch, YAMLError."""
        next(self._events)  # the stream starts
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), (), 0)
        next(self._events)  # the document ends
        more = next(self._events)
        if not isinstance(more, yaml.StreamEndEvent):
            message = _("a second document (---); use one file for each")
            self._document.wrong(_line(more), (), message)
        return value

    def _value(self, event: Any, path: Path_, depth: int) -> Any:
        line = _line(event)
        self._document.lines.setdefault(path, line)
        self._bound(line, depth)
        if isinstance(event, yaml.AliasEvent):
            message = _("aliases (*name) are not supported; write the value out")
            self._document.wrong(line, path, message)
            return None
        if event.tag is not None:
            message = _("YAML tags (!name) are not supported; remove it")
            self._document.wrong(line, path, message)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth + 1)
        return self._sequence(path, depth + 1)

    def _bound(self, line: int, depth: int) -> None:
        self._count += 1
        if depth > MAX_DEPTH:
            raise _TooMuch(line, _("nested too deep"))
        if self._count > MAX_VALUES:
            text = mark("more than {limit} values; split it with include, use `addresses`")
            raise _TooMuch(line, _(text, limit=MAX_VALUES))

    def _sequence(self, path: Path_, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items)), depth))
        return items

    def _mapping(self, path: Path_, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        document = self._document
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, line = self._key(event, path), _line(event)
            here = (*path, key)
            if key in values:
                first = document.lines[here]
                document.wrong(line, here, _("written twice; first on line {first}", first=first))
                self._skip(next(self._events))
                continue
            document.lines[here] = line
            values[key] = self._value(next(self._events), here, depth)
        return values

    def _key(self, event: Any, path: Path_) -> str:
        if isinstance(event, yaml.ScalarEvent) and event.tag is None:
            return str(event.value)
        self._document.wrong(_line(event), path, _("a key must be plain text"))
        self._skip(event)
        return "?"

    def _skip(self, event: Any) -> None:
        """Read over a value without building it."""
        level = 0
        while True:
            if isinstance(event, yaml.CollectionStartEvent):
                level += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                level -= 1
            if level == 0:
                return
            event = next(self._events)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any) -> Any:
    text = str(event.value)
    if event.style:  # quoted or a block: text, whatever it looks like
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    if DECIMAL.fullmatch(text):
        return float(text)
    return text
