from __future__ import annotations

from collections.abc import Sequence

import pytest

from livekit.webrtc.sctp.chunks import Parameters, encode_parameter, parse_parameters
from livekit.webrtc.sctp.congestion import CongestionControl
from livekit.webrtc.sctp.constants import NEVER, Parameter
from livekit.webrtc.sctp.data_receiver import DataReceiver
from livekit.webrtc.sctp.data_sender import DataSender
from livekit.webrtc.sctp.packet import ChunkError
from livekit.webrtc.sctp.reconfig import MAX_STREAMS_PER_REQUEST, Result, StreamReset
from livekit.webrtc.sctp.rto import RetransmissionTimeout
from livekit.webrtc.sctp.send_queue import SendQueue

OURS, THEIRS = 100, 0xFFFF_FFFF


class Side:
    def __init__(self) -> None:
        rto = RetransmissionTimeout()
        self.receiver = DataReceiver(THEIRS, lambda stream, ppid, data: None)
        outbound = DataSender(OURS, rto, CongestionControl(), SendQueue())
        self.reset = StreamReset(self.receiver, outbound, rto, OURS)
        self.incoming: list[tuple[int, ...]] = []
        self.outgoing: list[tuple[tuple[int, ...], bool]] = []
        self.reset.on_incoming_reset = self._on_incoming
        self.reset.on_outgoing_reset = self._on_outgoing

    def _on_incoming(self, streams: Sequence[int]) -> None:
        self.incoming.append(tuple(streams))

    def _on_outgoing(self, streams: Sequence[int], performed: bool) -> None:
        self.outgoing.append((tuple(streams), performed))


def words(*values: int) -> bytes:
    return b"".join((value & 0xFFFF_FFFF).to_bytes(4, "big") for value in values)


def response(sequence: int, result: Result) -> Parameters:
    return ((Parameter.RECONFIG_RESPONSE, words(sequence, result)),)


def request(sequence: int, last_tsn: int, *streams: int) -> Parameters:
    value = words(sequence, 0, last_tsn) + b"".join(stream.to_bytes(2, "big") for stream in streams)
    return ((Parameter.OUTGOING_RESET_REQUEST, value),)


def result_of(chunk: bytes | None) -> Result:
    assert chunk is not None
    ((kind, value),) = parse_parameters(chunk[4:])
    assert kind == Parameter.RECONFIG_RESPONSE
    return Result(int.from_bytes(value[4:8], "big"))


@pytest.fixture
def side() -> Side:
    return Side()


def test_single_request_is_retransmitted_until_answered(side: Side) -> None:
    assert side.reset.request(0.0) is None
    for stream in range(MAX_STREAMS_PER_REQUEST + 1):
        side.reset.reset(stream)
    first = side.reset.request(1.0)
    assert first is not None
    assert side.reset.request(1.1) is None
    assert side.reset.timer_at == 1.5
    assert side.reset.request(1.5) == first
    side.reset.receive(response(OURS, Result.IN_PROGRESS))
    side.reset.receive(response(OURS + 1, Result.PERFORMED))  # of no request of ours
    assert side.outgoing == []
    side.reset.receive(response(OURS, Result.PERFORMED))
    assert side.outgoing == [(tuple(range(MAX_STREAMS_PER_REQUEST)), True)]
    assert side.reset.timer_at == NEVER
    assert side.reset.request(2.0) is not None
    side.reset.receive(response(OURS + 1, Result.DENIED))
    assert side.outgoing[1:] == [((MAX_STREAMS_PER_REQUEST,), False)]


def test_duplicate_request_is_answered_but_not_performed_again(side: Side) -> None:
    for _ in range(2):
        assert result_of(side.reset.receive(request(THEIRS, THEIRS - 1, 4, 6))) is Result.PERFORMED
    assert side.incoming == [(4, 6)]


def test_request_is_deferred_until_its_data_has_arrived(side: Side) -> None:
    side.reset.perform_deferred()
    assert side.incoming == []
    assert result_of(side.reset.receive(request(THEIRS, THEIRS + 1, 4))) is Result.IN_PROGRESS
    side.receiver.cumulative_tsn += 1
    side.reset.perform_deferred()
    assert side.incoming == []
    side.receiver.cumulative_tsn += 1
    side.reset.perform_deferred()
    assert side.incoming == [(4,)]
    assert result_of(side.reset.receive(request(THEIRS, THEIRS + 1, 4))) is Result.PERFORMED


def test_request_out_of_sequence_is_not_answered(side: Side) -> None:
    assert side.reset.receive(request(THEIRS + 1, THEIRS - 1, 4)) is None
    assert side.incoming == []


def test_other_requests_are_denied(side: Side) -> None:
    for offset, kind in enumerate((Parameter.INCOMING_RESET_REQUEST, Parameter.TSN_RESET_REQUEST)):
        assert result_of(side.reset.receive(((kind, words(THEIRS + offset)),))) is Result.DENIED


@pytest.mark.parametrize("kind", [Parameter.RECONFIG_RESPONSE, Parameter.OUTGOING_RESET_REQUEST])
def test_malformed(side: Side, kind: Parameter) -> None:
    for value in (b"", words(THEIRS), words(THEIRS) + b"x"):
        if kind == Parameter.RECONFIG_RESPONSE or value != b"":
            with pytest.raises(ChunkError):
                side.reset.receive(parse_parameters(encode_parameter(kind, value)))


def test_requests_must_hold_their_fixed_fields(side: Side) -> None:
    """RFC 6525 sections 4.1 and 4.3."""
    for kind, value in ((Parameter.INCOMING_RESET_REQUEST, b"abc"), (Parameter.OUTGOING_RESET_REQUEST, words(THEIRS))):
        with pytest.raises(ChunkError):
            side.reset.receive(((kind, value),))
    assert side.incoming == []
