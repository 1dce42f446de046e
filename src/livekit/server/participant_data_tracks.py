"""The data tracks that one participant publishes and subscribes to."""

from __future__ import annotations

from typing import Final

from livekit.datatracks.packet import MAX_HANDLE
from livekit.protocol import models, rtc


class ParticipantDataTracks:
    """Tables of one participant's published tracks, their subscribers, and its own subscriptions."""

    def __init__(self, *, auto_subscribe: bool = False) -> None:
        self.auto_subscribe: Final = auto_subscribe
        """Subscribe to every data track of the room (`ConnectionSettings.auto_subscribe_data_track`)."""
        self.refused: set[str] = set()
        """Sids of the tracks that this participant asked for while it was not allowed to subscribe."""
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
