"""The sections of a connection in which its participant receives the tracks that it is subscribed to. No I/O."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from livekit.protocol import models, rtc
from livekit.server.participant import Participant
from livekit.webrtc.media_interfaces import Direction, MediaConnection, MediaKind, MediaStreamId, Transceiver

from .codecs import subscribed_codecs
from .connection_reports import ConnectionReports
from .forwarder import Forwarder
from .layers import HIGH
from .media_tracks import MediaTracks
from .published_track import PublishedTrack, Subscription
from .track_output import TrackOutput
from .track_streams import TrackStreams

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
        self._outputs: dict[Transceiver, TrackOutput] = {}
        self._retired: list[TrackOutput] = []
        """Outputs whose section is used again."""
        self._sources: dict[Transceiver, TrackStreams] = {}
        """What each output forwards."""

    # Descriptions

    def receive_offer(self, connection: MediaConnection, now: float) -> None:
        """Assign the client's sections, when its offer is known and before the answer is described."""
        released = self._release(lambda section: section.remote_direction.receives, now)
        free = [
            section
            for section in connection.transceivers
            if section.remote_direction is Direction.RECVONLY and section not in (*self._assigned, *released)
        ]
        for subscription, track in self._waiting():
            section = next((each for each in free if each.kind is KINDS[track.info.type]), None)
            if section is not None:
                free.remove(section)
                self._assign(section, subscription, track, Direction.SENDONLY)

    def prepare_offer(self, connection: MediaConnection, now: float) -> None:
        """Assign sections of the server's own, before its offer is described."""
        released = self._release(lambda section: True, now)
        free = [section for section in connection.transceivers if section not in (*self._assigned, *released)]
        for subscription, track in self._waiting():
            kind = KINDS[track.info.type]
            section = next((each for each in free if each.kind is kind), None)
            if section is None:
                section = connection.add_transceiver(kind, Direction.SENDRECV, subscribed_codecs(track.info))
            else:
                free.remove(section)
            self._assign(section, subscription, track, Direction.SENDRECV)
        for section in (*free, *released):
            section.direction, section.stream_id = Direction.RECVONLY, None

    def _release(self, is_usable: Callable[[Transceiver], bool], now: float) -> list[Transceiver]:
        """End what sections carry that is not subscribed to any more; return these sections.

        They can be assigned in the next description: clients notice a track only if the section was inactive before.
        """
        released: list[Transceiver] = []
        for section, subscription in list(self._assigned.items()):
            if (subscription.track is None and not self._is_closing(section)) or not is_usable(section):
                self._detach(section, now)
                del self._assigned[section]
                section.direction, section.stream_id = Direction.INACTIVE, None
                released.append(section)
        return released

    def _waiting(self) -> Iterator[tuple[Subscription, PublishedTrack]]:
        """Yield the subscriptions that have no section, and their tracks.

        One to a track whose earlier subscription is being ended waits for that.
        """
        assigned = set(self._assigned.values())
        ending = {each.track_sid for section, each in self._assigned.items() if self._is_closing(section)}
        for subscription in self._participant.media.subscriptions.values():
            if subscription.track is not None and subscription not in assigned and subscription.track_sid not in ending:
                yield subscription, subscription.track

    def _is_closing(self, section: Transceiver) -> bool:
        """Return True while silence is sent in a section whose track ended.

        Until then it is negotiated: libwebrtc takes packets of a section that has ended for those of an unknown source.
        """
        output = self._outputs.get(section)
        return output is not None and self._assigned[section].track is None and output.next_poll is not None

    def _assign(
        self, section: Transceiver, subscription: Subscription, track: PublishedTrack, direction: Direction
    ) -> None:
        section.direction = direction
        section.stream_id = MediaStreamId(f"{track.publisher_sid}|{track.sid}", track.sid)
        section.codecs = subscribed_codecs(track.info)
        if section in self._outputs:
            self._retired.append(self._outputs.pop(section))
            section.ssrc = secrets.randbelow((1 << 32) - 1) + 1
        self._assigned[section] = subscription

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
        is_assigned = next(self._waiting(), None) is None
        return is_assigned and all(each.track or self._is_closing(section) for section, each in self._assigned.items())

    def requirement(self, connection: MediaConnection) -> rtc.MediaSectionsRequirement:
        """Return the numbers of sections that the client must add to its next offer."""
        needed = Counter(KINDS[track.info.type] for _, track in self._waiting())
        free = Counter(
            section.kind
            for section in connection.transceivers
            if section.remote_direction is Direction.RECVONLY
            and (section not in self._assigned or self._assigned[section].track is None)
            and not (section in self._assigned and self._is_closing(section))
        )
        missing = needed - free
        return rtc.MediaSectionsRequirement(num_audios=missing[MediaKind.AUDIO], num_videos=missing[MediaKind.VIDEO])

    # Packets

    def negotiated(self, reports: ConnectionReports, now: float) -> None:
        """Begin to send what is assigned; call it after the answer was sent or received."""
        for output in self._retired:
            reports.remove_output(output)
        self._retired.clear()
        refused: list[Subscription] = []
        for section, subscription in self._assigned.items():
            direction = section.current_direction
            if direction is None or subscription.track is None:
                continue
            if not section.current_codecs:
                refused.append(subscription)
            elif direction.sends:
                self._use_output(section, reports, now)
                self._find_tracks().subscribed(subscription)
        for subscription in refused:
            self._find_tracks().codec_unsupported(self._participant, subscription)
        self.refresh(now)

    def _use_output(self, section: Transceiver, reports: ConnectionReports, now: float) -> None:
        codecs, output = section.current_codecs, self._outputs.get(section)
        if output is None:
            forwarder = Forwarder(section.ssrc, codecs[0].clock_rate, codecs=codecs, now=now)
            output = self._outputs[section] = TrackOutput(forwarder, section.send_serialized, section.send_again)
        else:
            output.forwarder.codecs = codecs
        reports.add_output(output, section.stream_id.stream if section.stream_id is not None else "")

    def refresh(self, now: float) -> None:
        """Forward the tracks that the subscriptions have now, as the subscriber's settings say."""
        for section, subscription in self._assigned.items():
            output = self._outputs.get(section)
            if output is None:
                continue
            track = subscription.track
            if track is None or track.streams is None:
                self._detach(section, now)
                continue
            settings = self._participant.media.settings.get(track.sid)
            is_paused = track.info.muted or (settings is not None and settings.disabled)
            quality = HIGH if settings is None or settings.width else int(settings.quality)
            if self._sources.get(section) is not track.streams:
                self._detach(section, now)
                self._sources[section] = track.streams
                subscription.output = output
                output.quality = quality
                is_plain = track.info.encryption == models.Encryption.NONE
                output.trailer = b"" if is_plain else self._participant.media.sif_trailer
                track.streams.add(output, now, paused=is_paused)
            else:
                output.set_paused(is_paused, now)
                if output.quality != quality:
                    output.quality = quality
                    track.streams.choose(output, now)

    def _detach(self, section: Transceiver, now: float) -> None:
        source = self._sources.pop(section, None)
        if source is not None:
            source.remove(self._outputs[section], now)
            self._assigned[section].output = None

    def next_poll(self) -> float | None:
        """Return when `poll` has something to send; None if it has not."""
        return min((due for each in self._outputs.values() if (due := each.next_poll) is not None), default=None)

    def poll(self, now: float) -> None:
        """Send the silence that is due."""
        for output in self._outputs.values():
            output.poll(now)

    def outputs(self) -> Iterator[tuple[str, TrackOutput]]:
        """Yield the track sids and outputs of the subscriptions that are sent."""
        for section, subscription in self._assigned.items():
            if section in self._sources:
                yield subscription.track_sid, self._outputs[section]

    def connection_replaced(self, now: float) -> None:
        """Forget all sections; the subscriptions wait for those of the new connection."""
        for section in list(self._sources):
            self._detach(section, now)
        self._assigned.clear()
        self._outputs.clear()
        self._retired.clear()
