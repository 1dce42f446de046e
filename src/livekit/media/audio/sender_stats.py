"""Statistics of sent audio as the official SDK's messages (W3C WebRTC Statistics)."""

from __future__ import annotations

from livekit.stats import (
    AudioSourceStats,
    CodecStats,
    MediaSourceStats,
    OutboundRtpStreamStats,
    ReceivedRtpStreamStats,
    RemoteInboundRtpStreamStats,
    RtcStats,
    RtcStatsData,
    RtpStreamStats,
    SentRtpStreamStats,
)
from livekit.webrtc.media_interfaces import Codec
from livekit.webrtc.rtp.remote_reception import RemoteReception

from .meter import AudioMeter
from .packetizer import AudioPacketizer

__all__ = ["codec_stats", "sender_stats"]

KIND = "audio"


def sender_stats(
    packetizer: AudioPacketizer,
    meter: AudioMeter,
    remote: RemoteReception,
    *,
    codec: Codec | None,
    mid: str,
    bitrate: int,
    active: bool,
    timestamp: int,
) -> list[RtcStats]:
    """Return the messages of one sender; `timestamp` is in milliseconds since 1970."""
    ssrc = packetizer.ssrc
    outbound_id, remote_id, source_id = f"OT{ssrc}", f"RI{ssrc}", f"SA{ssrc}"
    stats: list[RtcStats] = []
    codec_id = ""
    if codec is not None:
        stats.append(codec_stats(codec, timestamp))
        codec_id = stats[0].codec.rtc.id
    stream = RtpStreamStats(ssrc=ssrc, kind=KIND, codec_id=codec_id)
    outbound = RtcStats.OutboundRtp(
        rtc=RtcStatsData(id=outbound_id, timestamp=timestamp),
        stream=stream,
        sent=SentRtpStreamStats(packets_sent=packetizer.packets, bytes_sent=packetizer.payload_bytes),
        outbound=OutboundRtpStreamStats(
            mid=mid,
            media_source_id=source_id,
            remote_id=remote_id if remote.received_at is not None else "",
            header_bytes_sent=packetizer.header_bytes,
            target_bitrate=bitrate,
            active=active,
        ),
    )
    source = RtcStats.MediaSource(
        rtc=RtcStatsData(id=source_id, timestamp=timestamp),
        source=MediaSourceStats(kind=KIND),
        audio=AudioSourceStats(
            audio_level=meter.level, total_audio_energy=meter.energy, total_samples_duration=meter.duration
        ),
    )
    stats += [RtcStats(outbound_rtp=outbound), RtcStats(media_source=source)]
    if remote.received_at is not None:
        inbound = RtcStats.RemoteInboundRtp(
            rtc=RtcStatsData(id=remote_id, timestamp=timestamp),
            stream=stream,
            received=ReceivedRtpStreamStats(
                packets_received=max(packetizer.packets - remote.lost, 0),
                packets_lost=remote.lost,
                jitter=remote.jitter,
            ),
            remote_inbound=RemoteInboundRtpStreamStats(
                local_id=outbound_id,
                round_trip_time=remote.round_trip_time or 0.0,
                total_round_trip_time=remote.total_round_trip_time,
                fraction_lost=remote.fraction_lost,
                round_trip_time_measurements=remote.round_trip_time_measurements,
            ),
        )
        stats.append(RtcStats(remote_inbound_rtp=inbound))
    return stats


def codec_stats(codec: Codec, timestamp: int) -> RtcStats:
    """Return the message of a codec."""
    return RtcStats(
        codec=RtcStats.Codec(
            rtc=RtcStatsData(id=f"CP{codec.payload_type}", timestamp=timestamp),
            codec=CodecStats(
                payload_type=codec.payload_type,
                mime_type=f"{KIND}/{codec.name}",
                clock_rate=codec.clock_rate,
                channels=codec.channels,
                sdp_fmtp_line=codec.parameters,
            ),
        )
    )
