"""The transport of one participant, on peer connections without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import pytest

from livekit._util.callbacks import ignore
from livekit.datatracks.packet import CHANNEL as TRACK_LABEL
from livekit.protocol import rtc
from livekit.server import limits
from livekit.server.transport_manager import (
    FAIR_QUEUE_THRESHOLD,
    LOSSY_LABEL,
    RELIABLE_LABEL,
    PeerFactory,
    TransportCallbacks,
    TransportManager,
)
from livekit.webrtc import ChannelError, ChannelOptions, DataChannel, PeerOptions, PeerState
from livekit.webrtc.interfaces import IceServerSettings


class FakeChannel:
    """A data channel that records sent messages, and buffers them while `is_blocked`."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.is_open = True
        self.is_blocked = False
        self.refuses = False
        self.buffered_amount = 0
        self.buffered_amount_low_threshold = 0
        self.send_window = 0
        self.sent: list[bytes] = []
        self.on_open: Callable[[], None] = ignore
        self.on_message: Callable[[bytes], None] = ignore
        self.on_close: Callable[[], None] = ignore
        self.on_buffered_amount_low: Callable[[], None] = ignore

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None) -> None:
        if self.refuses:
            raise ChannelError("not open")
        self.sent.append(data)
        self.buffered_amount += len(data) if self.is_blocked else 0

    def unblock(self) -> None:
        self.is_blocked = False
        self.buffered_amount = 0
        self.on_buffered_amount_low()


class FakePeer:
    """A peer connection whose state and channels the test controls."""

    def __init__(self, options: PeerOptions | None) -> None:
        self.on_state: Callable[[PeerState], None] = ignore
        self.on_channel: Callable[[DataChannel], None] = ignore
        self.on_candidate: Callable[[str | None], None] = ignore
        self.state = PeerState.NEW
        self.max_message_size = 65_536
        self.round_trip_time: float | None = None
        self.channels: dict[str, FakeChannel] = {}
        self.answers: list[str] = []
        self.candidates: list[str | None] = []
        self.cannot_offer = False

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        raise NotImplementedError

    def create_channel(self, options: ChannelOptions) -> FakeChannel:
        channel = self.channels[options.label] = FakeChannel(options.label)
        return channel

    async def create_offer(self, *, ice_restart: bool = False) -> str:
        if self.cannot_offer:
            raise ValueError("closed")
        return "restart" if ice_restart else "offer"

    async def accept_offer(self, sdp: str) -> str:
        return f"answer to {sdp}"

    async def accept_answer(self, sdp: str) -> None:
        self.answers.append(sdp)

    async def add_candidate(self, candidate: str | None) -> None:
        self.candidates.append(candidate)

    async def close(self) -> None:
        self.become(PeerState.CLOSED)

    def become(self, state: PeerState) -> None:
        self.state = state
        self.on_state(state)

    def open_channel(self, label: str) -> FakeChannel:
        """Open a channel from the client's side."""
        channel = FakeChannel(label)
        self.on_channel(channel)
        return channel


class Transport:
    """A TransportManager, its peer connections, and the callbacks that it made."""

    def __init__(self, *, single: bool) -> None:
        self.peers: list[FakePeer] = []
        self.signals: list[rtc.SignalResponse] = []
        self.packets: list[tuple[bytes, bool]] = []
        self.track_packets: list[bytes] = []
        self.events: list[str] = []
        callbacks = TransportCallbacks(
            on_signal=self.signals.append,
            on_packet=lambda data, reliable: self.packets.append((data, reliable)),
            on_track_packet=self.track_packets.append,
            on_connected=lambda: self.events.append("connected"),
            on_disconnected=lambda: self.events.append("disconnected"),
            on_failed=lambda: self.events.append("failed"),
            find_sections=lambda needed: None,
            on_replaced=lambda: self.events.append("replaced"),
        )
        self.manager = TransportManager(callbacks, single=single, make_peer=cast(PeerFactory, self._make_peer))

    def _make_peer(self, options: PeerOptions | None) -> FakePeer:
        self.peers.append(FakePeer(options))
        return self.peers[-1]

    def connect(self) -> FakeChannel:
        """Connect a single peer connection; return its reliable channel."""
        channel = self.peers[-1].open_channel(RELIABLE_LABEL)
        self.peers[-1].become(PeerState.CONNECTED)
        return channel


def offer(fingerprint: str = "AA") -> rtc.SessionDescription:
    return rtc.SessionDescription(type="offer", sdp=f"a=fingerprint:{fingerprint}\r\n", id=7)


def test_single_connects_with_the_reliable_channel_and_the_peer() -> None:
    transport = Transport(single=True)
    transport.peers[0].become(PeerState.CONNECTED)
    assert transport.events == []
    transport.peers[0].open_channel(RELIABLE_LABEL)
    assert transport.events == ["connected"]


def test_state_changes_are_reported_until_closed() -> None:
    transport = Transport(single=True)
    transport.connect()
    for state in (PeerState.DISCONNECTED, PeerState.CONNECTED, PeerState.FAILED):
        transport.peers[0].become(state)
    assert transport.events == ["connected", "disconnected", "connected", "failed"]


async def test_close_is_idempotent_and_silent() -> None:
    transport = Transport(single=False)
    for _ in range(2):
        await transport.manager.close()
    await transport.manager.accept_offer(offer())
    await transport.manager.offer_subscriber()
    assert [peer.state for peer in transport.peers] == [PeerState.CLOSED] * 2
    assert (transport.events, transport.signals) == ([], [])


def test_dual_depends_on_the_subscriber_only() -> None:
    transport = Transport(single=False)
    publisher, subscriber = transport.peers
    publisher.become(PeerState.CONNECTED)
    publisher.become(PeerState.FAILED)
    assert transport.events == []
    subscriber.become(PeerState.CONNECTED)
    assert transport.events == ["connected"]
    assert set(subscriber.channels) == {RELIABLE_LABEL, LOSSY_LABEL, TRACK_LABEL}


def test_received_packets_are_passed_on() -> None:
    transport = Transport(single=True)
    peer = transport.peers[0]
    for label in (RELIABLE_LABEL, LOSSY_LABEL, TRACK_LABEL, "other"):
        peer.open_channel(label).on_message(label.encode())
    assert transport.packets == [(b"_reliable", True), (b"_lossy", False)]
    assert transport.track_packets == [TRACK_LABEL.encode()]


def test_dual_does_not_send_on_channels_of_the_client() -> None:
    transport = Transport(single=False)
    theirs = transport.peers[0].open_channel(RELIABLE_LABEL)
    assert transport.manager.send(b"x", reliable=True)
    assert (theirs.sent, transport.peers[1].channels[RELIABLE_LABEL].sent) == ([], [b"x"])


def test_packets_without_an_open_channel_are_dropped() -> None:
    transport = Transport(single=True)
    assert transport.manager.send(b"x", reliable=True)
    transport.manager.send_track_packet(b"x")
    channel = transport.connect()
    channel.is_open = False
    assert transport.manager.send(b"x", reliable=True)
    assert (channel.sent, transport.manager.backlog) == ([], 0)


def test_blocked_channel_queues_packets_round_robin() -> None:
    transport = Transport(single=True)
    channel = transport.connect()
    channel.is_blocked = True
    large = bytes(FAIR_QUEUE_THRESHOLD)
    for sender, data in (("loud", large), ("loud", b"1"), ("loud", b"2"), ("quiet", b"3")):
        assert transport.manager.send(data, reliable=True, sender=sender)
    assert channel.sent == [large]
    assert transport.manager.backlog == len(large) + 3
    channel.unblock()
    assert channel.sent[1:] == [b"1", b"3", b"2"]
    assert transport.manager.backlog == 0


def test_reliable_backlog_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_RELIABLE_BACKLOG", 10)
    transport = Transport(single=True)
    channel = transport.connect()
    channel.is_blocked = True
    assert transport.manager.send(bytes(11), reliable=True)
    assert not transport.manager.send(b"x", reliable=True)


def test_lossy_and_track_packets_beyond_the_backlog_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_LOSSY_BACKLOG", 1)
    transport = Transport(single=True)
    lossy, tracks = (transport.peers[0].open_channel(label) for label in (LOSSY_LABEL, TRACK_LABEL))
    for channel in (lossy, tracks):
        channel.is_blocked = True
    for _ in range(2):
        assert transport.manager.send(b"12", reliable=False)
        transport.manager.send_track_packet(b"12")
    assert (lossy.sent, tracks.sent) == ([b"12"], [b"12"])


def test_refused_packet_is_dropped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    transport = Transport(single=True)
    transport.connect().refuses = True
    assert transport.manager.send(b"x", reliable=True)
    assert "dropping a packet of 1 bytes: not open" in caplog.text


async def test_answers_offers() -> None:
    transport = Transport(single=True)
    await transport.manager.accept_offer(offer())
    answer = transport.signals[0].answer
    assert (answer.type, answer.sdp, answer.id) == ("answer", f"answer to {offer().sdp}", 7)


@pytest.mark.parametrize("failed", [False, True])
async def test_new_fingerprint_or_failure_replaces_the_publisher(failed: bool) -> None:
    transport = Transport(single=True)
    await transport.manager.accept_offer(offer())
    old = transport.connect()
    old.is_blocked = True
    for data in (bytes(FAIR_QUEUE_THRESHOLD), b"queued"):
        assert transport.manager.send(data, reliable=True, sender="alice")
    await transport.manager.accept_offer(offer())
    assert len(transport.peers) == 1
    if failed:
        transport.peers[0].become(PeerState.FAILED)
    await transport.manager.accept_offer(offer("AA" if failed else "BB"))
    assert len(transport.peers) == 2
    assert transport.events[-1] == "replaced"
    assert transport.manager.backlog == 0
    old.unblock()
    assert len(old.sent) == 1
    assert transport.manager.send(b"dropped", reliable=True)
    new = transport.connect()
    assert transport.manager.send(b"new", reliable=True)
    assert new.sent == [b"new"]


async def test_dual_keeps_its_channels_when_the_publisher_is_replaced() -> None:
    transport = Transport(single=False)
    await transport.manager.accept_offer(offer())
    await transport.manager.accept_offer(offer("BB"))
    assert "replaced" not in transport.events
    assert transport.manager.send(b"x", reliable=True)
    assert transport.peers[1].channels[RELIABLE_LABEL].sent == [b"x"]


async def test_offers_the_subscriber_and_applies_only_the_newest_answer() -> None:
    transport = Transport(single=False)
    await transport.manager.offer_subscriber()
    await transport.manager.offer_subscriber(ice_restart=True)
    assert [(signal.offer.sdp, signal.offer.id) for signal in transport.signals] == [("offer", 1), ("restart", 2)]
    for number in (1, 2):
        await transport.manager.accept_answer(rtc.SessionDescription(type="answer", sdp=f"{number}", id=number))
    assert transport.peers[1].answers == ["2"]


async def test_failing_subscriber_offer_is_not_sent() -> None:
    transport = Transport(single=False)
    transport.peers[1].cannot_offer = True
    await transport.manager.offer_subscriber()
    await Transport(single=True).manager.offer_subscriber()
    assert transport.signals == []


async def test_candidates_trickle_to_and_from_their_peer() -> None:
    transport = Transport(single=False)
    publisher, subscriber = transport.peers
    for target, text in ((rtc.PUBLISHER, "p"), (rtc.SUBSCRIBER, "s"), (rtc.SUBSCRIBER, "")):
        await transport.manager.add_candidate(rtc.TrickleRequest(candidateInit=text, target=target))
    assert (publisher.candidates, subscriber.candidates) == (["p"], ["s"])
    subscriber.on_candidate("local")
    subscriber.on_candidate(None)
    assert [(signal.trickle.candidateInit, signal.trickle.target) for signal in transport.signals] == [
        ("local", rtc.SUBSCRIBER)
    ]
