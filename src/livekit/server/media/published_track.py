"""A published track and its subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from livekit._util.callbacks import ignore
from livekit.protocol import models

if TYPE_CHECKING:
    from livekit.webrtc.media_interfaces import Transceiver

    from .track_output import TrackOutput
    from .track_streams import TrackStreams

__all__ = ["PublishedTrack", "Subscription"]


class PublishedTrack:
    """A track whose publisher has negotiated the media section that carries it."""

    def __init__(self, info: models.TrackInfo, cid: str, publisher_identity: str, publisher_sid: str) -> None:
        self.info: Final = info
        """As other participants receive it."""
        self.cid: Final = cid
        """The publisher's identifier in its request to publish the track."""
        self.publisher_identity: Final = publisher_identity
        self.publisher_sid = publisher_sid
        self.subscriptions: Final[dict[str, Subscription]] = {}
        """By identity of the subscriber."""
        self.section: Transceiver | None = None
        """The section that carries the track; None while the publisher's connection is being replaced."""
        self.streams: TrackStreams | None = None
        """The packets of the track, once it is connected."""
        self.was_subscribed = False
        """The publisher has been told of a first subscription."""

    @property
    def sid(self) -> str:
        return self.info.sid

    def has_cid(self, cid: str) -> bool:
        """Return whether this is the publisher's identifier in its request or in its description."""
        return cid == self.cid or any(cid in (codec.cid, codec.sdp_cid) for codec in self.info.codecs)

    def disconnect(self) -> None:
        """Receive no packets any more."""
        section, self.section = self.section, None
        if section is not None:
            section.on_packet = ignore


class Subscription:
    """One participant's wish to receive a track, which may not exist yet, and the state of its fulfilment."""

    def __init__(self, track_sid: str, now: float) -> None:
        self.track_sid: Final = track_sid
        self.requested_at: Final = now
        self.is_allowed: bool | None = None
        """The publisher's permission that the subscriber was last told of; None before the first."""
        self.track: PublishedTrack | None = None
        """None while the track does not exist or the subscriber may not have it."""
        self.output: TrackOutput | None = None
        """The stream to the subscriber; None until its section is negotiated."""
