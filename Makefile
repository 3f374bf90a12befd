# `make` alone lists what there is. Stamps under .make/ say what is done; a Rust edit rebuilds the compiled core, a Python edit nothing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet --no-input
# The build backend calls the program `maturin` by name.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust)
CORE := python/edgewise/_core.abi3.so
# What the tests read: names of folders too, so that a file that went away is a change. Python's own caches are none.
TEST_INPUTS := $(shell find python tests examples models loadtests docs *.md Makefile pyproject.toml -name __pycache__ -prune -o -not -name '*.so' -print)
HOST ?= 127.0.0.1
PORT ?= 8787
WORKERS ?= 2
UV_VERSION := 0.13.9

##@ Everyday
.PHONY: help setup run test test-all lint fmt
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

setup: .make/dev .make/core ## virtual environment, pinned packages, compiled core

run: .make/runtime .make/core ## serve the example book on 127.0.0.1:8787 (HOST, PORT, WORKERS)
	$(VENV)/bin/edgewise serve --book examples/book --host $(HOST) --port $(PORT) --workers $(WORKERS)

test: setup ## all tests; where nothing changed since they passed, those that take seconds
	@if $(MAKE) --question .make/tested 2>/dev/null; \
	then echo 'nothing changed since all tests passed: the quick ones run; `make test-all` runs all'; python -m pytest $(QUICK_TESTS); \
	else $(MAKE) --no-print-directory .make/tested; fi
QUICK_TESTS := tests/contract tests/docs

test-all: setup ## Rust tests, the stub of the core, Python tests
	@rm -f .make/tested
	@$(MAKE) --no-print-directory .make/tested

lint: setup ## formats, lints, types, import layers, house rules
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-cache --no-logo
	@! grep -rn pyo3 rust/core rust/node || { echo 'only rust/py may name pyo3' >&2; exit 1; }

fmt: .make/dev ## format Rust and Python, apply safe fixes
	cargo fmt --all
	ruff check --fix .
	ruff format .

##@ Now and then
.PHONY: drills bench bench-match bench-instructions bench-http bench-overload bench-start bench-check bench-state bench-ingest load load-soak s3 models-check lock clean
bench: setup ## timings of the compiled core, beside what they replace
	python loadtests/bench.py
	python loadtests/bench_model.py

bench-check: setup ## what `edgewise check` takes for 300 scenarios with 1,500 tests
	python loadtests/bench_check.py

bench-state: setup ## a store of a million sessions: events and decisions that meet them; a minute or two
	python loadtests/bench_state.py

bench-ingest: setup ## 50,000 events a second over HTTP while decisions are asked for; fails when either is late
	python loadtests/bench_ingest.py

bench-http: setup ## the service beside raw ASGI, a no-op and a stock handler, one core each
	python loadtests/bench_http.py

bench-overload: setup ## batches and decisions beyond saturation, the two headline figures, a large swap under load
	python loadtests/bench_overload.py

bench-start: setup ## exec to ready with the store down, twenty starts; fails when one takes 1.5 s
	python loadtests/bench_start.py

bench-match: setup .make/bench ## the rule index beside other engines, after they gave equal answers; some minutes (RULES)
	python loadtests/match_peers.py $(if $(RULES),--rules $(RULES))

bench-instructions: ## instructions of decisions and matching, which may not grow by 15 %; needs valgrind
	$(PYTHON) loadtests/instructions.py

drills: setup ## nodes under faults: stores that hang, lie and lapse, full disks, hundreds of kills; a quarter of an hour
	python -m pytest -s tests/service/drills.py tests/service/drills_machine.py

load: setup ## journeys of real visits under locust, a minute; fails when answers are wrong or late (SHAPE, SECONDS, USERS)
	python loadtests/load.py --shape $(SHAPE) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(USERS),--users $(USERS))
SHAPE ?= smoke

load-soak: setup ## the same for half an hour (MINUTES), with an eye on the workers' memory
	python loadtests/load.py --shape soak --seconds $$((60 * $(MINUTES))) $(if $(USERS),--users $(USERS))
MINUTES ?= 30

s3: setup ## the store on a real S3 server, which is built once, with go
	.ci/s3-server
	python -m pytest tests/service/test_store_s3.py

models-check: setup ## train the shipped models again from ../shared/data and compare every byte; minutes
	EDGEWISE_MODELS_CHECK=1 python -m pytest tests/contract/test_shipped_models.py

lock: .make/uv ## pin the newest allowed packages again (requirements*.lock, Cargo.lock)
	$(UV_COMPILE) -o requirements.lock pyproject.toml requirements.in
	$(UV_COMPILE) -c requirements.lock --extra dev -o requirements-dev.lock pyproject.toml requirements.in
	$(UV_COMPILE) -c requirements-dev.lock --extra bench -o requirements-bench.lock pyproject.toml requirements.in
	cargo update --quiet
	cargo update --quiet --manifest-path loadtests/peers/Cargo.toml
UV_COMPILE = .make/uv/bin/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet

clean: ## remove everything that make made
	rm -rf .make $(VENV) .edgewise target build out $(CORE)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find python tests loadtests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo '$(PYTHON) is older than 3.11; set PYTHON=' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

.make/runtime: requirements.lock | $(VENV)/bin/python
	@mkdir -p $(@D)
	@echo 'installing the pinned packages'
	@$(ONE) $(PIP) install --require-hashes -r requirements.lock
	@touch $@

.make/dev: requirements-dev.lock | .make/runtime
	@echo 'installing the pinned development packages'
	@$(ONE) $(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

.make/bench: requirements-bench.lock | .make/dev
	@echo 'installing the packages that the rule index is measured against'
	@$(ONE) $(PIP) install --require-hashes -r requirements-bench.lock
	@touch $@

# One install at a time, where the system can tell; two at once spoil each other's.
ONE := $(if $(shell command -v flock),flock .make/lock)

# The build writes into the module's file: running nodes keep the old one, mapped, under no name.
.make/core: pyproject.toml $(RUST_SOURCES) | .make/runtime
	@! test -f $(CORE) || { cp $(CORE) $(CORE).new && mv $(CORE).new $(CORE); }
	@echo 'compiling the core, optimized: some minutes the first time'
	@$(ONE) $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.make/tested-core: .make/core $(wildcard tests/contract/vectors/*)
	cargo test --locked --workspace --quiet
	python -m mypy.stubtest --allowlist .stubtest-allowlist edgewise._core
	@touch $@

# Tests that start nodes run one after the other on one core, the rest beside them on another.
.make/tested: .make/dev .make/tested-core $(TEST_INPUTS)
	python -m pytest --numprocesses 2 --dist loadscope
	@touch $@

.make/uv:
	$(PYTHON) -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
