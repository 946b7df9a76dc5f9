"""Chỉ tiêu: every target with value, goal, evidence, course, and each commune."""

from __future__ import annotations

from types import ModuleType

from dashboards import ask, words
from dashboards.board import Board, Column
from dashboards.boards.shared import AREA, PLACES, TO_SITE

WHOLE = {**AREA, "scope": "area"}
ONE = {"area": "$area", "name": "=$target"}
VALUE = Column("Đạt", "percent", steps=words.PLAIN, decimals=1, bar=100, width=200)
GOAL = Column("Phải đạt", "percent", decimals=0, width=90)
GAP = Column("Còn thiếu", "suffix:điểm %", steps=words.GAP, decimals=1, width=120)
EVIDENCE = Column("Bằng chứng", "percent", steps=words.EVIDENCE, decimals=0, width=110)
TO_TARGET = ("Cách tính và nguồn số liệu", "${console}/targets/${__data.fields.Mã}")


def make(dialect: ModuleType) -> Board:
    board = Board(
        dialect,
        "ioc-targets",
        "Chỉ tiêu",
        "Từng chỉ tiêu của địa bàn: đạt bao nhiêu, phải đạt bao nhiêu, có bao nhiêu bằng chứng, "
        "diễn biến, và từng đơn vị.",
        since="now-30d",
        refresh="5m",
    )
    board.areas()
    board.sites()
    board.choose(
        "target", "Chỉ tiêu", ask.Choices("coverage", AREA, tag="name", field="goal"), one=True,
        about="Chỉ tiêu xem riêng ở nửa dưới",
    )  # fmt: skip
    _whole(board)
    _one(board)
    return board.finish()


def _whole(board: Board) -> None:
    figures = (
        ("met", "sum", "Chỉ tiêu đã đạt", words.FINE,
         "Số chỉ tiêu mà số liệu đủ để nói là đã đạt mức."),
        ("met", "count", "Chỉ tiêu đánh giá được", words.PLAIN,
         "Số chỉ tiêu mà bằng chứng đủ để nói đạt hay chưa đạt."),
        ("goal", "count", "Chỉ tiêu có mức phải đạt", words.PLAIN,
         "Số chỉ tiêu đang theo dõi có mức phải đạt. Phần chưa đánh giá được là chưa xác định."),
    )  # fmt: skip
    for number, (field, join, title, steps, about) in enumerate(figures):
        board.stat(
            (8 * number, 0, 8, 3), title, about,
            ask.Now("coverage", WHOLE, names=title, field=field, of=("target",), join=join,
                    keep=ask.LEDGER),
            "none", steps=steps, decimals=0, background=False,
        )  # fmt: skip
    board.table(
        (0, 3, 24, 12), "Mọi chỉ tiêu của địa bàn",
        "Tử số, mẫu số đúng như số liệu được tính; bấm mã để xem cách tính, nguồn và tài liệu. "
        "Ô trống: chưa có số liệu (không phải 0 %).",
        ask.Rows(
            "coverage", WHOLE, by=("name", "target"),
            columns={"value": "max", "goal": "max", "gap": "max", "evidence": "max",
                     "numerator": "max", "denominator": "max"},
            keep=ask.LEDGER,
        ),
        {
            "name": Column("Chỉ tiêu"),
            "value": VALUE, "goal": GOAL, "gap": GAP, "evidence": EVIDENCE,
            "numerator": Column("Tử số", "none", decimals=0, width=90),
            "denominator": Column("Mẫu số", "none", decimals=0, width=90),
            "target": Column("Mã", link=TO_TARGET, width=190),
        },
        sort=("Còn thiếu", True),
    )  # fmt: skip


def _one(board: Board) -> None:
    board.lines(
        (0, 15, 12, 9), "Diễn biến: $target",
        "Giá trị, mức phải đạt và bằng chứng của chỉ tiêu đã chọn, toàn địa bàn, theo thời gian.",
        [
            ask.Course("coverage", {**ONE, "scope": "area"}, names=title, field=field, how="last")
            for field, title in (("value", "Đạt"), ("goal", "Phải đạt"), ("evidence", "Bằng chứng"))
        ],
        "percent", most=100, hold=2 * 3_600_000, interval="10m", decimals=1,
    )  # fmt: skip
    board.lines(
        (12, 15, 12, 9), "Diễn biến từng đơn vị: $target",
        "Giá trị của chỉ tiêu đã chọn ở từng đơn vị theo thời gian.",
        ask.Course("coverage", {**ONE, **PLACES, "scope": "place"}, by=("place",), names="{place}",
                   field="value", how="last"),
        "percent", most=100, hold=2 * 3_600_000, interval="10m", decimals=1,
    )  # fmt: skip
    board.table(
        (0, 24, 24, 12), "Từng đơn vị: $target",
        "Chỉ tiêu đã chọn ở từng đơn vị, lúc này. Bấm mã để xem đơn vị.",
        ask.Rows(
            "coverage", {**ONE, **PLACES, "scope": "place"}, by=("place", "site"),
            columns={"value": "max", "goal": "max", "gap": "max", "evidence": "max",
                     "numerator": "max", "denominator": "max"},
            keep=ask.LEDGER,
        ),
        {
            "place": Column("Đơn vị"),
            "value": VALUE, "goal": GOAL, "gap": GAP, "evidence": EVIDENCE,
            "numerator": Column("Tử số", "none", decimals=0, width=90),
            "denominator": Column("Mẫu số", "none", decimals=0, width=90),
            "site": Column("Mã", link=TO_SITE, width=150),
        },
        sort=("Còn thiếu", True),
    )  # fmt: skip
