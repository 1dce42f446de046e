# The types of enums.py: as protobuf's own generated stubs have them.
from typing import NewType, TypeAlias

from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

class _ConnectionState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _ConnectionStateWrapper(_EnumTypeWrapper[_ConnectionState.ValueType], type):
    CONN_DISCONNECTED: _ConnectionState.ValueType
    CONN_CONNECTED: _ConnectionState.ValueType
    CONN_RECONNECTING: _ConnectionState.ValueType

class ConnectionState(_ConnectionState, metaclass=_ConnectionStateWrapper): ...

class _ParticipantState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _ParticipantStateWrapper(_EnumTypeWrapper[_ParticipantState.ValueType], type):
    PARTICIPANT_STATE_JOINING: _ParticipantState.ValueType
    PARTICIPANT_STATE_JOINED: _ParticipantState.ValueType
    PARTICIPANT_STATE_ACTIVE: _ParticipantState.ValueType
    PARTICIPANT_STATE_DISCONNECTED: _ParticipantState.ValueType

class ParticipantState(_ParticipantState, metaclass=_ParticipantStateWrapper): ...

class _ParticipantKind:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _ParticipantKindWrapper(_EnumTypeWrapper[_ParticipantKind.ValueType], type):
    PARTICIPANT_KIND_STANDARD: _ParticipantKind.ValueType
    PARTICIPANT_KIND_INGRESS: _ParticipantKind.ValueType
    PARTICIPANT_KIND_EGRESS: _ParticipantKind.ValueType
    PARTICIPANT_KIND_SIP: _ParticipantKind.ValueType
    PARTICIPANT_KIND_AGENT: _ParticipantKind.ValueType
    PARTICIPANT_KIND_CONNECTOR: _ParticipantKind.ValueType
    PARTICIPANT_KIND_BRIDGE: _ParticipantKind.ValueType

class ParticipantKind(_ParticipantKind, metaclass=_ParticipantKindWrapper): ...

class _IceTransportType:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _IceTransportTypeWrapper(_EnumTypeWrapper[_IceTransportType.ValueType], type):
    TRANSPORT_RELAY: _IceTransportType.ValueType
    TRANSPORT_NOHOST: _IceTransportType.ValueType
    TRANSPORT_ALL: _IceTransportType.ValueType

class IceTransportType(_IceTransportType, metaclass=_IceTransportTypeWrapper): ...

class _ContinualGatheringPolicy:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _ContinualGatheringPolicyWrapper(_EnumTypeWrapper[_ContinualGatheringPolicy.ValueType], type):
    GATHER_ONCE: _ContinualGatheringPolicy.ValueType
    GATHER_CONTINUALLY: _ContinualGatheringPolicy.ValueType

class ContinualGatheringPolicy(_ContinualGatheringPolicy, metaclass=_ContinualGatheringPolicyWrapper): ...

class _DisconnectReason:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _DisconnectReasonWrapper(_EnumTypeWrapper[_DisconnectReason.ValueType], type):
    UNKNOWN_REASON: _DisconnectReason.ValueType
    CLIENT_INITIATED: _DisconnectReason.ValueType
    DUPLICATE_IDENTITY: _DisconnectReason.ValueType
    SERVER_SHUTDOWN: _DisconnectReason.ValueType
    PARTICIPANT_REMOVED: _DisconnectReason.ValueType
    ROOM_DELETED: _DisconnectReason.ValueType
    STATE_MISMATCH: _DisconnectReason.ValueType
    JOIN_FAILURE: _DisconnectReason.ValueType
    MIGRATION: _DisconnectReason.ValueType
    SIGNAL_CLOSE: _DisconnectReason.ValueType
    ROOM_CLOSED: _DisconnectReason.ValueType
    USER_UNAVAILABLE: _DisconnectReason.ValueType
    USER_REJECTED: _DisconnectReason.ValueType
    SIP_TRUNK_FAILURE: _DisconnectReason.ValueType
    CONNECTION_TIMEOUT: _DisconnectReason.ValueType
    MEDIA_FAILURE: _DisconnectReason.ValueType
    AGENT_ERROR: _DisconnectReason.ValueType

class DisconnectReason(_DisconnectReason, metaclass=_DisconnectReasonWrapper): ...

class _EncryptionType:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _EncryptionTypeWrapper(_EnumTypeWrapper[_EncryptionType.ValueType], type):
    NONE: _EncryptionType.ValueType
    GCM: _EncryptionType.ValueType
    CUSTOM: _EncryptionType.ValueType

class EncryptionType(_EncryptionType, metaclass=_EncryptionTypeWrapper): ...

class _KeyDerivationFunction:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _KeyDerivationFunctionWrapper(_EnumTypeWrapper[_KeyDerivationFunction.ValueType], type):
    PBKDF2: _KeyDerivationFunction.ValueType
    HKDF: _KeyDerivationFunction.ValueType

class KeyDerivationFunction(_KeyDerivationFunction, metaclass=_KeyDerivationFunctionWrapper): ...
