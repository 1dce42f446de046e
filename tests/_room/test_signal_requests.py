from __future__ import annotations

import asyncio

import pytest

from livekit._room.signal_requests import REQUEST_TIMEOUT, SignalRequests
from livekit.errors import RequestError, RequestTimeoutError, SessionClosedError
from livekit.protocol import rtc
from livekit.testing import VirtualClock


class FakeSignalConnection:
    def __init__(self) -> None:
        self.sent: list[rtc.SignalRequest] = []
        self.requests = SignalRequests(self.sent.append)

    async def request(self) -> asyncio.Task[None]:
        update = rtc.UpdateParticipantMetadata(name="x")
        task = asyncio.ensure_future(self.requests.update_metadata(update))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return task

    def respond(self, request: rtc.SignalRequest, reason: rtc.RequestResponse.Reason, message: str = "") -> None:
        request_id = request.update_metadata.request_id
        self.requests.on_response(rtc.RequestResponse(request_id=request_id, reason=reason, message=message))


async def test_responses_are_matched_by_request_id() -> None:
    signal = FakeSignalConnection()
    first, second = await signal.request(), await signal.request()
    signal.respond(signal.sent[1], rtc.RequestResponse.NOT_ALLOWED, "you may not")
    signal.respond(signal.sent[0], rtc.RequestResponse.OK)
    signal.respond(signal.sent[0], rtc.RequestResponse.NOT_FOUND)
    await first
    with pytest.raises(RequestError, match="you may not") as caught:
        await second
    assert (caught.value.reason, caught.value.message) == ("NOT_ALLOWED", "you may not")
    signal.respond(signal.sent[0], rtc.RequestResponse.OK)


async def test_unknown_reason_is_reported_as_a_number() -> None:
    signal = FakeSignalConnection()
    pending = await signal.request()
    response = rtc.RequestResponse(request_id=signal.sent[0].update_metadata.request_id)
    response.MergeFromString(bytes((2 << 3, 99)))
    signal.requests.on_response(response)
    with pytest.raises(RequestError, match="the server refused: 99"):
        await pending


async def test_missing_response_times_out() -> None:
    with VirtualClock():
        signal = FakeSignalConnection()
        started = asyncio.get_running_loop().time()
        with pytest.raises(RequestTimeoutError, match="did not answer"):
            await (await signal.request())
        assert asyncio.get_running_loop().time() - started == pytest.approx(REQUEST_TIMEOUT)


async def test_close_fails_pending_requests() -> None:
    signal = FakeSignalConnection()
    pending = await signal.request()
    signal.requests.close()
    with pytest.raises(SessionClosedError):
        await pending
