"""States, severities and kinds in the words and colours of all dashboards."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.models import dashboard

GREEN, YELLOW, ORANGE, RED = "#37872D", "#E0B400", "#FA6400", "#C4162A"
PURPLE, BLUE, GREY, DARK = "#8F3BB8", "#1F60C4", "#6E7077", "#3D3F45"

NO_DATA = "chưa có dữ liệu"
NOTHING = "–"  # the same in a cell of a table

# Code of ioc.engine.points.STATE_CODES -> word, colour.
STATES = {
    0: ("Bình thường", GREEN),
    1: ("Suy giảm", YELLOW),
    2: ("Mất kết nối", RED),
    3: ("Không tới được", PURPLE),
    4: ("Tắt, ngoài giờ", DARK),
    5: ("Bảo trì", BLUE),
    6: ("Chưa xác định", GREY),
}
SERVICE_STATES = {**STATES, 2: ("Gián đoạn", RED)}
SEVERITIES = {0: ("Lưu ý", BLUE), 1: ("Cảnh báo", YELLOW), 2: ("Nghiêm trọng", RED)}
YES_NO = {0: ("Chưa", ORANGE), 1: ("Đã tiếp nhận", GREEN)}
BACKUP = {0: ("Đường chính", GREEN), 1: ("Dự phòng 4G", ORANGE)}
KINDS = {
    "fiber": ("Cáp quang", BLUE),
    "4g": ("4G", PURPLE),
    "leased": ("Kênh thuê riêng", GREEN),
    "satellite": ("Vệ tinh", ORANGE),
    "commune": ("Xã", BLUE),
    "township": ("Thị trấn", BLUE),
    "office": ("Cơ quan", BLUE),
    "computer": ("Máy tính", GREY),
    "router": ("Bộ định tuyến", GREY),
    "switch": ("Bộ chuyển mạch", GREY),
    "server": ("Máy chủ", GREY),
}

Words = Mapping[int, tuple[str, str]] | Mapping[str, tuple[str, str]]


def mappings(words: Words) -> list[dashboard.ValueMapping]:
    """Codes to words; what is missing is said to be missing, never drawn as 0."""
    options = {
        str(code): dashboard.ValueMappingResult(text=text, color=colour, index=number)
        for number, (code, (text, colour)) in enumerate(words.items())
    }
    return [dashboard.ValueMap(options=options), absent()]


def absent(text: str = NO_DATA) -> dashboard.SpecialValueMap:
    """No value: grey, never in the colour of the lowest threshold."""
    result = dashboard.ValueMappingResult(text=text, color=GREY, index=99)
    match = dashboard.SpecialValueMatch.NULL_AND_NAN
    return dashboard.SpecialValueMap(
        options=dashboard.DashboardSpecialValueMapOptions(match=match, result=result)
    )


def steps(*given: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """Thresholds: (from, colour), the first from None."""
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value=value, color=colour) for value, colour in given],
    )


FINE = steps((None, GREEN))
PLAIN = steps((None, BLUE))
BAD_FROM_ONE = steps((None, GREEN), (1, RED))
WARN_FROM_ONE = steps((None, GREEN), (1, ORANGE))
GREY_FROM_ONE = steps((None, GREEN), (1, GREY))
EVIDENCE = steps((None, RED), (50, ORANGE), (90, GREEN))
AVAILABLE = steps((None, RED), (95, ORANGE), (99, GREEN))
AGREED = steps((None, RED), (-1, ORANGE), (0, GREEN))
GAP = steps((None, GREEN), (0.001, YELLOW), (20, ORANGE), (50, RED))
AGE = steps((None, GREEN), (180, YELLOW), (600, RED))
LATENCY = steps((None, GREEN), (100, YELLOW), (300, RED))
LOSS = steps((None, GREEN), (2, YELLOW), (10, RED))
DAYS_LEFT = steps((None, RED), (14, ORANGE), (30, GREEN))
RSRP = steps((None, RED), (-115, ORANGE), (-105, YELLOW), (-95, GREEN))
