"""DTLS 1.2 (RFC 6347, RFC 8261, RFC 8842) on OpenSSL, as a sans-I/O core.

OpenSSL retransmits a lost flight after one second by its own clock, doubled each time. A first connection should not
wait that long for one lost packet, so the last flight is also retransmitted verbatim, sooner and on the caller's clock.
A peer that already has it drops the copy as a replay (RFC 6347 section 4.1.2.6).
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Sequence

from OpenSSL import SSL

from .certificate import Certificate, Fingerprint, verify_fingerprint
from .record_layer import RecordLayer, open_record_layer

__all__ = ["DtlsState", "DtlsTransport"]

DTLS_1_2 = 0xFEFD
CIPHERS = b":".join(
    [
        b"ECDHE-ECDSA-AES128-GCM-SHA256",  # RFC 8827 section 6.5: mandatory to implement
        b"ECDHE-RSA-AES128-GCM-SHA256",
        b"ECDHE-ECDSA-CHACHA20-POLY1305",
        b"ECDHE-RSA-CHACHA20-POLY1305",
        b"ECDHE-ECDSA-AES256-GCM-SHA384",
        b"ECDHE-RSA-AES256-GCM-SHA384",
    ]
)
SRTP_PROFILES = b"SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"
"""In order of preference. Also without media: some peers refuse a handshake without use_srtp (RFC 5764 section 4.1)."""
MTU = 1200
"""Bytes; the longest handshake datagram when a flight is first sent."""
MIN_MTU = 540
"""Bytes; the longest handshake record, and the longest datagram of a flight that OpenSSL retransmits. Longer ones
may exceed the path MTU (RFC 6347 section 4.1.1.1): 576 - 20 (IPv4) - 8 (UDP) - 4 (TURN ChannelData), rounded down."""
RECORD_HEADER_SIZE = 13
MESSAGE_SEQUENCE = slice(RECORD_HEADER_SIZE + 4, RECORD_HEADER_SIZE + 6)
"""Position of message_seq in the first record of a flight (RFC 6347 section 4.2.2): a retransmission has the same."""
APPLICATION_DATA = 23
"""Content type (RFC 6347 section 4.3.1)."""
INITIAL_RTO = 0.1
"""Seconds until the last flight is first retransmitted, doubled each time up to `MAX_RTO`."""
MAX_RTO = 1.6
MIN_OPENSSL_TIMEOUT = 0.01
"""Seconds; keeps an OpenSSL timer that is about to expire from being polled in a busy loop."""
HANDSHAKE_TIMEOUT = 30.0
"""Seconds from `start` to FAILED."""


class DtlsState(enum.Enum):
    """State of the association (W3C WebRTC 1.0, RTCDtlsTransportState)."""

    NEW = "new"
    HANDSHAKE = "handshake"
    CONNECTED = "connected"
    CLOSED = "closed"
    """Either side sent close_notify."""
    FAILED = "failed"


def _accept_any(*_: object) -> bool:
    return True


@functools.lru_cache(maxsize=4)
def _context(certificate: Certificate) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(DTLS_1_2)
    context.set_max_proto_version(DTLS_1_2)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # Certificates are self-signed. Authentication is by fingerprint, after the handshake (RFC 8122 section 5).
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _accept_any)
    context.use_certificate(certificate.x509)
    context.use_privatekey(certificate.key)
    context.set_cipher_list(CIPHERS)
    context.set_tlsext_use_srtp(SRTP_PROFILES)
    return context


class DtlsTransport:
    """One DTLS association. Application data is only sent and accepted in state CONNECTED."""

    def __init__(self, certificate: Certificate, *, is_client: bool, fingerprints: Sequence[Fingerprint]) -> None:
        """`fingerprints` are those of the peer's certificate, from its session description."""
        self.state = DtlsState.NEW
        self.failure = ""
        """The reason for state FAILED."""
        self.is_client = is_client
        self._fingerprints = fingerprints
        self._connection = SSL.Connection(_context(certificate))
        self._connection.set_ciphertext_mtu(MIN_MTU)
        if is_client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self._records: RecordLayer = open_record_layer(self._connection)
        self._outgoing: list[bytes] = []
        self._last_flight: list[bytes] = []
        self._last_message = b""
        self._rto = INITIAL_RTO
        self._retransmit_at: float | None = None
        self._openssl_timer_at: float | None = None
        self._deadline = 0.0

    def start(self, now: float) -> None:
        """Start the handshake: a client sends its ClientHello, a server waits for it."""
        if self.state is DtlsState.NEW:
            self.state = DtlsState.HANDSHAKE
            self._deadline = now + HANDSHAKE_TIMEOUT
            self._continue_handshake(now)

    def receive_datagram(self, data: bytes, now: float) -> list[bytes]:
        """Process a datagram and return the application data in it.

        Records that cannot be decrypted are dropped silently (RFC 6347 section 4.1.2.7).
        """
        if self.state is DtlsState.CONNECTED:
            return self._receive_messages(data, now)
        # OpenSSL treats plaintext application data as a fatal error: a forged record must not end the handshake.
        is_plaintext = data[:1] == b"\x17" and data[3:5] == b"\0\0"
        if self.state is not DtlsState.HANDSHAKE or not data or is_plaintext:
            return []
        self._records.feed(data)
        return self._read_all() if self._continue_handshake(now) else []

    def send(self, message: bytes) -> bytes | None:
        """Return the datagram that carries `message`, to be sent by the caller; None unless CONNECTED."""
        if self.state is not DtlsState.CONNECTED:
            return None
        try:
            return self._records.encrypt(message)
        except SSL.Error:
            self._fail("OpenSSL failed to encrypt a message")
            return None

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Return the handshake and alert datagrams to send now, in order, and forget them."""
        datagrams, self._outgoing = self._outgoing, []
        return datagrams

    def close(self) -> None:
        """Close the association; a connected one sends close_notify with the next `datagrams_to_send`."""
        if self.state is DtlsState.CONNECTED:
            try:
                self._connection.shutdown()
            except SSL.Error:
                pass
            self._outgoing += _split_into_datagrams(self._records.take_outgoing())
        if self.state is not DtlsState.FAILED:
            self.state = DtlsState.CLOSED
        self._retransmit_at = self._openssl_timer_at = None

    def next_timer(self) -> float | None:
        """Return when to call `handle_timer`; None unless a handshake is in progress."""
        if self.state is not DtlsState.HANDSHAKE:
            return None
        return min(at for at in (self._retransmit_at, self._openssl_timer_at, self._deadline) if at is not None)

    def handle_timer(self, now: float) -> None:
        """Retransmit the last flight, or fail a handshake that has timed out."""
        if self.state is not DtlsState.HANDSHAKE:
            return
        if now >= self._deadline:
            self._fail(f"the DTLS handshake did not complete within {HANDSHAKE_TIMEOUT:g} s")
            return
        if self._openssl_timer_at is not None and now >= self._openssl_timer_at:
            try:
                self._connection.DTLSv1_handle_timeout()
            except SSL.Error:
                self._fail("OpenSSL gave up retransmitting the DTLS handshake")
                return
            self._collect_flight(now)
            self._schedule_openssl_timer(now)
        if self._retransmit_at is not None and now >= self._retransmit_at:
            self._outgoing += self._last_flight
            self._rto = min(2 * self._rto, MAX_RTO)
            self._retransmit_at = now + self._rto

    # SRTP

    @property
    def srtp_profile(self) -> str:
        """OpenSSL's name of the negotiated SRTP protection profile (RFC 5764); empty without one."""
        return self._connection.get_selected_srtp_profile().decode()

    def export_keying_material(self, label: bytes, size: int) -> bytes:
        """Return `size` bytes of keying material of a CONNECTED association (RFC 5705)."""
        return self._connection.export_keying_material(label, size)

    # Handshake

    def _continue_handshake(self, now: float) -> bool:
        """Let OpenSSL process the data fed to it. Return True once the association is up and the peer authenticated."""
        is_complete = False
        try:
            self._connection.do_handshake()
            is_complete = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            self._fail(f"the DTLS handshake failed: {error}")
        self._collect_flight(now)
        if not is_complete:
            self._schedule_openssl_timer(now)
            return False
        return self._authenticate()

    def _collect_flight(self, now: float) -> None:
        records = self._records.take_outgoing()
        if not records:
            return
        message = records[MESSAGE_SEQUENCE]
        flight = _split_into_datagrams(records, MIN_MTU if message == self._last_message else MTU)
        self._last_message = message
        self._last_flight = flight
        self._outgoing += flight
        self._rto = INITIAL_RTO
        self._retransmit_at = now + INITIAL_RTO

    def _schedule_openssl_timer(self, now: float) -> None:
        remaining = self._connection.DTLSv1_get_timeout()
        self._openssl_timer_at = None if remaining is None else now + max(remaining, MIN_OPENSSL_TIMEOUT)

    def _authenticate(self) -> bool:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None or not verify_fingerprint(certificate, self._fingerprints):
            self._fail("the peer's certificate does not match a fingerprint in its session description")
            return False
        self.state = DtlsState.CONNECTED
        if self.is_client:
            self._last_flight = []  # the server sends the final flight (RFC 6347 figure 1)
        return True

    def _fail(self, reason: str) -> None:
        self.state = DtlsState.FAILED
        self.failure = reason
        self._retransmit_at = self._openssl_timer_at = None

    # Application data

    def _receive_messages(self, data: bytes, now: float) -> list[bytes]:
        self._records.feed(data)
        # Fast path: a datagram is almost always a single record of application data.
        if len(data) > RECORD_HEADER_SIZE and data[0] == APPLICATION_DATA:
            size = RECORD_HEADER_SIZE + (data[11] << 8 | data[12])
            if size == len(data):
                message = self._records.read()
                if message:
                    if self._last_flight:
                        self._last_flight = []
                    return [message]
        elif self._last_flight and data[:1] == b"\x16" and now >= (self._retransmit_at or 0.0):
            # The peer retransmits its flight, so it has not received the local final one (RFC 6347 section 4.2.4).
            self._outgoing += self._last_flight
            self._retransmit_at = now + INITIAL_RTO
        return self._read_all()

    def _read_all(self) -> list[bytes]:
        messages: list[bytes] = []
        while message := self._records.read():
            messages.append(message)
        self._outgoing += _split_into_datagrams(self._records.take_outgoing())
        if self._connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN:
            self.close()
        return messages


def _split_into_datagrams(records: bytes, mtu: int = MTU) -> list[bytes]:
    """Pack whole records into datagrams of up to `mtu` bytes; a longer record gets its own datagram."""
    datagrams: list[bytes] = []
    start = end = 0
    while end < len(records):
        size = RECORD_HEADER_SIZE + int.from_bytes(records[end + 11 : end + 13], "big")
        if end > start and end + size - start > mtu:
            datagrams.append(records[start:end])
            start = end
        end += size
    if end > start:
        datagrams.append(records[start:end])
    return datagrams
