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
        ask.Shares("availability", {**LINK, "type": "link"}, by=("place", "name")),
        shared.SHARE_COLUMNS, sort=("Hoạt động", False),
    )  # fmt: skip
    board.timeline(
        (0, 12, 24, 24), "Trạng thái theo thời gian", shared.STATE_ABOUT,
        ask.Course("link", LINK, by=EACH, names=NAMES, field="state", how="max", keep=ask.STATES),
        link=TO_PLACE,
    )  # fmt: skip


def _sampled(field: str, more: str = "") -> ask.Course:
    return ask.Course("check", SAMPLE, by=EACH, names=NAMES + more, field=field)


def _quality(board: Board) -> None:
    board.lines(
        (0, 36, 12, 10), "Độ trễ",
        "Thời gian đi và về của gói dò tới đầu kia của đường truyền; nơi đo bằng TCP là thời gian "
        "mở kết nối. Không trả lời thì không có điểm, không vẽ là 0.",
        [_sampled("rtt_ms"), _sampled("connect_ms", " · TCP")], "ms",
        steps=words.LATENCY, decimals=1,
    )  # fmt: skip
    board.lines(
        (12, 36, 12, 10), "Mất gói", "Phần gói dò không có trả lời.",
        _sampled("loss_pct"), "percent", steps=words.LOSS, most=100, decimals=1,
        empty="Chưa có: đường truyền không được đo bằng gói dò (icmp)",
    )  # fmt: skip
    board.lines(
        (0, 46, 12, 9), "Lưu lượng", "Bit mỗi giây vào và ra, đọc từ thiết bị đầu đường truyền.",
        [_sampled("in_bps", " · vào"), _sampled("out_bps", " · ra")], "bps",
        empty="Chưa có: thiết bị đầu đường truyền chưa được đọc lưu lượng",
    )  # fmt: skip
    board.lines(
        (12, 46, 12, 9), "Sóng 4G tại điểm đo (RSRP)",
        "Mức thu của thiết bị 4G tại điểm đo, không phải vùng phủ của cả xã. Từ −85 dBm trở lên là "
        "tốt, dưới −115 dBm là không dùng được.",
        _sampled("rsrp_dbm"), "dBm", steps=words.RSRP, least=-130, most=-50, decimals=0,
        empty="Chưa có: thiết bị 4G chưa được đọc mức thu",
    )  # fmt: skip
    board.bars(
        (0, 55, 24, 12), "Độ trễ trung bình trong khoảng xem",
        "Mỗi đường truyền: độ trễ trung bình trong khoảng thời gian đang xem.",
        [
            ask.Total("check", SAMPLE, by=EACH, names=names, field=field, how="mean")
            for field, names in (("rtt_ms", NAMES), ("connect_ms", f"{NAMES} · TCP"))
        ],
        "ms", steps=words.LATENCY, decimals=1,
    )  # fmt: skip
