"""RTP and RTCP of a transport, beside its data channels."""

from __future__ import annotations

import pytest

from livekit.webrtc.dtls import DtlsTransport
from livekit.webrtc.interfaces import PeerOptions
from livekit.webrtc.network import gatherer
from livekit.webrtc.transport import PeerTransport
from tests.webrtc.network.inbox import LOOPBACK
from tests.webrtc.test_transport import ADDRESS, RecordingSocket, open_pair, until

RTP = b"\x80\x6f" + bytes(30)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gatherer, "host_addresses", lambda: [LOOPBACK])


class Media:
    """Records what a transport reports."""

    def __init__(self) -> None:
        self.dtls: DtlsTransport | None = None
        self.received: list[bytes] = []
        self.is_closed = False

    def connect(self, dtls: DtlsTransport) -> None:
        assert self.dtls is None
        self.dtls = dtls

    def receive(self, data: bytes) -> None:
        self.received.append(data)

    def close(self) -> None:
        self.is_closed = True


async def test_media_gets_keys_and_packets() -> None:
    async with open_pair() as pair:
        media = Media()
        pair.server.use_media(media)
        assert not pair.client.send_media(RTP)
        await pair.connect()
        assert media.dtls is pair.server.dtls
        assert pair.client.send_media(RTP)
        await until(lambda: media.received == [RTP])
    assert media.is_closed


async def test_media_of_a_connected_transport_gets_keys_at_once() -> None:
    async with open_pair() as pair:
        await pair.connect()
        media = Media()
        pair.client.use_media(media)
        assert media.dtls is pair.client.dtls


async def test_media_is_not_used_before_dtls() -> None:
    transport, media = PeerTransport(PeerOptions()), Media()
    transport._receive_datagram(RTP, RecordingSocket(), ADDRESS)
    transport.use_media(media)
    transport._receive_datagram(RTP, RecordingSocket(), ADDRESS)
    assert media.received == []
    transport.agent.authenticated_addresses.add(ADDRESS)
    transport._receive_datagram(RTP, RecordingSocket(), ADDRESS)
    assert media.received == [RTP]
    assert media.dtls is None
    await transport.close()


async def test_end_of_dtls_ends_media() -> None:
    async with open_pair() as pair:
        media, late = Media(), Media()
        pair.server.use_media(media)
        await pair.connect()
        await pair.client.close()
        await until(lambda: media.is_closed)
        pair.server.use_media(late)
        assert late.is_closed


async def test_closed_transport_closes_new_media() -> None:
    transport, media = PeerTransport(PeerOptions()), Media()
    await transport.close()
    transport.use_media(media)
    assert media.is_closed
