#!/bin/sh
# Make the environments that the make targets need: `tools/setup.sh dev official`.
# Picks the newest Python it finds; PYTHON=/path/to/python3 overrides.
set -u
here=$(cd "$(dirname "$0")" && pwd)

# A Python that is new enough, runs, and can make virtual environments.
suits() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if suits "$PYTHON"; then
        exec "$PYTHON" "$here/environments.py" "$@"
    fi
    echo "PYTHON=$PYTHON cannot be used: it must be Python 3.10 or newer, with the venv and ensurepip modules." >&2
    "$PYTHON" --version >&2
    exit 1
fi

for minor in 13 12 11 10; do
    for python in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python3; do
        if suits "$python"; then
            exec "$python" "$here/environments.py" "$@"
        fi
    done
done
for python in python3 python; do
    if suits "$python"; then
        exec "$python" "$here/environments.py" "$@"
    fi
done

echo "No suitable Python found: version 3.10 or newer is needed, with the venv and ensurepip modules." >&2
echo "(Debian and Ubuntu keep those in the package python3-venv.) Found:" >&2
for python in python3 python; do
    command -v "$python" >/dev/null 2>&1 && echo "  $(command -v "$python"): $("$python" --version 2>&1)" >&2
done
echo "Name another one with: make PYTHON=/path/to/python3 ..." >&2
exit 1
