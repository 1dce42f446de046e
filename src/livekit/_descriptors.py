"""Enums and messages that the official SDK exposes as protobuf types of its own, in package ``livekit.proto``.

They are built at run time in a private descriptor pool, so that they never clash with another copy in the process.
Enum members are plain ints, and ``.Name()``, ``.Value()``, ``.keys()``, ``.values()``, ``.items()`` work.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

_ENUMS: dict[str, tuple[str, ...]] = {
    "ConnectionState": ("CONN_DISCONNECTED", "CONN_CONNECTED", "CONN_RECONNECTING"),
    "ParticipantState": tuple(f"PARTICIPANT_STATE_{s}" for s in ("JOINING", "JOINED", "ACTIVE", "DISCONNECTED")),
    "ParticipantKind": tuple(
        f"PARTICIPANT_KIND_{s}" for s in ("STANDARD", "INGRESS", "EGRESS", "SIP", "AGENT", "CONNECTOR", "BRIDGE")
    ),
    "IceTransportType": ("TRANSPORT_RELAY", "TRANSPORT_NOHOST", "TRANSPORT_ALL"),
    "ContinualGatheringPolicy": ("GATHER_ONCE", "GATHER_CONTINUALLY"),
    "DisconnectReason": (
        "UNKNOWN_REASON",
        "CLIENT_INITIATED",
        "DUPLICATE_IDENTITY",
        "SERVER_SHUTDOWN",
        "PARTICIPANT_REMOVED",
        "ROOM_DELETED",
        "STATE_MISMATCH",
        "JOIN_FAILURE",
        "MIGRATION",
        "SIGNAL_CLOSE",
        "ROOM_CLOSED",
        "USER_UNAVAILABLE",
        "USER_REJECTED",
        "SIP_TRUNK_FAILURE",
        "CONNECTION_TIMEOUT",
        "MEDIA_FAILURE",
        "AGENT_ERROR",
    ),
    "EncryptionType": ("NONE", "GCM", "CUSTOM"),
    "KeyDerivationFunction": ("PBKDF2", "HKDF"),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="livekit/proto.proto", package="livekit.proto", syntax="proto2")
    for name, members in _ENUMS.items():
        enum = file.enum_type.add(name=name)
        for number, member in enumerate(members):
            enum.value.add(name=member, number=number)
    field = descriptor_pb2.FieldDescriptorProto
    ice_server = file.message_type.add(name="IceServer")
    ice_server.field.add(name="urls", number=1, type=field.TYPE_STRING, label=field.LABEL_REPEATED)
    ice_server.field.add(name="username", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    ice_server.field.add(name="password", number=3, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_file())


def enum(name: str) -> EnumTypeWrapper:
    return EnumTypeWrapper(_pool.FindEnumTypeByName(f"livekit.proto.{name}"))


def message(name: str) -> type[Message]:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"livekit.proto.{name}"))
