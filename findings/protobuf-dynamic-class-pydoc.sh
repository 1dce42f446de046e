#!/bin/sh
# protobuf 7.36.2 (upb and pure Python): a message class made at run time by message_factory.GetMessageClass has no
# module at all: `__module__` is None, where every other Python class has a str.
#
# Expected: the name of some module of protobuf. Seen: None, so that pydoc and help() of a module that exports such a
# class raise TypeError instead of printing the other names. Whoever exports such classes must set `__module__`, which
# is writable; then help() works.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check protobuf==7.36.2

cat >"$folder/show.py" <<'PY'
import pydoc
import sys
import types

import google.protobuf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import api_implementation

file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3")
file.message_type.add(name="Order").field.add(name="price", number=1, type=5, label=1)
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
Order = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))
module = sys.modules["shop"] = types.ModuleType("shop")
module.Order, module.__all__ = Order, ["Order"]

print("protobuf", google.protobuf.__version__, api_implementation.Type())
print("module of the class:", Order.__module__)
assert Order.__module__ is None
try:
    pydoc.render_doc(module)
except TypeError as error:
    print("pydoc: TypeError:", error)
else:
    sys.exit("pydoc works now")
Order.__module__ = "shop"
assert "class Order" in pydoc.render_doc(module, renderer=pydoc.plaintext)
print("as described; with a module, pydoc works")
PY
for implementation in upb python; do
    PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=$implementation "$folder/venv/bin/python" "$folder/show.py"
done
