"""Takes Opus packets out of RTP packets: payload types, redundancy, decryption."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from livekit.webrtc.media_interfaces import Codec
from livekit.webrtc.rtp.packet import RtpError, RtpPacket
from livekit.webrtc.rtp.red import RedundantBlock, decode_red

__all__ = ["SILENCE", "AudioDepacketizer"]

SILENCE = b"\xf8\xff\xfe"
"""An Opus packet of 20 ms of silence."""


class AudioDepacketizer:
    """Knows the payload types of one audio section."""

    def __init__(self, codecs: Iterable[Codec]) -> None:
        """Accept the payload types of `codecs`; of those with one payload type, the first counts."""
        self._names: dict[int, str] = {}
        for codec in codecs:
            self._names.setdefault(codec.payload_type, codec.name.lower())

    def frames(
        self, packet: RtpPacket, open_frame: Callable[[bytes, int, int], bytes | None] | None = None
    ) -> list[RedundantBlock]:
        """Return the Opus packets in `packet`, the newest last; none if it has no audio.

        With `open_frame` each is decrypted, and silence stands for those that cannot be.
        """
        name = self._names.get(packet.payload_type)
        if name == "opus":
            frames = [RedundantBlock(packet.payload_type, 0, packet.payload)]
        elif name == "red":
            try:
                frames = decode_red(packet.payload)
            except RtpError:
                return []
        else:
            return []
        frames = [frame for frame in frames if frame.payload and self._names.get(frame.payload_type) == "opus"]
        if open_frame is None:
            return frames
        opened: list[RedundantBlock] = []
        for frame in frames:
            timestamp = (packet.timestamp - frame.timestamp_offset) & 0xFFFF_FFFF
            clear = open_frame(frame.payload, packet.ssrc, timestamp)
            opened.append(frame._replace(payload=SILENCE if clear is None else clear))
        return opened
