"""Dịch vụ: portals and shared systems: do they answer, how fast, until when are certificates."""

from __future__ import annotations

from types import ModuleType

from dashboards import ask, words
from dashboards.board import Board, Column
from dashboards.boards import shared
from dashboards.boards.shared import AREA

SERVICE = {**AREA, "name": "$service"}
SAMPLE = {**SERVICE, "asset_type": "service"}
PARTS = (
    ("dns_ms", "Tra tên miền"), ("connect_ms", "Mở kết nối"), ("tls_ms", "Mã hóa"),
    ("first_byte_ms", "Chờ máy chủ"),
)  # fmt: skip


def make(dialect: ModuleType) -> Board:
    board = Board(
        dialect,
        "ioc-services",
        "Dịch vụ",
        "Cổng dịch vụ công, một cửa, thư điện tử, cơ sở dữ liệu…: có hoạt động không, trả lời "
        "nhanh chậm ở khâu nào, chứng thư còn bao nhiêu ngày.",
    )
    board.areas()
    board.choose("service", "Dịch vụ", ask.Choices("service", AREA, tag="name"))
    board.number("agreed", "Mức cam kết (%)", "99", "Tỷ lệ hoạt động phải đạt, phần trăm")
    board.marks({**AREA, "kind": "service-down|service-from-site|certificate|uplink-lost"})
    board.stat(
        (0, 0, 24, 5), "Lúc này", "Trạng thái từng dịch vụ lúc này, đo từ trung tâm.",
        ask.Now("service", SERVICE, by=("asset", "name"), names="{name}", field="state"),
        "none", shown=words.SERVICE_STATES, names=True, sizes=(13, 18),
    )  # fmt: skip
    board.timeline(
        (0, 5, 24, 11), "Trạng thái theo thời gian", shared.STATE_ABOUT,
        ask.Course("service", SERVICE, by=("asset", "name"), names="{name}", field="state",
                   how="max", keep=ask.STATES),
        words.SERVICE_STATES,
    )  # fmt: skip
    _figures(board)
    return board.finish()


def _figures(board: Board) -> None:
    columns = {name: c for name, c in shared.SHARE_COLUMNS.items() if name != "place"}
    board.table(
        (0, 16, 12, 10), "Tỷ lệ hoạt động so với mức cam kết", shared.SHARE_ABOUT,
        ask.Shares("availability", {**SERVICE, "type": "service"}, by=("name",)), columns,
        sort=("Hoạt động", False),
    )  # fmt: skip
    board.table(
        (12, 16, 12, 10), "Chứng thư còn hiệu lực",
        "Số ngày còn lại của chứng thư TLS, theo lần đo gần nhất trong 26 giờ. Số âm: đã hết hạn.",
        ask.Rows("check", SAMPLE, by=("name",), columns={"days_left": "min"}, of=("asset",),
                 keep=ask.CERTIFICATES),
        {
            "name": Column("Dịch vụ"),
            "days_left": Column("Còn lại", "suffix:ngày", steps=words.DAYS_LEFT, decimals=0,
                                width=160),
        },
        sort=("Còn lại", False), empty="Chưa có: cần phép đo tls",
    )  # fmt: skip
    board.lines(
        (0, 26, 12, 10), "Thời gian trả lời",
        "Từ lúc bắt đầu đến lúc nhận xong cả trang, trung bình mỗi bước.",
        ask.Course("check", SAMPLE, by=("name",), names="{name}", field="total_ms"), "ms",
        decimals=0, empty="Chưa có: cần phép đo http",
    )  # fmt: skip
    board.lines(
        (12, 26, 12, 10), "Chậm ở khâu nào",
        "Thời gian từng khâu, trung bình của các dịch vụ đang chọn. Chọn một dịch vụ để xem riêng.",
        [
            ask.Course("check", {**SAMPLE, "kind": "http"}, names=title, field=field)
            for field, title in PARTS
        ],
        "ms", stacked=True, decimals=0, empty="Chưa có: cần phép đo http",
    )  # fmt: skip
