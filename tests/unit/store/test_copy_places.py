"""Which two addresses are one store, and which copy was begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioc.storecopy.places import CopyError, Note, check

CLUSTER = "victoriametrics://insert:8480,select:8481/?storage=none"
INFLUX = "influxdb://127.0.0.1:8086/ioc"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{CLUSTER}&tenant=7", f"{CLUSTER}&tenant=8"),
        (f"{CLUSTER}&tenant=7:1", f"{CLUSTER}&tenant=7"),
        (f"{INFLUX}?org=huyen", f"{INFLUX}?org=tinh"),
    ],
)
def test_what_belongs_to_another_is_another_store(one: str, other: str, tmp_path: Path) -> None:
    check(one, other)
    Note(tmp_path, one, INFLUX).begin()
    assert Note(tmp_path, one, INFLUX).is_ours()
    assert not Note(tmp_path, other, INFLUX).is_ours()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{CLUSTER}&tenant=7", f"{CLUSTER}&timeout=5&tenant=7:0"),
        (f"{INFLUX}?org=huyen", f"{INFLUX}?timeout=5&org=huyen"),
        (f"{INFLUX}?org=huyen", INFLUX),
    ],
)
def test_other_options_make_no_other_store(one: str, other: str) -> None:
    with pytest.raises(CopyError):
        check(one, other)


def test_the_note_of_a_copy_has_no_other_options(tmp_path: Path) -> None:
    Note(tmp_path, f"{INFLUX}?ca=/tmp/x", f"{CLUSTER}&tenant=7").begin()
    assert Note(tmp_path, INFLUX, f"{CLUSTER}&tenant=7&gzip=1").is_ours()
