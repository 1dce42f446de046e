"""The framing of Opus packets (RFC 6716 section 3), which needs no codec."""

from __future__ import annotations

__all__ = ["CLOCK_RATE", "has_inband_fec", "is_discontinuous", "packet_duration"]

CLOCK_RATE = 48_000
"""Hertz of RTP timestamps, whatever the sample rate (RFC 7587 section 4.1)."""
MAX_DURATION = 5760
"""120 ms."""
MAX_DISCONTINUOUS_SIZE = 2
"""Bytes. Longer packets carry audio; shorter ones update comfort noise, and the next may follow after 400 ms."""


def packet_duration(packet: bytes) -> int:
    """Return the duration of a packet in units of 1/48,000 s; 0 for a malformed one."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:  # SILK only: 10, 20, 40, 60 ms
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:  # hybrid: 10, 20 ms
        frame = (480, 960)[config & 1]
    else:  # CELT only: 2.5, 5, 10, 20 ms
        frame = (120, 240, 480, 960)[config & 3]
    if code == 3:
        count = packet[1] & 0x3F if len(packet) > 1 else 0
    else:
        count = 1 if code == 0 else 2
    duration = frame * count
    return duration if duration <= MAX_DURATION else 0


def is_discontinuous(packet: bytes) -> bool:
    """Return True for a packet of discontinuous transmission, after which silence is not a loss."""
    return len(packet) <= MAX_DISCONTINUOUS_SIZE


def has_inband_fec(packet: bytes) -> bool:
    """Return True for a packet of one frame that carries a coarse copy of the frame before (RFC 6716 section 4.2.4)."""
    if len(packet) < 2 or packet[0] & 3 or packet[0] >> 3 >= 16:
        return False
    # The flags are the first bits of the SILK layer: voice activity of each 20 ms, then the copy's presence.
    silk_frames = max(packet_duration(packet) // 960, 1)
    return bool(packet[1] >> (7 - silk_frames) & 1)
