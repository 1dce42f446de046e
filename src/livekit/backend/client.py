"""The server as a backend sees it."""

from __future__ import annotations

import asyncio
import http.client
from typing import TYPE_CHECKING

from livekit._util.aio import within
from livekit.rpc.invocation import RpcCallInfo

from .blocking import post
from .calls import BackendCall
from .twirp import MAX_ANSWER, Request, Server

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from livekit.errors import ConnectError


class Backend:
    """Calls the methods of a server's participants without being in their rooms.

    It holds settings and no connection: there is nothing to close, and every thread may use it.

    Args:
        url: of the server, as clients have it (ws, wss, http or https); None for LIVEKIT_URL.
        api_key: None for LIVEKIT_API_KEY.
        api_secret: None for LIVEKIT_API_SECRET.
        session: makes the requests of `perform_rpc` and keeps its connections; without one, each call has its own.

    Raises:
        ValueError: a setting is missing, or is no URL of a server.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        api_secret: str | None = None,
        *,
        session: ClientSession | None = None,
    ) -> None:
        self._server = Server.of(url, api_key, api_secret)
        self._session = session

    @property
    def url(self) -> str:
        """Where requests go, with http or https."""
        return self._server.url

    async def perform_rpc(
        self, *, room: str, destination_identity: str, method: str, payload: str, response_timeout: float | None = None
    ) -> str:
        """Call a method of a participant and return what its handler returned. It sees a caller that nobody can call.

        Args:
            room: the name of the room.
            destination_identity: whom to call.
            method: the name its handler is registered by.
            payload: LiveKit servers take at most 15,360 UTF-8 bytes.
            response_timeout: seconds for the whole call; None for 15. LiveKit servers send the request once more when
                3 s and 8 s passed without an answer, so that slower handlers run up to three times, and end each call
                after 15 s. The embedded server does neither.

        Raises:
            RpcError: the call failed; `code` says how. It is a `BackendRpcError`, which has the server's words, and
                `RecipientNotFoundError` or `BackendTimeoutError` where that is what happened.
            ConnectError: the server cannot be asked: `livekit.errors.ServerUnreachableError`, `AuthenticationError`
                (it refuses the key or the secret) or `NotLiveKitError`.
            ValueError: an argument cannot be right; a TypeError too if its type is wrong.

        Cancelling it ends the request; a handler that runs already is cancelled only where the server does that.
        """
        import aiohttp

        call = BackendCall.checked(room, RpcCallInfo(destination_identity, method, payload, response_timeout))
        request = call.request(self._server)
        try:
            status, body = await within(call.timeout, self._post(request))
        except asyncio.TimeoutError:
            raise call.timed_out() from None
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(error, request) from error
        return call.answer(request, status, body)

    def perform_rpc_sync(
        self, *, room: str, destination_identity: str, method: str, payload: str, response_timeout: float | None = None
    ) -> str:
        """`perform_rpc` for programs without asyncio: it blocks its thread, and needs no event loop.

        The same arguments, the same errors. Resolving the server's name may take longer than `response_timeout`.
        """
        call = BackendCall.checked(room, RpcCallInfo(destination_identity, method, payload, response_timeout))
        request = call.request(self._server)
        try:
            status, body = post(request, call.timeout)
        except TimeoutError:
            raise call.timed_out() from None
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(error, request) from error
        return call.answer(request, status, body)

    async def _post(self, request: Request) -> tuple[int, bytes]:
        from aiohttp import ClientSession, TCPConnector

        if self._session is not None:
            return await _post(self._session, request)
        async with ClientSession(connector=TCPConnector(force_close=True)) as session:
            return await _post(session, request)


async def _post(session: ClientSession, request: Request) -> tuple[int, bytes]:
    from aiohttp import ClientTimeout

    async with session.post(
        request.url, data=request.body, headers=request.headers, allow_redirects=False, timeout=ClientTimeout()
    ) as response:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_ANSWER:
                break
        return response.status, bytes(body)


def unreachable(error: Exception, request: Request) -> ConnectError:
    """Why a request had no answer, in words that help."""
    from yarl import URL

    from livekit.signaling.failures import classify_exception

    return classify_exception(error, URL(request.url))
