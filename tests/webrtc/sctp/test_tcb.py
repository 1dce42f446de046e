from __future__ import annotations

import pytest

from livekit.webrtc.sctp.constants import MAX_PENDING_REPLIES, ChunkType
from livekit.webrtc.sctp.packet import encode_chunk, iterate_chunks, verify
from livekit.webrtc.sctp.rto import RetransmissionTimeout
from livekit.webrtc.sctp.states import State
from livekit.webrtc.sctp.tcb import TransmissionControlBlock


@pytest.fixture
def tcb() -> TransmissionControlBlock:
    return TransmissionControlBlock(RetransmissionTimeout())


def test_initial_state(tcb: TransmissionControlBlock) -> None:
    assert tcb.state is State.CLOSED
    assert (tcb.local_tag, tcb.peer_tag, tcb.error_count) == (0, 0, 0)
    assert tcb.transfer is None


@pytest.mark.parametrize(
    ("state", "receives", "sends", "handshake_complete"),
    [
        (State.CLOSED, False, False, False),
        (State.COOKIE_WAIT, False, False, False),
        (State.COOKIE_ECHOED, False, False, False),
        (State.ESTABLISHED, True, True, True),
        (State.SHUTDOWN_PENDING, True, True, True),
        (State.SHUTDOWN_SENT, True, False, True),
        (State.SHUTDOWN_RECEIVED, False, True, True),
        (State.SHUTDOWN_ACK_SENT, False, False, True),
    ],
)
def test_state_determines_the_direction_of_data(
    tcb: TransmissionControlBlock, state: State, receives: bool, sends: bool, handshake_complete: bool
) -> None:
    """RFC 9260 sections 4, 6 and 9.2."""
    tcb.state = state
    assert (tcb.can_receive, tcb.can_send, tcb.handshake_complete) == (receives, sends, handshake_complete)


def test_control_chunks_are_bounded(tcb: TransmissionControlBlock) -> None:
    for index in range(MAX_PENDING_REPLIES + 5):
        tcb.send_control(bytes((index,)))
    assert tcb.control_chunks == [bytes((index,)) for index in range(MAX_PENDING_REPLIES)]


def test_unbundled_packets_have_their_own_tag_and_are_bounded(tcb: TransmissionControlBlock) -> None:
    tcb.peer_tag = 1
    for tag in range(MAX_PENDING_REPLIES + 5):
        tcb.send_packet(tag, encode_chunk(ChunkType.ABORT))
    assert [verify(packet) for packet in tcb.packets] == list(range(MAX_PENDING_REPLIES))
    assert [kind for kind, *_ in iterate_chunks(tcb.packets[0])] == [ChunkType.ABORT]
