"""Trung tâm điều hành: what is wrong, in five seconds; how far from the goals, in ten."""

from __future__ import annotations

from types import ModuleType

from dashboards import ask, words
from dashboards.board import Board, Column
from dashboards.boards import shared
from dashboards.boards.shared import AREA, PLACES, TO_PLACE, TO_SITE

LEVELS = {
    0: ("Bình thường", words.GREEN),
    1: ("Có cảnh báo", words.YELLOW),
    2: ("Có sự cố nghiêm trọng", words.RED),
    3: ("Không xác định được", words.GREY),
}


def make(dialect: ModuleType) -> Board:
    """For leaders, and the wall: add ?kiosk to the address."""
    board = Board(
        dialect,
        "ioc-center",
        "Trung tâm điều hành",
        "Toàn địa bàn trên một màn hình: tình trạng chung, từng đơn vị, bản đồ, chỉ tiêu so với "
        "mức phải đạt, sự cố đang mở. Màn hình tường: thêm ?kiosk vào địa chỉ.",
        refresh="30s",
    )
    board.areas()
    board.sites()
    board.marks(PLACES)
    _headline(board)
    _places(board)
    _goals(board)
    return board.finish()


def _headline(board: Board) -> None:
    board.stat(
        (0, 0, 6, 4), "Tình trạng chung",
        "Theo sự cố đang mở nặng nhất. Không xác định được: đường truyền của chính trung tâm đã "
        "mất, không đơn vị nào bị coi là mất kết nối.",
        ask.Now("incidents", AREA, names="Tình trạng chung", field="level", of=("area",)),
        "none", shown=LEVELS,
    )  # fmt: skip
    counts = (
        ("is_up", "Đơn vị bình thường", words.FINE, "Số đơn vị đang kết nối qua đường chính."),
        ("is_degraded", "Đơn vị suy giảm", words.WARN_FROM_ONE,
         "Số đơn vị chạy bằng đường dự phòng, hoặc chậm, mất gói."),
        ("is_down", "Đơn vị mất kết nối", words.BAD_FROM_ONE,
         "Số đơn vị không liên lạc được bằng đường nào."),
        ("is_unknown", "Đơn vị chưa rõ", words.GREY_FROM_ONE,
         "Số đơn vị chưa thể nói tốt hay xấu: chưa đo được, nằm sau chỗ hỏng, hoặc đang bảo trì."),
    )  # fmt: skip
    for number, (field, title, steps, about) in enumerate(counts):
        board.stat(
            (6 + 3 * number, 0, 3, 4), title, about,
            shared.sum_of(field, PLACES, names=title), "none", steps=steps, decimals=0,
        )  # fmt: skip
    board.stat(
        (18, 0, 3, 4), "Nghiêm trọng",
        "Số sự cố nghiêm trọng đang mở trên toàn địa bàn.",
        ask.Now("incidents", AREA, names="Nghiêm trọng", field="critical", of=("area",),
                join="sum"),
        "none", steps=words.BAD_FROM_ONE, decimals=0,
        link=("Xem sự cố", "/d/ioc-incidents?${__url_time_range}"),
    )  # fmt: skip
    board.stat(
        (21, 0, 3, 4), "Tuổi số liệu",
        "Số liệu cũ nhất trong các kết quả đo mới nhất của đường truyền, bộ định tuyến. Để trống: "
        "hệ thống giám sát không ghi gì quá 6 phút.",
        ask.Now("place", PLACES, names="Tuổi số liệu", field="age_s", of=("area", "site")),
        "suffix:giây", steps=words.AGE, decimals=0,
    )  # fmt: skip


def _places(board: Board) -> None:
    board.stat(
        (0, 4, 10, 13), "Các đơn vị",
        "Mỗi ô một đơn vị, màu theo trạng thái lúc này. Bấm vào ô để xem chi tiết đơn vị. Ô xám: "
        "chưa xác định, không phải tốt hay xấu.",
        ask.Now("place", PLACES, by=("place", "site"), names="{place}", field="state"),
        "none", shown=words.STATES, names=True, sizes=(13, 14), link=TO_PLACE,
    )  # fmt: skip
    board.map(
        (10, 4, 7, 13), "Bản đồ",
        "Vị trí gần đúng theo tọa độ trong danh mục; không cần mạng Internet nên không có ảnh nền. "
        "Màu theo trạng thái lúc này.",
        ask.Rows(
            "place", PLACES, by=("place", "site"),
            columns={"lat": "max", "lon": "max", "state": "max", "age_s": "max"},
        ),
        {
            "place": Column("Đơn vị"),
            "state": Column("Trạng thái", "none", words.STATES, steps=words.PLAIN),
            "age_s": Column("Tuổi số liệu", "suffix:giây", decimals=0),
            "lat": Column("Vĩ độ", "none", decimals=4),
            "lon": Column("Kinh độ", "none", decimals=4),
            "site": Column("Mã", link=TO_SITE),
        },
    )  # fmt: skip
    board.stat(
        (17, 4, 7, 9), "Dịch vụ dùng chung",
        "Các cổng, hệ thống dùng chung, đo từ trung tâm. Bấm để xem thời gian trả lời, chứng thư.",
        ask.Now("service", AREA, by=("asset", "name"), names="{name}", field="state"),
        "none", shown=words.SERVICE_STATES, names=True, sizes=(12, 14),
        link=("Xem dịch vụ", "/d/ioc-services?${__url_time_range}"),
    )  # fmt: skip
    board.stat(
        (17, 13, 4, 4), "Máy tính đang bật",
        "Số máy tính đang bật và thấy trên mạng. Ngoài giờ hành chính máy tắt là bình thường.",
        shared.sum_of("computers_on", PLACES, names="Đang bật"), "none", decimals=0,
        link=("Xem máy tính", "/d/ioc-computers?${__url_time_range}"),
    )  # fmt: skip
    board.stat(
        (21, 13, 3, 4), "Đường truyền hỏng",
        "Số đường truyền (cáp quang, 4G…) đang mất kết nối, kể cả khi đơn vị còn đường khác.",
        shared.sum_of("links_down", PLACES, names="Hỏng"), "none",
        steps=words.WARN_FROM_ONE, decimals=0,
        link=("Xem đường truyền", "/d/ioc-links?${__url_time_range}"),
    )  # fmt: skip


def _goals(board: Board) -> None:
    board.table(
        (0, 17, 12, 10), "Chỉ tiêu còn cách mức phải đạt bao xa",
        "Toàn địa bàn, chỉ tiêu còn xa nhất đứng trước. Bằng chứng: phần mẫu số có số liệu; dưới "
        "100 % thì giá trị còn có thể thay đổi. Không có số liệu thì để trống, không tính là 0.",
        ask.Rows(
            "coverage", {**AREA, "scope": "area"}, by=("name",),
            columns={"value": "max", "goal": "max", "gap": "max", "evidence": "max"},
            of=("target",), keep=ask.LEDGER,
        ),
        {
            "name": Column("Chỉ tiêu"),
            "value": Column("Đạt", "percent", steps=words.PLAIN, decimals=1, bar=100, width=150),
            "goal": Column("Phải đạt", "percent", decimals=0, width=80),
            "gap": Column("Còn thiếu", "suffix:điểm %", steps=words.GAP, decimals=1, width=120),
            "evidence": Column("Bằng chứng", "percent", steps=words.EVIDENCE, decimals=0,
                               width=100),
        },
        sort=("Còn thiếu", True),
    )  # fmt: skip
    board.table(
        (12, 17, 12, 10), "Sự cố đang mở", shared.OPEN_ABOUT, shared.open_incidents(PLACES),
        shared.OPEN_COLUMNS, sort=("Mức độ", True), empty=shared.NONE_OPEN,
    )  # fmt: skip
