"""Round trips to peers, and the waits derived from them. No I/O, no clock."""

from __future__ import annotations

READY_WAIT = 3.5
"""Seconds a call waits for a joined peer to become ready, for one that is missing after our own full reconnect, and for
an unlisted one on servers that announce participants late."""
MIN_GRACE = 0.25
"""Minimum seconds for an unlisted peer to acknowledge, on servers that announce joins at once."""
MIN_REPEAT_DELAY = 1.0
"""Minimum seconds for a peer to acknowledge before a request to it is repeated, on servers that announce participants
late: the request may have arrived before the announcement, and peers with other SDKs run a repeated one twice."""
GRACE_RTTS = 4
"""Minimum round trips for a peer to acknowledge, in the cases above."""
_RTT_GAIN = 0.125
"""Weight of a new sample in the smoothed round trip (RFC 6298, section 2.3)."""
MAX_PEER_RTTS = 4_096
"""Peers whose round trip time is kept."""


class PeerTiming:
    """Round trips to peers. Times are in seconds."""

    def __init__(self) -> None:
        self.announces_joins = False
        """The server announces each join without delay."""
        self.server_rtt = 0.0
        """Round trip to the server; 0 while unknown."""
        self._peer_rtts: dict[str, float] = {}

    def rtt(self, identity: str) -> float:
        """Return the round trip to a peer, measured on earlier calls, else that to the server."""
        return self._peer_rtts.get(identity, self.server_rtt)

    def update(self, identity: str, sample: float) -> None:
        """Record a measured round trip."""
        known = self._peer_rtts.get(identity)
        self._peer_rtts[identity] = sample if known is None else known + _RTT_GAIN * (sample - known)
        if len(self._peer_rtts) > MAX_PEER_RTTS:
            del self._peer_rtts[next(iter(self._peer_rtts))]

    def forget(self, identity: str) -> None:
        """Drop the round trip to a peer that left."""
        self._peer_rtts.pop(identity, None)

    def listing_grace(self, identity: str) -> float:
        """Return the time that a peer which the server has not announced may take to be listed."""
        return max(MIN_GRACE, GRACE_RTTS * self.rtt(identity)) if self.announces_joins else READY_WAIT

    def repeat_delay(self, identity: str) -> float:
        """Return the time after which an unacknowledged request counts as lost: it may have reached no participant."""
        return max(MIN_GRACE if self.announces_joins else MIN_REPEAT_DELAY, GRACE_RTTS * self.rtt(identity))
