from __future__ import annotations

import asyncio

import pytest

from livekit._room.signal_requests import REQUEST_TIMEOUT, SignalRequests
from livekit.errors import RequestError, RequestTimeoutError, SessionClosedError
from livekit.protocol import rtc
from livekit.testing import VirtualClock


class Line:
    def __init__(self) -> None:
        self.sent: list[rtc.SignalRequest] = []
        self.requests = SignalRequests(self.sent.append)

    async def ask(self) -> asyncio.Task[None]:
        update = rtc.UpdateParticipantMetadata(name="x")
        task = asyncio.ensure_future(self.requests.update_metadata(update))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return task

    def answer(self, request: rtc.SignalRequest, reason: rtc.RequestResponse.Reason, message: str = "") -> None:
        request_id = request.update_metadata.request_id
        self.requests.on_response(rtc.RequestResponse(request_id=request_id, reason=reason, message=message))


async def test_each_request_gets_its_own_answer() -> None:
    line = Line()
    first, second = await line.ask(), await line.ask()
    line.answer(line.sent[1], rtc.RequestResponse.NOT_ALLOWED, "you may not")
    line.answer(line.sent[0], rtc.RequestResponse.OK)
    line.answer(line.sent[0], rtc.RequestResponse.NOT_FOUND)
    await first
    with pytest.raises(RequestError, match="you may not") as caught:
        await second
    assert (caught.value.reason, caught.value.message) == ("NOT_ALLOWED", "you may not")
    line.answer(line.sent[0], rtc.RequestResponse.OK)


async def test_a_reason_that_is_newer_than_we_are() -> None:
    line = Line()
    asked = await line.ask()
    answer = rtc.RequestResponse(request_id=line.sent[0].update_metadata.request_id)
    answer.MergeFromString(bytes((2 << 3, 99)))
    line.requests.on_response(answer)
    with pytest.raises(RequestError, match="the server refused: 99"):
        await asked


async def test_no_answer() -> None:
    with VirtualClock():
        line = Line()
        started = asyncio.get_running_loop().time()
        with pytest.raises(RequestTimeoutError, match="did not answer"):
            await (await line.ask())
        assert asyncio.get_running_loop().time() - started == pytest.approx(REQUEST_TIMEOUT)


async def test_the_end_of_the_room() -> None:
    line = Line()
    asked = await line.ask()
    line.requests.close()
    with pytest.raises(SessionClosedError):
        await asked
