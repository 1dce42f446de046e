"""Decides whether a join is admitted, with the HTTP responses of LiveKit's server."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from livekit._util.logs import fields

from .auth import AuthError, check_join
from .join_request import REFUSED, as_publisher, check_allowed, check_sizes, parse_join
from .permissions import Grants
from .room import JoinParameters
from .room_manager import JoinRefusedError, RoomManager, ServerFullError

logger = logging.getLogger(__name__)


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
    """Check that a room has space for a new participant, and the sizes of its metadata and attributes.

    The response does not say why not, as with livekit-server 1.13.5, which does not check it in `/rtc/validate`.

    Raises:
        AuthError: With status 500.
    """
    check_sizes(grants, parameters)
    if parameters.reconnect:
        return
    try:
        rooms.check_space(grants)
    except JoinRefusedError as error:
        logger.info("refused a join: %s", error, extra=fields(room=grants.room, participant=grants.identity))
        raise AuthError(500, REFUSED) from error
