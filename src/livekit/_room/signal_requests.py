"""Requests to the server over the signal connection, and its answers to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit._util.aio import within
from livekit._util.enum_names import enum_name
from livekit.errors import RequestError, RequestTimeoutError, SessionClosedError
from livekit.protocol import rtc

REQUEST_TIMEOUT = 5.0
"""Seconds until the server must have answered."""

_Reason = rtc.RequestResponse.Reason


class SignalRequests:
    """Sends requests and gives each its answer, by request id."""

    def __init__(self, send: Callable[[rtc.SignalRequest], None]) -> None:
        self._send = send
        self._last_id = 0
        self._pending: dict[int, asyncio.Future[rtc.RequestResponse]] = {}

    async def update_metadata(self, update: rtc.UpdateParticipantMetadata) -> None:
        """Ask for a change of our own name, metadata or attributes.

        Raises:
            RequestError: the server refused, and says why.
            RequestTimeoutError: it did not answer.
            SessionClosedError: the room was disconnected.
        """
        self._last_id += 1
        update.request_id = self._last_id
        answer = await self._ask(update.request_id, rtc.SignalRequest(update_metadata=update))
        if answer.reason != _Reason.OK:
            reason = enum_name(_Reason, answer.reason)
            raise RequestError(reason, answer.message or f"the server refused: {reason}")

    def answered(self, answer: rtc.RequestResponse) -> None:
        future = self._pending.get(answer.request_id)
        if future is not None and not future.done():
            future.set_result(answer)

    def close(self) -> None:
        """The room is not connected any more."""
        for future in self._pending.values():
            if not future.done():
                future.set_exception(SessionClosedError("the room was disconnected before the server answered"))

    async def _ask(self, request_id: int, request: rtc.SignalRequest) -> rtc.RequestResponse:
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
