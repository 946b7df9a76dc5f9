#!/bin/sh
# All tests, in shares (tests/conftest.py). Arguments go to pytest. With COVERAGE=1 it also tells what
# they cover, which takes twice the time.
#
# Most of them wait for real clocks, kills and servers, so that more run side by side than there are
# cores: what fails there is run once more, alone. What passes then was disturbed, and is named; what
# fails again is wrong.
set -u
cd "$(dirname "$0")/.." || exit 2
mkdir -p build
MANY=12  # failures: these are no disturbance

[ -z "${COVERAGE:-}" ] || set -- --cov --cov-report=term:skip-covered --cov-report=xml:build/coverage.xml "$@"
.venv/bin/python -m pytest --cache-clear -n 4 --dist loadscope --no-loadscope-reorder \
    --durations=15 --durations-min=10 "$@"
status=$?
[ $status = 1 ] || exit $status

failed=.pytest_cache/v/cache/lastfailed
[ -e $failed ] && [ "$(grep -c '::' $failed)" -le $MANY ] || exit 1
grep '::' $failed > build/disturbed.txt
echo
echo 'Chạy lại riêng những kiểm thử đã hỏng / Once more, alone, what failed beside others:'
cat build/disturbed.txt
.venv/bin/python -m pytest -n 0 --last-failed --last-failed-no-failures none || exit 1
