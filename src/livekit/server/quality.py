"""Connection quality of the participants of a room. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from livekit.protocol import models, rtc

from .participant import ACTIVE, Participant

INTERVAL: Final = 5.0
"""Seconds between two measurements; the first one is this long after the creation of the room."""
BEST_SCORE: Final = 4.5
"""Score of a connection without faults, on the scale of mean opinion scores."""
_FIRST_PROTOCOL: Final = 5
"""First protocol version whose clients receive quality updates."""


class QualityUpdates:
    """Reports connection quality, which is always EXCELLENT: it rates media, and this server carries none.

    As with livekit-server 1.13.5, each participant receives its own quality only, and again whenever another
    participant has become ACTIVE.
    """

    def __init__(self, now: float) -> None:
        self._due = now + INTERVAL
        self._known: frozenset[str] = frozenset()

    def tick(self, participants: Collection[Participant], now: float) -> None:
        """Send the updates that are due; call it about once per second."""
        if now < self._due:
            return
        self._due = now + INTERVAL
        active = [participant for participant in participants if participant.state == ACTIVE]
        known = frozenset(participant.sid for participant in active)
        if known - self._known:
            for participant in active:
                if participant.client.protocol >= _FIRST_PROTOCOL:
                    participant.link.send_signal(_excellent(participant.sid))
        self._known = known


def _excellent(sid: str) -> rtc.SignalResponse:
    info = rtc.ConnectionQualityInfo(participant_sid=sid, quality=models.ConnectionQuality.EXCELLENT, score=BEST_SCORE)
    return rtc.SignalResponse(connection_quality=rtc.ConnectionQualityUpdate(updates=[info]))
