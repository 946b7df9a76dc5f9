"""The command line: languages, errors in one line, exit codes, output that survives."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc import _cli_base, cli
from ioc._cli_base import CommandError, pad, paint, prepare_output, say, say_json
from ioc._cli_check import find_checks, shown_value, suggest
from ioc.cli import run_command
from ioc.i18n import use_language
from ioc.inventory.loader import load

VALID = """
area: {id: cho-don, name: Huyện Chợ Đồn}
sites:
  - id: yen-thinh
    name: Xã Yên Thịnh
    devices:
      - {id: may-chu, kind: server, address: 127.0.0.1, checks: [{kind: tcp, port: 9}]}
  - id: phuong-vien
    name: Xã Phương Viên
    devices:
      - {id: may-chu, kind: server, address: 127.0.0.2, checks: [{kind: tcp, port: 9}]}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty folder to run in, Vietnamese afterwards."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    use_language("vi")


@pytest.fixture
def inventory(here: Path) -> Path:
    path = here / "inventory.yaml"
    path.write_text(VALID, encoding="utf-8")
    return path


# --- words


def test_help_is_vietnamese_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--help"]) == 0
    text = capsys.readouterr().out
    assert "Cách dùng:" in text
    assert "Giám sát máy tính, đường truyền và dịch vụ của huyện." in text
    assert "Usage" not in text


def test_help_is_english_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_LANG", "en")
    assert run_command(["ping", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Usage: ioc ping" in text
    assert "How many echoes (4)." in text


def test_the_language_may_stand_in_the_env_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / ".env").write_text("IOC_LANG=en\n")
    assert run_command(["--help"]) == 0
    assert "Usage:" in capsys.readouterr().out


@pytest.mark.parametrize("command", sorted(cli.commands.commands))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([command, "--help"]) == 0
    captured = capsys.readouterr()
    assert f"ioc {command}" in captured.out
    assert not captured.err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--version"]) == 0
    assert capsys.readouterr().out.startswith("Mini IOC 0.")


# --- wrong use


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pang"], "Không có lệnh 'pang'. Ý bạn là 'ping'?"),
        (["ping"], "Thiếu tham số 'HOST'"),
        (["ping", "-c", "x", "127.0.0.1"], "'x' không phải là số hợp lệ"),
        (["ping", "-c", "0", "127.0.0.1"], "0 nằm ngoài khoảng"),
        (["status", "--jsn"], "Không có tùy chọn '--jsn'"),
        (["status", "a", "b"], "Thừa các tham số (a b)"),
        (["inventory", "nope"], "Không có lệnh 'nope'"),
        ([], "Cách dùng"),
        (["inventory"], "Cách dùng"),
    ],
)
def test_wrong_use_is_explained_and_exits_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IOC_LISTEN", "8080"),
        ("IOC_LISTEN", "127.0.0.1:99999"),
        ("IOC_LANG", "fr"),
    ],
)
def test_a_wrong_setting_is_named_and_exits_2(
    name: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert run_command(["status"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"Lỗi: {name}={value}: ")
    assert len(captured.err.splitlines()) == 1


def test_an_env_file_that_is_not_text_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / ".env").write_bytes(b"IOC_LANG=\xff\xfe\n")
    assert run_command(["status"]) == 2
    assert capsys.readouterr().err.startswith("Lỗi: không đọc được tệp .env: ")


# --- errors nobody expects


def broken(**_words: object) -> None:
    raise RuntimeError("first line\nsecond line")


def test_an_unexpected_error_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.commands.commands["status"], "callback", broken)
    assert run_command(["status"]) == 1
    captured = capsys.readouterr()
    assert captured.err == (
        "Lỗi: ngoài dự kiến: RuntimeError: first line (đặt IOC_DEBUG=1 để xem chi tiết)\n"
    )


def test_debugging_shows_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.commands.commands["status"], "callback", broken)
    monkeypatch.setenv("IOC_DEBUG", "1")
    assert run_command(["status"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_error_without_words_is_still_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(**_words: object) -> None:
        raise ValueError

    monkeypatch.setattr(cli.commands.commands["status"], "callback", silent)
    assert run_command(["status"]) == 1
    assert "ValueError" in capsys.readouterr().err


def test_ctrl_c_is_quiet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**_words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.commands.commands["status"], "callback", interrupted)
    assert run_command(["status"]) == 130
    assert capsys.readouterr() == ("", "")


# --- output


def plain(text: str, encoding: str = "ascii") -> str:
    prepare_output()
    return text.encode(encoding, errors="ioc-plain").decode(encoding)


def test_letters_a_terminal_cannot_show_lose_their_marks() -> None:
    assert plain("Đường truyền gián đoạn – Chợ Đồn → ≥ 80 %") == (
        "Duong truyen gian doan - Cho Don -> >= 80 %"
    )


def test_letters_a_terminal_can_show_stay() -> None:
    assert plain("độ trễ à", "latin-1") == "do tre à"


@given(st.text())
def test_any_text_can_be_printed_anywhere(text: str) -> None:
    assert plain(text).isascii()


def test_a_missing_stdout_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    say("nobody hears this")
    assert paint("text", "bad") == "text"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert paint("text", "bad") == "\033[31mtext\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("text", "bad") == "text"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert paint("text", "bad") == "text"


def test_padding_counts_columns_not_code_points() -> None:
    assert pad("tốt", 5) == "tốt  "
    assert pad("to\u0302\u0301t", 5) == "to\u0302\u0301t  "
    assert pad("cảnh báo", 3) == "cảnh báo"


def test_json_keeps_vietnamese_letters(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"name": "Chợ Đồn", "state": _cli_base.ExitCode.FINE})
    text = capsys.readouterr().out
    assert "Chợ Đồn" in text
    assert json.loads(text) == {"name": "Chợ Đồn", "state": 0}


def test_values_are_shown_with_their_units() -> None:
    assert shown_value("rtt_ms", 0.4123456) == "rtt 0,4123 ms"
    assert shown_value("loss_pct", 0.0) == "loss 0 %"
    assert shown_value("days_left", 12.0) == "days_left 12"
    assert shown_value("ms", 3.0) == "ms 3"


# --- inventory validate


def test_a_valid_inventory_is_summed_up(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["inventory", "validate"]) == 0
    captured = capsys.readouterr()
    assert "inventory.yaml hợp lệ: Huyện Chợ Đồn" in captured.out
    assert "địa điểm: 2" in captured.out
    assert not captured.err


def test_a_valid_inventory_as_json(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["inventory", "validate", str(inventory), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["valid"] is True
    assert data["checks_by_kind"] == {"tcp": 2}
    assert data["measurements_per_second"] == pytest.approx(2 / 60, abs=0.001)


def test_every_mistake_of_an_inventory_is_shown(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = here / "huyện.yaml"
    path.write_text("area: {id: a, name: A}\nsies: []\nsites: 3\n", encoding="utf-8")
    assert run_command(["inventory", "validate", str(path)]) == 2
    captured = capsys.readouterr()
    assert not captured.out
    lines = captured.err.splitlines()
    assert lines[0].startswith("huyện.yaml:2: sies: ")
    assert lines[1].startswith("huyện.yaml:3: sites: ")
    assert lines[2] == "Lỗi: tệp khai báo có 2 lỗi"


def test_mistakes_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bad.yaml").write_text("area: {id: a, name: A}\nsies: []\n")
    assert run_command(["inventory", "validate", "bad.yaml", "--json"]) == 2
    data = json.loads(capsys.readouterr().out)
    assert data["valid"] is False
    assert [(m["file"], m["line"], m["path"]) for m in data["mistakes"]] == [
        ("bad.yaml", 2, "sies")
    ]


def test_a_missing_inventory_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["inventory", "validate", "nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err


# --- which asset


def test_an_asset_and_a_check_are_found(inventory: Path) -> None:
    topology = load(inventory).topology
    assert [c.id for c in find_checks(topology, "yen-thinh.may-chu")] == ["yen-thinh.may-chu.tcp"]
    assert find_checks(topology, "yen-thinh.may-chu.tcp")[0].asset == "yen-thinh.may-chu"


@pytest.mark.parametrize("typed", ["yen-thin.may-chu", "yen-thinh", "Yên Thịnh", "YEN-THINH"])
def test_what_was_meant_is_suggested(inventory: Path, typed: str) -> None:
    assert "yen-thinh.may-chu" in suggest(load(inventory).topology, typed)


def test_an_unknown_asset_exits_2_with_suggestions(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["check", "yen-thin.may-chu"]) == 2
    assert "Ý bạn là yen-thinh.may-chu" in capsys.readouterr().err


@given(st.text(max_size=60))
def test_no_typing_breaks_the_search(typed: str) -> None:
    topology = load_valid()
    if typed not in topology.assets and typed not in topology.checks:
        with pytest.raises(CommandError):
            find_checks(topology, typed)


def load_valid():
    path = Path("valid.yaml")
    if not path.exists():
        path.write_text(VALID, encoding="utf-8")
    return load(path).topology
