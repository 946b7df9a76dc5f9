"""Addresses and address ranges: `127.20.6.10-30`, `127.20.6.10-127.20.7.5`, IPv4 and IPv6."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from ioc.i18n import mark

LIMIT = 4096  # addresses in one range: a commune has about twenty computers

Address = IPv4Address | IPv6Address


class RangeError(ValueError):
    """Not a range; the text is a translation key, args fill it."""

    def __init__(self, text: str, /, **args: str | int) -> None:
        super().__init__(text.format(**args))
        self.text = text
        self.args_by_name = args


def expand(text: str) -> list[Address]:
    """Every address of a range, ascending; a single address is a range of one.

    The end may be given by its last part alone. Raises RangeError.
    """
    first_text, dash, last_text = (part.strip() for part in text.partition("-"))
    first = _address(first_text)
    if not dash:
        return [first]
    last = _end(first, last_text)
    if last.version != first.version:
        raise RangeError(mark("both ends of a range must be of one kind (IPv4 or IPv6)"))
    count = int(last) - int(first) + 1
    if count < 1:
        raise RangeError(
            mark("the end {last} is before the start {first}"), last=str(last), first=str(first)
        )
    if count > LIMIT:
        raise RangeError(
            mark("{count} addresses; at most {limit} in one range"), count=count, limit=LIMIT
        )
    return (
        [ip_address(int(first) + offset) for offset in range(count)]
        if first.version == 4
        else [IPv6Address(int(first) + offset) for offset in range(count)]
    )


def suffix(address: Address, first: Address, last: Address) -> str:
    """What tells an address from the others of its range: the parts in which they differ.

    It does not move when the range grows within the same last part.
    """
    if isinstance(address, IPv4Address):
        parts, ends = str(address).split("."), (str(first).split("."), str(last).split("."))
    else:
        exploded = address.exploded.split(":")
        parts, ends = (
            [f"{int(p, 16):x}" for p in exploded],
            tuple(  # type: ignore[assignment]
                end.exploded.split(":") for end in (first, last)
            ),
        )
    same = next((i for i, (a, b) in enumerate(zip(*ends, strict=True)) if a != b), len(parts) - 1)
    return "-".join(parts[same:])


def _end(first: Address, text: str) -> Address:
    if first.version == 4 and text.isascii() and text.isdigit():
        return _address(f"{str(first).rpartition('.')[0]}.{text}")
    if first.version == 6 and ":" not in text:
        return _address(f"{first.exploded.rpartition(':')[0]}:{text}")
    return _address(text)


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise RangeError(
            mark("{text} is not an IP address; write for example 127.20.6.10 or 127.20.6.10-30"),
            text=repr(text),
        ) from None
