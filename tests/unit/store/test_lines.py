"""Line protocol: text that every server reads the same, and tags back from it."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ioc.store._lines import (
    EMPTY,
    LINE,
    coded,
    coded_name,
    decoded,
    decoded_name,
    decoded_tags,
    encode,
    times,
)
from ioc.store.base import Point

T0 = 1_770_000_000_000
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    "%05CAF \\\n\r\t\",=#_'", max_size=8
)


def line(value: float = 1.0, **tags: str) -> str:
    [only] = encode([Point("check", tuple(tags.items()), {"rtt_ms": value}, T0)])
    return only


def test_a_line_is_measurement_sorted_tags_fields_and_time() -> None:
    tags = (("site", "yen-thinh"), ("area", "cho-don"))
    point = Point("check", tags, {"up": True, "rtt_ms": 12.5}, T0)
    assert encode([point]) == [
        f"check,area=cho-don,site=yen-thinh up=1.0,rtt_ms=12.5 {T0}",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Xã Yên Thịnh", "Xã\\ Yên\\ Thịnh"),
        ("a,b=c", "a\\,b\\=c"),
        ('say "xin chào"', 'say\\ "xin\\ chào"'),
        ("back\\slash", "back%5Cslash"),
        ("line\nbreak", "line%0Abreak"),
        ("50%", "50%"),
        ("%5C", "%255C"),
        ("%", "%25"),
        ("", "%"),
    ],
)
def test_what_servers_agree_on_stays_as_it_is_and_the_rest_is_coded(value: str, text: str) -> None:
    assert line(site=value) == f"check,site={text} rtt_ms=1.0 {T0}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("#comment", "%23comment"),
        ("_field", "%5Ffield"),
        ("time", "%74ime"),
        ("timely", "timely"),
        ("a b", "a%20b"),
        ("", EMPTY),
        ("__name__", "%5F_name__"),
    ],
)
def test_names_that_belong_to_servers_are_coded(name: str, text: str) -> None:
    assert coded_name(name) == text


@given(any_text)
@example("%%0A")
@example("%\n")
@example("%0\x0a")
def test_any_text_comes_back(value: str) -> None:
    assert decoded(coded(value)) == value
    assert decoded_name(coded_name(value)) == value


@given(any_text, any_text)
def test_no_two_texts_are_written_alike(one: str, other: str) -> None:
    assert (coded(one) == coded(other)) == (one == other)
    assert (coded_name(one) == coded_name(other)) == (one == other)


@given(any_text, any_text, any_text, any_text, st.floats(allow_nan=False, allow_infinity=False))
def test_every_line_is_one_line_that_a_server_can_read(
    measurement: str, tag: str, value: str, field: str, number: float
) -> None:
    text = encode([Point(measurement, ((tag, value),), {field: number}, -T0)])[0]
    found = LINE.fullmatch(text)
    assert found is not None
    assert int(found[1]) == -T0
    assert float(text.rpartition(" ")[0].rpartition("=")[2]) == number


def test_a_zero_is_written_without_a_sign() -> None:
    assert line(-0.0) == f"check rtt_ms=0.0 {T0}"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_written(value: float) -> None:
    with pytest.raises(ValueError, match=f"not a finite number.*{T0}"):
        line(value)


def test_a_point_without_fields_is_no_line() -> None:
    assert encode([Point("check", (), {}, T0)]) == []


def test_a_tag_without_a_value_in_an_answer_is_not_there() -> None:
    assert decoded_tags([("site", ""), ("kind", "%")]) == (("kind", ""),)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"check",
        b"check rtt_ms=1.0",
        b"check rtt_ms=x 1",
        b'check rtt_ms="text" 1',
        b"check rtt_ms=1i 1",
        b"check rtt_ms=NaN 1",
        b"check,site rtt_ms=1.0 1",
        b"check,site=a\\ rtt_ms=1.0 1",
        b"check rtt_ms=1.0 1\n",
        b"check rtt_ms=1.0 1\n\ncheck rtt_ms=1.0 1",
        b"# comment",
        b"\xff",
    ],
)
def test_a_line_that_a_server_would_drop_is_noticed(bad: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a line|codec"):
        list(times(b"check rtt_ms=1.0 5\n" + bad))


def test_times_of_lines_are_found() -> None:
    assert list(times(b"check rtt_ms=1.0 5\ncheck,a=b\\ c up=-1e-09,x=2.0 -7")) == [5, -7]


@pytest.mark.parametrize(
    ("tags", "fields", "fits"),
    [
        (28, 100, True),
        (29, 1, False),
        (0, 200, True),
    ],
)
def test_more_tags_than_a_server_keeps_are_noticed(tags: int, fields: int, fits: bool) -> None:
    named = tuple((f"tag{i}", "a,b") for i in range(tags))
    point = Point("check", named, {f"f{i}": 1.0 for i in range(fields)}, T0)
    text = encode([point])[0].encode()
    if fits:
        assert list(times(text)) == [T0]
        return
    with pytest.raises(ValueError, match="more than 28 tags"):
        list(times(text))


@pytest.mark.parametrize(("length", "fits"), [(1000, True), (1001, False)])
def test_a_longer_text_than_a_server_keeps_is_noticed(length: int, fits: bool) -> None:
    for tags in ((("site", "ê" * length),), (("s" * length, "a"),)):
        text = encode([Point("check", tags, {"up": 1.0}, T0)])[0].encode()
        if fits:
            assert list(times(text)) == [T0]
            continue
        with pytest.raises(ValueError, match="more than 1000 letters"):
            list(times(text))
