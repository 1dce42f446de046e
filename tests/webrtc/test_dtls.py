"""Two DTLS ends on an emulated network."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from livekit.webrtc import record_layer
from livekit.webrtc.certificate import Certificate, Fingerprint, local_certificate
from livekit.webrtc.dtls import HANDSHAKE_TIMEOUT, MTU, DtlsState, DtlsTransport
from livekit.webrtc.record_layer import RecordLayer
from tests.webrtc.netem import Link, Network

OTHER = Certificate.generate()


class Ends:
    def __init__(self, *, seed: int = 0, link: Link | None = None, expected: list[Fingerprint] | None = None) -> None:
        mine = local_certificate()
        self.client = DtlsTransport(OTHER, is_client=True, fingerprints=expected or [mine.fingerprint])
        self.server = DtlsTransport(mine, is_client=False, fingerprints=[OTHER.fingerprint])
        self.received: dict[DtlsTransport, list[bytes]] = {self.client: [], self.server: []}
        self.network = Network(seed, link or Link())
        self.largest = 0
        for end in (self.server, self.client):
            end.start(0.0)

    def deliver(self, end: DtlsTransport, datagram: bytes, now: float) -> None:
        self.received[end] += end.receive_datagram(datagram, now)

    def carry(self, to: DtlsTransport, datagram: bytes) -> None:
        self.largest = max(self.largest, len(datagram))
        self.network.carry(partial(self.deliver, to, datagram))

    def poll(self) -> None:
        for end, other in ((self.client, self.server), (self.server, self.client)):
            for datagram in end.datagrams_to_send(0.0):
                self.carry(other, datagram)

    def send(self, end: DtlsTransport, message: bytes) -> None:
        datagram = end.send(message)
        assert datagram is not None
        self.carry(self.server if end is self.client else self.client, datagram)

    def fire(self, now: float) -> None:
        self.client.handle_timer(now)
        self.server.handle_timer(now)

    def run(self, limit: float = HANDSHAKE_TIMEOUT + 1) -> None:
        self.network.run(
            self.poll,
            lambda: [self.client.next_timer(), self.server.next_timer()],
            self.fire,
            until=lambda: False,
            limit=limit,
        )

    def shake_hands(self, limit: float = HANDSHAKE_TIMEOUT) -> bool:
        ends = (self.client, self.server)
        return self.network.run(
            self.poll,
            lambda: [end.next_timer() for end in ends],
            self.fire,
            until=lambda: all(end.state is DtlsState.CONNECTED for end in ends),
            limit=limit,
        )


def test_two_round_trips_to_connect() -> None:
    ends = Ends(link=Link(delay=0.05))
    assert ends.shake_hands()
    assert ends.network.now == pytest.approx(0.2)
    assert 100 < ends.largest <= MTU


@pytest.mark.parametrize("seed", range(60))
def test_handshake_under_loss_duplication_and_reordering(seed: int) -> None:
    ends = Ends(seed=seed, link=Link(loss=0.3, delay=0.05, jitter=0.05, duplicate=0.1))
    assert ends.shake_hands(limit=10)
    ends.network.link = Link()
    ends.send(ends.client, b"from the client")
    ends.send(ends.server, b"from the server")
    ends.run(1.0)
    assert ends.received == {ends.client: [b"from the server"], ends.server: [b"from the client"]}


def test_nothing_answers() -> None:
    ends = Ends(link=Link(loss=1.0))
    assert not ends.shake_hands()
    ends.run()
    assert ends.client.state is DtlsState.FAILED
    assert "30 s" in ends.client.failure
    assert ends.client.next_timer() is None


def test_a_false_fingerprint() -> None:
    ends = Ends(expected=[OTHER.fingerprint])
    ends.run(2.0)
    assert ends.client.state is DtlsState.FAILED
    assert "fingerprint" in ends.client.failure
    assert ends.client.send(b"secret") is None


def test_messages_keep_their_bounds() -> None:
    ends = Ends()
    assert ends.shake_hands()
    messages = [bytes([size % 251]) * size for size in (1, 2, 100, 1188, 1200)]
    for message in messages:
        ends.send(ends.client, message)
    ends.run(1.0)
    assert ends.received[ends.server] == messages


def test_several_records_in_one_datagram() -> None:
    ends = Ends()
    assert ends.shake_hands()
    datagrams = [ends.client.send(message) for message in (b"one", b"two", b"three")]
    together = b"".join(datagram for datagram in datagrams if datagram is not None)
    assert ends.server.receive_datagram(together, ends.network.now) == [b"one", b"two", b"three"]


def test_nothing_is_sent_or_taken_before_the_handshake() -> None:
    ends = Ends(link=Link(loss=1.0))
    assert ends.client.send(b"too early") is None
    record = b"\x17\xfe\xfd" + bytes(8) + b"\0\x05plain"
    for end in (ends.client, ends.server):
        assert end.receive_datagram(record, 0.0) == []
        assert end.state is DtlsState.HANDSHAKE


def test_replays_and_plaintext_are_dropped_when_connected() -> None:
    ends = Ends()
    assert ends.shake_hands()
    datagram = ends.client.send(b"once")
    assert datagram is not None
    assert ends.server.receive_datagram(datagram, 1.0) == [b"once"]
    assert ends.server.receive_datagram(datagram, 1.0) == []
    assert ends.server.receive_datagram(b"\x17\xfe\xfd" + bytes(8) + b"\0\x05plain", 1.0) == []
    assert ends.server.receive_datagram(b"\x15\xfe\xfd" + bytes(8) + b"\0\x02\x02\x28", 1.0) == []
    assert ends.server.state is DtlsState.CONNECTED


@settings(deadline=None)
@given(st.binary(max_size=100), st.integers(20, 63))
def test_any_bytes_leave_the_association_alone(data: bytes, first: int) -> None:
    ends = Ends()
    assert ends.shake_hands()
    assert ends.server.receive_datagram(bytes([first]) + data, 1.0) == []
    ends.send(ends.client, b"still there")
    ends.run(1.0)
    assert ends.received[ends.server] == [b"still there"]


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=80).map(lambda data: b"\x16\xfe\xfd" + data), max_size=4))
def test_any_bytes_do_not_stop_a_handshake(datagrams: list[bytes]) -> None:
    ends = Ends()
    for datagram in datagrams:
        ends.server.receive_datagram(datagram, 0.0)
    assert ends.server.state in (DtlsState.HANDSHAKE, DtlsState.FAILED)


@pytest.mark.parametrize("by_client", [True, False])
def test_close_notify(by_client: bool) -> None:
    ends = Ends()
    assert ends.shake_hands()
    closing, other = (ends.client, ends.server) if by_client else (ends.server, ends.client)
    closing.close()
    ends.run(1.0)
    assert closing.state is other.state is DtlsState.CLOSED
    assert closing.send(b"late") is None
    assert other.send(b"late") is None


def test_closing_before_the_handshake() -> None:
    end = DtlsTransport(OTHER, is_client=True, fingerprints=[])
    end.close()
    end.start(0.0)
    assert end.state is DtlsState.CLOSED
    assert end.datagrams_to_send(0.0) == []


def test_peers_that_want_dtls_1_0_are_refused() -> None:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_max_proto_version(0xFEFF)
    old = SSL.Connection(context)
    old.set_connect_state()
    server = DtlsTransport(OTHER, is_client=False, fingerprints=[local_certificate().fingerprint])
    server.start(0.0)
    with pytest.raises(SSL.Error):
        old.do_handshake()
    try:
        hello = old.bio_read(2000)
    except SSL.WantReadError:
        return  # this OpenSSL does not even say hello
    server.receive_datagram(hello, 0.0)
    assert server.state is DtlsState.FAILED


def test_the_public_calls_of_pyopenssl_do_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(connection: SSL.Connection) -> RecordLayer:
        raise KeyError("an attribute that is not there any more")

    monkeypatch.setattr(record_layer, "_FastRecordLayer", unknown)
    test_messages_keep_their_bounds()
    test_several_records_in_one_datagram()
    test_close_notify(by_client=True)
