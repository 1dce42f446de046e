"""The four-way handshake, with collisions and restarts (RFC 9260 section 5)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .chunks import Init, Parameters, encode_cause, encode_parameter
from .constants import (
    COOKIE_LIFETIME,
    MAX_INIT_RETRANSMITS,
    MAX_RETAINED_COOKIE,
    MAX_STREAMS,
    NEVER,
    RECEIVE_WINDOW,
    THIN_TIMEOUTS,
    Cause,
    ChunkType,
    Parameter,
)
from .cookie import Cookie, CookieError
from .packet import encode_chunk
from .states import CloseReason, State
from .tcb import TransmissionControlBlock

_EXTENSIONS: Parameters = (
    (Parameter.SUPPORTED_EXTENSIONS, bytes((ChunkType.RE_CONFIG, ChunkType.FORWARD_TSN))),
    (Parameter.FORWARD_TSN_SUPPORTED, b""),
)
# Ignored without a report: addresses, cookie preservative, host name, address types; ECN, zero checksum, AUTH, padding,
# adaptation layer.
_KNOWN_PARAMETERS = frozenset(
    {5, 6, 9, 11, 12, 0x8000, 0x8001, 0x8002, 0x8003, 0x8004, 0x8005, 0xC006} | set(Parameter)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NegotiatedParameters:
    """Result of the exchange of INIT and INIT ACK."""

    local_initial_tsn: int
    peer_tag: int
    peer_initial_tsn: int
    peer_window: int
    """The peer's receiver window, in bytes (a_rwnd)."""
    outbound_streams: int
    forward_tsn: bool
    """The peer supports partial reliability (RFC 3758)."""
    reconfig: bool
    """The peer supports stream reset (RFC 6525)."""


class HandshakeHandler(Protocol):
    """Callbacks of the handshake; implemented by the association."""

    def start_transfer(self, parameters: NegotiatedParameters) -> None:
        """Set up both directions of data transfer."""

    def established(self) -> None:
        """Data may be sent and received."""

    def restart(self, parameters: NegotiatedParameters) -> None:
        """The peer restarted and lost its state (section 5.2.4, action A)."""

    def retransmit_all(self, now: float) -> None:
        """Retransmit the DATA chunks that were bundled with the COOKIE ECHO."""

    def close(self, reason: CloseReason) -> None:
        """The handshake failed."""


class Handshake:
    """The handshake of one association: client, server, collision of two INITs and restart.

    The server side keeps no state before the COOKIE ECHO, so that INIT floods cost no memory.
    """

    __slots__ = (
        "_chunk",
        "_handler",
        "_init_sent_at",
        "_key",
        "_local_initial_tsn",
        "_randbits",
        "_retransmits",
        "_tcb",
        "timer_at",
    )

    def __init__(
        self, tcb: TransmissionControlBlock, handler: HandshakeHandler, randbits: Callable[[int], int]
    ) -> None:
        self._tcb = tcb
        self._handler = handler
        self._randbits = randbits
        self._key = secrets.token_bytes(32)
        self._chunk = b""  # INIT or COOKIE ECHO, for retransmission
        self._retransmits = 0
        self._init_sent_at: float | None = None  # None if no round trip can be measured
        self._local_initial_tsn = 0
        self.timer_at = NEVER
        """Expiry of T1-init or T1-cookie."""

    def connect(self, now: float) -> None:
        """Send INIT (section 5.1 A)."""
        self._tcb.local_tag = self._new_tag()
        self._local_initial_tsn = self._randbits(32)
        self._retransmits = 0
        self._send_init(now)

    def _send_init(self, now: float) -> None:
        self._tcb.state = State.COOKIE_WAIT
        self._chunk = self._init(self._tcb.local_tag, self._local_initial_tsn, _EXTENSIONS).encode(ChunkType.INIT)
        self._tcb.send_packet(0, self._chunk)
        self._init_sent_at = now
        self.timer_at = now + self._tcb.rto.value

    def stop(self) -> None:
        """Stop T1: the handshake has finished."""
        self.timer_at = NEVER
        self._chunk = b""

    def handle_t1(self, now: float) -> None:
        """Retransmit INIT or COOKIE ECHO on expiry of T1 (section 5.1).

        The backoff (section 6.3.3) starts after `THIN_TIMEOUTS`, as for a thin flight of data.
        """
        self._retransmits += 1
        if self._retransmits > MAX_INIT_RETRANSMITS:
            self._handler.close(CloseReason.TIMEOUT)
            return
        if self._retransmits > THIN_TIMEOUTS:
            self._tcb.rto.back_off()
        self.timer_at = now + self._tcb.rto.value
        self._init_sent_at = None  # Karn's rule
        if self._tcb.state is State.COOKIE_WAIT:
            self._tcb.send_packet(0, self._chunk)
        else:
            self._tcb.send_control(self._chunk)
            self._handler.retransmit_all(now)

    def receive_init(self, init: Init, now: float) -> None:
        """Answer an INIT with an INIT ACK, statelessly (sections 5.1 B, 5.2.1 and 5.2.2)."""
        state = self._tcb.state
        if not init.tag or state is State.SHUTDOWN_ACK_SENT:
            return
        if not init.outbound_streams or not init.inbound_streams:
            cause = encode_cause(Cause.INVALID_MANDATORY_PARAMETER)
            self._tcb.send_packet(init.tag, encode_chunk(ChunkType.ABORT, cause))
            return
        colliding = state in (State.COOKIE_WAIT, State.COOKIE_ECHOED)
        has_peer = state not in (State.CLOSED, State.COOKIE_WAIT)
        cookie = Cookie(
            created_at=now,
            local_tag=self._tcb.local_tag if colliding else self._new_tag(),
            peer_tag=init.tag,
            local_tie_tag=self._tcb.local_tag if has_peer else 0,
            peer_tie_tag=self._tcb.peer_tag if has_peer else 0,
            local_initial_tsn=self._local_initial_tsn if colliding else self._randbits(32),
            peer_initial_tsn=init.initial_tsn,
            peer_window=init.window,
            outbound_streams=min(MAX_STREAMS, init.inbound_streams),
            inbound_streams=init.outbound_streams,
            forward_tsn=init.supports_forward_tsn,
            reconfig=init.supports_reconfig,
        )
        parameters = ((int(Parameter.STATE_COOKIE), cookie.encode(self._key)), *_unrecognized(init), *_EXTENSIONS)
        ack = self._init(cookie.local_tag, cookie.local_initial_tsn, parameters)
        self._tcb.send_packet(init.tag, ack.encode(ChunkType.INIT_ACK))

    def receive_init_ack(self, ack: Init, now: float) -> None:
        """Answer an INIT ACK with a COOKIE ECHO (section 5.1 C)."""
        if self._tcb.state is not State.COOKIE_WAIT or not ack.tag:
            return  # section 5.2.3
        cookie = ack.parameter(Parameter.STATE_COOKIE)
        if cookie is None or len(cookie) > MAX_RETAINED_COOKIE or not ack.outbound_streams or not ack.inbound_streams:
            cause = encode_cause(Cause.INVALID_MANDATORY_PARAMETER)
            self._tcb.send_packet(ack.tag, encode_chunk(ChunkType.ABORT, cause))
            self._handler.close(CloseReason.PROTOCOL_VIOLATION)
            return
        if self._init_sent_at is not None:
            self._tcb.rto.sample(now - self._init_sent_at)
        self._tcb.peer_tag = ack.tag
        self._handler.start_transfer(
            NegotiatedParameters(
                local_initial_tsn=self._local_initial_tsn,
                peer_tag=ack.tag,
                peer_initial_tsn=ack.initial_tsn,
                peer_window=ack.window,
                outbound_streams=min(MAX_STREAMS, ack.inbound_streams),
                forward_tsn=ack.supports_forward_tsn,
                reconfig=ack.supports_reconfig,
            )
        )
        self._tcb.state = State.COOKIE_ECHOED
        self._chunk = encode_chunk(ChunkType.COOKIE_ECHO, cookie)
        self._retransmits = 0
        self._tcb.send_control(self._chunk)
        self.timer_at = now + self._tcb.rto.value

    def receive_cookie_echo(self, data: bytes, packet_tag: int, now: float) -> None:
        """Process a COOKIE ECHO (section 5.1 D). Comments name the actions of section 5.2.4."""
        try:
            cookie = Cookie.parse(data, self._key)
        except CookieError:
            return
        if packet_tag != cookie.local_tag:
            return
        state = self._tcb.state
        same_local = state is not State.CLOSED and cookie.local_tag == self._tcb.local_tag
        same_peer = state is not State.CLOSED and cookie.peer_tag == self._tcb.peer_tag
        if now - cookie.created_at > COOKIE_LIFETIME and not (same_local and same_peer):
            staleness = int((now - cookie.created_at - COOKIE_LIFETIME) * 1e6) & 0xFFFF_FFFF
            cause = encode_cause(Cause.STALE_COOKIE, staleness.to_bytes(4, "big"))
            self._tcb.send_packet(cookie.peer_tag, encode_chunk(ChunkType.ERROR, cause))
        elif state is State.CLOSED:
            self._accept(cookie)
        elif same_local:
            if state in (State.COOKIE_WAIT, State.COOKIE_ECHOED):  # B, D: collision of two INITs
                self._accept(cookie)
            else:  # D: our COOKIE ACK was lost; B: the peer has a new tag
                self._tcb.peer_tag = cookie.peer_tag
                self._tcb.send_control(encode_chunk(ChunkType.COOKIE_ACK))
        elif not same_peer and (cookie.local_tie_tag, cookie.peer_tie_tag) == (self._tcb.local_tag, self._tcb.peer_tag):
            self._restart(cookie)  # A
        # C, or none of the actions: an old cookie is discarded

    def receive_cookie_ack(self) -> None:
        """Process a COOKIE ACK (section 5.1 E)."""
        if self._tcb.state is State.COOKIE_ECHOED:
            self.stop()
            self._handler.established()

    def receive_stale_cookie(self, now: float) -> None:
        """Restart the handshake: the cookie expired before the peer received it (section 5.2.6)."""
        if self._tcb.state is State.COOKIE_ECHOED:
            self._send_init(now)

    def _accept(self, cookie: Cookie) -> None:
        self.stop()
        self._handler.start_transfer(self._restore(cookie))
        self._tcb.send_control(encode_chunk(ChunkType.COOKIE_ACK))
        self._handler.established()

    def _restart(self, cookie: Cookie) -> None:
        if self._tcb.state is State.SHUTDOWN_ACK_SENT:
            self._tcb.send_control(encode_chunk(ChunkType.SHUTDOWN_ACK))
            self._tcb.send_control(encode_chunk(ChunkType.ERROR, encode_cause(Cause.COOKIE_WHILE_SHUTTING_DOWN)))
            return
        self._handler.restart(self._restore(cookie))
        self._tcb.send_control(encode_chunk(ChunkType.COOKIE_ACK))

    def _restore(self, cookie: Cookie) -> NegotiatedParameters:
        """Restore our state from a cookie."""
        self._tcb.local_tag = cookie.local_tag
        self._local_initial_tsn = cookie.local_initial_tsn
        self._tcb.peer_tag = cookie.peer_tag
        return NegotiatedParameters(
            local_initial_tsn=cookie.local_initial_tsn,
            peer_tag=cookie.peer_tag,
            peer_initial_tsn=cookie.peer_initial_tsn,
            peer_window=cookie.peer_window,
            outbound_streams=cookie.outbound_streams,
            forward_tsn=cookie.forward_tsn,
            reconfig=cookie.reconfig,
        )

    def _new_tag(self) -> int:
        return self._randbits(32) or 1

    @staticmethod
    def _init(tag: int, initial_tsn: int, parameters: Parameters) -> Init:
        return Init(tag, RECEIVE_WINDOW, MAX_STREAMS, MAX_STREAMS, initial_tsn, parameters)


def _unrecognized(init: Init) -> Parameters:
    """Return the parameters to report as unrecognized, by the two highest bits of their type (section 3.2.1)."""
    report: list[tuple[int, bytes]] = []
    for kind, value in init.parameters:
        if kind in _KNOWN_PARAMETERS:
            continue
        if kind & 0x4000 and len(report) < 4:
            report.append((Parameter.UNRECOGNIZED, encode_parameter(kind, value[:64])))
        if not kind & 0x8000:
            break
    return tuple(report)
