"""The permissions that a publisher gives to subscribe to its tracks."""

from __future__ import annotations

import logging
from collections.abc import Callable

from livekit.protocol import rtc

__all__ = ["SubscriptionPermissions"]

logger = logging.getLogger(__name__)


class SubscriptionPermissions:
    """Decides which identities may subscribe to which tracks of one publisher; all may until a first update."""

    def __init__(self) -> None:
        self._allowed: dict[str, rtc.TrackPermission] | None = None
        """By identity; None allows everything."""

    def update(self, request: rtc.SubscriptionPermission, identity_of: Callable[[str], str | None]) -> bool:
        """Replace all permissions; return False, and change nothing, if an entry names no participant.

        `identity_of` returns the identity of the participant with a sid, None if there is none: its entry is skipped.
        """
        if request.all_participants:
            self._allowed = None
            return True
        allowed: dict[str, rtc.TrackPermission] = {}
        for permission in request.track_permissions:
            sid = permission.participant_sid
            identity: str | None = permission.participant_identity
            if not identity and not sid:
                logger.debug("ignoring a subscription permission without identity and sid of a participant")
                return False
            identity = identity or identity_of(sid)
            if identity:
                allowed[identity] = permission
        self._allowed = allowed
        return True

    def allows(self, identity: str, track_sid: str) -> bool:
        """Return whether a participant may subscribe to a track."""
        if self._allowed is None:
            return True
        permission = self._allowed.get(identity)
        return permission is not None and (permission.all_tracks or track_sid in permission.track_sids)
