"""Reports to a publisher: the reception of its streams, and the bitrate that it may send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from livekit.webrtc.rtp.rtcp import ReceiverEstimatedMaximumBitrate, ReceiverReport, RtcpPacket

from .published_stream import PublishedStream

__all__ = ["MAX_VIDEO_BITRATE", "REPORT_INTERVAL", "receiver_reports"]

REPORT_INTERVAL: Final = 1.0
"""Seconds between two reports."""
MAX_VIDEO_BITRATE: Final = 6_000_000
"""Bits per second of one publisher. Its congestion control rises to it at once, so the reports need no estimate."""
MAX_BLOCKS: Final = 31
MAX_REMB_SSRCS: Final = 255


def receiver_reports(sender_ssrc: int, streams: Sequence[PublishedStream], now: float) -> list[RtcpPacket]:
    """Return the packets of a compound packet about all streams of one peer connection.

    `sender_ssrc` is any source of this side. There is a REMB if a stream is video. Call it each `REPORT_INTERVAL`.
    """
    blocks = [stream.report(now) for stream in streams]
    packets: list[RtcpPacket] = [
        ReceiverReport(ssrc=sender_ssrc, blocks=tuple(blocks[start : start + MAX_BLOCKS]))
        for start in range(0, max(len(blocks), 1), MAX_BLOCKS)
    ]
    video = tuple(stream.ssrc for stream in streams if stream.is_video)[:MAX_REMB_SSRCS]
    if video:
        packets.append(ReceiverEstimatedMaximumBitrate(sender_ssrc=sender_ssrc, bitrate=MAX_VIDEO_BITRATE, ssrcs=video))
    return packets
