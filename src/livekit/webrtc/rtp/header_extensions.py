"""Header extensions in the one-byte and the two-byte form (RFC 8285), and those that LiveKit's peers use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .packet import RtpError, RtpPacket

__all__ = [
    "AUDIO_LEVEL_URI",
    "MID_URI",
    "REPAIRED_RID_URI",
    "RID_URI",
    "AudioLevel",
    "ExtensionMap",
    "decode_extensions",
    "encode_extensions",
    "find_extension",
]

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000
"""The low four bits are appbits, which have no meaning yet (RFC 8285 section 4.3)."""
MAX_ID = 255
MAX_ONE_BYTE_ID = 14
RESERVED_ID = 15
"""Ends the processing of the one-byte form (RFC 8285 section 4.2)."""

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"


@dataclass(frozen=True, slots=True)
class AudioLevel:
    """The level of the audio in a packet (RFC 6464)."""

    level: int
    """Attenuation in -dBov: 0 is the loudest, 127 silence."""
    voice: bool = False
    """The sender detected voice activity."""

    @classmethod
    def decode(cls, data: bytes) -> AudioLevel | None:
        """Return the level in an extension's data; None if it is empty."""
        return cls(data[0] & 0x7F, data[0] >= 0x80) if data else None

    def encode(self) -> bytes:
        """Return the extension's data."""
        return bytes([self.voice << 7 | min(max(self.level, 0), 127)])


def decode_extensions(packet: RtpPacket) -> dict[int, bytes]:
    """Return the data of each extension by its local id.

    The data of an unknown profile, and elements after a malformed one, are ignored (RFC 8285 section 4.1.1). The first
    of several elements with one id counts.
    """
    if packet.extension_profile == ONE_BYTE_PROFILE:
        elements = _one_byte_elements(packet.extension)
    elif packet.extension_profile & 0xFFF0 == TWO_BYTE_PROFILE:
        elements = _two_byte_elements(packet.extension)
    else:
        return {}
    found: dict[int, bytes] = {}
    for identifier, data in elements:
        found.setdefault(identifier, data)
    return found


def find_extension(packet: RtpPacket, identifier: int) -> bytes | None:
    """Return the data of one extension, as `decode_extensions` does, without the others; None if it is absent."""
    block = packet.extension
    if packet.extension_profile != ONE_BYTE_PROFILE:
        return decode_extensions(packet).get(identifier) if block else None
    position, size = 0, len(block)
    while position < size:
        found, end = block[position] >> 4, position + 2 + (block[position] & 0x0F)
        if not found:
            position += 1
        elif found == RESERVED_ID or end > size:
            return None
        elif found == identifier:
            return block[position + 1 : end]
        else:
            position = end
    return None


def _one_byte_elements(block: bytes) -> Iterator[tuple[int, bytes]]:
    position, size = 0, len(block)
    while position < size:
        identifier, length = block[position] >> 4, (block[position] & 0x0F) + 1
        position += 1
        if identifier == 0:  # padding is a single byte, whatever its length bits (RFC 8285 section 4.2)
            continue
        if identifier == RESERVED_ID or position + length > size:
            return
        yield identifier, block[position : position + length]
        position += length


def _two_byte_elements(block: bytes) -> Iterator[tuple[int, bytes]]:
    position, size = 0, len(block)
    while position < size:
        identifier = block[position]
        position += 1
        if identifier == 0:
            continue
        if position >= size:
            return
        end = position + 1 + block[position]
        if end > size:
            return
        yield identifier, block[position + 1 : end]
        position = end


def encode_extensions(extensions: Mapping[int, bytes]) -> tuple[int, bytes]:
    """Return the profile and the data of a header extension; (0, b"") without extensions.

    The one-byte form is used unless an id or a length needs the other.

    Raises:
        RtpError: An id is not 1 to 255, or data is longer than 255 bytes.
    """
    if not extensions:
        return 0, b""
    if any(not 1 <= identifier <= MAX_ID or len(data) > 255 for identifier, data in extensions.items()):
        raise RtpError("a header extension needs an id from 1 to 255 and at most 255 bytes of data")
    is_short = all(identifier <= MAX_ONE_BYTE_ID and 1 <= len(data) <= 16 for identifier, data in extensions.items())
    block = b"".join(
        (bytes([identifier << 4 | len(data) - 1]) if is_short else bytes([identifier, len(data)])) + data
        for identifier, data in extensions.items()
    )
    return ONE_BYTE_PROFILE if is_short else TWO_BYTE_PROFILE, block + bytes(-len(block) % 4)


class ExtensionMap:
    """The negotiated ids of one media section, which the offerer chooses (RFC 8285 section 5)."""

    def __init__(self, ids: Mapping[str, int]) -> None:
        """`ids` has the local id of each extension's URI."""
        self.ids = dict(ids)

    def text(self, extensions: Mapping[int, bytes], uri: str) -> str | None:
        """Return an SDES item such as mid or rid (RFC 7941); None if it is absent or not UTF-8."""
        data = extensions.get(self.ids.get(uri, 0))
        try:
            return None if data is None else data.decode()
        except UnicodeDecodeError:
            return None

    def audio_level(self, extensions: Mapping[int, bytes]) -> AudioLevel | None:
        """Return the audio level; None if it is absent."""
        return AudioLevel.decode(extensions.get(self.ids.get(AUDIO_LEVEL_URI, 0), b""))
