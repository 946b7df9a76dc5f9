#!/bin/sh
# Renews the lock files from pyproject.toml. Arguments go to uv, for example: --upgrade-package NAME
set -eu
cd "$(dirname "$0")/.."
.venv/bin/python -c 'import uv' 2>/dev/null ||
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv

compile() {
    .venv/bin/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --no-annotate "$@" pyproject.toml
}

compile "$@" --output-file requirements.lock
compile "$@" --constraint requirements.lock --group dev --output-file requirements-dev.lock
