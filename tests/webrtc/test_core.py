"""DTLS and SCTP have the shape of a core: one driver runs either."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from livekit.testing.netem import LinkOptions, Network
from livekit.webrtc.certificate import local_certificate
from livekit.webrtc.core import DatagramCore
from livekit.webrtc.dtls import DtlsState, DtlsTransport
from livekit.webrtc.sctp import Association, State

Pair = tuple[DatagramCore, DatagramCore, Callable[[], bool]]


def dtls_pair() -> Pair:
    certificate = local_certificate()
    fingerprints = [certificate.fingerprint]
    client = DtlsTransport(certificate, is_client=True, fingerprints=fingerprints)
    server = DtlsTransport(certificate, is_client=False, fingerprints=fingerprints)
    client.start(0.0)
    server.start(0.0)
    return client, server, lambda: client.state is server.state is DtlsState.CONNECTED


def sctp_pair() -> Pair:
    client, server = Association(), Association()
    client.connect(0.0, is_client=True)
    server.connect(0.0, is_client=False)
    return client, server, lambda: client.state is server.state is State.ESTABLISHED


@pytest.mark.parametrize("make_pair", [dtls_pair, sctp_pair])
def test_cores_connect_under_one_driver(make_pair: Callable[[], Pair]) -> None:
    one, other, is_connected = make_pair()
    network = Network[bytes](one, other, seed=1, link=LinkOptions(delay=0.02, loss=0.1))
    assert network.run(until=is_connected, limit=20)
    assert network.now >= 0.04
