"""Decides whether a join is admitted, with the HTTP responses of LiveKit's server."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from livekit._util.logs import fields

from . import limits
from .auth import AuthError, check_join
from .join_request import as_publisher, check_allowed, parse_join
from .permissions import Grants, attributes_size
from .room import JoinParameters
from .room_manager import JoinRefusedError, RoomManager, ServerFullError

logger = logging.getLogger(__name__)

_REFUSED = "connection closed by media"
"""Response text of livekit-server 1.13.5 whenever a room refuses a join."""


def parse_authorized_join(
    rooms: RoomManager, grants: Grants, query: Mapping[str, str], *, single_peer_connection: bool
) -> tuple[Grants, JoinParameters]:
    """Return the grants and the join request in the query of a signaling URL.

    Raises:
        AuthError: The request is malformed or the token does not permit it, or the server has too many rooms.
    """
    check_join(grants)
    parameters = parse_join(query, single_peer_connection=single_peer_connection)
    check_allowed(grants, parameters)
    try:
        rooms.check_room_count(grants.room)
    except ServerFullError as error:
        raise AuthError(503, str(error)) from error
    return as_publisher(grants, query), parameters


def check_admission(rooms: RoomManager, grants: Grants, parameters: JoinParameters) -> None:
    """Check that a room has space for a new participant, and the sizes of a participant's metadata and attributes.

    As with livekit-server 1.13.5, the response does not give the reason, and `/rtc/validate` does not check this.

    Raises:
        AuthError: With status 500.
    """
    try:
        _check_sizes(grants, parameters)
        if not parameters.reconnect:
            rooms.check_space(grants)
    except JoinRefusedError as error:
        logger.info("refused a join: %s", error, extra=fields(room=grants.room, participant=grants.identity))
        raise AuthError(500, _REFUSED) from error


def _check_sizes(grants: Grants, parameters: JoinParameters) -> None:
    """Check the metadata and attributes to join or resume with. Raises JoinRefusedError."""
    metadata = parameters.metadata or grants.metadata
    attributes = {**grants.attributes, **parameters.new_attributes}
    if len(metadata.encode()) > limits.MAX_METADATA or attributes_size(attributes) > limits.MAX_ATTRIBUTES:
        raise JoinRefusedError(f"the metadata or the attributes of {grants.identity!r} are too long")
