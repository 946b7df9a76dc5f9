"""Addresses and address ranges: `127.20.6.10-30`, `127.20.6.10-127.20.7.5`, IPv4 and IPv6."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from ioc.i18n import mark

LIMIT = 4096  # addresses in one range: a commune has about twenty computers

PREFIXES: Mapping[str, str] = {"computer": "pc"}  # kind -> begin of ids made of a range

Address = IPv4Address | IPv6Address


class RangeError(ValueError):
    """Not a range; the text is a translation key, args fill it."""

    def __init__(self, text: str, /, **args: str | int) -> None:
        super().__init__(text.format(**args))
        self.text = text
        self.args_by_name = args


def expand(text: str) -> list[Address]:
    """Every address of a range, ascending; a single address is a range of one.

    The end may be given by its last part alone (decimal in IPv4, hexadecimal in IPv6).
    Raises RangeError, also for more than LIMIT addresses.
    """
    first_text, dash, last_text = (part.strip() for part in text.replace("–", "-").partition("-"))
    first = parse(first_text)
    if not dash:
        return [first]
    last = _end(first, last_text)
    if last.version != first.version:
        raise RangeError(mark("both ends of a range must be of one kind (IPv4 or IPv6)"))
    count = int(last) - int(first) + 1
    if count < 1:
        message = mark("the end {last} is before the start {first}")
        raise RangeError(message, last=str(last), first=str(first))
    if count > LIMIT:
        message = mark("{count} addresses; at most {limit} in one range")
        raise RangeError(message, count=str(count), limit=LIMIT)
    return [type(first)(int(first) + offset) for offset in range(count)]


def suffix(address: Address, first: Address, last: Address) -> str:
    """What tells an address from the others of its range: the parts in which they may differ.

    `10` in 127.20.6.10-30, `6-10` in 127.20.6.10-127.20.7.5. It does not move when the range
    grows within the same last part.
    """
    parts, starts, ends = _parts(address), _parts(first), _parts(last)
    pairs = enumerate(zip(starts, ends, strict=True))
    same = next((i for i, (start, end) in pairs if start != end), len(parts) - 1)
    return "-".join(parts[same:])


def parse(text: str) -> Address:
    """One address, without a zone (`%eth0`). Raises RangeError."""
    try:
        address = ip_address(text)
    except ValueError:
        message = mark(
            "{given} is not an IP address; write for example 10.20.6.10 or 10.20.6.10-30"
        )
        raise RangeError(message, given=quoted(text)) from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise RangeError(mark("an address without a zone (%…) is wanted here"))
    return address


def quoted(text: str) -> str:
    """A text as it can be shown in a message: quoted, escaped where needed, not endless."""
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _parts(address: Address) -> list[str]:
    if isinstance(address, IPv4Address):
        return str(address).split(".")
    return [f"{int(part, 16):x}" for part in address.exploded.split(":")]


def _end(first: Address, text: str) -> Address:
    if isinstance(first, IPv4Address) and text.isascii() and text.isdigit():
        return parse(f"{str(first).rpartition('.')[0]}.{text}")
    if isinstance(first, IPv6Address) and ":" not in text and "." not in text:
        return parse(f"{first.exploded.rpartition(':')[0]}:{text}")
    return parse(text)
