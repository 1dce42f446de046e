"""Setting up an association: the four-way handshake from both sides, collisions and restarts (RFC 9260 section 5)."""

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
from .rto import RetransmissionTimeout
from .states import CloseReason, State

_OUR_EXTENSIONS: Parameters = (
    (Parameter.SUPPORTED_EXTENSIONS, bytes((ChunkType.RE_CONFIG, ChunkType.FORWARD_TSN))),
    (Parameter.FORWARD_TSN_SUPPORTED, b""),
)
# Addresses, cookie preservative, host name, address types; ECN, zero checksum, AUTH, padding, adaptation: read over.
_KNOWN_PARAMETERS = frozenset(
    {5, 6, 9, 11, 12, 0x8000, 0x8001, 0x8002, 0x8003, 0x8004, 0x8005, 0xC006} | set(Parameter)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """What both sides have told each other."""

    local_tag: int
    local_initial_tsn: int
    peer_tag: int
    peer_initial_tsn: int
    peer_window: int
    outbound_streams: int
    forward_tsn: bool
    reconfig: bool


class Host(Protocol):
    """The association that is being set up."""

    @property
    def state(self) -> State: ...

    @state.setter
    def state(self, state: State) -> None: ...

    def send_control(self, chunk: bytes) -> None:
        """Send a chunk to the peer in the next packet."""

    def send_apart(self, tag: int, chunk: bytes) -> None:
        """Send a chunk alone, in a packet with this verification tag."""

    def adopt(self, agreement: Agreement) -> None:
        """Prepare both halves for data."""

    def established(self) -> None:
        """Data may flow."""

    def restart(self, agreement: Agreement) -> None:
        """The peer lost its state and begins anew; so must we."""

    def close(self, reason: CloseReason) -> None:
        """There will be no association."""

    def resend(self, now: float) -> None:
        """What was sent along with a COOKIE ECHO must be sent again with it."""


class Establishment:
    """The handshake of one association."""

    __slots__ = (
        "_attempts",
        "_chunk",
        "_host",
        "_init_sent_at",
        "_key",
        "_randbits",
        "_rto",
        "local_initial_tsn",
        "local_tag",
        "peer_tag",
        "timer_at",
    )

    def __init__(self, host: Host, rto: RetransmissionTimeout, randbits: Callable[[int], int]) -> None:
        self._host = host
        self._rto = rto
        self._randbits = randbits
        self._key = secrets.token_bytes(32)
        self._chunk = b""  # INIT or COOKIE ECHO, while it waits for its answer
        self._attempts = 0
        self._init_sent_at: float | None = None
        self.local_tag = 0
        self.peer_tag = 0
        self.local_initial_tsn = 0
        self.timer_at = NEVER
        """T1-init or T1-cookie."""

    def connect(self, now: float) -> None:
        """Send INIT (section 5.1 A)."""
        self.local_tag = self._new_tag()
        self.local_initial_tsn = self._randbits(32)
        self._attempts = 0
        self._send_init(now)

    def _send_init(self, now: float) -> None:
        self._host.state = State.COOKIE_WAIT
        self._chunk = self._init(self.local_tag, self.local_initial_tsn, _OUR_EXTENSIONS).encode(ChunkType.INIT)
        self._host.send_apart(0, self._chunk)
        self._init_sent_at = now
        self.timer_at = now + self._rto.value

    def stop(self) -> None:
        """The handshake is over."""
        self.timer_at = NEVER
        self._chunk = b""

    def on_timer(self, now: float) -> None:
        """T1 expired (section 5.1, and 6.3.3 for the backoff, which begins late, as with little data in flight)."""
        self._attempts += 1
        if self._attempts > MAX_INIT_RETRANSMITS:
            self._host.close(CloseReason.TIMEOUT)
            return
        if self._attempts > THIN_TIMEOUTS:
            self._rto.back_off()
        self.timer_at = now + self._rto.value
        self._init_sent_at = None  # Karn's rule
        if self._host.state is State.COOKIE_WAIT:
            self._host.send_apart(0, self._chunk)
        else:
            self._host.send_control(self._chunk)
            self._host.resend(now)

    def receive_init(self, init: Init, now: float) -> None:
        """INIT: answer it, and remember nothing (sections 5.1 B, 5.2.1 and 5.2.2)."""
        state = self._host.state
        if not init.tag or state is State.SHUTDOWN_ACK_SENT:
            return
        if not init.outbound_streams or not init.inbound_streams:
            cause = encode_cause(Cause.INVALID_MANDATORY_PARAMETER)
            self._host.send_apart(init.tag, encode_chunk(ChunkType.ABORT, cause))
            return
        colliding = state in (State.COOKIE_WAIT, State.COOKIE_ECHOED)
        has_peer = state not in (State.CLOSED, State.COOKIE_WAIT)
        cookie = Cookie(
            created_at=now,
            local_tag=self.local_tag if colliding else self._new_tag(),
            peer_tag=init.tag,
            local_tie_tag=self.local_tag if has_peer else 0,
            peer_tie_tag=self.peer_tag if has_peer else 0,
            local_initial_tsn=self.local_initial_tsn if colliding else self._randbits(32),
            peer_initial_tsn=init.initial_tsn,
            peer_window=init.window,
            outbound_streams=min(MAX_STREAMS, init.inbound_streams),
            inbound_streams=init.outbound_streams,
            forward_tsn=init.supports_forward_tsn,
            reconfig=init.supports_reconfig,
        )
        parameters = ((int(Parameter.STATE_COOKIE), cookie.encode(self._key)), *_unrecognized(init), *_OUR_EXTENSIONS)
        ack = self._init(cookie.local_tag, cookie.local_initial_tsn, parameters)
        self._host.send_apart(init.tag, ack.encode(ChunkType.INIT_ACK))

    def receive_init_ack(self, ack: Init, now: float) -> None:
        """INIT ACK: echo the cookie (section 5.1 C)."""
        if self._host.state is not State.COOKIE_WAIT or not ack.tag:
            return  # section 5.2.3
        cookie = ack.parameter(Parameter.STATE_COOKIE)
        if cookie is None or len(cookie) > MAX_RETAINED_COOKIE or not ack.outbound_streams or not ack.inbound_streams:
            cause = encode_cause(Cause.INVALID_MANDATORY_PARAMETER)
            self._host.send_apart(ack.tag, encode_chunk(ChunkType.ABORT, cause))
            self._host.close(CloseReason.PROTOCOL_VIOLATION)
            return
        if self._init_sent_at is not None:
            self._rto.sample(now - self._init_sent_at)
        self.peer_tag = ack.tag
        self._host.adopt(
            Agreement(
                local_tag=self.local_tag,
                local_initial_tsn=self.local_initial_tsn,
                peer_tag=ack.tag,
                peer_initial_tsn=ack.initial_tsn,
                peer_window=ack.window,
                outbound_streams=min(MAX_STREAMS, ack.inbound_streams),
                forward_tsn=ack.supports_forward_tsn,
                reconfig=ack.supports_reconfig,
            )
        )
        self._host.state = State.COOKIE_ECHOED
        self._chunk = encode_chunk(ChunkType.COOKIE_ECHO, cookie)
        self._attempts = 0
        self._host.send_control(self._chunk)
        self.timer_at = now + self._rto.value

    def receive_cookie_echo(self, data: bytes, packet_tag: int, now: float) -> None:
        """COOKIE ECHO (section 5.1 D); its letters A to D are those of section 5.2.4."""
        try:
            cookie = Cookie.parse(data, self._key)
        except CookieError:
            return
        if packet_tag != cookie.local_tag:
            return
        state = self._host.state
        same_local = state is not State.CLOSED and cookie.local_tag == self.local_tag
        same_peer = state is not State.CLOSED and cookie.peer_tag == self.peer_tag
        if now - cookie.created_at > COOKIE_LIFETIME and not (same_local and same_peer):
            staleness = int((now - cookie.created_at - COOKIE_LIFETIME) * 1e6) & 0xFFFF_FFFF
            cause = encode_cause(Cause.STALE_COOKIE, staleness.to_bytes(4, "big"))
            self._host.send_apart(cookie.peer_tag, encode_chunk(ChunkType.ERROR, cause))
        elif state is State.CLOSED:
            self._accept(cookie)
        elif same_local:
            if state in (State.COOKIE_WAIT, State.COOKIE_ECHOED):  # B and D: both sides sent INIT
                self._accept(cookie)
            else:  # D: our COOKIE ACK was lost; B: the peer has a new tag
                self.peer_tag = cookie.peer_tag
                self._host.send_control(encode_chunk(ChunkType.COOKIE_ACK))
        elif not same_peer and (cookie.local_tie_tag, cookie.peer_tie_tag) == (self.local_tag, self.peer_tag):
            self._restart(cookie)  # A
        # C, and whatever fits none: an old cookie, discarded

    def receive_cookie_ack(self) -> None:
        """COOKIE ACK (section 5.1 E)."""
        if self._host.state is State.COOKIE_ECHOED:
            self.stop()
            self._host.established()

    def stale_cookie(self, now: float) -> None:
        """The peer says that our COOKIE ECHO came too late: begin again (section 5.2.6)."""
        if self._host.state is State.COOKIE_ECHOED:
            self._send_init(now)

    def _accept(self, cookie: Cookie) -> None:
        self.stop()
        self._host.adopt(self._take(cookie))
        self._host.send_control(encode_chunk(ChunkType.COOKIE_ACK))
        self._host.established()

    def _restart(self, cookie: Cookie) -> None:
        if self._host.state is State.SHUTDOWN_ACK_SENT:
            self._host.send_control(encode_chunk(ChunkType.SHUTDOWN_ACK))
            self._host.send_control(encode_chunk(ChunkType.ERROR, encode_cause(Cause.COOKIE_WHILE_SHUTTING_DOWN)))
            return
        self._host.restart(self._take(cookie))
        self._host.send_control(encode_chunk(ChunkType.COOKIE_ACK))

    def _take(self, cookie: Cookie) -> Agreement:
        self.local_tag = cookie.local_tag
        self.local_initial_tsn = cookie.local_initial_tsn
        self.peer_tag = cookie.peer_tag
        return Agreement(
            local_tag=cookie.local_tag,
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
    """Parameters to report to the peer; the highest bits of a type say what to do with it (section 3.2.1)."""
    report: list[tuple[int, bytes]] = []
    for kind, value in init.parameters:
        if kind in _KNOWN_PARAMETERS:
            continue
        if kind & 0x4000 and len(report) < 4:
            report.append((Parameter.UNRECOGNIZED, encode_parameter(kind, value[:64])))
        if not kind & 0x8000:
            break
    return tuple(report)
