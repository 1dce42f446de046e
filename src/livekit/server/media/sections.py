"""The media sections of one participant's connections. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from livekit.protocol import rtc
from livekit.server.participant import Participant
from livekit.webrtc.media_interfaces import MediaConnection

from .media_tracks import MediaTracks
from .publication_sections import PublicationSections
from .subscription_sections import SubscriptionSections

__all__ = ["MediaSections"]


class MediaSections:
    """What a participant's peer connections carry: on a single one both directions, else each has its own."""

    def __init__(self, participant: Participant, find_tracks: Callable[[], MediaTracks], *, single: bool) -> None:
        """`find_tracks` returns the tracks of the participant's room, which may change."""
        self._single: Final = single
        self._publications: Final = PublicationSections(participant, find_tracks)
        self._subscriptions: Final = SubscriptionSections(participant, find_tracks)
        self._requirement = rtc.MediaSectionsRequirement()
        """What the client was asked for last, and has not offered yet."""
        self._is_requested = False

    def receive_offer(self, connection: MediaConnection) -> None:
        """Describe the sections of the client's offer, before it is answered."""
        self._publications.receive_offer(connection)
        if self._single:
            self._subscriptions.receive_offer(connection)

    def answer_sent(self, connection: MediaConnection, now: float) -> rtc.MediaSectionsRequirement | None:
        """Publish and subscribe as negotiated; return what the client must be asked for now, if anything."""
        self._publications.negotiated(now)
        if not self._single:
            return None
        self._subscriptions.negotiated()
        before, self._is_requested = self._requirement, False
        missing = self._subscriptions.requirement(connection)
        return None if missing == before else self.requirement(connection)

    def requirement(self, connection: MediaConnection) -> rtc.MediaSectionsRequirement | None:
        """Return what the client must be asked for so that it makes another offer; None if that is not needed now."""
        if self._is_requested or self._subscriptions.is_settled:
            return None
        self._is_requested = True
        self._requirement = self._subscriptions.requirement(connection)
        return self._requirement

    def signal_lost(self) -> None:
        """Note that a request to the client may not have arrived."""
        self._is_requested = False

    def prepare_offer(self, connection: MediaConnection) -> None:
        """Describe the subscriptions in an offer of the server."""
        self._subscriptions.prepare_offer(connection)

    def answer_received(self) -> None:
        """Begin to send the subscribed tracks."""
        self._subscriptions.negotiated()

    @property
    def is_settled(self) -> bool:
        """True if the sections are those that the subscriptions need."""
        return self._subscriptions.is_settled

    def mid_to_track_id(self) -> dict[str, str]:
        """Return the sids of the subscribed tracks in the current description, by mid."""
        return self._subscriptions.mid_to_track_id()

    def track_added(self, now: float) -> None:
        """Publish pending tracks whose section was negotiated before."""
        self._publications.track_added(now)

    def publisher_replaced(self) -> None:
        """Forget the sections of the publisher connection."""
        self._publications.connection_replaced()
        if self._single:
            self._subscriptions.connection_replaced()
            self._is_requested = False
