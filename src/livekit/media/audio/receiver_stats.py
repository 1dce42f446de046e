"""Statistics of received audio as the official SDK's messages (W3C WebRTC Statistics)."""

from __future__ import annotations

from livekit.stats import (
    InboundRtpStreamStats,
    ReceivedRtpStreamStats,
    RemoteOutboundRtpStreamStats,
    RtcStats,
    RtcStatsData,
    RtpStreamStats,
    SentRtpStreamStats,
)
from livekit.webrtc.media_interfaces import Codec
from livekit.webrtc.rtp.reception import ReceptionStatistics
from livekit.webrtc.rtp.rtcp import SenderReport

from .jitter_buffer import JitterBufferStatistics
from .meter import AudioMeter
from .sender_stats import codec_stats

__all__ = ["receiver_stats"]

KIND = "audio"
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""


def receiver_stats(
    reception: ReceptionStatistics,
    buffer: JitterBufferStatistics,
    meter: AudioMeter,
    *,
    sample_rate: int,
    codec: Codec | None,
    mid: str,
    header_bytes: int,
    sender_report: SenderReport | None,
    sender_reports: int,
    timestamp: int,
) -> list[RtcStats]:
    """Return the messages of one receiver; `timestamp` is in milliseconds since 1970."""
    inbound_id, remote_id = f"IT{reception.ssrc}", f"RO{reception.ssrc}"
    stats: list[RtcStats] = []
    stream = RtpStreamStats(ssrc=reception.ssrc, kind=KIND)
    if codec is not None:
        stats.append(codec_stats(codec, timestamp))
        stream.codec_id = stats[0].codec.rtc.id
    inbound = RtcStats.InboundRtp(
        rtc=RtcStatsData(id=inbound_id, timestamp=timestamp),
        stream=stream,
        received=ReceivedRtpStreamStats(
            packets_received=reception.packets, packets_lost=reception.lost, jitter=reception.jitter
        ),
        inbound=InboundRtpStreamStats(
            mid=mid,
            remote_id=remote_id if sender_report is not None else "",
            header_bytes_received=header_bytes,
            bytes_received=reception.bytes,
            packets_discarded=buffer.packets_discarded,
            jitter_buffer_delay=buffer.delay,
            jitter_buffer_target_delay=buffer.target_delay,
            jitter_buffer_minimum_delay=buffer.target_delay,
            jitter_buffer_emitted_count=buffer.emitted,
            total_processing_delay=buffer.delay,
            total_samples_received=round(meter.duration * sample_rate),
            concealed_samples=buffer.concealed,
            concealment_events=buffer.concealment_events,
            inserted_samples_for_deceleration=buffer.inserted_for_deceleration,
            removed_samples_for_acceleration=buffer.removed_for_acceleration,
            audio_level=meter.level,
            total_audio_energy=meter.energy,
            total_samples_duration=meter.duration,
        ),
    )
    stats.append(RtcStats(inbound_rtp=inbound))
    if sender_report is not None:
        outbound = RtcStats.RemoteOutboundRtp(
            rtc=RtcStatsData(id=remote_id, timestamp=timestamp),
            stream=stream,
            sent=SentRtpStreamStats(packets_sent=sender_report.packet_count, bytes_sent=sender_report.octet_count),
            remote_outbound=RemoteOutboundRtpStreamStats(
                local_id=inbound_id,
                remote_timestamp=((sender_report.ntp_timestamp / (1 << 32)) - NTP_EPOCH) * 1000,
                reports_sent=sender_reports,
            ),
        )
        stats.append(RtcStats(remote_outbound_rtp=outbound))
    return stats
