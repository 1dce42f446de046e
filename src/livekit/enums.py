"""Enums of the official SDK; members are plain ints (see enums.pyi for the types)."""

from __future__ import annotations

from ._descriptors import enum

ConnectionState = enum("ConnectionState")
ParticipantState = enum("ParticipantState")
ParticipantKind = enum("ParticipantKind")
IceTransportType = enum("IceTransportType")
ContinualGatheringPolicy = enum("ContinualGatheringPolicy")
EncryptionType = enum("EncryptionType")
KeyDerivationFunction = enum("KeyDerivationFunction")
DisconnectReason = enum("DisconnectReason")
