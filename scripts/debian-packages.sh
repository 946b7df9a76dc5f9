#!/bin/sh
# Debian packages, only those that are missing, only where we may: root on Debian.
#
#   scripts/debian-packages.sh tests             what scripts/test-packages.txt lists
#   scripts/debian-packages.sh install NAME...   these
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
may_install() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; }

# Daemons that come with a package must not start: the tests start their own.
without_daemons() {
    policy=/usr/sbin/policy-rc.d
    if [ -e $policy ]; then "$@"; return; fi
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod +x $policy
    trap 'rm -f $policy' EXIT
    trap 'exit 130' INT TERM HUP
    "$@"
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null >/dev/null; }

# The lists of a fresh machine are empty, those of an old one point at files that are gone.
install_packages() { apt install --no-install-recommends "$@" 2>/dev/null || { apt update && apt install --no-install-recommends "$@"; }; }

tests() {
    missing=
    left_out=
    while read -r command package what; do
        case $command in '' | '#'*) continue ;; esac
        PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null && continue
        missing="$missing $package"
        left_out="$left_out
  $what  (thiếu / missing: $package)"
    done < scripts/test-packages.txt
    [ -n "$missing" ] || exit 0
    if may_install; then
        say "Cài gói Debian cho kiểm thử / Debian packages for the tests:$missing"
        # shellcheck disable=SC2086 # a list of names
        without_daemons install_packages $missing && exit 0
        say "Không cài được / Could not be installed; see above."
    fi
    say "Bỏ qua các kiểm thử sau / These tests are left out:$left_out
  sudo apt install$missing"
}

case ${1:-} in
    tests) tests ;;
    install) shift; without_daemons install_packages "$@" ;;
    *) echo "scripts/debian-packages.sh: tests | install NAME..." >&2; exit 2 ;;
esac
