"""Hệ thống giám sát: whether the monitor itself can be believed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from dashboards import ask, words
from dashboards.board import Board
from dashboards.boards.shared import AREA


def _limits(warning: float, bad: float) -> Any:
    return words.steps((None, words.GREEN), (warning, words.YELLOW), (bad, words.RED))


STATES = (
    ("assets_up", "Bình thường"), ("assets_degraded", "Suy giảm"), ("assets_down", "Mất kết nối"),
    ("assets_unreachable", "Không tới được"), ("assets_off", "Tắt, ngoài giờ"),
    ("assets_maintenance", "Bảo trì"), ("assets_unknown", "Chưa xác định"),
)  # fmt: skip


def make(dialect: ModuleType) -> Board:
    board = Board(
        dialect,
        "ioc-monitor",
        "Hệ thống giám sát",
        "Bản thân hệ thống giám sát: đo có đúng giờ không, có ghi kịp không, có mất gì không. "
        "Bảng này xấu thì các bảng khác chưa đáng tin.",
    )
    board.areas()
    board.marks({**AREA, "kind": "monitor|uplink-lost|stale"})
    _now(board)
    _course(board)
    return board.finish()


def _own(field: str, title: str, how: str = "mean", *, gain: bool = False) -> ask.Course:
    return ask.Course("ioc", AREA, by=("area",), names=f"{title} · {{area}}", field=field, how=how,
                      gain=gain)  # fmt: skip


def _now(board: Board) -> None:
    own, store, people = AREA, {**AREA, "queue": "store"}, {**AREA, "queue": "notify"}
    figures = (
        ("ioc", own, "lag_p99_ms", "Trễ giờ đo", "ms", _limits(100, 1000),
         "Chậm so với giờ đã định, 99 % phép đo không chậm hơn mức này."),
        ("ioc", own, "missed_polls", "Lần đo bị lỡ", "none", words.WARN_FROM_ONE,
         "Số lần đo không thực hiện được đúng chu kỳ từ lúc khởi động."),
        ("ioc", own, "store_write_ms", "Ghi chậm nhất", "ms", _limits(500, 5000),
         "Lần ghi số liệu chậm nhất trong phút vừa qua."),
        ("ioc", own, "store_queue", "Chờ ghi", "none", _limits(5000, 50000),
         "Số điểm đo còn trong bộ nhớ, chưa ghi xuống đĩa."),
        ("outbox", store, "waiting", "Chờ gửi tới kho", "none", _limits(5000, 500000),
         "Số điểm đo đã ghi trên đĩa, chờ kho số liệu nhận."),
        ("outbox", store, "away_s", "Kho mất liên lạc", "dthms", _limits(60, 600),
         "Kho số liệu không nhận gì từ bao lâu nay; 00:00:00 là đang nhận."),
        ("ioc", own, "store_dropped", "Điểm đo đã mất", "none", words.BAD_FROM_ONE,
         "Số điểm đo phải bỏ từ lúc khởi động vì không ghi được quá lâu."),
        ("outbox", people, "waiting", "Tin chờ gửi", "none", _limits(20, 200),
         "Số thông báo còn chờ gửi cho người trực."),
    )  # fmt: skip
    for number, (measurement, where, field, title, unit, steps, about) in enumerate(figures):
        keep = ask.LEDGER if measurement == "outbox" else ask.STATES
        board.stat(
            (3 * number, 0, 3, 4), title, about + " Để trống: hệ thống không chạy.",
            ask.Now(measurement, where, names=title, field=field, of=("area",), keep=keep), unit,
            steps=steps, decimals=0,
        )  # fmt: skip


def _course(board: Board) -> None:
    board.lines(
        (0, 4, 12, 8), "Trễ giờ đo", "99 % phép đo không chậm hơn mức này so với giờ đã định.",
        _own("lag_p99_ms", "Trễ", "max"), "ms", decimals=1,
    )  # fmt: skip
    board.lines(
        (12, 4, 12, 8), "Phép đo mỗi giây", "Số phép đo đã làm và số không đạt, mỗi giây.",
        [_own("polls", "Đã đo", gain=True), _own("failures", "Không đạt", gain=True)],
        "suffix:phép đo/s", interval="2m", decimals=1,
    )  # fmt: skip
    board.lines(
        (0, 12, 12, 8), "Hàng chờ ghi",
        "Số điểm đo chờ ghi vào kho số liệu và số thay đổi chờ ghi vào cơ sở dữ liệu trạng thái.",
        [_own("store_queue", "Kho số liệu", "max"), _own("database_queue", "Trạng thái", "max")],
        "none", decimals=0,
    )  # fmt: skip
    board.lines(
        (12, 12, 12, 8), "Thời gian ghi vào kho", "Lần ghi chậm nhất trong mỗi bước.",
        _own("store_write_ms", "Chậm nhất", "max"), "ms", decimals=1,
    )  # fmt: skip
    board.lines(
        (0, 20, 12, 8), "Lỗi", "Số cộng dồn từ lúc khởi động: điểm đo phải bỏ, lần đo lỡ, lần đo "
        "treo. Đường đi ngang là tốt.",
        [
            _own("store_dropped", "Điểm đo đã mất", "max"),
            _own("missed_polls", "Lần đo lỡ", "max"),
            _own("hung_polls", "Lần đo treo", "max"),
        ],
        "none", decimals=0,
    )  # fmt: skip
    board.lines(
        (12, 20, 12, 8), "Hàng chờ gửi",
        "Số điểm đo chờ kho số liệu nhận; số thông báo chờ gửi và không gửi được.",
        [
            ask.Course("outbox", {**AREA, "queue": queue}, by=("area",),
                       names=f"{title} · {{area}}", field=field, how="max")
            for queue, field, title in (
                ("store", "waiting", "Điểm đo chờ gửi"), ("notify", "waiting", "Tin chờ gửi"),
                ("notify", "dead", "Tin không gửi được"),
            )
        ],
        "none", interval="5m", hold=1_200_000, decimals=0,
    )  # fmt: skip
    board.lines(
        (0, 28, 8, 8), "Bộ nhớ", "Bộ nhớ mà hệ thống giám sát đang dùng.",
        _own("rss_mb", "Bộ nhớ", "max"), "decmbytes", decimals=0,
    )  # fmt: skip
    board.lines(
        (8, 28, 8, 8), "Bộ xử lý", "Số giây bộ xử lý mỗi giây: 1 là dùng hết một lõi.",
        _own("cpu_seconds", "Bộ xử lý", gain=True), "suffix:lõi", interval="2m", decimals=2,
    )  # fmt: skip
    board.lines(
        (16, 28, 8, 8), "Màn hình đang mở", "Số màn hình đang nhận số liệu trực tiếp.",
        _own("screens", "Màn hình", "max"), "none", decimals=0,
    )  # fmt: skip
    board.lines(
        (0, 36, 24, 8), "Thiết bị theo trạng thái",
        "Số thiết bị, đường truyền, dịch vụ ở từng trạng thái; nhiều nhất trong mỗi bước. Máy tính "
        "tắt ban đêm là bình thường.",
        [_own(field, title, "last") for field, title in STATES], "suffix:thiết bị", stacked=True,
        decimals=0, colours=dict(words.STATES.values()),
    )  # fmt: skip
