"""The media tracks that one participant publishes and subscribes to."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Collection, Iterator
from typing import Final

from livekit.protocol import models, rtc

from .published_track import PublishedTrack, Subscription
from .subscription_permissions import SubscriptionPermissions

__all__ = ["ParticipantMedia", "PendingTracks"]

TRAILER_BYTES: Final = 32
"""Random bytes, which make 43 characters."""


class PendingTracks:
    """Tracks with one cid that the participant has asked to publish, and for which no section is negotiated yet."""

    def __init__(self, info: models.TrackInfo, *, is_queued: bool) -> None:
        self.infos: Final = deque([info])
        self.is_queued = is_queued
        """The first one waits until a published track with the same cid ends."""


class ParticipantMedia:
    """Tables of one participant's pending and published tracks, and of its subscriptions."""

    def __init__(self, *, auto_subscribe: bool = True) -> None:
        self.auto_subscribe: Final = auto_subscribe
        """Subscribe to every track of the room (`ConnectionSettings.auto_subscribe`)."""
        self.sif_trailer: Final = secrets.token_urlsafe(TRAILER_BYTES).encode()
        """The end of frames that the server inserts into encrypted tracks, which their receivers take in plaintext."""
        self.pending: Final[dict[str, PendingTracks]] = {}
        """By cid."""
        self.published: Final[dict[str, PublishedTrack]] = {}
        """By track sid."""
        self.subscriptions: Final[dict[str, Subscription]] = {}
        """By track sid."""
        self.settings: Final[dict[str, rtc.UpdateTrackSettings]] = {}
        """Settings of subscriptions by track sid; they may precede the subscription."""
        self.permissions: Final = SubscriptionPermissions()

    @property
    def is_in_use(self) -> bool:
        """True if the participant's connections may have to carry media."""
        return bool(self.pending or self.published or self.subscriptions)

    @property
    def track_count(self) -> int:
        """Number of pending and published tracks."""
        return len(self.published) + sum(len(pending.infos) for pending in self.pending.values())

    def active_subscriptions(self) -> Iterator[Subscription]:
        """Yield the subscriptions to existing tracks that the participant may have."""
        return (subscription for subscription in self.subscriptions.values() if subscription.track is not None)

    def is_subscribed_to(self, publisher_identity: str) -> bool:
        """Return whether the participant is subscribed to any track of another one."""
        return any(
            subscription.track is not None and subscription.track.publisher_identity == publisher_identity
            for subscription in self.subscriptions.values()
        )

    def find_pending(self, track_sid: str) -> models.TrackInfo | None:
        """Return the info of a pending track."""
        infos = (info for pending in self.pending.values() for info in pending.infos)
        return next((info for info in infos if info.sid == track_sid), None)

    def match_pending(self, stream_cid: str, kind: models.TrackType, claimed: Collection[str]) -> str | None:
        """Return the cid of the pending track that a section with this track id carries; None without one.

        A browser may give a track another id when it is added to a connection: then the first pending track of the
        kind matches. `claimed` are the cids of tracks that other sections carry.
        """
        first_of = {
            cid: pending.infos[0]
            for cid, pending in self.pending.items()
            if not pending.is_queued and cid not in claimed
        }
        if stream_cid in first_of:
            return stream_cid
        by_codec = (cid for cid, info in first_of.items() if any(codec.cid == stream_cid for codec in info.codecs))
        by_kind = (cid for cid, info in first_of.items() if info.type == kind)
        return next(by_codec, None) or next(by_kind, None)

    def pop_pending(self, cid: str) -> models.TrackInfo:
        """Remove and return the first pending track of a cid; further ones wait until it ends."""
        pending = self.pending[cid]
        info = pending.infos.popleft()
        if pending.infos:
            pending.is_queued = True
        else:
            del self.pending[cid]
        return info
