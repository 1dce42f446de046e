"""The sections of a connection in which its participant receives the tracks that it is subscribed to. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from livekit.protocol import models, rtc
from livekit.server.participant import Participant
from livekit.webrtc.media_interfaces import Direction, MediaConnection, MediaKind, MediaStreamId, Transceiver

from .codecs import subscribed_codecs
from .media_tracks import MediaTracks
from .published_track import PublishedTrack, Subscription

__all__ = ["SubscriptionSections"]

KINDS: Final = {models.TrackType.AUDIO: MediaKind.AUDIO, models.TrackType.VIDEO: MediaKind.VIDEO}


class SubscriptionSections:
    """Assigns a section of its kind to each subscription, and uses the sections of ended ones again.

    The client's offers bring the sections on a single connection (`receive_offer`); on the second connection, of which
    the server makes the offers, they are added as needed (`prepare_offer`).
    """

    def __init__(self, participant: Participant, find_tracks: Callable[[], MediaTracks]) -> None:
        """`find_tracks` returns the tracks of the participant's room, which may change."""
        self._participant: Final = participant
        self._find_tracks: Final = find_tracks
        self._assigned: dict[Transceiver, Subscription] = {}

    def receive_offer(self, connection: MediaConnection) -> None:
        """Assign the client's sections, when its offer is known and before the answer is described."""
        self._release(lambda section: section.remote_direction.receives)
        free = [
            section
            for section in connection.transceivers
            if section.remote_direction is Direction.RECVONLY and section not in self._assigned
        ]
        for subscription, track in self._waiting():
            section = next((each for each in free if each.kind is KINDS[track.info.type]), None)
            if section is not None:
                free.remove(section)
                self._assign(section, subscription, track, Direction.SENDONLY)

    def prepare_offer(self, connection: MediaConnection) -> None:
        """Assign sections of the server's own, before its offer is described."""
        self._release(lambda section: True)
        free = [section for section in connection.transceivers if section not in self._assigned]
        for subscription, track in self._waiting():
            kind = KINDS[track.info.type]
            section = next((each for each in free if each.kind is kind), None)
            if section is None:
                section = connection.add_transceiver(kind, Direction.SENDRECV, subscribed_codecs(track.info))
            else:
                free.remove(section)
            self._assign(section, subscription, track, Direction.SENDRECV)
        for section in free:
            section.direction, section.stream_id = Direction.RECVONLY, None

    def _release(self, is_usable: Callable[[Transceiver], bool]) -> None:
        for section, subscription in list(self._assigned.items()):
            if subscription.track is None or not is_usable(section):
                del self._assigned[section]
                section.direction, section.stream_id = Direction.INACTIVE, None
                subscription.section = None

    def _waiting(self) -> Iterator[tuple[Subscription, PublishedTrack]]:
        """Yield the subscriptions that have no section, and their tracks."""
        assigned = set(self._assigned.values())
        for subscription in self._participant.media.subscriptions.values():
            if subscription.track is not None and subscription not in assigned:
                yield subscription, subscription.track

    def _assign(
        self, section: Transceiver, subscription: Subscription, track: PublishedTrack, direction: Direction
    ) -> None:
        section.direction = direction
        section.stream_id = MediaStreamId(f"{track.publisher_sid}|{track.sid}", track.sid)
        section.codecs = subscribed_codecs(track.info)
        section.extensions = ()
        self._assigned[section] = subscription

    def negotiated(self) -> None:
        """Begin to send what is assigned; call it after the answer was sent or received."""
        refused: list[Subscription] = []
        for section, subscription in self._assigned.items():
            direction = section.current_direction
            if subscription.section is not None or subscription.track is None or direction is None:
                continue
            if not section.current_codecs:
                refused.append(subscription)
            elif direction.sends:
                subscription.section = section
                self._find_tracks().subscribed(subscription)
        for subscription in refused:
            self._find_tracks().codec_unsupported(self._participant, subscription)

    def mid_to_track_id(self) -> dict[str, str]:
        """Return the sids of the tracks in the current description, by mid."""
        return {
            section.mid: subscription.track_sid
            for section, subscription in self._assigned.items()
            if section.mid is not None and subscription.track is not None
        }

    @property
    def is_settled(self) -> bool:
        """True if the description has exactly the sections that the subscriptions need."""
        return not any(True for _ in self._waiting()) and all(each.track for each in self._assigned.values())

    def requirement(self, connection: MediaConnection) -> rtc.MediaSectionsRequirement:
        """Return the numbers of sections that the client must add to its next offer."""
        needed = Counter(KINDS[track.info.type] for _, track in self._waiting())
        free = Counter(
            section.kind
            for section in connection.transceivers
            if section.remote_direction is Direction.RECVONLY
            and (section not in self._assigned or self._assigned[section].track is None)
        )
        missing = needed - free
        return rtc.MediaSectionsRequirement(num_audios=missing[MediaKind.AUDIO], num_videos=missing[MediaKind.VIDEO])

    def connection_replaced(self) -> None:
        """Forget all sections; the subscriptions wait for those of the new connection."""
        for subscription in self._assigned.values():
            subscription.section = None
        self._assigned.clear()
