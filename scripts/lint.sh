#!/bin/sh
# Every check that needs no running program. All of them run, so that one look shows all mistakes.
set -u
cd "$(dirname "$0")/.." || exit 2
status=0

check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        printf 'ok    %s\n' "$name"
    else
        status=1
        printf '%s\nWRONG %s: %s\n' "$output" "$name" "$*"
    fi
}

py=.venv/bin/python
check 'lint rules' $py -m ruff check --output-format concise .
check 'formatting' $py -m ruff format --check --diff .
check 'types' $py -m mypy --strict
check 'import rules' .venv/bin/python -c 'from importlinter.cli import lint_imports_command as c; c()'
check 'lock files' $py -m scripts.check_locks
check 'words and secrets' $py -m scripts.check_words
exit $status
