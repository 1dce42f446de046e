"""HTTP routes of the signal connection: authorization of a join, and the WebSocket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import WSCloseCode, web

from livekit._util.exhaustion import exhausted_resource
from livekit.webrtc import PeerOptions, create_peer_connection

from . import limits
from .access_log import name_connection
from .admission import check_admission, parse_authorized_join
from .auth import AuthError, TokenAuthority
from .connection import Connection
from .join_request import check_query
from .permissions import Grants
from .responses import DisconnectReason, leave_response
from .room import JoinParameters
from .room_manager import JoinRefusedError, RoomManager
from .signal_socket import CLOSE_TIMEOUT, SignalSocket
from .tasks import OwnedTasks
from .transport_manager import PeerFactory

logger = logging.getLogger(__name__)

_BEARER = "Bearer "
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RtcRoutes:
    """`/rtc`, `/rtc/v1` and their `validate` routes."""

    def __init__(
        self,
        rooms: RoomManager,
        authority: TokenAuthority,
        tasks: OwnedTasks,
        *,
        peer_options: PeerOptions | None = None,
        make_peer: PeerFactory = create_peer_connection,
    ) -> None:
        self._rooms = rooms
        self._authority = authority
        self._tasks = tasks
        self._peer_options = peer_options
        self._make_peer = make_peer

    def add_to(self, app: web.Application) -> None:
        """Register the routes."""
        for path, single in (("/rtc", False), ("/rtc/v1", True)):
            app.router.add_get(path, self._join_handler(single))
            app.router.add_get(f"{path}/validate", self._validate_handler(single))

    def _validate_handler(self, single: bool) -> Handler:
        async def validate(request: web.Request) -> web.StreamResponse:
            try:
                check_query(request.query)
                self._authorize(request, single)
            except AuthError as error:
                return _refusal(error)
            return web.Response(text="success")

        return validate

    def _join_handler(self, single: bool) -> Handler:
        async def join(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Upgrade", "").lower() != "websocket":
                return web.Response(status=404)
            try:
                grants, parameters = self._authorize(request, single)
                check_admission(self._rooms, grants, parameters)
            except AuthError as error:
                return _refusal(error)
            response = web.WebSocketResponse(timeout=CLOSE_TIMEOUT, max_msg_size=limits.MAX_SIGNAL_MESSAGE)
            await response.prepare(request)
            socket = SignalSocket(response, self._tasks)
            try:
                await self._serve(socket, grants, parameters)
            except (OSError, ImportError, MemoryError) as error:
                resource = exhausted_resource(error)
                if resource is None:
                    raise
                self._tasks.warnings.warn("exhausted", "cannot serve a participant: %s", resource)
                socket.finish(WSCloseCode.TRY_AGAIN_LATER, "the server has no free file descriptors or memory")
            except Exception:
                socket.finish(WSCloseCode.INTERNAL_ERROR, "the server failed; see its log")
                raise
            finally:
                await socket.aclose()
            return response

        return join

    def _authorize(self, request: web.Request, single: bool) -> tuple[Grants, JoinParameters]:
        grants = self._authority.verify(_token_of(request))
        return parse_authorized_join(self._rooms, grants, request.query, single_peer_connection=single)

    async def _serve(self, socket: SignalSocket, grants: Grants, parameters: JoinParameters) -> None:
        if parameters.reconnect:
            await self._resume(socket, grants, parameters)
            return
        connection = Connection(
            socket,
            self._tasks,
            find_room=self._rooms.get,
            single_peer_connection=parameters.single_peer_connection,
            options=self._peer_options,
            make_peer=self._make_peer,
        )
        now = asyncio.get_running_loop().time()
        try:
            room, participant = self._rooms.join(grants, parameters, connection, now)
        except JoinRefusedError:
            connection.close()
            return
        name_connection(participant.sid)
        await connection.start(room, participant, parameters)

    async def _resume(self, socket: SignalSocket, grants: Grants, parameters: JoinParameters) -> None:
        found = self._rooms.find_resumable(grants, parameters)
        if found is None or not isinstance(found[1].link, Connection):
            socket.send(leave_response(DisconnectReason.STATE_MISMATCH))
            return
        name_connection(found[1].sid)
        await found[1].link.resume(socket, parameters)


async def health(request: web.Request) -> web.StreamResponse:
    """Respond that the server is up."""
    return web.Response(text="OK")


def bearer_token(request: web.Request) -> str:
    """Return the token of a request, from its header or query; empty if there is none.

    Raises:
        AuthError: The Authorization header has another scheme than Bearer.
    """
    header = request.headers.get("Authorization", "")
    if header and not header.startswith(_BEARER):
        raise AuthError(401, "invalid authorization header. Must start with Bearer ")
    return header.removeprefix(_BEARER) or request.query.get("access_token", "")


def _token_of(request: web.Request) -> str:
    token = bearer_token(request)
    if not token:
        raise AuthError(401, "no permissions to access the room")
    return token


def _refusal(error: AuthError) -> web.Response:
    logger.info("refused a join: %d %s", error.status, error.message)
    return web.Response(status=error.status, text=error.message)
