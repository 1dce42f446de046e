"""Statistics of a peer connection (W3C webrtc-stats)."""

from __future__ import annotations

import time

from livekit.stats import (
    CandidatePairStats,
    DtlsTransportState,
    IceCandidatePairState,
    IceTransportState,
    RtcStats,
    RtcStatsData,
    TransportStats,
)

__all__ = ["connection_stats"]


def connection_stats(round_trip_time: float | None, *, connected: bool) -> list[RtcStats]:
    """Return candidate_pair and transport. Fields that are not known have their default."""
    now = time.time_ns() // 1_000_000
    pair = CandidatePairStats(
        transport_id="transport",
        nominated=True,
        state=IceCandidatePairState.PAIR_SUCCEEDED if connected else IceCandidatePairState.PAIR_IN_PROGRESS,
        current_round_trip_time=round_trip_time or 0.0,
    )
    dtls, ice = DtlsTransportState.DTLS_TRANSPORT_CONNECTED, IceTransportState.ICE_TRANSPORT_CONNECTED
    if not connected:
        dtls, ice = DtlsTransportState.DTLS_TRANSPORT_CONNECTING, IceTransportState.ICE_TRANSPORT_CHECKING
    transport = TransportStats(dtls_state=dtls, ice_state=ice, selected_candidate_pair_id="candidate-pair")
    return [
        RtcStats(
            candidate_pair=RtcStats.CandidatePair(
                rtc=RtcStatsData(id="candidate-pair", timestamp=now), candidate_pair=pair
            )
        ),
        RtcStats(transport=RtcStats.Transport(rtc=RtcStatsData(id="transport", timestamp=now), transport=transport)),
    ]
