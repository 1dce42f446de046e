"""The official SDK's protobuf types (package ``livekit.proto``), compiled by `make proto` from the .proto files here.

The types are built at run time in a private descriptor pool. protoc's own Python modules are not used: they register in
the default pool, where a second copy of ``livekit.proto`` would clash, and reject protobuf runtimes older than their
compiler. ``*_pb2.pyi`` are mypy-protobuf's stubs, as in the official SDK.
"""

from __future__ import annotations

import pkgutil
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

__all__ = ["define"]

_pool = descriptor_pool.DescriptorPool()
_descriptors = pkgutil.get_data(__name__, "descriptors.binpb")
if _descriptors is None:
    raise ImportError(
        "the package's data file livekit/_proto/descriptors.binpb cannot be read; include it in the bundle"
    )
for _file in descriptor_pb2.FileDescriptorSet.FromString(_descriptors).file:
    _pool.Add(_file)


def define(namespace: dict[str, Any]) -> None:
    """Define the enums and messages of a .proto file in the module ``…_pb2`` that is named after it.

    Args:
        namespace: The module's `globals()`.
    """
    module: str = namespace["__name__"]
    file = _pool.FindFileByName(module.removesuffix("_pb2").replace(".", "/") + ".proto")
    namespace["DESCRIPTOR"] = file
    for name, enum in file.enum_types_by_name.items():
        namespace[name] = EnumTypeWrapper(enum)
        namespace.update({value.name: value.number for value in enum.values})
    for name, message in file.message_types_by_name.items():
        namespace[name] = _message_class(message, module)


def _message_class(message: Descriptor, module: str) -> type[Message]:
    """Return the class of a message.

    Sets the attributes that `GetMessageClass` leaves out: `__module__`, which pydoc and pickle need, and, in protobuf's
    pure-Python implementation, the nested classes.
    """
    cls = message_factory.GetMessageClass(message)
    cls.__module__ = module
    for nested in message.nested_types:
        setattr(cls, nested.name, _message_class(nested, module))
    return cls
