"""The data tracks that one participant publishes and subscribes to."""

from __future__ import annotations

from livekit.datatracks.packet import MAX_HANDLE
from livekit.protocol import models, rtc


class ParticipantDataTracks:
    """Tables of one participant's published tracks, their subscribers, and its own subscriptions."""

    def __init__(self) -> None:
        self.published: dict[int, models.DataTrackInfo] = {}
        """Published tracks by the publisher's handle."""
        self.subscribers: dict[str, dict[str, int]] = {}
        """Subscribers of each published track: by track sid, the handle of each subscriber by its identity."""
        self.handles: dict[int, rtc.DataTrackSubscriberHandles.PublishedDataTrack] = {}
        """Subscribed tracks by this participant's own handle."""
        self._last_handle = 0

    def new_handle(self) -> int:
        """Return a subscriber handle that is not in use: 1 to `MAX_HANDLE`, cyclically."""
        while True:
            self._last_handle = self._last_handle % MAX_HANDLE + 1
            if self._last_handle not in self.handles:
                return self._last_handle
