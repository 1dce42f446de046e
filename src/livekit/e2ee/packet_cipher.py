"""Encryption of data packets with AES-GCM (LiveKit's EncryptedPacket)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from google.protobuf.message import DecodeError

from livekit._util.callbacks import ignore
from livekit._util.logs import RateLimitedLog
from livekit.enums import EncryptionState
from livekit.protocol import models
from livekit.rpc import wire

from .decryption import decrypt
from .keys import IV_BYTES
from .manager import E2EEManager

logger = logging.getLogger("livekit.e2ee")

ENCRYPTED_KINDS = frozenset(field.name for field in models.EncryptedPacketPayload.DESCRIPTOR.fields)
"""Kinds of encrypted packets. Others (transcriptions, metrics, …) are sent in plaintext, as by official SDKs."""

_REPLIES = frozenset({"rpc_ack", "rpc_response", "stream_header", "stream_chunk", "stream_trailer"})


class MissingKeyError(ValueError):
    """There is no key to encrypt with; set one with the room's `KeyProvider`."""


class PacketCipher:
    """Encrypts sent packets and decrypts received ones.

    Args:
        strict: encrypt all data and drop data received in plaintext. Otherwise only decrypt encrypted packets.
        accept_server_calls: accept calls made by the server itself, which cannot be encrypted.
    """

    def __init__(self, manager: E2EEManager, *, strict: bool, accept_server_calls: bool) -> None:
        self.identity = ""
        """The local participant's identity, whose key encrypts packets."""
        self._manager = manager
        self._drop_log = RateLimitedLog(logger)
        self._strict = strict
        self._accept_server_calls = accept_server_calls
        self._server_calls: set[str] = set()
        self.on_state: Callable[[str, EncryptionState.ValueType], None] = ignore
        """Called for each packet with its sender and the result of encrypting or decrypting it."""

    def encrypt(self, packet: models.DataPacket) -> models.DataPacket:
        """Encrypt a packet in place if its kind is encrypted. Raises MissingKeyError."""
        kind = packet.WhichOneof("value") or ""
        provider = self._manager.key_provider
        applies = self._strict and self._manager.enabled and kind in ENCRYPTED_KINDS
        if not applies or provider is None or self._is_reply_to_server(packet):
            return packet
        index = provider.latest_index
        key = provider.sending_ring(self.identity).get(index)
        self.on_state(self.identity, EncryptionState.MISSING_KEY if key is None else EncryptionState.OK)
        if key is None:
            raise MissingKeyError(
                f"no encryption key at index {index} to send with; set one with the room's KeyProvider"
            )
        payload = models.EncryptedPacketPayload()
        getattr(payload, kind).CopyFrom(getattr(packet, kind))
        iv = os.urandom(IV_BYTES)
        packet.encrypted_packet.CopyFrom(
            models.EncryptedPacket(
                encryption_type=models.Encryption.Type.GCM,
                iv=iv,
                key_index=index,
                encrypted_value=key.aead.encrypt(iv, payload.SerializeToString(), None),
            )
        )
        return packet

    def decrypt(self, packet: models.DataPacket) -> models.DataPacket | None:
        """Decrypt a packet in place.

        Return None for a packet that must not be delivered: in plaintext although encryption is required, or encrypted
        with an unknown key."""
        kind = packet.WhichOneof("value") or ""
        if kind != "encrypted_packet":
            if not self._strict or kind not in ENCRYPTED_KINDS or self._is_server_call(packet):
                return packet
            self._warn(packet, "dropped an unencrypted %s of %r in an encrypted room", kind)
            return None
        encrypted = packet.encrypted_packet
        plain = self._decrypt(packet.participant_identity, encrypted.key_index, encrypted.iv, encrypted.encrypted_value)
        if plain is None:
            self._warn(packet, "dropped a packet of %r that its keys cannot decrypt")
            return None
        try:
            payload = models.EncryptedPacketPayload.FromString(plain)
        except DecodeError:
            self._warn(packet, "dropped an encrypted packet of %r with invalid content")
            return None
        inner = payload.WhichOneof("value")
        packet.ClearField("encrypted_packet")
        if inner is None:
            return None
        getattr(packet, inner).CopyFrom(getattr(payload, inner))
        return packet

    def _warn(self, packet: models.DataPacket, message: str, *args: str) -> None:
        sender = packet.participant_identity
        self._drop_log.warn((sender, message), message, *args, sender, participant=sender)

    def _decrypt(self, sender: str, index: int, iv: bytes, data: bytes) -> bytes | None:
        return decrypt(
            self._manager.key_provider, sender, index, iv, data, report=lambda state: self.on_state(sender, state)
        )

    def _is_server_call(self, packet: models.DataPacket) -> bool:
        """Return True for a packet of a call made by the server itself: without a sid, and as the request id."""
        caller = packet.participant_identity
        if not self._accept_server_calls or not caller or packet.participant_sid:
            return False
        if packet.WhichOneof("value") in ("stream_chunk", "stream_trailer"):
            return caller in self._server_calls
        if caller not in (packet.rpc_request.id, _streamed_request(packet.stream_header)):
            return False
        self._server_calls.add(caller)
        return True

    def _is_reply_to_server(self, packet: models.DataPacket) -> bool:
        """Return True for a reply to such a call, which is sent in plaintext. The reply's last packet ends the call."""
        caller = packet.destination_identities[0] if len(packet.destination_identities) == 1 else ""
        kind = packet.WhichOneof("value")
        if caller not in self._server_calls or kind not in _REPLIES:
            return False
        if kind in ("rpc_response", "stream_trailer") or packet.stream_header.HasField("inline_content"):
            self._server_calls.discard(caller)
        return True


def _streamed_request(header: models.DataStream.Header) -> str:
    """Return the id of the RPC request in a stream; empty for other streams."""
    return header.attributes.get(wire.ATTR_REQUEST_ID, "") if header.topic == wire.REQUEST_TOPIC else ""
