"""The words people read: exact, in both languages, short enough for a telephone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from watch import district

from collectors.base import Reason
from ioc.engine.incident import Incident, Step
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Severity
from ioc.notify.texts import Writer, digest, duration, without_marks

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


MISSING = "{share} % of the expected computers unseen ({missing}/{expected})"
NOW = at("2026-11-23T08:30")
FOUND = district()
SITE = replace(FOUND.sites["xa-1"], name="Xã Yên Thịnh", responsible="Ban CNTT")
FIBER = replace(FOUND.assets["xa-1.fiber"], provider="VNPT")
TOPOLOGY = replace(
    FOUND,
    sites={**FOUND.sites, "xa-1": SITE},
    assets={**FOUND.assets, FIBER.id: FIBER},
)
CUT = Incident(
    id=1, key="site:xa-1", kind=Kind.ON_BACKUP, severity=Severity.CRITICAL, subject=FIBER.id,
    site="xa-1", since=at("2026-11-23T08:12"), opened_at=at("2026-11-23T08:12"),
    affected=(FIBER.id,), works=("xa-1.4g",),
)  # fmt: skip


def line(incident: Incident, step: Step = Step.OPENED, lang: str = "vi", **more: float) -> str:
    signal = {"xa-1.4g": -103.0}
    return Writer(TOPOLOGY, lang, signal).write(incident, step, NOW, **more).body


def test_a_cut_fiber_reads_as_the_district_wants_it() -> None:
    assert line(CUT) == (
        "[NGHIÊM TRỌNG] Xã Yên Thịnh: mất kết nối cáp quang từ 08:12, đang dùng 4G dự phòng "
        "(RSRP −103 dBm). Đơn vị phụ trách: VNPT."
    )
    assert line(CUT, lang="en") == (
        "[CRITICAL] Xã Yên Thịnh: fiber is down since 08:12, running on 4G as backup "
        "(RSRP −103 dBm). Responsible: VNPT."
    )


def test_its_end_says_how_long_it_took() -> None:
    over = replace(CUT, since=at("2026-11-22T23:00"), resolved_at=at("2026-11-23T08:28"))
    assert line(over, Step.RESOLVED) == (
        "[ĐÃ KHÔI PHỤC] Xã Yên Thịnh: mất kết nối cáp quang - đã khôi phục lúc 08:28, gián đoạn "
        "9 giờ 28 phút (từ 23:00 22/11). Đơn vị phụ trách: VNPT."
    )


def test_a_dark_place_names_who_looks_after_it() -> None:
    dark = replace(CUT, kind=Kind.SITE_DARK, subject="xa-1", works=())
    assert line(dark) == (
        "[NGHIÊM TRỌNG] Xã Yên Thịnh: mọi đường truyền và bộ định tuyến đều im lặng, nghi mất "
        "điện từ 08:12. Đơn vị phụ trách: Ban CNTT."
    )


@pytest.mark.parametrize(
    ("incident", "step", "begin"),
    [
        (replace(CUT, severity=Severity.WARNING), Step.EASED, "[KHÔI PHỤC MỘT PHẦN] Xã Yên Thịnh"),
        (CUT, Step.UNSTABLE, "[CHẬP CHỜN] Xã Yên Thịnh: mất kết nối cáp quang"),
        (CUT, Step.ESCALATED, "[NGHIÊM TRỌNG] [CHƯA AI TIẾP NHẬN SAU 15 PHÚT] Xã Yên Thịnh"),
        (
            replace(CUT, kind=Kind.COMPUTERS_MISSING, subject="xa-1", severity=Severity.WARNING,
                    reason=Reason(MISSING,
                                  {"share": 40, "missing": 8, "expected": 20})),
            Step.OPENED,
            "[CẢNH BÁO] Xã Yên Thịnh: không thấy 40 % số máy tính lẽ ra đang bật (8/20) từ 08:12",
        ),
        (
            replace(CUT, kind=Kind.UPLINK_LOST, subject="huyen", site=None),
            Step.OPENED,
            "[NGHIÊM TRỌNG] Huyện thử: trung tâm mất đường truyền ra ngoài",
        ),
        (
            replace(CUT, kind=Kind.MONITOR, subject="disk", site=None, affected=(),
                    reason=Reason("only {free} MB left on the data disk", {"free": 100})),
            Step.OPENED,
            "[NGHIÊM TRỌNG] Hệ thống giám sát: ",
        ),
    ],
)  # fmt: skip
def test_every_kind_begins_with_how_bad_and_where(
    incident: Incident, step: Step, begin: str
) -> None:
    assert line(incident, step, waited=900.0).startswith(begin)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("step", [Step.OPENED, Step.RESOLVED, Step.ESCALATED])
def test_every_message_fits_a_telephone_whatever_the_names(kind: Kind, step: Step) -> None:
    long = "Xã có một cái tên dài hơn mọi cái tên mà người ta có thể nghĩ ra được " * 3
    assets = {n: replace(a, name=long, provider=long) for n, a in TOPOLOGY.assets.items()}
    sites = {n: replace(s, name=long, responsible=long) for n, s in TOPOLOGY.sites.items()}
    topology = replace(TOPOLOGY, assets=assets, sites=sites, area_name=long)
    incident = replace(CUT, kind=kind, affected=tuple(assets), resolved_at=NOW)
    text = Writer(topology, "vi", {}).write(incident, step, NOW).body
    assert len(text) < 400
    assert "{" not in text
    gone = replace(incident, subject="removed.from-the-inventory", site="gone", works=())
    assert Writer(TOPOLOGY, "vi", {}).write(gone, step, NOW).body


def test_several_come_as_one() -> None:
    assert digest(["a", "b"], "vi").body == "2 sự việc:\na\nb"


def test_old_telephones_get_letters_without_marks() -> None:
    assert without_marks("Xã Yên Thịnh: mất điện từ 08:12 (−103 dBm)…") == (
        "Xa Yen Thinh: mat dien tu 08:12 (-103 dBm)..."
    )


@pytest.mark.parametrize(
    ("ms", "text"),
    [(-5, "0 giây"), (50_000, "50 giây"), (61_000, "1 phút"), (5_280_000, "1 giờ 28 phút"),
     (97 * 3_600_000, "4 ngày 1 giờ")],
)  # fmt: skip
def test_lengths_in_words(ms: int, text: str) -> None:
    assert duration(ms, "vi") == text
