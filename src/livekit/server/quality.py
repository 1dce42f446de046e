"""Connection quality of the participants of a room. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from livekit.protocol import models, rtc

from .media.quality import BEST, UPDATE_INTERVAL, Rating
from .participant import ACTIVE, Participant

_FIRST_PROTOCOL: Final = 5
"""First protocol version whose clients receive quality updates."""
_FIRST_LOST_PROTOCOL: Final = 11
"""First protocol version whose clients know the quality LOST."""


def _without_media(_: Participant, __: float) -> Rating:
    return BEST


class QualityUpdates:
    """Reports the connection quality of participants: the worst of their tracks, EXCELLENT without any.

    As with livekit-server 1.13.5, each participant receives its own quality and that of the participants whose tracks
    it receives, whenever the quality of any participant has changed or another one has become ACTIVE.
    """

    def __init__(
        self,
        now: float,
        *,
        rate: Callable[[Participant, float], Rating] = _without_media,
        publishers: Callable[[Participant], Iterable[str]] = lambda _: (),
    ) -> None:
        """The first update is due `UPDATE_INTERVAL` after `now`.

        `rate` returns the quality of a participant since the call before; `publishers` returns the sids of those whose
        tracks a participant receives.
        """
        self._due = now + UPDATE_INTERVAL
        self._rate = rate
        self._publishers = publishers
        self._known: dict[str, Rating] = {}

    def tick(self, participants: Collection[Participant], now: float) -> None:
        """Send the updates that are due; call it about once per second."""
        if now < self._due:
            return
        self._due = now + UPDATE_INTERVAL
        active = [participant for participant in participants if participant.state == ACTIVE]
        ratings = {participant.sid: self._rate(participant, now) for participant in active}
        known, self._known = self._known, ratings
        if all(sid in known and known[sid].quality == rating.quality for sid, rating in ratings.items()):
            return
        for participant in active:
            if participant.client.protocol >= _FIRST_PROTOCOL:
                self._send(participant, ratings)

    def _send(self, participant: Participant, ratings: dict[str, Rating]) -> None:
        others = (sid for sid in dict.fromkeys(self._publishers(participant)) if sid != participant.sid)
        updates = [
            _info(sid, ratings[sid], knows_lost=participant.client.protocol >= _FIRST_LOST_PROTOCOL)
            for sid in (participant.sid, *others)
            if sid in ratings
        ]
        participant.link.send_signal(
            rtc.SignalResponse(connection_quality=rtc.ConnectionQualityUpdate(updates=updates))
        )


def _info(sid: str, rating: Rating, *, knows_lost: bool) -> rtc.ConnectionQualityInfo:
    is_lost = rating.quality == models.ConnectionQuality.LOST
    quality = models.ConnectionQuality.POOR if is_lost and not knows_lost else rating.quality
    return rtc.ConnectionQualityInfo(participant_sid=sid, quality=quality, score=rating.score)
