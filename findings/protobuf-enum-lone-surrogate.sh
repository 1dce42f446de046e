#!/bin/sh
# protobuf 7.36.2 (upb): looking up a name with a lone surrogate in a descriptor's mapping raises SystemError
# ("returned a result with an exception set"), although `.get()` of a mapping returns its default for unknown keys.
#
# Expected: None, as for any other unknown name, and as the pure Python implementation answers. Seen: SystemError, which
# handlers of ValueError and KeyError do not catch. Whoever looks up names that came as JSON, which can express lone
# surrogates, must check that they can be encoded first.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check protobuf==7.36.2

cat >"$folder/show.py" <<'PY'
import json
from importlib.metadata import version

from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.internal import api_implementation

names = FieldDescriptorProto.DESCRIPTOR.enum_types_by_name["Type"].values_by_name
print("protobuf", version("protobuf"), api_implementation.Type())
print("unknown name:", names.get("UNKNOWN"))
try:
    print("lone surrogate:", names.get(json.loads('"\\ud800"')))
except SystemError as error:
    print("lone surrogate: SystemError:", error)
PY
upb=$("$folder/venv/bin/python" "$folder/show.py")
python=$(PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python "$folder/venv/bin/python" "$folder/show.py")
printf '%s\n%s\n' "$upb" "$python"
case $upb in *upb*"unknown name: None"*"SystemError"*) ;; *) echo "changed: upb"; exit 1 ;; esac
case $python in *python*"lone surrogate: None"*) ;; *) echo "changed: python"; exit 1 ;; esac
echo "as described"
