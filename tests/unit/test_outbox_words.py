"""What the monitor says of its store, how it is counted, and the setting that bounds it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ioc import store_watch
from ioc.engine.problems import Problems
from ioc.i18n import render
from ioc.settings import SettingsError, read_settings
from ioc.store.base import Backlog, StoreHealth

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_770_000_000_000  # 2 February 2026, 09:40 in Việt Nam
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WELL = Backlog(
    name="influxdb 127.0.0.1:8086", away_since=None, error="", rows=40, kept=0, size=4096,
    limit=2**30, oldest=NOW - 1_000, newest=NOW, sent=1_000, refused=0, refused_at=None,
    example="", dropped=0, lost=0, dropped_from=None, dropped_to=None, dropped_at=None,
)  # fmt: skip


class StoppedClock:
    def now(self) -> int:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def told(**changes: object) -> dict[str, str]:
    """Code -> Vietnamese words."""
    problems = Problems(StoppedClock())
    for code in store_watch.CODES:
        problems.report(code, store_watch.Reason("left from before"))
    backlog = replace(WELL, **changes)  # type: ignore[arg-type]
    store_watch.tell(StoreHealth(ok=True, backlog=backlog), problems, NOW, ZONE)
    return {problem.code: render(problem.reason, "vi") for problem in problems.present()}


def test_of_a_store_that_takes_everything_nothing_is_said() -> None:
    assert told() == {}


def test_away() -> None:
    assert told(away_since=NOW - HOUR, error="HTTP 503", oldest=NOW - 2 * HOUR, rows=12) == {
        "store-away": "kho số liệu không trả lời (HTTP 503): "
        "12 mẫu số liệu từ 07:40 02/02/2026 đang chờ, không mất mẫu nào"
    }


def test_away_with_nothing_to_send() -> None:
    assert told(away_since=NOW - HOUR, error="reset", rows=0, oldest=None) == {
        "store-away": "kho số liệu không trả lời từ 08:40 02/02/2026: reset"
    }


def test_nobody_says_that_nothing_is_lost_when_something_is() -> None:
    found = told(
        away_since=NOW - 9 * HOUR, error="reset", oldest=NOW - 8 * HOUR, dropped=9_000, lost=7,
        dropped_from=NOW - 10 * HOUR, dropped_to=NOW - 8 * HOUR, dropped_at=NOW, size=2**30,
    )  # fmt: skip
    assert set(found) == {"store-away", "outbox-lost", "outbox-full"}
    assert "không mất" not in found["store-away"]
    assert found["outbox-lost"] == (
        "hàng đợi gửi bị đầy: đã mất 7 mẫu số liệu đo từ 23:40 01/02/2026 đến 01:40 02/02/2026"
    )
    assert "IOC_OUTBOX_LIMIT" in found["outbox-full"]


def test_a_loss_and_a_refusal_are_told_for_a_day() -> None:
    changes = {"dropped": 1, "dropped_from": 0, "dropped_to": 0, "refused": 2, "example": "x"}
    early = {"dropped_at": NOW - DAY + 1, "refused_at": NOW - DAY + 1}
    late = {"dropped_at": NOW - DAY, "refused_at": NOW - DAY}
    assert set(told(**changes, **early)) == {"outbox-lost", "store-refused"}
    assert told(**changes, **late) == {}


def test_catching_up() -> None:
    assert set(told(oldest=NOW - 2 * MINUTE)) == {"store-behind"}


def test_a_full_file_that_is_only_kept_is_no_trouble() -> None:
    assert told(size=2**30, kept=10**6) == {}


def test_figures() -> None:
    health = StoreHealth(ok=True, backlog=replace(WELL, away_since=NOW, dropped=3, refused=4))
    assert store_watch.figures(health, NOW) == {
        "outbox_rows": 40, "outbox_bytes": 4096, "outbox_limit_bytes": 2**30,
        "outbox_oldest_seconds": 1.0, "outbox_kept": 0, "outbox_sent": 1_000,
        "outbox_refused": 4, "outbox_dropped": 3, "store_away": 1.0,
    }  # fmt: skip
    assert store_watch.figures(StoreHealth(ok=True), NOW) == {}


@pytest.mark.parametrize(
    ("text", "size"), [("", None), ("10MB", 10 * 2**20), ("4GB", 4 * 2**30), (" 2 gb ", 2 * 2**30)]
)
def test_the_limit_as_people_write_it(
    text: str, size: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings({"IOC_OUTBOX_LIMIT": text}).outbox_limit == size


@pytest.mark.parametrize("text", ["4", "4TB", "GB", "9MB", "-1GB", "1.5GB", "viel"])
def test_another_limit_is_a_clear_error(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as caught:
        read_settings({"IOC_OUTBOX_LIMIT": text})
    assert str(caught.value) == (f"IOC_OUTBOX_LIMIT={text}: must be 10MB or more, for example 4GB")
