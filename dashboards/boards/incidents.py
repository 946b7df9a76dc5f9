"""Sự cố: what is open, why things failed, how fast people took them on and mended them."""

from __future__ import annotations

from types import ModuleType

from dashboards import ask, words
from dashboards.board import Board, Column
from dashboards.boards import shared
from dashboards.boards.shared import AREA, INCIDENT, PLACES, TO_CONSOLE

SEVERITIES = (
    ("critical", "Nghiêm trọng", words.BAD_FROM_ONE),
    ("warning", "Cảnh báo", words.WARN_FROM_ONE),
    ("info", "Lưu ý", words.PLAIN),
)


def make(dialect: ModuleType) -> Board:
    board = Board(
        dialect,
        "ioc-incidents",
        "Sự cố",
        "Sự cố đang mở, nguyên nhân, thời gian tiếp nhận và khắc phục. Một sự cố là một nguyên "
        "nhân gốc, gồm mọi thứ nó kéo theo.",
        since="now-30d",
    )
    board.areas()
    board.sites()
    board.marks(PLACES)
    _now(board)
    _past(board)
    return board.finish()


def _now(board: Board) -> None:
    for number, (field, title, steps) in enumerate(SEVERITIES):
        board.stat(
            (0, 3 * number, 4, 3), title, f"Số sự cố mức {title.lower()} đang mở, toàn địa bàn.",
            ask.Now("incidents", AREA, names=title, field=field, of=("area",), join="sum"), "none",
            steps=steps, decimals=0,
        )  # fmt: skip
    board.table(
        (4, 0, 20, 9), "Đang mở", shared.OPEN_ABOUT, shared.open_incidents(PLACES),
        shared.OPEN_COLUMNS, sort=("Mức độ", True), empty=shared.NONE_OPEN,
    )  # fmt: skip
    board.lines(
        (0, 9, 24, 7), "Số sự cố đang mở theo thời gian",
        "Nhiều nhất trong mỗi bước, theo mức độ, toàn địa bàn.",
        [
            ask.Course("incidents", AREA, names=title, field=field, how="max", keep=ask.STATES,
                       of=("area",), join="sum")
            for field, title, _ in SEVERITIES
        ],
        "suffix:sự cố", stacked=True, interval="5m", decimals=0,
        colours=dict(words.SEVERITIES.values()),
    )  # fmt: skip


def _past(board: Board) -> None:
    board.pie(
        (0, 16, 8, 9), "Theo nguyên nhân",
        "Số sự cố đã kết thúc trong khoảng xem, theo nguyên nhân.",
        ask.Total("incident", PLACES, by=("what",), names="{what}", field="repair_s", how="count"),
        "suffix:sự cố",
    )  # fmt: skip
    board.bars(
        (8, 16, 8, 9), "Theo đơn vị",
        "Số sự cố đã kết thúc trong khoảng xem ở từng đơn vị.",
        ask.Total("incident", PLACES, by=("place",), names="{place}", field="repair_s",
                  how="count"),
        "suffix:sự cố", decimals=0,
    )  # fmt: skip
    board.stat(
        (16, 16, 4, 4), "Tiếp nhận trung bình",
        "Từ lúc mở sự cố đến lúc có người tiếp nhận, trung bình của sự cố đã kết thúc và có người "
        "tiếp nhận.",
        ask.Total("incident", PLACES, names="Tiếp nhận", field="ack_s", how="mean"), "dthms",
        steps=words.steps((None, words.GREEN), (900, words.YELLOW), (3600, words.RED)), decimals=0,
    )  # fmt: skip
    board.stat(
        (20, 16, 4, 4), "Khắc phục trung bình",
        "Từ lúc bắt đầu hỏng đến lúc đo được là đã hoạt động lại.",
        ask.Total("incident", PLACES, names="Khắc phục", field="repair_s", how="mean"),
        "dthms",
        steps=words.steps((None, words.GREEN), (7200, words.YELLOW), (28800, words.RED)),
        decimals=0,
    )  # fmt: skip
    board.bars(
        (16, 20, 8, 5), "Khắc phục lâu nhất theo nguyên nhân",
        "Sự cố lâu nhất của từng nguyên nhân trong khoảng xem.",
        ask.Total("incident", PLACES, by=("what",), names="{what}", field="repair_s", how="max"),
        "dthms", decimals=0,
    )  # fmt: skip
    board.table(
        (0, 25, 24, 12), "Đã kết thúc trong khoảng xem",
        "Từng sự cố đã kết thúc, mới nhất trước. Bấm số để xem diễn biến trên trang trực.",
        ask.Rows("incident", PLACES, by=INCIDENT,
                 columns={"began": "max", "ended": "max", "repair_s": "max", "ack_s": "max"},
                 keep=ask.RANGE),
        {
            "began": Column("Bắt đầu", "dateTimeAsLocal", width=180),
            "ended": Column("Kết thúc", "dateTimeAsLocal", width=180),
            "place": Column("Nơi xảy ra", width=200),
            "what": Column("Việc gì"),
            "repair_s": Column("Kéo dài", "dthms", decimals=0, width=150),
            "ack_s": Column("Tiếp nhận sau", "dthms", decimals=0, width=150),
            "incident": Column("Số", link=TO_CONSOLE, width=80),
            "kind": Column("Loại", hidden=True),
        },
        sort=("Kết thúc", True),
    )  # fmt: skip
