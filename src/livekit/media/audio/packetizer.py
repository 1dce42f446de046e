"""Puts encoded audio into RTP packets: redundancy, discontinuous transmission, audio level."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livekit.webrtc.media_interfaces import Codec
from livekit.webrtc.rtp.header_extensions import AudioLevel, encode_extensions
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.red import RedundantBlock, encode_red

from .encoder import EncodedFrame
from .meter import to_dbov

__all__ = ["AudioPacketizer", "PayloadTypes"]

DTX_INTERVAL = 19_200
"""Units of 1/48,000 s between two packets in silence: 400 ms, as in libwebrtc."""
VOICE_DBOV = 60
"""Levels up to this attenuation are marked as voice."""
HEADER_SIZE = 12


@dataclass(frozen=True, slots=True)
class PayloadTypes:
    """The payload types of one audio section."""

    opus: int
    red: int | None
    """RED of Opus (RFC 2198); None if it is not negotiated."""

    @classmethod
    def of(cls, codecs: Sequence[Codec]) -> PayloadTypes | None:
        """Return those of negotiated codecs; None without Opus."""
        opus = next((codec.payload_type for codec in codecs if codec.name.lower() == "opus"), None)
        if opus is None:
            return None
        red = (codec for codec in codecs if codec.name.lower() == "red")
        return cls(opus, next((codec.payload_type for codec in red if _is_of(codec, opus)), None))


def _is_of(red: Codec, payload_type: int) -> bool:
    """Return True if redundant packets have frames of `payload_type`; without parameters they have the codec's."""
    return not red.parameters or str(payload_type) in red.parameters.split("/")


class AudioPacketizer:
    """The packets of one SSRC."""

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.packets = 0
        """Packets made."""
        self.payload_bytes = 0
        self.header_bytes = 0
        self.timestamp = 0
        """Of the last packet, 32 bits."""
        self._offset: int | None = None  # from the source's time line to RTP timestamps
        self._sequence_number = secrets.randbelow(1 << 15)  # far from the rollover that a late receiver misses
        self._previous: EncodedFrame | None = None
        self._sent_at = 0  # timestamp of the last packet on the source's time line
        self._is_silent = True

    def packetize(
        self,
        frame: EncodedFrame,
        types: PayloadTypes,
        *,
        level_id: int | None = None,
        seal: Callable[[bytes, int, int], bytes | None] | None = None,
    ) -> RtpPacket | None:
        """Return the packet of a frame; None for one that need not be sent, or that `seal` drops.

        Args:
            frame: the next frame.
            types: `red` sends the frame before along, unless frames are sealed.
            level_id: the audio level extension's negotiated id (RFC 6464).
            seal: encrypts a payload with this SSRC and timestamp.
        """
        starts = self._is_silent and not frame.is_discontinuous
        if frame.is_discontinuous and self._is_silent and frame.timestamp - self._sent_at < DTX_INTERVAL:
            return None
        if self._offset is None:
            self._offset = secrets.randbelow(1 << 32) - frame.timestamp
        timestamp = (frame.timestamp + self._offset) & 0xFFFF_FFFF
        payload_type, payload = types.opus, frame.payload
        if seal is not None:
            sealed = seal(payload, self.ssrc, timestamp)
            if sealed is None:
                return None
            payload = sealed
        elif types.red is not None:
            payload_type = types.red
            payload = encode_red(payload, self._redundancy(frame, types.opus), types.opus)
        self._is_silent = frame.is_discontinuous
        self._sent_at = frame.timestamp
        self._previous = frame
        return self._packet(payload_type, timestamp, payload, starts, _extension(frame, level_id))

    def _packet(
        self, payload_type: int, timestamp: int, payload: bytes, marker: bool, extension: tuple[int, bytes]
    ) -> RtpPacket:
        packet = RtpPacket(
            payload_type, self._sequence_number, timestamp, self.ssrc, payload, marker, (), extension[0], extension[1]
        )
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        self.timestamp = timestamp
        self.packets += 1
        self.payload_bytes += len(payload)
        self.header_bytes += HEADER_SIZE + (4 + len(extension[1]) if extension[0] else 0)
        return packet

    def _redundancy(self, frame: EncodedFrame, payload_type: int) -> list[RedundantBlock]:
        previous = self._previous
        if previous is None or previous.is_discontinuous:
            return []
        return [RedundantBlock(payload_type, frame.timestamp - previous.timestamp, previous.payload)]


def _extension(frame: EncodedFrame, level_id: int | None) -> tuple[int, bytes]:
    if level_id is None:
        return 0, b""
    level = to_dbov(frame.level)
    return encode_extensions({level_id: AudioLevel(level, level <= VOICE_DBOV).encode()})
