from __future__ import annotations

import pytest

from livekit.testing.netem import LinkOptions
from livekit.webrtc.sctp import ChannelState, CloseReason, State
from tests.webrtc.sctp.ends import Pair


def test_queued_messages_are_sent_first() -> None:
    pair = Pair().establish()
    channel, far = pair.open()
    for index in range(50):
        channel.send(bytes((index,)) * 5000)
    far.send(b"and back")
    pair.client.association.shutdown(pair.now)
    pair.run(lambda: bool(pair.client.closed and pair.server.closed))
    assert pair.client.closed == pair.server.closed == [CloseReason.SHUTDOWN]
    assert pair.server.messages["x"] == [bytes((index,)) * 5000 for index in range(50)]
    assert pair.client.messages["x"] == [b"and back"]
    assert pair.client.closed_channels == pair.server.closed_channels == ["x"]
    assert channel.state is far.state is ChannelState.CLOSED
    assert pair.client.association.next_timer() is pair.server.association.next_timer() is None


def test_simultaneous_shutdown() -> None:
    pair = Pair().establish()
    pair.client.association.shutdown(pair.now)
    pair.server.association.shutdown(pair.now)
    pair.run(lambda: bool(pair.client.closed and pair.server.closed), limit=1.0)
    assert pair.client.closed == pair.server.closed == [CloseReason.SHUTDOWN]


@pytest.mark.parametrize("seed", range(20))
def test_shutdown_on_a_bad_link(seed: int) -> None:
    pair = Pair(seed, LinkOptions(delay=0.02, loss=0.2, duplicate=0.1, jitter=0.02)).establish()
    pair.client.association.shutdown(pair.now)
    # A side that misses SHUTDOWN COMPLETE times out after its last retransmission.
    pair.run(lambda: bool(pair.client.closed and pair.server.closed))
    assert CloseReason.SHUTDOWN in {*pair.client.closed, *pair.server.closed}


def test_unreachable_peer_times_out() -> None:
    pair = Pair().establish()
    pair.network.a_to_b.options = LinkOptions(loss=1.0)
    pair.client.association.shutdown(pair.now)
    pair.run(lambda: bool(pair.client.closed), limit=30.0)
    assert pair.client.closed == [CloseReason.TIMEOUT]


def test_shutdown_during_the_handshake_aborts() -> None:
    pair = Pair(both_initiate=False)
    pair.client.association.shutdown(0.0)
    assert pair.client.closed == [CloseReason.LOCAL]
    assert pair.client.state is State.CLOSED
