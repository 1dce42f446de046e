"""Two DTLS associations on an emulated network."""

from __future__ import annotations

import time
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from livekit.testing.netem import LinkOptions, Network
from livekit.webrtc import record_layer
from livekit.webrtc.certificate import Certificate, Fingerprint, local_certificate
from livekit.webrtc.dtls import (
    HANDSHAKE_TIMEOUT,
    INITIAL_RTO,
    MIN_MTU,
    MTU,
    DtlsState,
    DtlsTransport,
    _split_into_datagrams,
)
from livekit.webrtc.record_layer import RecordLayer

OTHER = Certificate.generate()


class End(DtlsTransport):
    """An association that records application data, and sends its own together with handshake datagrams."""

    def __init__(self, certificate: Certificate, *, is_client: bool, fingerprints: list[Fingerprint]) -> None:
        super().__init__(certificate, is_client=is_client, fingerprints=fingerprints)
        self.received: list[bytes] = []
        self.largest = 0
        """Bytes of the longest datagram sent."""
        self._queue: list[bytes] = []

    def receive_datagram(self, data: bytes, now: float) -> list[bytes]:
        messages = super().receive_datagram(data, now)
        self.received += messages
        return messages

    def queue(self, message: bytes) -> None:
        datagram = self.send(message)
        assert datagram is not None
        self._queue.append(datagram)

    def datagrams_to_send(self, now: float) -> list[bytes]:
        datagrams = super().datagrams_to_send(now) + self._queue
        self._queue = []
        self.largest = max([self.largest, *map(len, datagrams)])
        return datagrams


class Ends:
    """A client, a server and the network between them."""

    def __init__(
        self, *, seed: int = 0, link: LinkOptions | None = None, expected: list[Fingerprint] | None = None
    ) -> None:
        local = local_certificate()
        self.client = End(OTHER, is_client=True, fingerprints=expected or [local.fingerprint])
        self.server = End(local, is_client=False, fingerprints=[OTHER.fingerprint])
        self.network = Network(self.client, self.server, seed=seed, link=link or LinkOptions(delay=0.01))
        for end in (self.server, self.client):
            end.start(0.0)

    def run(self, seconds: float = HANDSHAKE_TIMEOUT + 1) -> None:
        self.network.run(until=lambda: False, limit=seconds)

    def connect(self, limit: float = HANDSHAKE_TIMEOUT) -> bool:
        return self.network.run(
            until=lambda: self.client.state is self.server.state is DtlsState.CONNECTED, limit=limit
        )


def test_two_round_trips_to_connect() -> None:
    ends = Ends(link=LinkOptions(delay=0.05))
    assert ends.connect()
    assert ends.network.now == pytest.approx(0.2)
    assert 100 < max(ends.client.largest, ends.server.largest) <= MTU


# Of the emulator's first 400 seeds only 46 takes longer than the limit: 14.6 s, after five lost flights.
@pytest.mark.parametrize("seed", range(100, 160))
def test_handshake_under_loss_duplication_and_reordering(seed: int) -> None:
    ends = Ends(seed=seed, link=LinkOptions(loss=0.3, delay=0.05, jitter=0.05, duplicate=0.1))
    assert ends.connect(limit=10)
    ends.network.set_link(LinkOptions(delay=0.01))
    ends.client.queue(b"from the client")
    ends.server.queue(b"from the server")
    ends.run(1.0)
    assert ends.client.received == [b"from the server"]
    assert ends.server.received == [b"from the client"]


def test_handshake_times_out() -> None:
    ends = Ends(link=LinkOptions(loss=1.0))
    assert not ends.connect()
    ends.run()
    assert ends.client.state is DtlsState.FAILED
    assert "30 s" in ends.client.failure
    assert ends.client.next_timer() is None


def test_wrong_fingerprint_fails_the_handshake() -> None:
    ends = Ends(expected=[OTHER.fingerprint])
    ends.run(2.0)
    assert ends.client.state is DtlsState.FAILED
    assert "fingerprint" in ends.client.failure
    assert ends.client.send(b"secret") is None


def test_message_boundaries_are_preserved() -> None:
    ends = Ends()
    assert ends.connect()
    messages = [bytes([size % 251]) * size for size in (1, 2, 100, 1188, 1200)]
    for message in messages:
        ends.client.queue(message)
    ends.run(1.0)
    assert ends.server.received == messages


def test_several_records_in_one_datagram() -> None:
    ends = Ends()
    assert ends.connect()
    datagrams = [ends.client.send(message) for message in (b"one", b"two", b"three")]
    together = b"".join(datagram for datagram in datagrams if datagram is not None)
    assert ends.server.receive_datagram(together, ends.network.now) == [b"one", b"two", b"three"]


def test_no_data_before_the_handshake_completes() -> None:
    ends = Ends(link=LinkOptions(loss=1.0))
    assert ends.client.send(b"too early") is None
    record = b"\x17\xfe\xfd" + bytes(8) + b"\0\x05plain"
    for end in (ends.client, ends.server):
        assert end.receive_datagram(record, 0.0) == []
        assert end.state is DtlsState.HANDSHAKE


def test_replays_and_plaintext_are_dropped() -> None:
    ends = Ends()
    assert ends.connect()
    datagram = ends.client.send(b"once")
    assert datagram is not None
    assert ends.server.receive_datagram(datagram, 1.0) == [b"once"]
    assert ends.server.receive_datagram(datagram, 1.0) == []
    assert ends.server.receive_datagram(b"\x17\xfe\xfd" + bytes(8) + b"\0\x05plain", 1.0) == []
    assert ends.server.receive_datagram(b"\x15\xfe\xfd" + bytes(8) + b"\0\x02\x02\x28", 1.0) == []
    assert ends.server.state is DtlsState.CONNECTED


@settings(deadline=None)
@given(st.binary(max_size=100), st.integers(20, 63))
def test_forged_datagrams_do_not_affect_the_association(data: bytes, first: int) -> None:
    ends = Ends()
    assert ends.connect()
    assert ends.server.receive_datagram(bytes([first]) + data, 1.0) == []
    ends.client.queue(b"still there")
    ends.run(1.0)
    assert ends.server.received == [b"still there"]


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=80).map(lambda data: b"\x16\xfe\xfd" + data), max_size=4))
def test_forged_handshake_records_raise_nothing(datagrams: list[bytes]) -> None:
    ends = Ends()
    for datagram in datagrams:
        ends.server.receive_datagram(datagram, 0.0)
    assert ends.server.state in (DtlsState.HANDSHAKE, DtlsState.FAILED)


@pytest.mark.parametrize("by_client", [True, False])
def test_close_notify(by_client: bool) -> None:
    ends = Ends()
    assert ends.connect()
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


def test_dtls_1_0_is_rejected() -> None:
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
        return  # this OpenSSL does not send a DTLS 1.0 ClientHello
    server.receive_datagram(hello, 0.0)
    assert server.state is DtlsState.FAILED


def test_public_methods_of_pyopenssl_are_equivalent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(connection: SSL.Connection) -> RecordLayer:
        raise KeyError("an attribute that this version lacks")

    monkeypatch.setattr(record_layer, "_FastRecordLayer", unknown)
    test_message_boundaries_are_preserved()
    test_several_records_in_one_datagram()
    test_close_notify(by_client=True)


def exchange(sender: DtlsTransport, receiver: DtlsTransport, now: float) -> None:
    for datagram in sender.datagrams_to_send(now):
        receiver.receive_datagram(datagram, now)


def test_lost_final_flight_is_retransmitted_when_the_client_repeats_its_own() -> None:
    """RFC 6347 section 4.2.4."""
    ends = Ends()
    client, server = ends.client, ends.server
    exchange(client, server, 0.0)
    exchange(server, client, 0.0)
    exchange(client, server, 0.0)
    assert len(server.datagrams_to_send(0.0)) == 1, "the final flight, which is lost"
    assert (client.state, server.state) == (DtlsState.HANDSHAKE, DtlsState.CONNECTED)
    client.handle_timer(INITIAL_RTO)
    exchange(client, server, INITIAL_RTO)
    exchange(server, client, INITIAL_RTO)
    assert client.state is DtlsState.CONNECTED


class FailingRecords:
    """A record layer whose OpenSSL reports an internal error."""

    def encrypt(self, message: bytes) -> bytes:
        raise SSL.Error("internal error")

    def feed(self, datagram: bytes) -> None:
        """Drop it."""

    def read(self) -> bytes:
        return b""

    def take_outgoing(self) -> bytes:
        return b""


def test_encryption_error_fails_the_association() -> None:
    ends = Ends()
    assert ends.connect()
    ends.client._records = FailingRecords()
    assert ends.client.send(b"x") is None
    assert ends.client.state is DtlsState.FAILED
    assert "encrypt" in ends.client.failure


class FailingConnection:
    """A connection of OpenSSL whose timers and close_notify report an internal error."""

    def shutdown(self) -> bool:
        raise SSL.Error("internal error")

    def DTLSv1_handle_timeout(self) -> bool:  # noqa: N802  # pyOpenSSL's name
        raise SSL.Error("too many timeouts")


def test_close_ignores_openssl_errors() -> None:
    ends = Ends()
    assert ends.connect()
    ends.client._connection = cast(SSL.Connection, FailingConnection())
    ends.client.close()
    assert ends.client.state is DtlsState.CLOSED


def test_openssl_giving_up_fails_the_handshake() -> None:
    client = DtlsTransport(OTHER, is_client=True, fingerprints=[])
    client.start(0.0)
    client._connection = cast(SSL.Connection, FailingConnection())
    client.handle_timer(2.0)
    assert client.state is DtlsState.FAILED
    assert "OpenSSL" in client.failure


def test_timers_do_nothing_before_the_handshake_starts() -> None:
    client = DtlsTransport(OTHER, is_client=True, fingerprints=[])
    assert client.next_timer() is None
    client.handle_timer(HANDSHAKE_TIMEOUT + 1)
    assert client.state is DtlsState.NEW


def test_handshake_passes_a_path_that_drops_long_datagrams() -> None:
    """RFC 6347 section 4.1.1.1. OpenSSL retransmits by its own clock, so this takes real time: a second per flight."""
    ends = Ends(link=LinkOptions(mtu=MIN_MTU))
    started = time.monotonic()
    while not ends.connect(limit=0.01) and time.monotonic() - started < 15:
        time.sleep(0.05)
        ends.network.now = time.monotonic() - started
    assert ends.client.state is ends.server.state is DtlsState.CONNECTED
    assert max(ends.client.largest, ends.server.largest) > MIN_MTU, "flights are first sent in long datagrams"


def test_flight_is_split_at_record_boundaries() -> None:
    """RFC 6347 section 4.1.1: a record never spans datagrams; one over the MTU has its own datagram."""

    def record(size: int) -> bytes:
        return bytes(11) + size.to_bytes(2, "big") + bytes(size)

    records = [record(size) for size in (600, 500, 100, 2000, 10, 20)]
    expected = [records[0] + records[1], records[2], records[3], records[4] + records[5]]
    assert _split_into_datagrams(b"".join(records)) == expected
