from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper
from livekit.protocol.models import DisconnectReason as DisconnectReason

class _ConnectionStateValue(int): ...

class _ConnectionStateWrapper(_EnumTypeWrapper[_ConnectionStateValue], type): ...

class ConnectionState(metaclass=_ConnectionStateWrapper):
    ValueType = _ConnectionStateValue
    V = ValueType
    CONN_DISCONNECTED: _ConnectionStateValue
    CONN_CONNECTED: _ConnectionStateValue
    CONN_RECONNECTING: _ConnectionStateValue

class _ParticipantStateValue(int): ...

class _ParticipantStateWrapper(_EnumTypeWrapper[_ParticipantStateValue], type): ...

class ParticipantState(metaclass=_ParticipantStateWrapper):
    ValueType = _ParticipantStateValue
    V = ValueType
    PARTICIPANT_STATE_JOINING: _ParticipantStateValue
    PARTICIPANT_STATE_JOINED: _ParticipantStateValue
    PARTICIPANT_STATE_ACTIVE: _ParticipantStateValue
    PARTICIPANT_STATE_DISCONNECTED: _ParticipantStateValue

class _ParticipantKindValue(int): ...

class _ParticipantKindWrapper(_EnumTypeWrapper[_ParticipantKindValue], type): ...

class ParticipantKind(metaclass=_ParticipantKindWrapper):
    ValueType = _ParticipantKindValue
    V = ValueType
    PARTICIPANT_KIND_STANDARD: _ParticipantKindValue
    PARTICIPANT_KIND_INGRESS: _ParticipantKindValue
    PARTICIPANT_KIND_EGRESS: _ParticipantKindValue
    PARTICIPANT_KIND_SIP: _ParticipantKindValue
    PARTICIPANT_KIND_AGENT: _ParticipantKindValue
    PARTICIPANT_KIND_CONNECTOR: _ParticipantKindValue
    PARTICIPANT_KIND_BRIDGE: _ParticipantKindValue

class _IceTransportTypeValue(int): ...

class _IceTransportTypeWrapper(_EnumTypeWrapper[_IceTransportTypeValue], type): ...

class IceTransportType(metaclass=_IceTransportTypeWrapper):
    ValueType = _IceTransportTypeValue
    V = ValueType
    TRANSPORT_RELAY: _IceTransportTypeValue
    TRANSPORT_NOHOST: _IceTransportTypeValue
    TRANSPORT_ALL: _IceTransportTypeValue

class _ContinualGatheringPolicyValue(int): ...

class _ContinualGatheringPolicyWrapper(_EnumTypeWrapper[_ContinualGatheringPolicyValue], type): ...

class ContinualGatheringPolicy(metaclass=_ContinualGatheringPolicyWrapper):
    ValueType = _ContinualGatheringPolicyValue
    V = ValueType
    GATHER_ONCE: _ContinualGatheringPolicyValue
    GATHER_CONTINUALLY: _ContinualGatheringPolicyValue


class _EncryptionTypeValue(int): ...
class _EncryptionTypeWrapper(_EnumTypeWrapper[_EncryptionTypeValue], type): ...

class EncryptionType(metaclass=_EncryptionTypeWrapper):
    ValueType = _EncryptionTypeValue
    V = ValueType
    NONE: _EncryptionTypeValue
    GCM: _EncryptionTypeValue
    CUSTOM: _EncryptionTypeValue

class _KeyDerivationFunctionValue(int): ...
class _KeyDerivationFunctionWrapper(_EnumTypeWrapper[_KeyDerivationFunctionValue], type): ...

class KeyDerivationFunction(metaclass=_KeyDerivationFunctionWrapper):
    ValueType = _KeyDerivationFunctionValue
    V = ValueType
    PBKDF2: _KeyDerivationFunctionValue
    HKDF: _KeyDerivationFunctionValue
