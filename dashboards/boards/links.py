"""Đường truyền: fiber, 4G and what else leads to each commune."""

from __future__ import annotations

from types import ModuleType

from dashboards import ask, words
from dashboards.board import Board
from dashboards.boards import shared
from dashboards.boards.shared import PLACES, TO_PLACE

LINK = {**PLACES, "kind": "$kind"}
SAMPLE = {**PLACES, "asset_type": "link", "asset_kind": "$kind"}
NAMES = "{place} · {name}"
EACH = ("asset", "name", "place", "site")


def make(dialect: ModuleType) -> Board:
    board = Board(
        dialect,
        "ioc-links",
        "Đường truyền",
        "Cáp quang, 4G và các đường khác của từng đơn vị: trạng thái, độ trễ, mất gói, lưu lượng, "
        "sóng, tỷ lệ hoạt động so với mức cam kết.",
    )
    board.areas()
    board.sites()
    board.choose(
        "kind", "Loại đường", ask.Choices("link", {"area": "$area"}, tag="kind"),
        about="fiber cáp quang, 4g di động, leased kênh thuê riêng, satellite vệ tinh",
    )  # fmt: skip
    board.number("agreed", "Mức cam kết (%)", "99", "Tỷ lệ hoạt động nhà mạng cam kết, phần trăm")
    board.marks(PLACES)
    _now(board)
    _quality(board)
    return board.finish()


def _now(board: Board) -> None:
    board.stat(
        (0, 0, 4, 4), "Đường truyền", "Số đường truyền đang theo dõi.",
        ask.Now("link", LINK, names="Đường truyền", field="state", of=("asset",), join="count"),
        "none", decimals=0, background=False,
    )  # fmt: skip
    board.stat(
        (0, 4, 4, 4), "Đang hỏng", "Số đường truyền đang mất kết nối.",
        shared.sum_of("links_down", PLACES, names="Đang hỏng"), "none",
        steps=words.BAD_FROM_ONE, decimals=0,
    )  # fmt: skip
    board.stat(
        (0, 8, 4, 4), "Đơn vị chạy dự phòng", "Số đơn vị đang chạy bằng đường dự phòng.",
        shared.sum_of("on_backup", PLACES, names="Chạy dự phòng"), "none",
        steps=words.WARN_FROM_ONE, decimals=0,
    )  # fmt: skip
    board.table(
        (4, 0, 20, 12), "Tỷ lệ hoạt động so với mức cam kết", shared.SHARE_ABOUT,
        ask.Shares("link", LINK, by=("place", "name")), shared.SHARE_COLUMNS,
        sort=("Hoạt động", False),
    )  # fmt: skip
    board.timeline(
        (0, 12, 24, 18), "Trạng thái theo thời gian", shared.STATE_ABOUT,
        ask.Course("link", LINK, by=EACH, names=NAMES, field="state", how="max", keep=ask.STATES),
        link=TO_PLACE,
    )  # fmt: skip


def _quality(board: Board) -> None:
    board.lines(
        (0, 30, 12, 9), "Độ trễ", "Thời gian đi và về của gói tin tới đầu kia của đường truyền "
        "(trung bình mỗi bước). Không trả lời thì không có điểm, không vẽ là 0.",
        ask.Course("check", SAMPLE, by=EACH, names=NAMES, field="rtt_ms"), "ms",
        steps=words.LATENCY, decimals=1,
    )  # fmt: skip
    board.lines(
        (12, 30, 12, 9), "Mất gói", "Phần gói tin không có trả lời.",
        ask.Course("check", SAMPLE, by=EACH, names=NAMES, field="loss_pct"), "percent",
        steps=words.LOSS, most=100, decimals=1,
    )  # fmt: skip
    board.lines(
        (0, 39, 12, 9), "Thời gian mở kết nối",
        "Của những đường truyền được đo bằng cách mở kết nối TCP thay cho gói dò.",
        ask.Course("check", SAMPLE, by=EACH, names=NAMES, field="connect_ms"), "ms", decimals=1,
    )  # fmt: skip
    board.lines(
        (12, 39, 12, 9), "Lưu lượng", "Bit mỗi giây vào và ra, đọc từ thiết bị đầu đường truyền.",
        [
            ask.Course("check", SAMPLE, by=EACH, names=f"{NAMES} · {way}", field=field)
            for field, way in (("in_bps", "vào"), ("out_bps", "ra"))
        ],
        "bps",
    )  # fmt: skip
    board.lines(
        (0, 48, 12, 9), "Sóng 4G tại điểm đo (RSRP)",
        "Mức thu của thiết bị 4G tại điểm đo, không phải vùng phủ của cả xã. Từ −85 dBm trở lên là "
        "tốt, dưới −115 dBm là không dùng được.",
        ask.Course("check", SAMPLE, by=EACH, names=NAMES, field="rsrp_dbm"), "dBm",
        steps=words.RSRP, least=-130, most=-50, decimals=0,
    )  # fmt: skip
    board.bars(
        (12, 48, 12, 9), "Độ trễ cao nhất trong khoảng xem",
        "Mỗi đường truyền: kết quả chậm nhất trong khoảng thời gian đang xem.",
        ask.Total("check", SAMPLE, by=EACH, names=NAMES, field="rtt_ms", how="max"), "ms",
        steps=words.LATENCY, decimals=1,
    )  # fmt: skip
