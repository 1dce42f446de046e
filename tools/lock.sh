#!/bin/sh
# Pin the newest versions that pyproject.toml allows: names and versions, without download URLs. Needs uv.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --upgrade --no-header --no-annotate \
        --only-binary :all: --python-version 3.10 "$@"
}
compile --universal --all-extras --group check pyproject.toml --output-file requirements/dev.txt
compile --universal --all-extras --group test --group build pyproject.toml --output-file requirements/test.txt
compile --universal --extra fast --group bench --group build pyproject.toml --output-file requirements/bench.txt
compile --universal --group test --group build pyproject.toml requirements/agents.in | grep -v '^livekit==' \
    >requirements/agents.txt # this project replaces the official SDK
compile --universal requirements/agents.in --output-file requirements/agents-official.txt
compile --universal requirements/official.in --output-file requirements/official.txt
# The lowest allowed versions of our direct dependencies, with current test tools.
lowest=$(mktemp)
trap 'rm -f "$lowest"' EXIT
compile --resolution lowest-direct pyproject.toml --output-file "$lowest"
compile --group test --group build pyproject.toml --constraint "$lowest" --output-file requirements/lowest.txt
