"""Connection quality of a participant: the worst of the tracks that it publishes and receives."""

from __future__ import annotations

from collections.abc import Iterator

from livekit.server.participant import Participant

from .quality import Rating, worst

__all__ = ["rate_participant", "received_publishers"]


def rate_participant(participant: Participant, now: float) -> Rating:
    """Return the quality since the call before; call it each `quality.UPDATE_INTERVAL`."""
    return worst(_ratings(participant, now))


def _ratings(participant: Participant, now: float) -> Iterator[Rating]:
    for track in participant.media.published.values():
        if track.streams is not None:
            yield track.streams.rate(now, muted=track.info.muted)
    for subscription in participant.media.subscriptions.values():
        if subscription.output is not None:
            yield subscription.output.rate(now)


def received_publishers(participant: Participant) -> Iterator[str]:
    """Yield the sids of the participants whose tracks are subscribed to, once for each track."""
    for subscription in participant.media.active_subscriptions():
        if subscription.track is not None:
            yield subscription.track.publisher_sid
