"""Questions and columns that several dashboards share."""

from __future__ import annotations

from dashboards import ask, words
from dashboards.board import Column

AREA = {"area": "$area"}
PLACES = {"area": "$area", "site": "$site"}
ONE = {"area": "$area", "site": "=$site"}
INCIDENT = ("incident", "what", "place", "kind")

TO_SITE = ("Xem đơn vị này", "/d/ioc-site?var-site=${__data.fields.Mã}&${__url_time_range}")
TO_PLACE = ("Xem đơn vị này", "/d/ioc-site?var-site=${__field.labels.site}&${__url_time_range}")
TO_CONSOLE = ("Mở trên trang trực", "${console}/console/incidents/${__data.fields.Số}")


def sum_of(
    field: str, where: dict[str, str], measurement: str = "place", names: str = ""
) -> ask.Now:
    """How many places, links or computers now."""
    return ask.Now(measurement, where, names=names, field=field, of=("area", "site"), join="sum")


def open_incidents(where: dict[str, str]) -> ask.Rows:
    return ask.Rows(
        "incident",
        where,
        by=INCIDENT,
        columns={"severity": "max", "age_s": "max", "affected": "max", "acknowledged": "max"},
        only="open",
        keep="3m",
    )


OPEN_COLUMNS = {
    "severity": Column("Mức độ", "none", words.SEVERITIES, width=110),
    "place": Column("Nơi xảy ra", width=150),
    "what": Column("Việc gì"),
    "age_s": Column("Đã kéo dài", "dthms", decimals=0, width=110),
    "affected": Column("Ảnh hưởng", "suffix:thiết bị", decimals=0, width=110),
    "acknowledged": Column("Tiếp nhận", "none", words.YES_NO, width=110),
    "incident": Column("Số", link=TO_CONSOLE, width=60),
    "kind": Column("Loại", hidden=True),
}
OPEN_ABOUT = (
    "Sự cố đang mở lúc này, nặng trước. Bấm số sự cố để mở trang trực. Bảng trống: không có sự cố "
    "đang mở, hoặc hệ thống giám sát không ghi gì trong 3 phút (xem ô Tuổi số liệu)."
)
NONE_OPEN = "Không có sự cố đang mở"

STATE_ABOUT = (
    "Khi xem khoảng dài, mỗi ô là trạng thái xấu nhất trong ô đó. Chỗ xám: không có số liệu quá "
    "10 phút; không có số liệu thì không coi là tốt hay xấu."
)
SHARE_ABOUT = (
    "Tỷ lệ thời gian hoạt động trên thời gian biết được, chính xác như trong báo cáo, của các ngày "
    "trọn vẹn đã kết thúc trong khoảng xem (chưa có hôm nay; xem dưới một ngày có thể trống). Lúc "
    "không xác định được và lúc bảo trì đã báo trước không tính vào bên nào; cột Biết được là phần "
    "thời gian có số liệu."
)
SHARE_COLUMNS = {
    "place": Column("Đơn vị"),
    "name": Column("Tên"),
    "share": Column("Hoạt động", "percent", steps=words.AVAILABLE, decimals=2, width=130),
    "difference": Column("So với cam kết", "percent", steps=words.AGREED, decimals=2, width=150),
    "known": Column("Biết được", "percent", steps=words.EVIDENCE, decimals=0, width=120),
}
