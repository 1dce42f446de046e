#!/bin/sh
# grimp 3.20 (the import graph of import-linter 2.17): an import from a part of a package that another distribution
# provides (pkgutil.extend_path, as with livekit.protocol beside livekit) is recorded as an import of the package's root.
#
# Expected: the module is external, or missing from the graph. Seen: `acme.orders -> acme`, without a warning. The root
# imports its public names from everywhere, so layer contracts then report chains through the root that no code contains,
# and every such module lies on a circle with it. Whoever checks such a package must ignore imports of the root.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check grimp==3.20

mkdir -p "$folder/one/acme" "$folder/two/acme/protocol"
cat >"$folder/one/acme/__init__.py" <<'PY'
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from .orders import PRICE as PRICE
PY
echo 'from acme.protocol import RATE

PRICE = 2 * RATE' >"$folder/one/acme/orders.py"
echo 'RATE = 21' >"$folder/two/acme/protocol/__init__.py"

cd "$folder"
PYTHONPATH="$folder/one:$folder/two" "$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import acme
import grimp

assert acme.PRICE == 42, "the package itself works"
graph = grimp.build_graph("acme", include_external_packages=True)
print("grimp", version("grimp"))
print("modules:", sorted(graph.modules))
print("acme.orders imports:", sorted(graph.find_modules_directly_imported_by("acme.orders")))
print("acme imports:", sorted(graph.find_modules_directly_imported_by("acme")))
assert graph.find_modules_directly_imported_by("acme.orders") == {"acme"}
assert "acme.protocol" not in graph.modules
print("as described")
PY
