"""The `ioc` command as a process of its own: locales, pipes, terminals, signals, real sockets."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
IOC = [sys.executable, "-m", "ioc.cli"]
NO_COVERAGE = {"COVERAGE_PROCESS_CONFIG": ""}  # it cannot print its own path in such a locale


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "huyện Chợ Đồn"
    folder.mkdir()
    return folder


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **changes}


def ioc(here: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """Run one command to its end."""
    env = environment(**changes)
    return subprocess.run([*IOC, *words], cwd=here, env=env, capture_output=True, timeout=60)


@contextmanager
def listener() -> Iterator[int]:
    """A port of loopback that accepts and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


def write_inventory(here: Path, check: str) -> None:
    text = (
        f"area: {{id: a, name: Huyện A}}\nservices: [{{id: cong, name: Cổng, checks: [{check}]}}]\n"
    )
    (here / "inventory.yaml").write_text(text, encoding="utf-8")


# --- terminals and pipes


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", **NO_COVERAGE},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C.UTF-8"},
    ],
    ids=["C", "C without help", "latin-1", "utf-8"],
)
def test_every_locale_prints_something_readable(here: Path, locale: dict[str, str]) -> None:
    write_inventory(here, "{kind: tcp, address: 127.0.0.1, port: 9}")
    done = ioc(here, "inventory", "validate", **locale)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert "địa điểm".encode() in done.stdout or b"dia diem" in done.stdout


def test_a_reader_that_stops_early_is_no_error(here: Path) -> None:
    write_inventory(here, "{kind: tcp, address: 127.0.0.1, port: 9}")
    for words in ("inventory validate", "--help", "doctor"):
        script = f'"$0" -m ioc.cli {words} | true; echo "code ${{PIPESTATUS[0]}}"'
        done = subprocess.run(
            ["bash", "-c", script, sys.executable],
            cwd=here,
            env=environment(),
            capture_output=True,
            timeout=60,
        )
        assert not done.stderr, words
        assert done.stdout == b"code 0\n", words


def test_closed_streams_are_no_error(here: Path) -> None:
    write_inventory(here, "{kind: tcp, address: 127.0.0.1, port: 9}")
    script = '"$0" -m ioc.cli inventory validate >&- 2>&-; echo code $?'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable],
        cwd=here,
        env=environment(),
        capture_output=True,
        timeout=60,
    )
    assert done.stdout == b"code 0\n"


def test_a_full_disk_behind_stdout_is_one_line(here: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*IOC, "--version"], cwd=here, env=environment(), stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def on_terminal(here: Path, words: list[str], **changes: str) -> bytes:
    """What a command writes to a terminal of 30 columns."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm", COLUMNS="30", **changes)
    env.pop("NO_COLOR", None) if "NO_COLOR" not in changes else None
    with subprocess.Popen([*IOC, *words], cwd=here, env=env, stdout=theirs, stderr=theirs) as run:
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
            seen += part
        os.close(ours)
        assert run.wait(60) in (0, 1)
    return seen


def test_colour_on_a_terminal_unless_refused(here: Path) -> None:
    assert b"\x1b[" in on_terminal(here, ["doctor"])
    assert b"\x1b[" not in on_terminal(here, ["doctor"], NO_COLOR="1")


def test_help_fits_a_narrow_terminal(here: Path) -> None:
    lines = on_terminal(here, ["--help"]).decode().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 60
    assert "Giám sát" in "".join(lines)


# --- measuring for real


def test_check_shows_a_peer_that_answers(here: Path) -> None:
    with listener() as port:
        write_inventory(here, f"{{kind: tcp, address: 127.0.0.1, port: {port}}}")
        done = ioc(here, "check", "cong", "--json")
    assert done.returncode == 0, done.stderr
    (log,) = json.loads(done.stdout)
    assert log["check"] == "cong.tcp"
    assert log["address"] == f"127.0.0.1:{port}"
    assert log["state"] == "up"
    (attempt,) = log["attempts"]
    assert attempt["verdict"] == "ok"
    assert attempt["values"]["connect_ms"] > 0


def test_check_shows_every_attempt_at_a_peer_that_refuses(here: Path) -> None:
    with listener() as port:
        pass
    check = f"{{kind: tcp, address: 127.0.0.1, port: {port}, retries: 2, retry_delay: 0.05s}}"
    write_inventory(here, check)
    done = ioc(here, "check", "cong.tcp")
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("cong.tcp  tcp  127.0.0.1:")
    attempts = [line for line in lines if line.lstrip()[:2] in ("1.", "2.", "3.")]
    assert len(attempts) == 3
    assert all("không đạt" in line and " ms]" in line for line in attempts)
    assert "=> mất kết nối: " in done.stdout.decode()


def test_check_says_when_a_threshold_is_passed(here: Path) -> None:
    with listener() as port:
        limit = "thresholds: {connect_ms: {above: 0}}"
        write_inventory(here, f"{{kind: tcp, address: 127.0.0.1, port: {port}, {limit}}}")
        done = ioc(here, "check", "cong")
    assert done.returncode == 1
    assert "=> suy giảm: " in done.stdout.decode()


def test_check_gives_up_at_the_timeout(here: Path) -> None:
    with listener() as port:
        check = f"port: {port}, expect: x, timeout: 0.2s, retries: 0"
        write_inventory(here, f"{{kind: tcp, address: 127.0.0.1, {check}}}")
        done = ioc(here, "check", "cong", "--json")
    assert done.returncode == 1
    (log,) = json.loads(done.stdout)
    assert log["attempts"][0]["verdict"] == "failed"
    assert log["attempts"][0]["reason"]


def can_ping() -> bool:
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        try:
            socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
        except PermissionError:
            continue
        return True
    return False


@pytest.mark.skipif(not can_ping(), reason="this user may open no ICMP socket")
def test_ping_tells_replies_and_their_times(here: Path) -> None:
    done = ioc(here, "ping", "127.0.0.1", "-c", "2", "-i", "0.2", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert (data["sent"], data["loss_pct"]) == (2, 0)
    assert 0 < data["rtt_min_ms"] <= data["rtt_mean_ms"] <= data["rtt_max_ms"] < 1000


def test_ping_of_a_name_without_address_exits_1(here: Path) -> None:
    done = ioc(here, "ping", "khong-co.invalid")
    assert done.returncode == 1
    assert "tên 'khong-co.invalid' không có địa chỉ" in done.stderr.decode()


def test_ctrl_c_ends_quietly(here: Path) -> None:
    with listener() as port:
        check = f"port: {port}, expect: x, timeout: 30s, interval: 60s"
        write_inventory(here, f"{{kind: tcp, address: 127.0.0.1, {check}}}")
        run = subprocess.Popen(
            [*IOC, "check", "cong"],
            cwd=here,
            env=environment(),
            stdout=subprocess.PIPE,
            # In the background of a shell a child ignores Ctrl-C; a user's does not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stderr=subprocess.PIPE,
        )
        threading.Timer(1.5, run.send_signal, [signal.SIGINT]).start()
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (130, b"", b"")


# --- the running program


def free_port() -> int:
    with listener() as port:
        return port


@contextmanager
def running(here: Path, *words: str, **changes: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`ioc run` until the block ends; yields the process and its page's address."""
    listen = f"127.0.0.1:{free_port()}"
    env = environment(IOC_LISTEN=listen, **changes)
    with subprocess.Popen(
        [*IOC, *words], cwd=here, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        try:
            assert run.stdout is not None
            page = run.stdout.readline()
            assert page.strip() == f"http://{listen}/", run.stderr and run.stderr.read()
            yield run, listen
        finally:
            if run.poll() is None:
                run.kill()


def wait_for_results(here: Path, listen: str) -> dict[str, object]:
    """`ioc status --json` once nothing is unknown any more."""
    for _ in range(100):
        done = ioc(here, "status", "--json", IOC_LISTEN=listen)
        data = json.loads(done.stdout)
        if not any(item["state"] == "unknown" for item in data["not_up"]):
            return {**data, "code": done.returncode}
        time.sleep(0.1)
    raise AssertionError(f"still unknown: {data}")


def test_the_running_program_is_seen_by_status_and_doctor_and_ends_on_sigterm(here: Path) -> None:
    with listener() as port:
        write_inventory(here, f"{{kind: tcp, address: 127.0.0.1, port: {port}, interval: 1s}}")
        with running(here, "run") as (run, listen):
            seen = wait_for_results(here, listen)
            assert (seen["code"], seen["not_up"], seen["problems"]) == (0, [], [])
            doctor = json.loads(ioc(here, "doctor", "--json", IOC_LISTEN=listen).stdout)
            port_finding = next(finding for finding in doctor if finding["code"] == "port")
            assert port_finding["what"] == f"ioc đang chạy tại {listen}"
            run.send_signal(signal.SIGTERM)
            assert run.wait(5) == 0


def test_status_tells_what_is_down_and_exits_1(here: Path) -> None:
    port = free_port()
    check = f"port: {port}, interval: 1s, timeout: 0.5s, retries: 0"
    write_inventory(here, f"{{kind: tcp, address: 127.0.0.1, {check}}}")
    with running(here, "run") as (run, listen):
        seen = wait_for_results(here, listen)
        assert seen["code"] == 1
        (down,) = seen["not_up"]
        assert (down["id"], down["state"]) == ("cong", "down")
        text = ioc(here, "status", IOC_LISTEN=listen).stdout.decode()
        assert "Cổng" in text
        assert "mất kết nối" in text
        run.send_signal(signal.SIGINT)
        assert run.wait(5) == 0


def test_status_tells_of_an_invalid_new_inventory(here: Path) -> None:
    with listener() as port:
        write_inventory(here, f"{{kind: tcp, address: 127.0.0.1, port: {port}, interval: 1s}}")
        with running(here, "run") as (_run, listen):
            wait_for_results(here, listen)
            (here / "inventory.yaml").write_text("area: 3\n")
            for _ in range(100):
                done = ioc(here, "status", IOC_LISTEN=listen)
                if b"inventory.yaml:1: area" in done.stdout:
                    break
                time.sleep(0.1)
    assert b"inventory.yaml:1: area" in done.stdout
    assert done.returncode == 1


def test_status_without_a_program_exits_2(here: Path) -> None:
    done = ioc(here, "status", IOC_LISTEN=f"127.0.0.1:{free_port()}")
    assert done.returncode == 2
    assert done.stderr.decode().startswith("Lỗi: ")
    assert len(done.stderr.splitlines()) == 1


def test_status_is_not_taken_in_by_another_program(here: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def answer() -> None:
            peer, _address = server.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

        threading.Thread(target=answer, daemon=True).start()
        done = ioc(here, "status", IOC_LISTEN=f"127.0.0.1:{server.getsockname()[1]}")
    assert done.returncode == 2


def test_run_on_a_taken_port_exits_2_in_one_line(here: Path) -> None:
    with listener() as port:
        write_inventory(here, "{kind: tcp, address: 127.0.0.1, port: 9}")
        done = ioc(here, "run", IOC_LISTEN=f"127.0.0.1:{port}")
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"Lỗi: IOC_LISTEN=127.0.0.1:{port}: ")
    assert b"Traceback" not in done.stderr


def test_run_on_an_invalid_inventory_exits_2_with_every_mistake(here: Path) -> None:
    (here / "inventory.yaml").write_text("area: 3\nsies: []\n")
    done = ioc(here, "run", IOC_LISTEN=f"127.0.0.1:{free_port()}")
    assert done.returncode == 2
    lines = done.stderr.decode().splitlines()
    assert lines[0].startswith("inventory.yaml:1: area: ")
    assert lines[1].startswith("inventory.yaml:2: sies: ")
