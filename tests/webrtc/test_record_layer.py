"""Both record layers on OpenSSL's memory BIOs."""

from __future__ import annotations

from typing import cast

import pytest
from OpenSSL import SSL

from livekit.webrtc import record_layer
from livekit.webrtc.certificate import local_certificate
from livekit.webrtc.dtls import _context
from livekit.webrtc.record_layer import RecordLayer, _FastRecordLayer, _PublicRecordLayer, open_record_layer

IMPLEMENTATIONS = [_FastRecordLayer, _PublicRecordLayer]


def connection(*, is_client: bool) -> SSL.Connection:
    made = SSL.Connection(_context(local_certificate()))
    made.set_ciphertext_mtu(1200)
    if is_client:
        made.set_connect_state()
    else:
        made.set_accept_state()
    return made


def connected(implementation: type[_FastRecordLayer | _PublicRecordLayer]) -> tuple[RecordLayer, RecordLayer]:
    """Return the record layers of a client and a server after the handshake."""
    ends = [connection(is_client=True), connection(is_client=False)]
    layers = [implementation(end) for end in ends]
    for _ in range(4):
        for index in (0, 1):
            try:
                ends[index].do_handshake()
            except SSL.WantReadError:
                pass
            if flight := layers[index].take_outgoing():
                layers[1 - index].feed(flight)
    assert all(end.get_state_string() == b"SSL negotiation finished successfully" for end in ends)
    return layers[0], layers[1]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_messages_round_trip(implementation: type[_FastRecordLayer | _PublicRecordLayer]) -> None:
    client, server = connected(implementation)
    for message in (b"x", bytes(1200), bytes(16_000)):
        server.feed(client.encrypt(message))
        assert server.read() == message
        assert server.read() == b""
    assert client.take_outgoing() == b""


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_replayed_and_forged_records_are_dropped(implementation: type[_FastRecordLayer | _PublicRecordLayer]) -> None:
    """RFC 6347 sections 4.1.2.6 and 4.1.2.7."""
    client, server = connected(implementation)
    record = client.encrypt(b"once")
    server.feed(record[:-1] + bytes([record[-1] ^ 1]))
    assert server.read() == b""
    server.feed(record)
    assert server.read() == b"once"
    server.feed(record)
    assert server.read() == b""


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_encrypt_raises_before_the_handshake(implementation: type[_FastRecordLayer | _PublicRecordLayer]) -> None:
    layer = implementation(connection(is_client=True))
    with pytest.raises(SSL.Error):
        layer.encrypt(b"too early")


def test_fast_record_layer_is_used_with_this_pyopenssl() -> None:
    assert isinstance(open_record_layer(connection(is_client=True)), _FastRecordLayer)


def test_falls_back_to_public_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks_attribute(made: SSL.Connection) -> RecordLayer:
        raise KeyError("_into_ssl")

    monkeypatch.setattr(record_layer, "_FastRecordLayer", lacks_attribute)
    assert isinstance(open_record_layer(connection(is_client=True)), _PublicRecordLayer)


class _SlottedConnection:
    """A connection without `__dict__`, as a future pyOpenSSL may have."""

    __slots__ = ()


def test_public_api_is_used_if_private_attributes_are_missing() -> None:
    layer = open_record_layer(cast(SSL.Connection, _SlottedConnection()))
    assert isinstance(layer, _PublicRecordLayer)
