"""Finding series by their tags: what is found is what looking at each of them finds."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ioc.store._series import SeriesIndex, matches
from ioc.store.base import Tags

NAMES = ("area", "asset", "site")
VALUES = ("", "a", "b", "Xã Yên Thịnh")

tags = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES)).map(
    lambda found: tuple(sorted(found.items()))
)
wanted = st.dictionaries(
    st.sampled_from([*NAMES, "none"]), st.lists(st.sampled_from(VALUES), max_size=4).map(tuple)
)
Steps = list[Tags | Mapping[str, tuple[str, ...]]]


@given(st.lists(st.one_of(tags, wanted), max_size=60))
def test_it_finds_what_looking_at_each_one_finds_whatever_is_added_in_between(steps: Steps) -> None:
    index, known = SeriesIndex(), dict[Tags, int]()
    for step in steps:
        if isinstance(step, tuple):
            if step not in known:
                known[step] = len(known) + 1
                index.add(("check", step, "up"), known[step])
                index.add(("check", step, "rtt_ms"), 1000 + known[step])
            continue
        expected = sorted((tags, n) for tags, n in known.items() if matches(dict(tags), step))
        assert index.find("check", "up", step) == expected
        assert index.find("check", "none", step) == index.find("none", "up", step) == []
