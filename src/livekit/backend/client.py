"""The public API: RPC calls to participants through a server's RoomService."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit._event_loop import check_loop
from livekit.rpc.invocation import RpcCallInfo

from .calls import BackendCall
from .http import load_http_client, post
from .sync import run_sync
from .twirp import TwirpEndpoint

if TYPE_CHECKING:
    from aiohttp import ClientSession


class Backend:
    """Calls methods of a server's participants without joining their rooms.

    Holds settings and no connection: there is nothing to close, and instances are thread-safe.

    Args:
        url: the server's URL as clients use it (ws, wss, http or https); None for LIVEKIT_URL, and by default that of
            `livekit dev`, ws://127.0.0.1:7880.
        api_key: None for LIVEKIT_API_KEY. For a server on this machine (loopback URL) the default is `devkey` with its
            secret, that of `livekit dev`.
        api_secret: None for LIVEKIT_API_SECRET.
        session: makes the requests of `perform_rpc` and pools its connections; None to open one connection per call.

    Raises:
        ValueError: the URL is invalid, or the key or the secret is missing.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        api_secret: str | None = None,
        *,
        session: ClientSession | None = None,
    ) -> None:
        load_http_client()  # now, so that the first call has its whole timeout
        self._endpoint = TwirpEndpoint.from_settings(url, api_key, api_secret)
        self._session = session

    @property
    def url(self) -> str:
        """The base URL of requests, with scheme http or https."""
        return self._endpoint.url

    async def perform_rpc(
        self, *, room: str, destination_identity: str, method: str, payload: str, response_timeout: float | None = None
    ) -> str:
        """Call a participant's method and return the handler's response. The caller is not in the room.

        Args:
            room: the room's name.
            destination_identity: the participant to call.
            method: the name that the handler is registered under.
            payload: up to 15,360 UTF-8 bytes on LiveKit servers.
            response_timeout: seconds for the whole call; None for 15. LiveKit servers repeat the request after 3 s and
                8 s without a response, so a slower handler runs up to three times, and end each call after 15 s. The
                embedded server does neither.

        Raises:
            RpcError: the call failed with `code`. Always a `BackendRpcError`, which has the server's own text; a
                `RecipientNotFoundError` or `BackendTimeoutError` where one of these applies.
            ConnectError: the server cannot process requests: `livekit.errors.ServerUnreachableError`,
                `AuthenticationError` (key or secret rejected) or `NotLiveKitError`.
            ValueError: an invalid argument; also a TypeError if its type is wrong.
            EventLoopError: `session` belongs to another event loop.

        Cancellation aborts the HTTP request; a running handler is cancelled only if the server does so.
        """
        call = BackendCall.create(room, RpcCallInfo(destination_identity, method, payload, response_timeout))
        if self._session is not None:
            check_loop(self._session._loop, "the session of this Backend")  # noqa: SLF001 - aiohttp deprecated `loop`
        return await self._perform(call, self._session)

    def perform_rpc_sync(
        self, *, room: str, destination_identity: str, method: str, payload: str, response_timeout: float | None = None
    ) -> str:
        """Call `perform_rpc` from synchronous code: blocks the thread, needs no event loop and ignores `session`.

        Takes the same arguments and raises the same errors. Ctrl-C aborts it. Resolving the server's host name may take
        longer than `response_timeout`.
        """
        call = BackendCall.create(room, RpcCallInfo(destination_identity, method, payload, response_timeout))
        return run_sync(self._perform(call, None))

    async def _perform(self, call: BackendCall, session: ClientSession | None) -> str:
        request = call.request(self._endpoint)
        try:
            response = await post(request, call.timeout, session)
        except TimeoutError:
            raise call.timeout_error() from None
        return call.parse_response(request, response)
