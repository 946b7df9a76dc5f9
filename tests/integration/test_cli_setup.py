"""`scripts/setup.sh`: makes the environment once, mends what was cut, says what is missing.

With an empty lock file nothing is fetched from anywhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PYTHON = sys.base_prefix + "/bin/python3"


def has_venv() -> bool:
    probe = [PYTHON, "-c", "import ensurepip, venv"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_venv(), reason="Python's ensurepip is not installed")


class Project:
    """A copy of the set-up in a folder of its own, with a program that only says its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scripts").mkdir(parents=True)
        for name in ("setup.sh", "debian-packages.sh"):
            shutil.copy(ROOT / "scripts" / name, folder / "scripts" / name)
        (folder / "ioc").mkdir()
        (folder / "ioc" / "__init__.py").touch()
        (folder / "ioc" / "cli.py").write_text("import sys; print('chạy', *sys.argv[1:])\n")
        (folder / "requirements.lock").write_text("# nothing\n")

    def setup(self, **changes: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHON": PYTHON, **changes}
        command = [self.folder / "scripts" / "setup.sh", "run"]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=100)

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was set up once."""
    made = Project(tmp_path_factory.mktemp("thư mục của Chợ Đồn") / "mini ioc")
    done = made.setup()
    assert done.returncode == 0, done.stderr
    assert "Tạo môi trường" in done.stderr
    return made


def test_the_command_runs_from_anywhere_and_through_a_link(
    project: Project, tmp_path: Path
) -> None:
    link = tmp_path / "ioc"
    link.symlink_to(project.venv / "bin" / "ioc")
    done = subprocess.run([link, "một", "hai ba"], cwd="/", capture_output=True, text=True)
    assert done.stdout == "chạy một hai ba\n", done.stderr


def test_a_second_time_does_nothing(project: Project) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in project.venv.glob("*"))
    done = project.setup()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted((path, path.stat().st_mtime_ns) for path in project.venv.glob("*")) == before


def test_a_changed_lock_is_installed(project: Project) -> None:
    (project.folder / "requirements.lock").write_text("# nothing at all\n")
    done = project.setup()
    assert done.returncode == 0
    assert "Cài thư viện" in done.stderr
    assert "Tạo môi trường" not in done.stderr
    assert project.setup().stderr == ""


def test_a_moved_folder_still_works(project: Project) -> None:
    elsewhere = project.folder.with_name("nơi khác")
    project.folder.rename(elsewhere)
    try:
        command = [elsewhere / ".venv" / "bin" / "ioc"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.stdout == "chạy\n", done.stderr
    finally:
        elsewhere.rename(project.folder)


def test_an_interrupted_installation_is_begun_anew(project: Project) -> None:
    (project.venv / ".installing").touch()
    (project.venv / "left-over").touch()
    done = project.setup()
    assert done.returncode == 0
    assert "Tạo môi trường" in done.stderr
    assert not (project.venv / "left-over").exists()
    assert not (project.venv / ".installing").exists()


def test_a_half_made_environment_is_made_anew(project: Project) -> None:
    for stamp in project.venv.glob(".installed-*"):
        stamp.unlink()
    for packages in project.venv.glob("lib/python*/site-packages/pip"):
        shutil.rmtree(packages)
    done = project.setup()
    assert done.returncode == 0, done.stderr
    assert "Tạo môi trường" in done.stderr
    assert project.setup().stderr == ""


def test_a_lost_interpreter_is_noticed(project: Project) -> None:
    (project.venv / "bin" / "python").unlink()
    done = project.setup()
    assert done.returncode == 0, done.stderr
    assert "Tạo môi trường" in done.stderr


def test_a_library_that_does_not_match_its_hash_is_refused(project: Project) -> None:
    lock = project.folder / "requirements.lock"
    package = project.folder / "left_pad-1.0-py3-none-any.whl"
    package.write_bytes(b"not what was locked")
    lock.write_text(f"left-pad==1.0 --hash=sha256:{'0' * 64}\n")
    done = project.setup(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(project.folder))
    assert done.returncode == 2
    assert "không cài được thư viện" in done.stderr
    lock.write_text("# nothing\n")
    assert project.setup().returncode == 0


# --- what is missing on the machine


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    return Project(tmp_path / "mới")


def test_an_interpreter_too_old_is_refused(bare: Project, tmp_path: Path) -> None:
    old = script(tmp_path, "python3.9", "exit 1")
    done = bare.setup(PYTHON=str(old))
    assert done.returncode == 2
    assert "cần Python 3.11 trở lên" in done.stderr
    assert not bare.venv.exists()


def test_without_ensurepip_it_says_what_to_type(bare: Project, tmp_path: Path) -> None:
    poor = f'case "$*" in *ensurepip*) exit 1 ;; *) exec {PYTHON} "$@" ;; esac'
    python = script(tmp_path, "python3", poor)
    script(tmp_path, "id", "echo 1000")  # not root: nothing may be installed
    done = bare.setup(PYTHON=str(python), PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 2
    assert "sudo apt install python3" in done.stderr
    assert "-venv" in done.stderr


def test_left_out_tests_are_named_where_nothing_may_be_installed(
    bare: Project, tmp_path: Path
) -> None:
    script(tmp_path, "id", "echo 1000")
    (bare.folder / "scripts" / "test-packages.txt").write_text(
        "# command package what\n\nsh dash all\nno-such-command fping tests/bench (so sánh)\n"
    )
    done = subprocess.run(
        [bare.folder / "scripts" / "debian-packages.sh", "tests"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 0
    assert "tests/bench (so sánh)" in done.stderr
    assert "sudo apt install fping" in done.stderr
    assert "dash" not in done.stderr
