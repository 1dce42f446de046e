#!/bin/sh
# Create the named environments: `tools/setup.sh dev official`.
# Uses the newest Python found; PYTHON=/path/to/python3 overrides.
set -u
here=$(cd "$(dirname "$0")" && pwd)

# True if the Python runs, is new enough, and can create virtual environments.
is_suitable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if is_suitable "$PYTHON"; then
        exec "$PYTHON" "$here/environments.py" "$@"
    fi
    echo "PYTHON=$PYTHON is not suitable: it must be Python 3.10 or newer, with the venv and ensurepip modules." >&2
    "$PYTHON" --version >&2
    exit 1
fi

for minor in 13 12 11 10; do
    for python in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python3; do
        if is_suitable "$python"; then
            exec "$python" "$here/environments.py" "$@"
        fi
    done
done
for python in python3 python; do
    if is_suitable "$python"; then
        exec "$python" "$here/environments.py" "$@"
    fi
done

echo "No suitable Python found. Install Python 3.10 or newer with the venv and ensurepip modules." >&2
echo "(On Debian and Ubuntu these are in the package python3-venv.) Found:" >&2
for python in python3 python; do
    command -v "$python" >/dev/null 2>&1 && echo "  $(command -v "$python"): $("$python" --version 2>&1)" >&2
done
echo "To use another one: make PYTHON=/path/to/python3 ..." >&2
exit 1
