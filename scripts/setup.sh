#!/bin/sh
# Makes or mends .venv and installs one lock file into it. Does nothing, fast, when all is in place.
#
#   scripts/setup.sh run|dev      run: what the program needs; dev: also tests and linters
#   PYTHON=/path/to/python3.12    which interpreter to build on (default: the best one found)
set -eu
cd "$(dirname "$0")/.."

profile=${1:-run}
case $profile in
    run) lock=requirements.lock ;;
    dev) lock=requirements-dev.lock ;;
    *) echo "scripts/setup.sh: run | dev" >&2; exit 2 ;;
esac
venv=.venv
stamp=$venv/.installed-$profile
unfinished=$venv/.installing

say() { printf '%s\n' "$*" >&2; }
give_up() { say "LỖI / ERROR: $1"; [ $# -lt 2 ] || say "  $2"; exit 2; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_pip_wheel() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
full_path() { "$1" -c 'import sys; print(sys.executable)'; }

# One Python >= 3.11, those that can make an environment first. Every candidate is started, because
# a name on the path may be only a shim.
choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || give_up "PYTHON=$PYTHON: cần Python 3.11 trở lên." \
            "It does not start, or is older than Python 3.11."
        echo "$PYTHON"
        return
    fi
    found=
    for candidate in python3.13 python3.12 python3.11 python3.14 python3 /usr/bin/python3; do
        new_enough "$candidate" || continue
        if has_pip_wheel "$candidate"; then
            echo "$candidate"
            return
        fi
        found=${found:-$candidate}
    done
    [ -n "$found" ] || give_up "không tìm thấy Python 3.11 trở lên. Cài rồi chạy lại: apt install python3 python3-venv" \
        "No Python 3.11 or newer was found. Install one, or name it: make run PYTHON=/path/to/python3"
    echo "$found"
}

# Debian keeps ensurepip in a package of its own, named after the version for other than its default.
venv_package() {
    case $(full_path "$1") in
        /usr/bin/python3 | "$(readlink -f /usr/bin/python3 2>/dev/null)") echo python3-venv ;;
        *) "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])' ;;
    esac
}

need_venv_module() {
    has_pip_wheel "$1" && return
    package=$(venv_package "$1")
    if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; then
        say "Cài $package / Installing $package ..."
        scripts/debian-packages.sh install "$package" >&2 || true
        has_pip_wheel "$1" && return
    fi
    give_up "thiếu $package. Gõ lệnh: sudo apt install $package   rồi chạy lại." \
        "Python cannot make an environment. Type: sudo apt install $package   and run this again."
}

healthy() { [ -x $venv/bin/python ] && new_enough $venv/bin/python && $venv/bin/python -m pip --version >/dev/null 2>&1; }

# The interpreter the environment was built on must be the one asked for, if one is.
as_asked() {
    [ -z "${PYTHON:-}" ] && return
    version='import sys; print(sys.version_info[:2])'
    [ "$($venv/bin/python -c "$version")" = "$("$PYTHON" -c "$version")" ]
}

make_venv() {
    python=$(choose_python)
    need_venv_module "$python"
    say "Tạo môi trường Python / Creating the Python environment: $("$python" -V) ..."
    "$python" -m venv --clear $venv
}

# The project is put on the path instead of being built: no build tools, no second copy. The path is
# relative, so that it holds any letters and the folder may move.
link_project() {
    $venv/bin/python - <<'PYTHON'
import os, sysconfig
from pathlib import Path

site = Path(sysconfig.get_path("purelib"))
(site / "mini-ioc.pth").write_text(os.path.relpath(Path.cwd(), site.resolve()) + "\n")
PYTHON
    cat > $venv/bin/ioc <<'LAUNCHER'
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -P -m ioc.cli "$@"
LAUNCHER
    chmod +x $venv/bin/ioc
}

install_lock() {
    say "Cài thư viện từ $lock (lần đầu mất một vài phút) / Installing libraries (some minutes the first time) ..."
    : > $unfinished
    trap 'exit 130' INT TERM HUP   # leaves the mark: a cut installation is begun anew
    status=0
    $venv/bin/python -m pip install --quiet --no-input --progress-bar off \
        --disable-pip-version-check --no-deps --require-hashes -r "$lock" || status=$?
    [ $status -lt 128 ] || exit $status
    rm -f $unfinished
    [ $status = 0 ] || give_up "không cài được thư viện (xem dòng trên; kiểm tra mạng), chạy lại lệnh này để tiếp tục." \
        "The libraries could not be installed (see above; check the network). Run this again to go on."
}

wanted() { cksum < "$lock"; cksum < scripts/setup.sh; $venv/bin/python -c 'import sys; print(sys.version)'; }

# Two of these at once take turns. The script itself is the lock: nothing is left lying about.
exec 9< scripts/setup.sh
if command -v flock >/dev/null; then flock 9; fi

if [ ! -e $unfinished ] && [ -e $stamp ] && as_asked && [ "$(wanted 2>/dev/null)" = "$(cat $stamp)" ]; then
    exit 0
fi
if [ -e $unfinished ] || ! healthy || ! as_asked; then make_venv; fi
install_lock
link_project
wanted > $stamp.new
mv $stamp.new $stamp
