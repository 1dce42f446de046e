"""Statistics of a room's connection, in the official SDK's form (W3C webrtc-stats)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from livekit.engine.interfaces import Engine, EngineState

from .stats import (
    CandidatePairStats,
    DataChannelState,
    DataChannelStats,
    IceCandidatePairState,
    RtcStatsData,
)
from .stats import RtcStats as RtcStatsMessage

_LABELS = {True: "_reliable", False: "_lossy"}


@dataclass
class RtcStats:
    """Result of `Room.get_rtc_stats`."""

    publisher_stats: list[RtcStatsMessage]
    """Statistics of the peer connection, or the sum over both if there is one for each direction."""
    subscriber_stats: list[RtcStatsMessage]
    """Always empty: `publisher_stats` counts both directions."""


def rtc_stats(engine: Engine, tracks: Iterable[list[RtcStatsMessage]] = ()) -> RtcStats:
    """Return the data channels' counters since the room was joined, the round-trip time to the server, and the
    statistics of tracks: codec, outbound_rtp, inbound_rtp and those that belong to them."""
    now = time.time_ns() // 1_000_000
    connected = engine.state is EngineState.CONNECTED
    stats: list[RtcStatsMessage] = []
    for reliable, counts in engine.counts.items():
        channel = DataChannelStats(
            label=_LABELS[reliable],
            protocol="",
            data_channel_identifier=0,
            state=DataChannelState.DC_OPEN if connected else DataChannelState.DC_CONNECTING,
            messages_sent=counts.messages_sent,
            bytes_sent=counts.bytes_sent,
            messages_received=counts.messages_received,
            bytes_received=counts.bytes_received,
        )
        data = RtcStatsData(id=f"data-channel{_LABELS[reliable]}", timestamp=now)
        stats.append(RtcStatsMessage(data_channel=RtcStatsMessage.DataChannel(rtc=data, dc=channel)))
    pair = CandidatePairStats(
        nominated=True,
        state=IceCandidatePairState.PAIR_SUCCEEDED if connected else IceCandidatePairState.PAIR_IN_PROGRESS,
        bytes_sent=sum(counts.bytes_sent for counts in engine.counts.values()),
        bytes_received=sum(counts.bytes_received for counts in engine.counts.values()),
        current_round_trip_time=engine.round_trip_time or 0.0,
    )
    data = RtcStatsData(id="candidate-pair", timestamp=now)
    stats.append(RtcStatsMessage(candidate_pair=RtcStatsMessage.CandidatePair(rtc=data, candidate_pair=pair)))
    by_id = {_key(each): each for track in tracks for each in track if not each.HasField("candidate_pair")}
    return RtcStats(publisher_stats=[*stats, *by_id.values()], subscriber_stats=[])


def _key(message: RtcStatsMessage) -> tuple[str, str]:
    kind = message.WhichOneof("stats") or ""
    return kind, getattr(message, kind).rtc.id if kind else ""
