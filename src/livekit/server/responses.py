"""Signal responses that start, resume and end a session."""

from __future__ import annotations

from collections.abc import Iterable

from livekit.protocol import models, rtc
from livekit.rpc.wire import SERVER_ANNOUNCES_JOINS
from livekit.signaling.join_request import CONTINUATION_FLAG

from . import limits

DisconnectReason = models.DisconnectReason

PROTOCOL_VERSION = 17
"""Version of LiveKit's signaling protocol that the server implements."""

COMPATIBLE_VERSION = "1.9.0"
"""Version of LiveKit's server whose behavior towards data clients this server follows. Clients detect features by it:
below 1.8.0 they refuse RPC, from 1.9.0 they expect the single peer connection."""

_RECONNECT_REASONS = frozenset({DisconnectReason.STATE_MISMATCH, DisconnectReason.CONNECTION_TIMEOUT})
"""Reasons of a broken connection, after which the client may reconnect on its own."""


def server_info() -> models.ServerInfo:
    """Return the server info that clients receive."""
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
    sif_trailer: bytes,
) -> rtc.SignalResponse:
    """Return the response that admits a participant to a room."""
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
            sif_trailer=sif_trailer,
        )
    )


def reconnect_response(last_sequence: int) -> rtc.SignalResponse:
    """Return the response to a resume, with the sequence number of the last reliable packet received."""
    return rtc.SignalResponse(
        reconnect=rtc.ReconnectResponse(server_info=server_info(), last_message_seq=last_sequence)
    )


def leave_response(reason: models.DisconnectReason) -> rtc.SignalResponse:
    """Return the request to leave, with the reason and whether to reconnect."""
    reconnect = reason in _RECONNECT_REASONS
    action = rtc.LeaveRequest.RECONNECT if reconnect else rtc.LeaveRequest.DISCONNECT
    return rtc.SignalResponse(leave=rtc.LeaveRequest(reason=reason, action=action, can_reconnect=reconnect))
