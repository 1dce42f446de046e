"""Silence after a track was muted, so that the decoder does not go on with noise."""

from __future__ import annotations

from typing import Final

from .forwarder import FRAME, Forwarder, OutgoingPacket

__all__ = ["CLOSING_FRAMES", "SILENT_FRAMES", "Silence"]

SILENT_FRAMES: Final = 50
"""Frames of 20 ms, one second, as livekit-server 1.13.5 sends."""
OPUS_SILENCE: Final = b"\xf8\xff\xfe"
"""A fullband CELT frame of 20 ms without sound (RFC 6716 section 3.1)."""
MARKED_SIZE: Final = 80
"""Bytes of a frame before a trailer, filled with zeros, as of livekit-server 1.13.5: livekit-client takes no other."""
CLOSING_FRAMES: Final = 10
"""Frames when a track ends, as livekit-server 1.13.5 sends."""
MAX_BEHIND: Final = 5
"""Frames that are made up for if `poll` is late; more are given up."""


class Silence:
    """Frames of silence on one outgoing stream, which must be paused."""

    def __init__(self, forwarder: Forwarder, now: float, *, frames: int = SILENT_FRAMES, trailer: bytes = b"") -> None:
        """`frames` is their number.

        `trailer` marks frames of the server in an encrypted room; it is `JoinResponse.sif_trailer`.
        """
        self._forwarder = forwarder
        self._remaining = frames if forwarder.packets else 0
        opus = next((codec for codec in forwarder.codecs if codec.name.lower() == "opus"), None)
        if opus is None:
            self._remaining = 0
        self._payload_type = 0 if opus is None else opus.payload_type
        self._payload = OPUS_SILENCE.ljust(MARKED_SIZE, b"\0") + trailer if trailer else OPUS_SILENCE
        self.next_at = now
        """When `poll` has something to send."""

    @property
    def done(self) -> bool:
        """True if no frame is left."""
        return not self._remaining

    def poll(self, now: float) -> list[OutgoingPacket]:
        """Return the packets that are due; none once the forwarder is not paused any more."""
        packets: list[OutgoingPacket] = []
        if not self._forwarder.paused:
            self._remaining = 0
        self.next_at = max(self.next_at, now - MAX_BEHIND * FRAME)
        while self._remaining and now >= self.next_at:
            packets.append(self._forwarder.insert(self._payload_type, self._payload, self.next_at))
            self.next_at += FRAME
            self._remaining -= 1
        return packets
