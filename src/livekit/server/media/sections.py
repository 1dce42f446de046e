"""The media of one participant's connections: sections, packets and reports. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from livekit.protocol import rtc
from livekit.server.participant import Participant
from livekit.webrtc.media_interfaces import MediaConnection
from livekit.webrtc.rtp.rtcp import RtcpPacket, TransportWideFeedback

from .connection_reports import ConnectionReports
from .media_tracks import MediaTracks
from .publication_sections import PublicationSections
from .speakers import UPDATE_INTERVAL
from .subscription_sections import SubscriptionSections
from .track_output import TrackOutput

__all__ = ["MediaSections"]


class MediaSections:
    """What a participant's peer connections carry: on a single one both directions, else each has its own."""

    def __init__(
        self,
        participant: Participant,
        find_tracks: Callable[[], MediaTracks],
        *,
        single: bool,
        clock: Callable[[], float],
    ) -> None:
        """`find_tracks` returns the tracks of the participant's room, which may change; `clock` is the room's."""
        self._participant: Final = participant
        self._find_tracks: Final = find_tracks
        self._single: Final = single
        self._clock: Final = clock
        self._publications: Final = PublicationSections(participant, find_tracks, clock)
        self._subscriptions: Final = SubscriptionSections(participant, find_tracks)
        self._reports: dict[MediaConnection, ConnectionReports] = {}
        self._requirement = rtc.MediaSectionsRequirement()
        """What the client was asked for last."""
        self._is_requested = False
        """The client has not offered since."""
        self._is_offer_known = False
        """The sections of the client's last offer are known; those of offers before media were not needed are not."""
        self._tracks_due = 0.0

    # The client's offers

    def receive_offer(self, connection: MediaConnection) -> None:
        """Describe the sections of the client's offer, before it is answered."""
        self._publications.receive_offer(connection)
        if self._single:
            self._subscriptions.receive_offer(connection, self._clock())

    def answer_sent(self, connection: MediaConnection) -> rtc.MediaSectionsRequirement | None:
        """Publish and subscribe as negotiated; return what the client must be asked for now, if anything."""
        now, reports = self._clock(), self._reports_of(connection)
        self._publications.negotiated(connection, reports, now)
        if not self._single:
            return None
        self._subscriptions.negotiated(reports, now)
        self._is_offer_known = True
        before, self._is_requested = self._requirement, False
        if self._subscriptions.is_settled:
            self._requirement = rtc.MediaSectionsRequirement()
        missing = self._subscriptions.requirement(connection)
        is_repeated = missing == before and missing != rtc.MediaSectionsRequirement()
        return None if is_repeated else self.requirement(connection)

    def requirement(self, connection: MediaConnection) -> rtc.MediaSectionsRequirement | None:
        """Return what the client must be asked for so that it makes another offer; None if that is not needed now."""
        if self._is_requested or self._subscriptions.is_settled:
            return None
        self._is_requested = True
        if self._is_offer_known:
            self._requirement = self._subscriptions.requirement(connection)
        return self._requirement

    def signal_lost(self) -> None:
        """Note that a request to the client may not have arrived."""
        self._is_requested = False

    def tracks_added(self, connection: MediaConnection) -> None:
        """Publish pending tracks whose section was negotiated before they were announced."""
        if connection in self._reports:
            self._publications.publish_claimed(connection, self._reports[connection], self._clock())

    def publisher_replaced(self, connection: MediaConnection) -> None:
        """Forget the sections of the publisher connection, which ends."""
        self._publications.connection_replaced()
        self._reports.pop(connection, None)
        if self._single:
            self._subscriptions.connection_replaced(self._clock())
            self._is_requested = self._is_offer_known = False
            self._requirement = rtc.MediaSectionsRequirement()

    # The server's offers

    def prepare_offer(self, connection: MediaConnection) -> None:
        """Describe the subscriptions in an offer of the server."""
        self._subscriptions.prepare_offer(connection, self._clock())

    def answer_received(self, connection: MediaConnection) -> None:
        """Begin to send the subscribed tracks."""
        self._subscriptions.negotiated(self._reports_of(connection), self._clock())

    @property
    def is_settled(self) -> bool:
        """True if the sections are those that the subscriptions need."""
        return self._subscriptions.is_settled

    def mid_to_track_id(self) -> dict[str, str]:
        """Return the sids of the subscribed tracks in the current description, by mid."""
        return self._subscriptions.mid_to_track_id()

    # Packets

    def refresh(self) -> None:
        """Apply changes of subscriptions, of their tracks, and of settings to what is sent."""
        self._subscriptions.refresh(self._clock())
        for reports in self._reports.values():
            self._publications.refresh(reports)

    def _reports_of(self, connection: MediaConnection) -> ConnectionReports:
        reports = self._reports.get(connection)
        if reports is None:
            reports = self._reports[connection] = ConnectionReports(connection.send_rtcp, self._clock())

            def receive(packets: Sequence[RtcpPacket | TransportWideFeedback]) -> None:
                reports.receive(packets, self._clock())

            connection.on_rtcp = receive
        return reports

    def outputs(self) -> Iterator[tuple[str, TrackOutput]]:
        """Yield the track sids and outputs of the subscriptions that are sent."""
        return self._subscriptions.outputs()

    def close(self) -> None:
        """End what is sent and received."""
        self._publications.connection_replaced()
        self._subscriptions.connection_replaced(self._clock())
        self._reports.clear()

    def next_timer(self) -> float | None:
        """Return when `handle_timer` must be called; None while there is no media."""
        due = [each.next_poll for each in self._reports.values()]
        due.append(self._subscriptions.next_poll())
        if self._participant.media.published:
            due.append(self._tracks_due)
        return min((each for each in due if each is not None), default=None)

    def handle_timer(self) -> None:
        """Send reports and silence, and update the speakers of the room."""
        now = self._clock()
        for reports in self._reports.values():
            due = reports.next_poll
            if due is not None and now >= due:
                reports.poll(now)
        self._subscriptions.poll(now)
        if now >= self._tracks_due and self._participant.media.published:
            self._tracks_due = now + UPDATE_INTERVAL
            for track in self._participant.media.published.values():
                if track.streams is not None:
                    track.streams.poll(now)
            self._find_tracks().update_speakers(now)
