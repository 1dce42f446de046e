from __future__ import annotations

import asyncio

import pytest

from livekit.engine import transport_manager
from livekit.engine.transport_manager import TransportManager
from livekit.errors import ConnectError, PeerConnectionError
from livekit.protocol import rtc
from livekit.webrtc import IceServerSettings, PeerOptions, PeerState
from tests.engine.fake_channel import FakeChannel
from tests.engine.fake_peer import FakePeer


class Transports:
    """A transport manager on fake peer connections."""

    def __init__(self, *, single: bool = True) -> None:
        self.peers: list[FakePeer] = []
        self.received: list[bytes] = []
        self.failures: list[str] = []
        self.manager = TransportManager(
            self._make_peer, PeerOptions(), single=single, send=lambda _: None, on_data=self.received.append
        )
        self.manager.on_failed = self.failures.append

    def connect(self) -> None:
        for peer in self.peers:
            for channel in peer.channels:
                channel.is_open = True
            peer.set_state(PeerState.CONNECTED)

    def is_connected(self) -> bool:
        return self.manager.is_connected

    def is_ready(self) -> bool:
        return self.manager.is_ready

    def _make_peer(self, options: PeerOptions) -> FakePeer:
        self.peers.append(FakePeer())
        return self.peers[-1]


async def test_ready_once_connected_and_open() -> None:
    ends = Transports()
    waiting = asyncio.ensure_future(ends.manager.wait_ready())
    await asyncio.sleep(0)
    assert not ends.is_connected()
    ends.connect()
    await asyncio.wait_for(waiting, 1)
    assert ends.is_connected()
    await ends.manager.wait_ready()
    await ends.manager.close()


async def test_dual_requires_the_subscriber_if_it_is_primary() -> None:
    ends = Transports(single=False)
    publisher, subscriber = ends.peers
    publisher.channels[0].is_open = True
    publisher.set_state(PeerState.CONNECTED)
    assert ends.is_ready()
    ends.manager.require_subscriber()
    assert not ends.is_ready()
    subscriber.set_state(PeerState.CONNECTED)
    assert ends.is_ready()
    await ends.manager.close()


@pytest.mark.parametrize("state", [PeerState.FAILED, PeerState.CLOSED])
async def test_failure_is_reported_once_and_ends_waiting(state: PeerState) -> None:
    ends = Transports()
    waiting = asyncio.ensure_future(ends.manager.wait_ready())
    await asyncio.sleep(0)
    ends.peers[0].set_state(state)
    ends.peers[0].channels[0].on_close()
    with pytest.raises(PeerConnectionError, match="UDP"):
        await waiting
    assert len(ends.failures) == 1
    ends.manager.reset_error()
    with pytest.raises(PeerConnectionError, match="lost"):
        await ends.manager.wait_ready()
    await ends.manager.close()


async def test_abort_applies_until_it_is_reset() -> None:
    ends = Transports()
    ends.connect()
    ends.manager.abort_wait(ConnectError("signal lost"))
    with pytest.raises(ConnectError, match="signal lost"):
        await ends.manager.wait_ready()
    ends.manager.reset_error()
    await ends.manager.wait_ready()
    await ends.manager.close()


async def test_disconnected_is_reported_after_a_grace_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_manager, "DISCONNECTED_GRACE", 0.05)
    ends, reports = Transports(), asyncio.Queue[str]()
    ends.manager.on_disconnected = reports.put_nowait
    ends.connect()
    ends.peers[0].set_state(PeerState.DISCONNECTED)
    ends.peers[0].set_state(PeerState.CONNECTED)
    await asyncio.sleep(0.1)
    assert reports.empty(), "recovered within the grace period"
    ends.peers[0].set_state(PeerState.DISCONNECTED)
    await asyncio.wait_for(reports.get(), 1)
    await ends.manager.close()


async def test_channels_opened_by_the_server_deliver() -> None:
    ends, tracks = Transports(), list[bytes]()
    ends.manager.on_track_packet = tracks.append
    channels = [FakeChannel(label) for label in ("_reliable", "_lossy", "_data_track", "other")]
    for channel in channels:
        ends.peers[0].on_channel(channel)
        channel.on_message(channel.label.encode())
    assert (ends.received, tracks) == ([b"_reliable", b"_lossy"], [b"_data_track"])
    ends.manager.remove_callbacks()
    for channel in channels:
        channel.on_message(b"late")
    assert (len(ends.received), len(tracks)) == (2, 1)
    await ends.manager.close()


async def test_signals_are_applied_to_their_peer_connection() -> None:
    ends = Transports(single=False)
    publisher, subscriber = ends.peers
    await ends.manager.create_offer()
    answer, offer = rtc.SessionDescription(sdp="answer", id=1), rtc.SessionDescription(sdp="offer", id=1)
    assert ends.manager.handle_signal(rtc.SignalResponse(answer=answer))
    assert ends.manager.handle_signal(rtc.SignalResponse(offer=offer))
    for target in (rtc.PUBLISHER, rtc.SUBSCRIBER):
        for candidate in (f"candidate {target}", ""):
            trickle = rtc.TrickleRequest(candidateInit=candidate, target=target)
            assert ends.manager.handle_signal(rtc.SignalResponse(trickle=trickle))
    assert not ends.manager.handle_signal(rtc.SignalResponse(pong=1))
    await asyncio.sleep(0.01)
    assert publisher.steps == ["offer", "answer", "candidate 0"]
    assert subscriber.steps == ["offer", "candidate 1"]
    await ends.manager.close()


async def test_ice_servers_and_properties_of_the_publisher() -> None:
    ends = Transports()
    servers = [IceServerSettings(urls=["turn:turn.example"])]
    ends.manager.use_ice_servers(servers)
    ends.peers[0].round_trip_time = 0.1
    assert ends.peers[0].ice_servers == servers
    assert (ends.manager.max_message_size, ends.manager.round_trip_time) == (65_536, 0.1)
    ends.manager.open_track_channel()
    ends.manager.open_track_channel()
    assert not ends.manager.send_track_packet(b"not open")
    ends.peers[0].channels[-1].on_open()
    await asyncio.wait_for(ends.manager.wait_track_channel(), 1)
    await ends.manager.close()
