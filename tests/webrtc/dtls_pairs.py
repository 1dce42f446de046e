"""Two connected DTLS associations, one of which may support other SRTP protection profiles than ours."""

from __future__ import annotations

import pytest
from OpenSSL import SSL

from livekit.webrtc import dtls
from livekit.webrtc.certificate import Certificate, local_certificate
from livekit.webrtc.dtls import DtlsState, DtlsTransport


def _without_srtp(context: SSL.Context, profiles: bytes) -> None:
    """Leave out use_srtp, in place of `set_tlsext_use_srtp`."""


def connected_dtls(
    monkeypatch: pytest.MonkeyPatch, profiles: bytes | None = dtls.SRTP_PROFILES, *, peer_is_client: bool = True
) -> tuple[DtlsTransport, DtlsTransport]:
    """Return the local end and that of a peer with `profiles`; None for a peer without DTLS-SRTP."""
    certificate = Certificate.generate()  # contexts are cached by certificate
    with monkeypatch.context() as patch:
        patch.setattr(dtls, "SRTP_PROFILES", profiles)
        if profiles is None:
            patch.setattr(SSL.Context, "set_tlsext_use_srtp", _without_srtp)
        peer = DtlsTransport(certificate, is_client=peer_is_client, fingerprints=[local_certificate().fingerprint])
    local = DtlsTransport(local_certificate(), is_client=not peer_is_client, fingerprints=[certificate.fingerprint])
    ends = (local, peer)
    for end in ends:
        end.start(0.0)
    for _ in range(10):
        for sender, receiver in (ends, ends[::-1]):
            for datagram in sender.datagrams_to_send(0.0):
                receiver.receive_datagram(datagram, 0.0)
    assert local.state is peer.state is DtlsState.CONNECTED
    return ends
