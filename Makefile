# One command each; `make help` lists them. Everything lives in .venv, build and data: all may go.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
export PYTHON

PY := .venv/bin/python
RUN_SETUP := @scripts/setup.sh run
DEV_SETUP := @scripts/setup.sh dev
PYTEST_ARGS ?=

.PHONY: help run demo test coverage lint format bench lock systemd dashboards clean

help: ## những lệnh có ở đây / what there is
	@echo 'make <lệnh>   (PYTHON=/đường/dẫn/python3 để chọn Python)'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 12

run: ## chạy hệ thống trên inventory.yaml / run on inventory.yaml
	$(RUN_SETUP)
	@exec .venv/bin/ioc run

demo: ## chạy trên huyện mô phỏng / run on a simulated district
	$(RUN_SETUP)
	@exec .venv/bin/ioc demo

test: ## mọi kiểm thử / all tests
	$(DEV_SETUP)
	@scripts/debian-packages.sh tests
	@exec scripts/test.sh $(PYTEST_ARGS)

coverage: ## mọi kiểm thử, và phần mã chúng chạy qua / all tests, and what they cover
	@COVERAGE=1 exec $(MAKE) test

lint: ## định dạng, kiểu, quy tắc / formatter, types, rules
	$(DEV_SETUP)
	@exec scripts/lint.sh

format: ## sửa định dạng / format the code
	$(DEV_SETUP)
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format .

bench: ## đo tốc độ, so với công cụ khác / measure, side by side with others
	$(DEV_SETUP)
	@scripts/debian-packages.sh tests
	@exec $(PY) -m tests.bench $(BENCH_ARGS)

systemd: ## tệp dịch vụ systemd vào build/systemd; SERVICE_USER=người dùng / unit file for systemd
	@exec scripts/systemd.sh $(SERVICE_USER)

lock: ## cập nhật các tệp khóa thư viện / renew the lock files
	$(DEV_SETUP)
	@exec scripts/lock.sh

dashboards: ## JSON của các bảng Grafana / the JSON of the dashboards
	$(DEV_SETUP)
	@exec $(PY) -m dashboards

clean: ## xóa .venv, build, bộ nhớ đệm; giữ data / remove all but data
	@rm -rf .venv build .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage .coverage.* *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
