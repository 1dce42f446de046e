"""Transforms of one direction's RTP or RTCP packets: encryption and authentication under session keys.

A transform trusts the packet index that it is given: `session` derives indices and rejects replays.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.hmac import HMAC

from .key_derivation import SessionKeys
from .profiles import SrtpProfile

__all__ = ["AeadTransform", "AuthenticationError", "CounterModeTransform", "Transform", "create_transform"]

GCM_TAG_SIZE = 16
HMAC_TAG_SIZE = 10
"""Bytes of the truncated HMAC-SHA1-80 tag."""
SRTCP_INDEX_SIZE = 4
"""Bytes of the E flag and SRTCP index that follow an SRTCP payload (RFC 3711 section 3.4)."""
ENCRYPTED_FLAG = 0x8000_0000


class AuthenticationError(ValueError):
    """Raised for a packet whose authentication tag is missing or wrong."""


class Transform(Protocol):
    """Protects and unprotects packets."""

    def protect_rtp(self, header: bytes, payload: bytes, ssrc: int, index: int) -> bytes:
        """Return the SRTP packet."""
        ...

    def unprotect_rtp(self, packet: bytes, header_size: int, ssrc: int, index: int) -> bytes:
        """Return the payload of the RTP packet. Raises AuthenticationError."""
        ...

    def protect_rtcp(self, packet: bytes, ssrc: int, index: int) -> bytes:
        """Return the SRTCP packet."""
        ...

    def unprotect_rtcp(self, packet: bytes, ssrc: int) -> bytes:
        """Return the RTCP packet. Raises AuthenticationError."""
        ...

    def rtcp_index(self, packet: bytes) -> int:
        """Return the SRTCP index, not authenticated yet. Raises AuthenticationError if the packet is too short."""
        ...


class AeadTransform:
    """AEAD_AES_128_GCM and AEAD_AES_256_GCM (RFC 7714)."""

    __slots__ = ("_aead", "_salt")

    def __init__(self, keys: SessionKeys) -> None:
        self._aead = AESGCM(keys.encryption)
        self._salt = int.from_bytes(keys.salt, "big")

    def _nonce(self, ssrc: int, index: int) -> bytes:
        return (self._salt ^ ssrc << 48 ^ index).to_bytes(12, "big")  # RFC 7714 sections 8.1 and 9.1

    def protect_rtp(self, header: bytes, payload: bytes, ssrc: int, index: int) -> bytes:
        """Return the SRTP packet."""
        return header + self._aead.encrypt((self._salt ^ ssrc << 48 ^ index).to_bytes(12, "big"), payload, header)

    def unprotect_rtp(self, packet: bytes, header_size: int, ssrc: int, index: int) -> bytes:
        """Return the payload of the RTP packet. Raises AuthenticationError."""
        nonce = (self._salt ^ ssrc << 48 ^ index).to_bytes(12, "big")
        try:
            return self._aead.decrypt(nonce, packet[header_size:], packet[:header_size])
        except InvalidTag:
            raise AuthenticationError("wrong authentication tag") from None

    def protect_rtcp(self, packet: bytes, ssrc: int, index: int) -> bytes:
        """Return the SRTCP packet."""
        header, word = packet[:8], (ENCRYPTED_FLAG | index).to_bytes(4, "big")
        return header + self._aead.encrypt(self._nonce(ssrc, index), packet[8:], header + word) + word

    def unprotect_rtcp(self, packet: bytes, ssrc: int) -> bytes:
        """Return the RTCP packet. Raises AuthenticationError."""
        index, header, word = self.rtcp_index(packet), packet[:8], packet[-SRTCP_INDEX_SIZE:]
        body = packet[8:-SRTCP_INDEX_SIZE]
        try:
            if word[0] & 0x80:
                return header + self._aead.decrypt(self._nonce(ssrc, index), body, header + word)
            # Authenticated but not encrypted (RFC 7714 section 9.3): all but the tag is associated data.
            clear = header + body[:-GCM_TAG_SIZE]
            self._aead.decrypt(self._nonce(ssrc, index), body[-GCM_TAG_SIZE:], clear + word)
        except InvalidTag:
            raise AuthenticationError("wrong authentication tag") from None
        return clear

    def rtcp_index(self, packet: bytes) -> int:
        """Return the SRTCP index, not authenticated yet. Raises AuthenticationError if the packet is too short."""
        if len(packet) < 8 + GCM_TAG_SIZE + SRTCP_INDEX_SIZE:
            raise AuthenticationError(f"an SRTCP packet of {len(packet)} bytes has no authentication tag")
        return int.from_bytes(packet[-SRTCP_INDEX_SIZE:], "big") & ~ENCRYPTED_FLAG


class CounterModeTransform:
    """AES in counter mode with HMAC-SHA1-80 (RFC 3711 sections 4.1.1 and 4.2.1)."""

    __slots__ = ("_cipher", "_hmac", "_salt")

    def __init__(self, keys: SessionKeys) -> None:
        self._cipher: CipherContext = Cipher(algorithms.AES(keys.encryption), modes.CTR(bytes(16))).encryptor()
        self._salt = int.from_bytes(keys.salt, "big") << 16
        self._hmac = HMAC(keys.authentication, SHA1())

    def _apply_keystream(self, data: bytes, ssrc: int, index: int) -> bytes:
        self._cipher.reset_nonce((self._salt ^ ssrc << 64 ^ index << 16).to_bytes(16, "big"))
        return self._cipher.update(data)

    def _tag(self, data: bytes) -> bytes:
        mac = self._hmac.copy()  # half the time of hmac.digest, which sets the key up for each packet
        mac.update(data)
        return mac.finalize()[:HMAC_TAG_SIZE]

    def _verify(self, data: bytes, tag: bytes) -> None:
        if not compare_digest(self._tag(data), tag):
            raise AuthenticationError("wrong authentication tag")

    def protect_rtp(self, header: bytes, payload: bytes, ssrc: int, index: int) -> bytes:
        """Return the SRTP packet."""
        packet = header + self._apply_keystream(payload, ssrc, index)
        return packet + self._tag(packet + (index >> 16).to_bytes(4, "big"))

    def unprotect_rtp(self, packet: bytes, header_size: int, ssrc: int, index: int) -> bytes:
        """Return the payload of the RTP packet. Raises AuthenticationError."""
        if len(packet) < header_size + HMAC_TAG_SIZE:
            raise AuthenticationError(f"an SRTP packet of {len(packet)} bytes has no authentication tag")
        end = len(packet) - HMAC_TAG_SIZE
        self._verify(packet[:end] + (index >> 16).to_bytes(4, "big"), packet[end:])
        return self._apply_keystream(packet[header_size:end], ssrc, index)

    def protect_rtcp(self, packet: bytes, ssrc: int, index: int) -> bytes:
        """Return the SRTCP packet."""
        word = (ENCRYPTED_FLAG | index).to_bytes(4, "big")
        packet = packet[:8] + self._apply_keystream(packet[8:], ssrc, index) + word
        return packet + self._tag(packet)

    def unprotect_rtcp(self, packet: bytes, ssrc: int) -> bytes:
        """Return the RTCP packet. Raises AuthenticationError."""
        index, tag_at = self.rtcp_index(packet), len(packet) - HMAC_TAG_SIZE
        self._verify(packet[:tag_at], packet[tag_at:])
        end = tag_at - SRTCP_INDEX_SIZE
        if not packet[end] & 0x80:
            return packet[:end]
        return packet[:8] + self._apply_keystream(packet[8:end], ssrc, index)

    def rtcp_index(self, packet: bytes) -> int:
        """Return the SRTCP index, not authenticated yet. Raises AuthenticationError if the packet is too short."""
        end = len(packet) - HMAC_TAG_SIZE
        if end < 8 + SRTCP_INDEX_SIZE:
            raise AuthenticationError(f"an SRTCP packet of {len(packet)} bytes has no authentication tag")
        return int.from_bytes(packet[end - SRTCP_INDEX_SIZE : end], "big") & ~ENCRYPTED_FLAG


def create_transform(profile: SrtpProfile, keys: SessionKeys) -> Transform:
    """Return the transform of a profile under session keys."""
    return AeadTransform(keys) if profile.is_aead else CounterModeTransform(keys)
