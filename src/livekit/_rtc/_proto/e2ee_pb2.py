"""Protobuf types of encryption."""

from __future__ import annotations

from typing import NoReturn

from livekit._proto.absent import raise_for_absent
from livekit._proto.enums_pb2 import (
    CUSTOM,
    DECRYPTION_FAILED,
    ENCRYPTION_FAILED,
    GCM,
    HKDF,
    INTERNAL_ERROR,
    KEY_RATCHETED,
    MISSING_KEY,
    NEW,
    NONE,
    OK,
    PBKDF2,
    EncryptionState,
    EncryptionType,
    KeyDerivationFunction,
)
from livekit._proto.handles_pb2 import (
    E2eeOptions,
    KeyProviderOptions,
)

__all__ = [
    "CUSTOM",
    "DECRYPTION_FAILED",
    "ENCRYPTION_FAILED",
    "GCM",
    "HKDF",
    "INTERNAL_ERROR",
    "KEY_RATCHETED",
    "MISSING_KEY",
    "NEW",
    "NONE",
    "OK",
    "PBKDF2",
    "E2eeOptions",
    "EncryptionState",
    "EncryptionType",
    "KeyDerivationFunction",
    "KeyProviderOptions",
]


def __getattr__(name: str) -> NoReturn:
    raise_for_absent(__name__, name)
