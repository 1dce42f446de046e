"""Requests to the server over the signal connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit._util.aio import within
from livekit._util.enum_names import enum_name
from livekit.errors import RequestError, RequestTimeoutError, SessionClosedError
from livekit.protocol import rtc

REQUEST_TIMEOUT = 5.0
"""Seconds to wait for the server's response."""

_Reason = rtc.RequestResponse.Reason


class SignalRequests:
    """Sends signal requests and matches responses to them by request id."""

    def __init__(self, send: Callable[[rtc.SignalRequest], None]) -> None:
        self._send = send
        self._last_id = 0
        self._pending: dict[int, asyncio.Future[rtc.RequestResponse]] = {}

    async def update_metadata(self, update: rtc.UpdateParticipantMetadata) -> None:
        """Request a change of the local participant's name, metadata or attributes.

        Raises:
            RequestError: the server refused, with its reason.
            RequestTimeoutError: the server did not respond within `REQUEST_TIMEOUT`.
            SessionClosedError: the room was disconnected.
        """
        self._last_id += 1
        update.request_id = self._last_id
        response = await self._request(update.request_id, rtc.SignalRequest(update_metadata=update))
        if response.reason != _Reason.OK:
            reason = enum_name(_Reason, response.reason)
            raise RequestError(reason, response.message or f"the server refused: {reason}")

    def on_response(self, response: rtc.RequestResponse) -> None:
        """Complete the request that a response belongs to. Ignores responses to unknown requests."""
        future = self._pending.get(response.request_id)
        if future is not None and not future.done():
            future.set_result(response)

    def close(self) -> None:
        """Fail all pending requests with SessionClosedError."""
        for future in self._pending.values():
            if not future.done():
                future.set_exception(SessionClosedError("the room was disconnected before the server answered"))

    async def _request(self, request_id: int, request: rtc.SignalRequest) -> rtc.RequestResponse:
        future: asyncio.Future[rtc.RequestResponse] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = future
        try:
            self._send(request)
            return await within(REQUEST_TIMEOUT, _result(future))
        except asyncio.TimeoutError:
            raise RequestTimeoutError("TIMEOUT", f"the server did not answer within {REQUEST_TIMEOUT:g} s") from None
        finally:
            del self._pending[request_id]


async def _result(future: asyncio.Future[rtc.RequestResponse]) -> rtc.RequestResponse:
    return await future
