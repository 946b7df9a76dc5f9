"""Line protocol: points as text that every server reads the same, and tags back from it.

InfluxDB 1, 2, 3 and VictoriaMetrics differ in what a backslash, a newline or an empty value of a
tag means, and each has names of its own. What they do not agree on is written as in a URL:
`%` and two hexadecimal digits of the byte. Spaces, commas, quotes and letters of any language
stay as they are, so that a query typed into Grafana finds what the screens show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ioc.store._series import checked_key, checked_time, finite
from ioc.store.base import Point, Tags

CONTROL = "\x00-\x1f\x7f"  # newline and carriage return among them
EMPTY = "%"  # stands for an empty tag value, which line protocol cannot hold

TAGS, TEXT = 28, 1_000  # tags of a series, letters of each

_CODES = "%(?:[01][0-9A-F]|7F|25|5C)"
_NAME_CODES = "%(?:[01][0-9A-F]|7F|20|22|23|25|2C|3D|5C|5F|74)"
_VALUE = re.compile(rf"[{CONTROL}\\]|%(?={_CODES[1:]})|\A%\Z")
# `#` begins a comment; `time` and names with `_` first belong to the servers.
_NAME = re.compile(rf'[{CONTROL}\\ ",=]|%(?={_NAME_CODES[1:]})|\A%\Z|\A[#_]|\At(?=ime\Z)')
_VALUE_CODE, _NAME_CODE = re.compile(_CODES), re.compile(_NAME_CODES)
_SPECIAL = re.compile(r"[ ,=]")

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?"
_WORD = rf'[^{CONTROL} ",=\\]++'
_TAG = rf"(?:[^{CONTROL} ,=\\]|\\[ ,=])++"
LINE = re.compile(
    rf"{_WORD}(?:,{_WORD}={_TAG})*+ {_WORD}={_NUMBER}(?:,{_WORD}={_NUMBER})*+ (-?[0-9]+)"
)
_SHORT_WORD, _SHORT_TAG = (
    _WORD.replace("++", f"{{1,{TEXT}}}+"),
    _TAG.replace("++", f"{{1,{TEXT}}}+"),
)
_NARROW = re.compile(rf"{_SHORT_WORD}(?:,{_SHORT_WORD}={_SHORT_TAG}){{0,{TAGS}}}+ ")


def encode(points: Iterable[Point]) -> list[str]:
    """One line for each point that has fields; times are milliseconds.

    Raises ValueError, naming the point, for what cannot be kept.
    """
    lines = []
    for point in points:
        time = checked_time(point)
        fields = ",".join(
            f"{_field(name, point)}={finite(value, name, point)!r}"
            for name, value in point.fields.items()
        )
        if fields:
            lines.append(f"{_head(point)} {fields} {time}")
    return lines


def times(lines: bytes) -> Iterator[int]:
    """Times of the lines, ms. Raises ValueError for the first line that is not written so here.

    For a server that drops or cuts without a word what it cannot keep: 30 labels with the name
    of the series, 4,096 bytes each.
    """
    for line in lines.decode().split("\n"):
        found = LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"not a line of numbers: {line:.200}")
        if (len(line) > TEXT or line.count(",") > TAGS) and not _NARROW.match(line):
            raise ValueError(f"more than {TAGS} tags, or more than {TEXT} letters: {line:.200}")
        yield int(found[1])


def coded(value: str) -> str:
    """A tag's value as the server keeps it."""
    return _VALUE.sub(_code, value) or EMPTY


def decoded(value: str) -> str:
    """A tag's value as it was before `coded`."""
    return "" if value == EMPTY else _VALUE_CODE.sub(_plain, value)


def coded_name(name: str) -> str:
    """A measurement, field or name of a tag as the server keeps it."""
    return _NAME.sub(_code, name) or EMPTY


def decoded_name(name: str) -> str:
    """A name as it was before `coded_name`."""
    return "" if name == EMPTY else _NAME_CODE.sub(_plain, name)


def decoded_tags(tags: Iterable[tuple[str, str]]) -> Tags:
    """Tags of a server's answer; one without a value is one that the series does not have."""
    return tuple(sorted((decoded_name(name), decoded(value)) for name, value in tags if value))


def _head(point: Point) -> str:
    try:
        return _known_head(point.measurement, point.tags)
    except (TypeError, ValueError):  # as it names the time, and takes tags that are a list
        return _made_head(point)


@lru_cache(maxsize=65_536)
def _known_head(measurement: str, tags: Tags) -> str:
    return _made_head(Point(measurement, tags, {}, 0))


def _made_head(point: Point) -> str:
    _measurement, tags, _unused = checked_key(point, "")
    words = [f"{coded_name(name)}={_escaped(coded(value))}" for name, value in tags]
    return ",".join([coded_name(point.measurement), *words])


def _escaped(value: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", value)


def _field(name: str, point: Point) -> str:
    try:
        return _known_field(name)
    except (TypeError, UnicodeEncodeError):
        checked_key(point, name)  # says what is wrong
        raise


@lru_cache(maxsize=65_536)
def _known_field(name: str) -> str:
    name.encode()
    return coded_name(name)


def _code(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02X}"


def _plain(found: re.Match[str]) -> str:
    return chr(int(found[0][1:], 16))
