"""Một đơn vị: everything about one place, for those who mend it."""

from __future__ import annotations

from types import ModuleType

from dashboards import ask, words
from dashboards.board import Board, Column
from dashboards.boards import shared
from dashboards.boards.shared import ONE

NAMES = "{name}"
CHECK = {**ONE, "asset": "$asset"}


def make(dialect: ModuleType) -> Board:
    board = Board(
        dialect,
        "ioc-site",
        "Một đơn vị",
        "Mọi thứ về một đơn vị, cho người xử lý: trạng thái từng đường truyền và thiết bị, kết "
        "quả đo, máy tính, sự cố, chỉ tiêu.",
    )
    board.areas()
    board.sites(one=True)
    board.choose(
        "asset", "Thiết bị",
        ask.Choices("check", ONE, tag="asset", field="up"),
        about="Mã như trong danh mục, dùng được với lệnh: ioc check MÃ",
    )  # fmt: skip
    board.marks(ONE)
    _now(board)
    _states(board)
    _measured(board)
    return board.finish()


def _now(board: Board) -> None:
    board.stat(
        (0, 0, 6, 4), "Trạng thái", "Trạng thái của đơn vị lúc này.",
        ask.Now("place", ONE, by=("place", "site"), names="{place}", field="state"), "none",
        shown=words.STATES, names=True,
        link=("Mở trang của đơn vị", "${console}/sites/${site}"),
    )  # fmt: skip
    board.stat(
        (6, 0, 4, 4), "Đường đang dùng", "Đơn vị đang chạy bằng đường chính hay đường dự phòng.",
        ask.Now("place", ONE, names="Đường đang dùng", field="on_backup", of=("area", "site")),
        "none", shown=words.BACKUP,
    )  # fmt: skip
    board.stat(
        (10, 0, 4, 4), "Tuổi số liệu", "Kết quả đo cũ nhất của đường truyền và bộ định tuyến.",
        ask.Now("place", ONE, names="Tuổi số liệu", field="age_s", of=("area", "site")),
        "suffix:giây", steps=words.AGE, decimals=0,
    )  # fmt: skip
    board.stat(
        (14, 0, 5, 4), "Hoạt động, các ngày trọn vẹn",
        "Phần thời gian liên lạc được với đơn vị bằng bất kỳ đường nào, trên thời gian biết được, "
        "của các ngày đã kết thúc trong khoảng xem, chính xác như trong báo cáo.",
        ask.Share("availability", {**ONE, "type": "place"}, names="Hoạt động"), "percent",
        steps=words.AVAILABLE, decimals=2,
    )  # fmt: skip
    board.stat(
        (19, 0, 5, 4), "Máy tính đang bật",
        "Số máy đang bật, số máy lẽ ra phải bật lúc này, tổng số máy.",
        ask.Now("place", ONE, names="Đang bật", field="computers_on", of=("area", "site")), "none",
        decimals=0,
    )  # fmt: skip


def _states(board: Board) -> None:
    board.timeline(
        (0, 4, 12, 8), "Đường truyền", shared.STATE_ABOUT,
        ask.Course("link", ONE, by=("asset", "name"), names=NAMES, field="state", how="max",
                   keep=ask.STATES),
    )  # fmt: skip
    board.timeline(
        (12, 4, 12, 8), "Bộ định tuyến, máy chủ, thiết bị khác",
        shared.STATE_ABOUT + " Máy tính xem bằng số tổng ở bên dưới.",
        ask.Course("device", {**ONE, "kind": "router|switch|server|modem|ups|other"},
                   by=("asset", "name"), names=NAMES, field="state", how="max", keep=ask.STATES),
    )  # fmt: skip
    board.table(
        (0, 12, 14, 8), "Sự cố đang mở", shared.OPEN_ABOUT, shared.open_incidents(ONE),
        shared.OPEN_COLUMNS, sort=("Mức độ", True), empty=shared.NONE_OPEN,
    )  # fmt: skip
    board.table(
        (14, 12, 10, 8), "Chỉ tiêu của đơn vị",
        "Những chỉ tiêu tính riêng cho đơn vị này, lúc này. Ô trống: chưa có số liệu.",
        ask.Rows("coverage", {**ONE, "scope": "place"}, by=("name",),
                 columns={"value": "max", "goal": "max", "gap": "max", "evidence": "max"},
                 of=("target",), keep=ask.LEDGER),
        {
            "name": Column("Chỉ tiêu"),
            "value": Column("Đạt", "percent", steps=words.PLAIN, decimals=1, bar=100, width=120),
            "goal": Column("Phải đạt", "percent", decimals=0, width=80),
            "gap": Column("Còn thiếu", "suffix:điểm %", steps=words.GAP, decimals=1, width=110),
            "evidence": Column("Bằng chứng", "percent", steps=words.EVIDENCE, decimals=0,
                               width=100),
        },
        sort=("Còn thiếu", True),
    )  # fmt: skip


def _measured(board: Board) -> None:
    each = "{asset} · {check}"
    board.lines(
        (0, 20, 12, 9), "Độ trễ",
        "Thời gian đi và về của gói dò tới các thiết bị đang chọn; nơi đo bằng TCP là thời gian mở "
        "kết nối.",
        [
            ask.Course("check", CHECK, by=("asset", "check"), names=each, field=field)
            for field in ("rtt_ms", "connect_ms")
        ],
        "ms", decimals=1,
    )  # fmt: skip
    board.lines(
        (12, 20, 12, 9), "Mất gói", "Phần gói dò không có trả lời từ các thiết bị đang chọn.",
        ask.Course("check", CHECK, by=("asset", "check"), names=each, field="loss_pct"), "percent",
        most=100, decimals=1, empty="Chưa có: đơn vị này không được đo bằng gói dò (icmp)",
    )  # fmt: skip
    board.timeline(
        (0, 29, 24, 12), "Từng phép đo",
        "Mỗi phép đo đạt hay không đạt ở từng bước; xấu nhất trong bước. Chỗ trống: không đo được.",
        ask.Course("check", CHECK, by=("asset", "check"), names="{asset} · {check}", field="up",
                   how="min", keep=ask.SAMPLES),
        {0: ("Không đạt", words.RED), 1: ("Đạt", words.GREEN)},
    )  # fmt: skip
    board.lines(
        (0, 41, 24, 8), "Máy tính trong ngày",
        "Số máy đang bật, lẽ ra phải bật, và vắng trong giờ làm việc.",
        [
            ask.Course("place", ONE, names=title, field=field, how="max", keep=ask.STATES,
                       of=("area", "site"), join="sum")
            for field, title in (
                ("computers_on", "Đang bật"), ("computers_expected", "Lẽ ra phải bật"),
                ("computers_absent", "Vắng trong giờ"),
            )
        ],
        "suffix:máy", interval="10m", hold=1_800_000, decimals=0,
    )  # fmt: skip
