# Development tasks. Each target sets up the environments it needs; see CONTRIBUTING.md.
#   PYTHON=/path/to/python3   Python to use (default: the newest of 3.10 to 3.13 found)
#   ARGS="-k rpc"             extra arguments, for example for pytest

export PYTHON
export PYRIGHT_PYTHON_CACHE_DIR := $(CURDIR)/.venvs/pyright
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

SETUP := tools/setup.sh
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
EAGER_TESTS := tests/_room tests/engine tests/rpc_contract tests/signaling tests/testing/test_memory.py

.PHONY: help api-diff bench bench-media coverage coverage-all demo fuzz test test-eager test-long test-all test-lowest test-latest conformance check format proto lint types mypy pyright reliability setup soak soak-media clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Run two processes that join a room and call each other's methods
	@$(SETUP) dev
	@$(BIN)/python examples/demo.py

test: ## Run the tests, with the official SDKs as peers, and some of them again with eager tasks
	@$(SETUP) dev official node
	@$(PYTEST) $(ARGS)
	@$(MAKE) --no-print-directory test-eager

test-eager: ## Run the tests of rooms, engines and calls under asyncio.eager_task_factory (Python 3.12 and newer)
	@$(SETUP) dev
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then \
		$(PYTEST) -p tests.support.eager_tasks -m "not slow and not peers and not packaging" $(EAGER_TESTS) $(ARGS); \
		status=$$?; test $$status -eq 5 && exit 0; exit $$status; fi

test-long: ## Run the slow tests and test-lowest
	@$(SETUP) dev official node agents agents-official
	@$(PYTEST) -m slow $(ARGS)
	@$(MAKE) --no-print-directory test-lowest

test-all: ## Run the core tests on every supported Python that is installed
	@$(SETUP) matrix
	@status=0; for python in .venvs/python3.*/bin/python; do \
		$$python --version; $$python -m pytest -m "not slow and not peers and not packaging" $(ARGS) || status=1; \
	done; exit $$status

test-lowest: ## Run the core tests with the lowest allowed dependency versions
	@$(SETUP) lowest
	@.venvs/lowest/bin/python -m pytest -m "not slow and not peers and not packaging" $(ARGS)

test-latest: ## Run the interoperability tests with the newest official Python SDK
	@$(SETUP) dev latest
	@OFFICIAL_PYTHON=.venvs/latest/bin/python $(PYTEST) -m peers $(ARGS)

coverage: ## Check that its own tests cover each module of the protocol cores; takes minutes
	@$(SETUP) dev
	@$(BIN)/python tools/own_coverage.py $(ARGS)

coverage-all: ## Measure the whole suite's coverage, including programs that tests start; takes minutes
	@$(SETUP) dev official node
	@$(BIN)/coverage run --rcfile=tools/coverage.ini -m pytest $(ARGS)
	@$(BIN)/coverage combine --rcfile=tools/coverage.ini --quiet
	@$(BIN)/coverage report --rcfile=tools/coverage.ini --skip-covered --fail-under=95

fuzz: ## Run each fuzz target for SECONDS (default 60)
	@$(SETUP) dev
	@$(BIN)/python -m fuzz --seconds $(or $(SECONDS),60) $(ARGS)

bench: ## Compare with the official SDK and grpc.aio; ARGS=--quick for a short run
	@$(SETUP) bench official
	@.venvs/bench/bin/python -m bench $(ARGS)

bench-media: ## Compare audio with the official SDK, and with livekit-server if LIVEKIT_SERVER is its path; ARGS=--quick
	@$(SETUP) bench official
	@.venvs/bench/bin/python -m bench.media $(ARGS)

reliability: ## Run bad links, outages, process kills and floods on both SDKs; ARGS="--only grid --sdk ours --quick" for a short run
	@$(SETUP) dev official
	@$(BIN)/python -m reliability $(ARGS)

soak: ## Run steady calls for SECONDS (default 3600) and check for leaks
	@$(SETUP) dev
	@$(BIN)/python -m reliability.soak --seconds $(or $(SECONDS),3600) $(ARGS)

soak-media: ## Let two agents talk and twenty listen for SECONDS (default 3600) and check for losses and leaks
	@$(SETUP) dev
	@$(BIN)/python -m reliability.soak_media --seconds $(or $(SECONDS),3600) $(ARGS)

api-diff: ## Compare the public API with the official SDK's
	@$(SETUP) dev
	@$(BIN)/python tools/api_diff.py

conformance: ## Regenerate docs/conformance.md (with LIVEKIT_URL: against that server; ARGS="--server NAME")
	@$(SETUP) dev official node
	@$(BIN)/python tools/conformance.py $(ARGS)

check: ## Check format, lint, types (mypy and pyright, both strict) and import contracts
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

format: ## Format the code and apply lint fixes
	@$(SETUP) dev
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

proto: ## Compile src/livekit/_proto/*.proto
	@$(SETUP) dev
	@$(BIN)/python tools/proto.py

setup: ## Create the environments that `make test` and `make check` need
	@$(SETUP) dev official node

clean: ## Remove environments, caches and builds
	rm -rf .venv .venvs build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage tests/interop/js/node_modules*
