"""DTLS 1.2 over OpenSSL (RFC 6347, RFC 8261, RFC 8842): datagrams and `now` in, messages and datagrams out.

OpenSSL repeats a lost flight after one second of its own clock, and doubles that. A first connection should not wait
so long for one lost packet, so the last flight is also repeated as it was, soon and on the caller's clock. A peer that
has it drops the copy as a replay (RFC 6347 section 4.1.2.6).
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Sequence

from OpenSSL import SSL

from .certificate import Certificate, Fingerprint, is_certified
from .records import Records, open_records

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
SRTP_PROFILES = b"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"
"""Offered and accepted although no media is sent yet: some peers refuse a handshake without (RFC 5764 section 4.1)."""
MTU = 1200
"""Bytes of a handshake datagram."""
RECORD_HEADER = 13
ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
FIRST_RETRY = 0.1
"""Seconds until the last flight is repeated, doubled each time up to MAX_RETRY."""
MAX_RETRY = 1.6
HANDSHAKE_TIMEOUT = 30.0
"""Seconds from start to FAILED."""


class DtlsState(enum.Enum):
    NEW = "new"
    HANDSHAKE = "handshake"
    CONNECTED = "connected"
    CLOSED = "closed"
    """The peer, or we, sent close_notify."""
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
    # Certificates are self-signed; the fingerprint in the description decides, after the handshake.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _accept_any)
    context.use_certificate(certificate.x509)
    context.use_privatekey(certificate.key)
    context.set_cipher_list(CIPHERS)
    context.set_tlsext_use_srtp(SRTP_PROFILES)
    return context


class DtlsTransport:
    """One DTLS association. Without state CONNECTED nothing is taken from the peer and nothing sent to it."""

    def __init__(self, certificate: Certificate, *, is_client: bool, fingerprints: Sequence[Fingerprint]) -> None:
        self.state = DtlsState.NEW
        self.failure = ""
        """Why the state is FAILED."""
        self.is_client = is_client
        self._fingerprints = fingerprints
        self._connection = SSL.Connection(_context(certificate))
        self._connection.set_ciphertext_mtu(MTU)
        if is_client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self._records: Records = open_records(self._connection)
        self._outgoing: list[bytes] = []
        self._flight: list[bytes] = []
        self._retry_interval = FIRST_RETRY
        self._retry_at: float | None = None
        self._openssl_at: float | None = None
        self._deadline = 0.0

    def start(self, now: float) -> None:
        """Begin the handshake; a server waits for the client."""
        if self.state is DtlsState.NEW:
            self.state = DtlsState.HANDSHAKE
            self._deadline = now + HANDSHAKE_TIMEOUT
            self._shake_hands(now)

    def receive(self, datagram: bytes, now: float) -> list[bytes]:
        """Take a datagram; the messages that were in it. What cannot be decrypted is dropped (RFC 6347 4.1.2.7)."""
        if self.state is DtlsState.CONNECTED:
            return self._receive_messages(datagram, now)
        # A forged record of plaintext must not end a handshake; OpenSSL would take it as an error.
        plaintext = datagram[:1] == b"\x17" and datagram[3:5] == b"\0\0"
        if self.state is not DtlsState.HANDSHAKE or not datagram or plaintext:
            return []
        self._records.feed(datagram)
        return self._read_all() if self._shake_hands(now) else []

    def send(self, message: bytes) -> bytes | None:
        """Encrypt a message; the datagram to send, or None if this association does not send (any more)."""
        if self.state is not DtlsState.CONNECTED:
            return None
        try:
            return self._records.seal(message)
        except SSL.Error:
            self._fail("OpenSSL refused to encrypt")
            return None

    def take_datagrams(self) -> list[bytes]:
        """What the handshake wants to be sent."""
        datagrams, self._outgoing = self._outgoing, []
        return datagrams

    def close(self) -> None:
        """Tell the peer with close_notify."""
        if self.state is DtlsState.CONNECTED:
            try:
                self._connection.shutdown()
            except SSL.Error:
                pass
            self._outgoing += _datagrams(self._records.pending())
        if self.state is not DtlsState.FAILED:
            self.state = DtlsState.CLOSED
        self._retry_at = self._openssl_at = None

    def next_timer(self) -> float | None:
        if self.state is not DtlsState.HANDSHAKE:
            return None
        return min(time for time in (self._retry_at, self._openssl_at, self._deadline) if time is not None)

    def handle_timer(self, now: float) -> None:
        if self.state is not DtlsState.HANDSHAKE:
            return
        if now >= self._deadline:
            self._fail(f"no handshake within {HANDSHAKE_TIMEOUT:g} s")
            return
        if self._openssl_at is not None and now >= self._openssl_at:
            try:
                self._connection.DTLSv1_handle_timeout()
            except SSL.Error:
                self._fail("OpenSSL gave the handshake up")
                return
            self._collect_flight(now)
            self._arm_openssl(now)
        if self._retry_at is not None and now >= self._retry_at:
            self._outgoing += self._flight
            self._retry_interval = min(2 * self._retry_interval, MAX_RETRY)
            self._retry_at = now + self._retry_interval

    # The handshake

    def _shake_hands(self, now: float) -> bool:
        """Whether the association is up."""
        finished = False
        try:
            self._connection.do_handshake()
            finished = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            self._fail(f"the handshake failed: {error}")
        self._collect_flight(now)
        if not finished:
            self._arm_openssl(now)
            return False
        return self._finish()

    def _collect_flight(self, now: float) -> None:
        flight = _datagrams(self._records.pending())
        if not flight:
            return
        self._flight = flight
        self._outgoing += flight
        self._retry_interval = FIRST_RETRY
        self._retry_at = now + FIRST_RETRY

    def _arm_openssl(self, now: float) -> None:
        remaining = self._connection.DTLSv1_get_timeout()
        self._openssl_at = None if remaining is None else now + max(remaining, 0.01)

    def _finish(self) -> bool:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None or not is_certified(certificate, self._fingerprints):
            self._fail("the peer's certificate has another fingerprint than its description says")
            return False
        self.state = DtlsState.CONNECTED
        if self.is_client:
            self._flight = []  # the server's flight is the last; RFC 6347 figure 1
        return True

    def _fail(self, reason: str) -> None:
        self.state = DtlsState.FAILED
        self.failure = reason
        self._retry_at = self._openssl_at = None

    # Messages

    def _receive_messages(self, datagram: bytes, now: float) -> list[bytes]:
        self._records.feed(datagram)
        # Almost always a datagram is one record of application data.
        if len(datagram) > RECORD_HEADER and datagram[0] == APPLICATION_DATA:
            size = RECORD_HEADER + (datagram[11] << 8 | datagram[12])
            if size == len(datagram):
                message = self._records.read()
                if message:
                    if self._flight:
                        self._flight = []
                    return [message]
        elif self._flight and datagram[:1] == b"\x16" and now >= (self._retry_at or 0.0):
            # The peer repeats its flight, so it lacks our last one.
            self._outgoing += self._flight
            self._retry_at = now + FIRST_RETRY
        return self._read_all()

    def _read_all(self) -> list[bytes]:
        messages: list[bytes] = []
        while message := self._records.read():
            messages.append(message)
        self._outgoing += _datagrams(self._records.pending())
        if self._connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN:
            self.close()
        return messages


def _datagrams(records: bytes) -> list[bytes]:
    """Pack whole records into datagrams of at most MTU bytes, or of one record."""
    datagrams: list[bytes] = []
    start = end = 0
    while end < len(records):
        size = RECORD_HEADER + int.from_bytes(records[end + 11 : end + 13], "big")
        if end > start and end + size - start > MTU:
            datagrams.append(records[start:end])
            start = end
        end += size
    if end > start:
        datagrams.append(records[start:end])
    return datagrams
