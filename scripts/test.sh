#!/bin/sh
# All tests, with coverage. Tests that must be alone (tests/conftest.py) share one of the workers.
# Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
exec .venv/bin/python -m pytest -n 2 --dist loadgroup \
    --cov --cov-report=term:skip-covered --cov-report=xml:build/coverage.xml "$@"
