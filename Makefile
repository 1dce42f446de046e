# What it takes to work on livekit-pure. Each target sets up what it needs; see CONTRIBUTING.md.
#   PYTHON=/path/to/python3   the Python to use (default: the newest of 3.10 to 3.13 that is found)
#   ARGS="-k rpc"             more arguments for pytest

export PYTHON
export PYRIGHT_PYTHON_CACHE_DIR := $(CURDIR)/.venvs/pyright
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

SETUP := tools/setup.sh
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: help api-diff bench coverage coverage-all demo fuzz test test-long test-all test-lowest test-latest conformance check format proto lint types mypy pyright reliability setup soak clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Two processes join a room and call each other's methods
	@$(SETUP) dev
	@$(BIN)/python examples/demo.py

test: ## The tests, with the official SDKs as peers
	@$(SETUP) dev official node
	@$(PYTEST) $(ARGS)

test-long: ## The tests that take longer
	@$(SETUP) dev official node agents
	@$(PYTEST) -m slow $(ARGS)
	@$(MAKE) --no-print-directory test-lowest

test-all: ## The core tests on every supported Python that is found
	@$(SETUP) matrix
	@status=0; for python in .venvs/python3.*/bin/python; do \
		$$python --version; $$python -m pytest -m "not slow and not peers and not packaging" $(ARGS) || status=1; \
	done; exit $$status

test-lowest: ## The core tests with the lowest dependency versions that are allowed
	@$(SETUP) lowest
	@.venvs/lowest/bin/python -m pytest -m "not slow and not peers and not packaging" $(ARGS)

test-latest: ## The tests with the newest official Python SDK as peer
	@$(SETUP) dev latest
	@OFFICIAL_PYTHON=.venvs/latest/bin/python $(PYTEST) -m peers $(ARGS)

coverage: ## Each module of the protocol cores is fully covered by its own tests; takes minutes
	@$(SETUP) dev
	@$(BIN)/python tools/own_coverage.py $(ARGS)

coverage-all: ## The whole package by the whole suite, programs that tests start included
	@$(SETUP) dev official node
	@$(BIN)/coverage run --rcfile=tools/coverage.ini -m pytest $(ARGS)
	@$(BIN)/coverage combine --rcfile=tools/coverage.ini --quiet
	@$(BIN)/coverage report --rcfile=tools/coverage.ini --skip-covered --fail-under=95

fuzz: ## Every fuzz target for SECONDS (60) each
	@$(SETUP) dev
	@$(BIN)/python -m fuzz --seconds $(or $(SECONDS),60) $(ARGS)

bench: ## Side by side with the official SDK and grpc.aio; ARGS=--quick for a look
	@$(SETUP) bench official
	@.venvs/bench/bin/python -m bench $(ARGS)

reliability: ## Bad links, outages, deaths and floods, beside the official SDK; ARGS="--only grid --sdk ours", --quick for a look
	@$(SETUP) dev official
	@$(BIN)/python -m reliability $(ARGS)

soak: ## An hour of steady calls, with everything counted; SECONDS=600 for less
	@$(SETUP) dev
	@$(BIN)/python -m reliability.soak --seconds $(or $(SECONDS),3600) $(ARGS)

api-diff: ## What of the official public surface is missing or different
	@$(SETUP) dev
	@$(BIN)/python tools/api_diff.py

conformance: ## docs/conformance.md, from the matrix of peers (or from the server of LIVEKIT_URL; ARGS="--server NAME")
	@$(SETUP) dev official node
	@$(BIN)/python tools/conformance.py $(ARGS)

check: ## Format, lint, types (mypy and pyright, both strict), and import contracts
	@$(SETUP) dev
	@$(MAKE) --no-print-directory --keep-going lint types imports

lint:
	$(BIN)/ruff format --check
	$(BIN)/ruff check

imports:
	$(BIN)/lint-imports --no-logo

types: mypy pyright

mypy pyright:
	$(BIN)/$@

format: ## Format, and mend what the linter can
	@$(SETUP) dev
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

proto: ## Compile src/livekit/_proto/*.proto
	@$(SETUP) dev
	@$(BIN)/python tools/proto.py

setup: ## All environments that `make test` and `make check` need
	@$(SETUP) dev official node

clean: ## Remove environments, caches and builds
	rm -rf .venv .venvs build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage tests/interop/js/node_modules*
