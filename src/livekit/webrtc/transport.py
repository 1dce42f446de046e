"""The asyncio shell of a peer connection: sockets → ICE or DTLS → SCTP and back, with one flush and one timer.

Sockets call `_receive_datagram`, which runs straight through to the application's callback. Output of the protocol
cores waits for one flush at the end of the event loop iteration.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, cast

from livekit._util.aio import TIMER_SLACK
from livekit._util.callbacks import ignore

from .certificate import Fingerprint, local_certificate
from .core import TimedCore
from .demux import PacketKind, packet_kind
from .dtls import DtlsState, DtlsTransport
from .ice import Address, Candidate, CandidatePair, IceAgent, IceState
from .interfaces import PeerOptions, PeerState
from .network.gatherer import IceGatherer
from .network.shared_ports import SharedPorts
from .network.sockets import IceSocket
from .network.tcp import TcpSocket
from .sctp import Association, CloseReason

__all__ = ["PeerTransport"]

logger = logging.getLogger("livekit.webrtc")

MAX_EARLY_DATAGRAMS = 16
"""DTLS datagrams buffered until the peer's description arrives."""


class MediaReceiver(Protocol):
    """The user of RTP datagrams."""

    def connect(self, dtls: DtlsTransport) -> None:
        """Take the keys of a connected DTLS association."""
        ...

    def receive(self, data: bytes) -> None:
        """Process a datagram of RTP or RTCP."""
        ...

    def close(self) -> None:
        """Stop sending and receiving."""
        ...


class PeerTransport:
    """ICE, DTLS and SCTP of one peer connection, all of whose m-sections share it (BUNDLE, RFC 9143)."""

    def __init__(self, options: PeerOptions, ports: SharedPorts | None = None) -> None:
        self.on_state: Callable[[PeerState], None] = ignore
        self.state = PeerState.NEW
        self.agent = IceAgent(controlling=False, consent_timeout=options.consent_timeout)
        self.association = Association()
        self.dtls: DtlsTransport | None = None
        self.gatherer = IceGatherer(
            self._receive_datagram,
            options,
            add_socket=self._add_socket,
            remove_socket=self._remove_socket,
            ports=ports,
        )
        self.peer_max_packet_size = 0
        """Longest SCTP packet in bytes that the peer announced that it accepts; 0 if it announced none."""
        self._loop = asyncio.get_running_loop()
        self._early_datagrams: list[tuple[bytes, IceSocket, Address]] = []
        self._current_pair: CandidatePair | None = None
        self._flush_handle: asyncio.Handle | None = None
        self._receiving = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._media: MediaReceiver | None = None
        self._media_route: tuple[Callable[[bytes, Address], None], Address] | None = None
        self._sctp_started = self._failed = self._closed = False
        self.association.on_output = self.schedule_flush
        self.association.on_closed = self._association_closed

    @property
    def now(self) -> float:
        """The clock of all cores: the event loop's time in seconds."""
        return self._loop.time()

    # Setup

    def start_dtls(self, fingerprints: list[Fingerprint], *, is_client: bool) -> None:
        """Start DTLS as client or server; the handshake begins once ICE has selected a pair."""
        self.dtls = DtlsTransport(local_certificate(), is_client=is_client, fingerprints=fingerprints)
        if not is_client:
            self.dtls.start(self._loop.time())
        early, self._early_datagrams = self._early_datagrams, []
        for data, ice_socket, address in early:
            self._receive_datagram(data, ice_socket, address)
        self.schedule_flush()

    def use_media(self, media: MediaReceiver) -> None:
        """Pass received RTP and RTCP to `media` from now on."""
        self._media = media
        if self._closed or self._failed:
            media.close()
        elif self.dtls is not None and self._sctp_started:
            media.connect(self.dtls)

    def add_remote_candidate(self, candidate: Candidate) -> None:
        """Add a candidate of the peer."""
        if candidate.transport == "tcp":
            self.gatherer.connect_tcp(candidate, self._needs_tcp)
            if candidate.tcp_type != "passive":
                return  # an active candidate has no port; its connection is accepted
        self.agent.add_remote_candidate(candidate, self._loop.time())
        self.schedule_flush()

    def _add_socket(self, ice_socket: IceSocket, candidate: Candidate, connected_to: Address | None) -> None:
        self.agent.add_local_candidate(candidate, ice_socket, self._loop.time(), connected_to=connected_to)
        self.schedule_flush()

    def _remove_socket(self, ice_socket: TcpSocket) -> None:
        self.agent.remove_socket(ice_socket, self._loop.time())
        self.schedule_flush()

    def _needs_tcp(self) -> bool:
        return self.agent.state not in (IceState.CONNECTED, IceState.FAILED)

    # Receiving

    def _receive_datagram(self, data: bytes, ice_socket: IceSocket, address: Address) -> None:
        kind = packet_kind(data)
        if kind is PacketKind.RTP:
            if self._media is not None and address in self.agent.authenticated_addresses:
                self._media.receive(data)
        elif kind is PacketKind.DTLS:
            self._receive_dtls(data, ice_socket, address)
        elif kind is PacketKind.STUN and not self._closed and not self.gatherer.receive_response(data):
            self.agent.receive_datagram(data, ice_socket, address, self._loop.time())
            self.schedule_flush()

    def _receive_dtls(self, data: bytes, ice_socket: IceSocket, address: Address) -> None:
        if address not in self.agent.authenticated_addresses or self._closed:
            return
        dtls = self.dtls
        if dtls is None:
            if len(self._early_datagrams) < MAX_EARLY_DATAGRAMS:
                self._early_datagrams.append((data, ice_socket, address))
            return
        now = self._loop.time()
        self._receiving = True
        try:
            for message in dtls.receive_datagram(data, now):
                self.association.receive_datagram(message, now)
        finally:
            self._receiving = False
            self.schedule_flush()

    # Sending

    def schedule_flush(self) -> None:
        """Flush at the end of this loop iteration, after the first steps of tasks that a datagram has started."""
        if self._flush_handle is None and not self._receiving and not self._closed:
            self._flush_handle = self._loop.call_soon(self._flush)

    def send_media(self, datagram: bytes) -> bool:
        """Send a datagram of SRTP or SRTCP at once. Return False, and drop it, before there is a candidate pair."""
        route = self._media_route
        if route is None:
            return False
        route[0](datagram, route[1])
        return True

    def _flush(self) -> None:
        self._flush_handle = None
        if self._closed:
            return
        try:
            self._send(self._loop.time())
        except Exception:
            logger.exception("sending failed")  # the timer keeps running, and so does retransmission
        self._update_state()
        self._schedule_timer()

    def _send(self, now: float) -> None:
        for transmit in self.agent.datagrams_to_send(now):
            cast(IceSocket, transmit.socket).send(transmit.data, transmit.address)
        dtls, selected = self.dtls, self.agent.selected_pair
        if dtls is None:
            return
        if selected is None:
            self.association.datagrams_to_send(now)  # lost: no pair can carry them
            return
        if selected is not self._current_pair:
            self._switch_pair(selected, now)
        if not self._sctp_started:
            self._advance_handshake(dtls, now)
        datagrams = dtls.datagrams_to_send(now)
        for packet in self.association.datagrams_to_send(now):
            encrypted = dtls.send(packet)
            if encrypted is not None:
                datagrams.append(encrypted)
        if datagrams:
            cast(IceSocket, selected.socket).send_batch(datagrams, selected.address)
        if (probe := self.association.take_probe()) is not None:
            self._send_probe(dtls, probe, selected, now)

    def _send_probe(self, dtls: DtlsTransport, probe: bytes, pair: CandidatePair, now: float) -> None:
        encrypted = dtls.send(probe)
        if encrypted is not None and not cast(IceSocket, pair.socket).send_probe(encrypted, pair.address):
            self.association.reject_probe(now)

    def _switch_pair(self, pair: CandidatePair, now: float) -> None:
        """Send on another candidate pair from now on, and restart path MTU discovery (RFC 8899)."""
        self._current_pair = pair
        self._media_route = cast(IceSocket, pair.socket).send, pair.address
        self.association.rto.path_changed()
        can_probe = cast(IceSocket, pair.socket).can_probe
        self.association.path_mtu.search(self.peer_max_packet_size if can_probe else 0, now)

    def _advance_handshake(self, dtls: DtlsTransport, now: float) -> None:
        dtls.start(now)
        if dtls.state is DtlsState.CONNECTED:
            self._sctp_started = True
            if self.agent.round_trip_time:
                self.association.rto.set_initial_rtt(self.agent.round_trip_time)
            self.association.connect(now, is_client=dtls.is_client)
            if self._media is not None:
                self._media.connect(dtls)

    def _schedule_timer(self) -> None:
        due, timer = self.agent.next_timer(), self._timer
        for core in (self.association, self.dtls):
            time = None if core is None else core.next_timer()
            if time is not None and (due is None or time < due):
                due = time
        # An early timer costs one flush; rescheduling it for every packet would cost more.
        if timer is not None and (due is None or self._timer_due > due):
            timer.cancel()
            timer = self._timer = None
        if timer is None and due is not None:
            # Kept here because uvloop's TimerHandle.when() is unreliable once that time has passed.
            self._timer_due = due
            self._timer = self._loop.call_at(due + TIMER_SLACK, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        now = self._loop.time()
        cores: tuple[TimedCore | None, ...] = (self.agent, self.association, self.dtls)
        for core in cores:
            due = None if core is None else core.next_timer()
            if core is not None and due is not None and due <= now:
                core.handle_timer(now)
        if self._flush_handle is not None:
            self._flush_handle.cancel()
        self._flush()

    # State

    def _update_state(self) -> None:
        state = self._current_state()
        if state is not self.state:
            self.state = state
            self.on_state(state)

    def _current_state(self) -> PeerState:
        ice, dtls = self.agent.state, self.dtls
        if self._closed:
            return PeerState.CLOSED
        if self._failed or ice is IceState.FAILED:
            return PeerState.FAILED
        if dtls is None:
            return PeerState.NEW if ice is IceState.NEW else PeerState.CONNECTING
        if dtls.state in (DtlsState.FAILED, DtlsState.CLOSED):
            self._dtls_closed(dtls)
            return PeerState.FAILED
        if dtls.state is not DtlsState.CONNECTED or ice is IceState.CHECKING:
            return PeerState.CONNECTING
        return PeerState.DISCONNECTED if ice is IceState.DISCONNECTED else PeerState.CONNECTED

    def _dtls_closed(self, dtls: DtlsTransport) -> None:
        logger.debug("DTLS closed: %s", dtls.failure or "the peer sent close_notify")
        self._fail()
        self.association.abort()

    def _association_closed(self, reason: CloseReason) -> None:
        if not self._closed:
            logger.debug("SCTP association closed: %s", reason.value)
            self._fail()
            self.schedule_flush()

    def _fail(self) -> None:
        self._failed = True
        if self._media is not None:
            self._media.close()

    async def close(self) -> None:
        """Send ABORT and close_notify, and release every socket, task and timer. Idempotent."""
        try:
            if not self._closed:
                self._close_protocols()
        finally:
            await self.gatherer.close()

    def _close_protocols(self) -> None:
        now = self._loop.time()
        try:
            self._send(now)
            self.association.abort()
            self._send(now)
            if self.dtls is not None:
                self.dtls.close()
                self._send(now)
        finally:
            self._closed = True
            if self._media is not None:
                self._media.close()
            for handle in (self._flush_handle, self._timer):
                if handle is not None:
                    handle.cancel()
            self._flush_handle = self._timer = None
            self._update_state()
