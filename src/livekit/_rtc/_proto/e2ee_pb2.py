"""Protobuf types of encryption."""

from __future__ import annotations

from livekit.enums import EncryptionState, EncryptionType, KeyDerivationFunction

__all__ = ["EncryptionState", "EncryptionType", "KeyDerivationFunction"]
