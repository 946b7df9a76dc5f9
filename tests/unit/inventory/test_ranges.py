"""Address ranges: what they stand for, what tells the addresses of one apart."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.inventory.ranges import LIMIT, RangeError, expand, suffix


def texts(text: str) -> list[str]:
    return [str(address) for address in expand(text)]


def suffixes(text: str) -> list[str]:
    addresses = expand(text)
    return [suffix(address, addresses[0], addresses[-1]) for address in addresses]


@pytest.mark.parametrize(
    ("text", "first", "last", "count"),
    [
        ("127.20.6.10", "127.20.6.10", "127.20.6.10", 1),
        ("127.20.6.10-30", "127.20.6.10", "127.20.6.30", 21),
        (" 127.20.6.10 - 30 ", "127.20.6.10", "127.20.6.30", 21),
        ("127.20.6.10–30", "127.20.6.10", "127.20.6.30", 21),  # as a word processor writes it
        ("127.20.6.10-127.20.7.5", "127.20.6.10", "127.20.7.5", 252),
        ("127.20.6.10-10", "127.20.6.10", "127.20.6.10", 1),
        ("0.0.0.0-0.0.15.255", "0.0.0.0", "0.0.15.255", LIMIT),
        ("255.255.255.250-255", "255.255.255.250", "255.255.255.255", 6),
        ("::1-::1f", "::1", "::1f", 31),
        ("fd00::10-2f", "fd00::10", "fd00::2f", 32),
        ("::-5", "::", "::5", 6),
    ],
)
def test_a_range_holds_both_ends_and_all_between(text, first, last, count) -> None:
    found = texts(text)
    assert (found[0], found[-1], len(found)) == (first, last, count)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'' is not an IP address"),
        ("-", "'' is not an IP address"),
        ("127.0.0.1-", "'' is not an IP address"),
        ("127.0.0.1-256", "'127.0.0.256' is not an IP address"),
        ("127.0.0.1-2-3", "'2-3' is not an IP address"),
        ("127.0.0.1-٣", "'٣' is not an IP address"),
        ("127.0.0.1-a", "'a' is not an IP address"),
        ("fd00::1-g", "is not an IP address"),
        ("fd00::1-fffff", "is not an IP address"),
        ("127.0.0.0/24", "'127.0.0.0/24' is not an IP address"),
        ("fe80::1%eth0-5", "without a zone"),
        ("127.0.0.9-1", "the end 127.0.0.1 is before the start 127.0.0.9"),
        ("::1-127.0.0.1", "must be of one kind"),
        ("127.0.0.1-::1", "must be of one kind"),
        ("0.0.0.0-0.0.16.0", "4097 addresses; at most 4096"),
        ("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "at most 4096 in one range"),
    ],
)
def test_what_is_no_range_is_refused_in_words(text, words) -> None:
    with pytest.raises(RangeError, match=words.replace("?", r"\?")):
        expand(text)


def test_addresses_are_told_apart_by_the_parts_that_differ() -> None:
    assert suffixes("127.20.6.10-12") == ["10", "11", "12"]
    assert suffixes("127.20.6.10") == ["10"]
    assert suffixes("127.20.6.254-127.20.7.1") == ["6-254", "6-255", "7-0", "7-1"]
    assert suffixes("fd00::e-10") == ["e", "f", "10"]


addresses = st.one_of(
    st.integers(0, 2**32 - 1 - LIMIT).map(IPv4Address),
    st.integers(0, 2**128 - 1 - LIMIT).map(IPv6Address),
)


@given(addresses, st.integers(0, LIMIT - 1))
def test_a_range_is_ascending_without_gaps_and_its_suffixes_differ(first, more) -> None:
    last = type(first)(int(first) + more)
    found = expand(f"{first}-{last}")
    assert [int(a) for a in found] == list(range(int(first), int(last) + 1))
    ends = [suffix(address, found[0], found[-1]) for address in found[:: max(1, more // 50)]]
    assert len(set(ends)) == len(ends)
    assert all(end.replace("-", "").isalnum() and end == end.lower() for end in ends)


@given(st.integers(0, 250), st.integers(0, 4), st.integers(0, 1))
def test_a_suffix_stays_when_the_range_grows_within_the_last_part(first, size, more) -> None:
    small = expand(f"10.0.0.{first}-{first + size}")
    grown = expand(f"10.0.0.{first}-{min(255, first + size + more)}")
    assert [suffix(a, small[0], small[-1]) for a in small] == [
        suffix(a, grown[0], grown[-1]) for a in small
    ]


@given(st.text() | st.text("0123456789.-:abf%/ "))
def test_any_text_is_a_bounded_range_or_refused(text) -> None:
    try:
        found = expand(text)
    except RangeError as error:
        assert error.text.format(**error.args_by_name) == str(error)
    else:
        assert 1 <= len(found) <= LIMIT
        assert all(ip_address(str(address)) == address for address in found[:3])
