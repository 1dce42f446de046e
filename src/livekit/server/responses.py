"""The signal messages that a room opens and ends with."""

from __future__ import annotations

from collections.abc import Iterable

from livekit.protocol import models, rtc
from livekit.rpc.wire import SERVER_ANNOUNCES_JOINS
from livekit.signaling.join_request import CONTINUATION_FLAG

from . import limits

DisconnectReason = models.DisconnectReason

PROTOCOL_VERSION = 17
"""The signalling protocol spoken here, as LiveKit counts it."""

COMPATIBLE_VERSION = "1.9.0"
"""The LiveKit server whose behaviour towards data clients this one follows. Clients read it to tell what a server can
do: below 1.8.0 they refuse RPC, from 1.9.0 they expect the single peer connection."""

_RECONNECT_REASONS = frozenset({DisconnectReason.STATE_MISMATCH, DisconnectReason.CONNECTION_TIMEOUT})
"""The connection went wrong, not the participant: its client may come back by itself."""


def server_info() -> models.ServerInfo:
    """What the server says about itself."""
    return models.ServerInfo(
        edition=models.ServerInfo.Standard,
        version=COMPATIBLE_VERSION,
        protocol=PROTOCOL_VERSION,
        debug_info=f"{SERVER_ANNOUNCES_JOINS} {CONTINUATION_FLAG}",
    )


def join_response(
    room: models.Room,
    participant: models.ParticipantInfo,
    others: Iterable[models.ParticipantInfo],
    *,
    subscriber_primary: bool,
) -> rtc.SignalResponse:
    """Tell a participant that it is in the room."""
    info = server_info()
    return rtc.SignalResponse(
        join=rtc.JoinResponse(
            room=room,
            participant=participant,
            other_participants=others,
            server_info=info,
            server_version=info.version,
            subscriber_primary=subscriber_primary,
            ping_interval=limits.PING_INTERVAL,
            ping_timeout=limits.PING_TIMEOUT,
            fast_publish=True,
        )
    )


def reconnect_response(last_sequence: int) -> rtc.SignalResponse:
    """Tell a participant that it is back, and which of its reliable packets came last."""
    return rtc.SignalResponse(
        reconnect=rtc.ReconnectResponse(server_info=server_info(), last_message_seq=last_sequence)
    )


def leave_response(reason: models.DisconnectReason) -> rtc.SignalResponse:
    """Tell a participant that it is out, and whether to come back."""
    reconnect = reason in _RECONNECT_REASONS
    action = rtc.LeaveRequest.RECONNECT if reconnect else rtc.LeaveRequest.DISCONNECT
    return rtc.SignalResponse(leave=rtc.LeaveRequest(reason=reason, action=action, can_reconnect=reconnect))
