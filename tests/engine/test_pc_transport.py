from __future__ import annotations

import asyncio

import pytest

from livekit.engine.pc_transport import PCTransport
from livekit.protocol import rtc
from livekit.webrtc import PeerState
from tests.engine.fake_peer import FakePeer


class Negotiation:
    """A transport, the signals that it sends, and the events that it reports."""

    def __init__(self) -> None:
        self.peer = FakePeer()
        self.sent: list[rtc.SignalRequest] = []
        self.failures: list[str] = []
        self.transport = PCTransport(self.peer, rtc.PUBLISHER, self.sent.append, self.failures.append)


async def run_steps() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_steps_are_applied_in_order() -> None:
    ends = Negotiation()
    offer = await ends.transport.create_offer()
    ends.transport.handle_answer(rtc.SessionDescription(type="answer", sdp="answer", id=offer.id))
    ends.transport.add_candidate("candidate")
    ends.transport.handle_offer(rtc.SessionDescription(type="offer", sdp="second", id=7))
    await run_steps()
    assert ends.peer.steps == ["offer", "answer", "candidate", "second"]
    (answer,) = (request.answer for request in ends.sent)
    assert (answer.type, answer.sdp, answer.id) == ("answer", "answer to second", 7)
    await ends.transport.close()


@pytest.mark.parametrize(("offer_id", "applied"), [(0, True), (2, True), (1, False)])
async def test_only_the_answer_to_the_last_offer_is_applied(offer_id: int, applied: bool) -> None:
    ends = Negotiation()
    await ends.transport.create_offer()
    await ends.transport.create_offer(ice_restart=True)
    ends.transport.handle_answer(rtc.SessionDescription(type="answer", sdp="answer", id=offer_id))
    await run_steps()
    assert ends.peer.steps == ["offer", "restart", *(["answer"] if applied else [])]
    await ends.transport.close()


@pytest.mark.parametrize("error", [ValueError("bad SDP"), RuntimeError("a bug")])
async def test_failed_step_is_reported_and_later_steps_run(error: Exception) -> None:
    ends = Negotiation()
    ends.peer.error = error
    ends.transport.add_candidate("bad")
    ends.transport.add_candidate("good")
    await run_steps()
    assert str(error) in ends.failures[0]
    assert ends.peer.steps == ["good"]
    await ends.transport.close()
    assert ends.peer.state is PeerState.CLOSED


async def test_local_candidates_are_trickled() -> None:
    ends = Negotiation()
    ends.peer.on_candidate("candidate")
    ends.peer.on_candidate(None)
    (request,) = ends.sent
    assert (request.trickle.candidateInit, request.trickle.target) == ("candidate", rtc.PUBLISHER)


async def test_changes_are_offered_after_the_answer_to_the_offer_before() -> None:
    ends = Negotiation()
    first = await ends.transport.create_offer()
    ends.transport.negotiate()
    ends.transport.negotiate()
    await run_steps()
    assert ends.sent == []
    ends.transport.handle_answer(rtc.SessionDescription(type="answer", sdp="answer", id=first.id))
    await run_steps()
    assert [request.offer.id for request in ends.sent] == [first.id + 1]
    ends.transport.repeat_offer()
    await run_steps()
    assert [request.offer.id for request in ends.sent] == [first.id + 1, first.id + 2]
    ends.transport.handle_answer(rtc.SessionDescription(type="answer", sdp="second", id=first.id + 2))
    await run_steps()
    ends.transport.repeat_offer()
    await run_steps()
    assert len(ends.sent) == 2
    await ends.transport.close()
