"""Máy tính: networked, adequate, missing, systems, memory, antivirus. Totals, no persons."""

from __future__ import annotations

from types import ModuleType

from dashboards import ask, words
from dashboards.board import Board, Column
from dashboards.boards import shared
from dashboards.boards.shared import PLACES, TO_SITE


def make(dialect: ModuleType) -> Board:
    board = Board(
        dialect,
        "ioc-computers",
        "Máy tính",
        "Máy tính của từng đơn vị, bằng số tổng, không nêu người dùng: có mạng, đáp ứng yêu cầu, "
        "lâu không thấy, hệ điều hành, bộ nhớ, phòng chống mã độc.",
        since="now-7d",
        refresh="5m",
    )
    board.areas()
    board.sites()
    board.marks({**PLACES, "kind": "computers-missing|site-dark|site-down"})
    _counts(board)
    _places(board)
    _course(board)
    return board.finish()


def _total(field: str, title: str) -> ask.Now:
    return ask.Now("computers", PLACES, names=title, field=field, of=("area", "site"), join="sum",
                   keep=ask.LEDGER)  # fmt: skip


def _counts(board: Board) -> None:
    figures = (
        ("total", "Máy tính", words.PLAIN, "Số máy tính trong danh mục."),
        ("seen", "Có mạng", words.FINE,
         "Số máy được thấy trên mạng trong số ngày làm việc cho phép."),
        ("missing", "Lâu không thấy", words.WARN_FROM_ONE,
         "Số máy không thấy trên mạng quá số ngày làm việc cho phép (thường là 5)."),
        ("adequate", "Đáp ứng yêu cầu", words.FINE,
         "Số máy đạt: hệ điều hành còn hỗ trợ, đủ bộ nhớ, ổ SSD, phòng chống mã độc bật và mới."),
        ("upgrade", "Cần nâng cấp", words.WARN_FROM_ONE,
         "Số máy dùng được nhưng thiếu bộ nhớ, còn ổ đĩa từ, hoặc mẫu mã độc đã cũ."),
        ("inadequate", "Không đạt", words.BAD_FROM_ONE,
         "Số máy có hệ điều hành hết hỗ trợ, không có phòng chống mã độc, hoặc quá ít bộ nhớ."),
        ("unknown", "Chưa rõ", words.PLAIN,
         "Số máy chưa có báo cáo, hoặc báo cáo thiếu; không tính là đạt hay không đạt."),
        ("antivirus_off", "Tắt phòng mã độc", words.BAD_FROM_ONE,
         "Số máy báo rằng phòng chống mã độc đang tắt hoặc không có."),
    )  # fmt: skip
    for number, (field, title, steps, about) in enumerate(figures):
        board.stat(
            (3 * number, 0, 3, 4), title, about, _total(field, title), "none", steps=steps,
            decimals=0,
        )  # fmt: skip


def _places(board: Board) -> None:
    names = {
        "total": "Máy tính", "staff": "Cán bộ", "seen": "Có mạng", "missing": "Lâu không thấy",
        "adequate": "Đáp ứng", "upgrade": "Nâng cấp", "inadequate": "Không đạt",
        "unknown": "Chưa rõ", "memory_low": "Thiếu bộ nhớ", "hard_disk": "Ổ đĩa từ",
        "antivirus_off": "Tắt phòng mã độc",
    }  # fmt: skip
    bad = {"missing", "inadequate", "antivirus_off"}
    board.table(
        (0, 4, 24, 13), "Từng đơn vị",
        "Số máy tính của từng đơn vị theo từng mặt, và số cán bộ cần có máy. Bấm mã để xem đơn vị.",
        ask.Rows("computers", PLACES, by=("place", "site"), columns=dict.fromkeys(names, "max"),
                 keep=ask.LEDGER),
        {
            "place": Column("Đơn vị", width=190),
            **{
                field: Column(title, "none", decimals=0,
                              steps=words.BAD_FROM_ONE if field in bad else None)
                for field, title in names.items()
            },
            "site": Column("Mã", link=TO_SITE, width=130),
        },
        sort=("Lâu không thấy", True),
    )  # fmt: skip


def _course(board: Board) -> None:
    board.pie(
        (0, 17, 8, 10), "Hệ điều hành",
        "Số máy đã báo cáo theo hệ điều hành.",
        ask.Now("systems", PLACES, by=("system",), names="{system}", field="computers",
                of=("area", "site"), join="sum", keep=ask.LEDGER),
        "suffix:máy",
    )  # fmt: skip
    board.bars(
        (8, 17, 8, 10), "Hệ điều hành hết hỗ trợ",
        "Số máy ở từng đơn vị chạy hệ điều hành đã hết hỗ trợ bảo mật.",
        ask.Now("systems", PLACES, by=("place", "site"), names="{place}", field="unsupported",
                of=("system",), join="sum", keep=ask.LEDGER),
        "suffix:máy", steps=words.BAD_FROM_ONE, decimals=0, link=shared.TO_PLACE,
    )  # fmt: skip
    board.bars(
        (16, 17, 8, 10), "Thiếu bộ nhớ",
        "Số máy ở từng đơn vị có bộ nhớ dưới mức yêu cầu (thường là 8 GB).",
        ask.Now("computers", PLACES, by=("place", "site"), names="{place}", field="memory_low",
                of=("area",), join="sum", keep=ask.LEDGER),
        "suffix:máy", steps=words.WARN_FROM_ONE, decimals=0, link=shared.TO_PLACE,
    )  # fmt: skip
    board.lines(
        (0, 27, 24, 9), "Máy tính đang bật trong ngày",
        "Số máy đang bật so với số máy lẽ ra phải bật theo giờ làm việc và lịch nghỉ. Ngoài giờ, "
        "không máy nào phải bật.",
        [
            ask.Course("place", PLACES, names=title, field=field, how="max", keep=ask.STATES,
                       of=("area", "site"), join="sum")
            for field, title in (
                ("computers_on", "Đang bật"), ("computers_expected", "Lẽ ra phải bật"),
                ("computers_absent", "Vắng trong giờ"),
            )
        ],
        "suffix:máy", interval="10m", hold=1_800_000, decimals=0,
    )  # fmt: skip
