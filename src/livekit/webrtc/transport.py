"""The way of a datagram: path → ICE or DTLS → SCTP, and back. One flush per tick of the loop, one timer.

All of asyncio that the protocol cores need is here: sockets call `_receive`, which goes straight through to the
application's callback; whatever wants to be sent waits for the flush at the end of the tick.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from .certificate import Fingerprint, local_certificate
from .demux import PacketKind, packet_kind
from .dtls import DtlsState, DtlsTransport
from .ice import Address, Candidate, IceAgent, IceState, Pair
from .interfaces import PeerOptions, PeerState
from .local_paths import LocalPaths
from .network import Path, TcpPath
from .sctp import Association, CloseReason

__all__ = ["DataTransport"]

logger = logging.getLogger("livekit.webrtc")

MAX_EARLY_DATAGRAMS = 16
"""DTLS datagrams kept while the peer's description is on its way."""


class DataTransport:
    """ICE, DTLS and SCTP of one peer connection."""

    def __init__(self, options: PeerOptions) -> None:
        self.on_state: Callable[[PeerState], None] = lambda _: None
        self.state = PeerState.NEW
        self.agent = IceAgent(controlling=False, consent_timeout=options.consent_timeout)
        self.association = Association()
        self.dtls: DtlsTransport | None = None
        self.paths = LocalPaths(self._receive, options, add=self._add_path, remove=self._remove_path)
        self.peer_packet_size = 0
        """The longest SCTP packet that the peer says it takes; 0 if it says nothing."""
        self._loop = asyncio.get_running_loop()
        self._early: list[tuple[bytes, Path, Address]] = []
        self._used: Pair | None = None
        self._flush_handle: asyncio.Handle | None = None
        self._reading = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._associated = self._failed = self._closed = False
        self.association.on_output = self.schedule_flush
        self.association.on_closed = self._association_closed
        self.association.path_mtu.on_black_hole = self._fragment

    @property
    def now(self) -> float:
        """The clock of everything below: seconds of the event loop."""
        return self._loop.time()

    # Setting up

    def connect(self, fingerprints: list[Fingerprint], *, is_client: bool) -> None:
        """Begin DTLS as client or server; the handshake waits for a path."""
        self.dtls = DtlsTransport(local_certificate(), is_client=is_client, fingerprints=fingerprints)
        if not is_client:
            self.dtls.start(self._loop.time())
        early, self._early = self._early, []
        for data, path, address in early:
            self._receive(data, path, address)
        self.schedule_flush()

    def add_remote(self, candidate: Candidate) -> None:
        """Take a candidate of the peer."""
        if candidate.transport == "tcp":
            self.paths.connect(candidate, self._wants_tcp)
            return
        self.agent.add_remote(candidate, self._loop.time())
        self.schedule_flush()

    def _add_path(self, path: Path, candidate: Candidate, only: Candidate | None) -> None:
        now = self._loop.time()
        self.agent.add_path(path, candidate, now, only=None if only is None else only.address)
        if only is not None:
            self.agent.add_remote(only, now)
        self.schedule_flush()

    def _remove_path(self, path: TcpPath) -> None:
        self.agent.remove_path(path, self._loop.time())
        self.schedule_flush()

    def _wants_tcp(self) -> bool:
        return self.agent.state not in (IceState.CONNECTED, IceState.FAILED)

    # Receiving

    def _receive(self, data: bytes, path: Path, address: Address) -> None:
        kind = packet_kind(data)
        if kind is PacketKind.DTLS:
            self._receive_dtls(data, path, address)
        elif kind is PacketKind.STUN and not self._closed and not self.paths.take(data):
            self.agent.receive(data, path, address, self._loop.time())
            self.schedule_flush()

    def _receive_dtls(self, data: bytes, path: Path, address: Address) -> None:
        if address not in self.agent.trusted or self._closed:
            return
        dtls = self.dtls
        if dtls is None:
            if len(self._early) < MAX_EARLY_DATAGRAMS:
                self._early.append((data, path, address))
            return
        now = self._loop.time()
        self._reading = True
        try:
            for message in dtls.receive(data, now):
                self.association.receive_datagram(message, now)
        finally:
            self._reading = False
            self.schedule_flush()

    # Sending

    def schedule_flush(self) -> None:
        """Send what there is to send at the end of this tick: after the first steps of tasks that a datagram starts."""
        if self._flush_handle is None and not self._reading and not self._closed:
            self._flush_handle = self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_handle = None
        if self._closed:
            return
        try:
            self._send(self._loop.time())
        except Exception:
            logger.exception("sending failed")  # the timer goes on, and with it what is repeated
        self._update_state()
        self._arm_timer()

    def _send(self, now: float) -> None:
        for transmit in self.agent.take_transmits():
            cast(Path, transmit.path).send(transmit.data, transmit.address)
        dtls, selected = self.dtls, self.agent.selected
        if dtls is None:
            return
        if selected is None:
            self.association.datagrams_to_send(now)  # lost: there is no path for them
            return
        if selected is not self._used:
            self._use(selected, now)
        if not self._associated:
            self._advance_handshake(dtls, now)
        datagrams = dtls.take_datagrams()
        for packet in self.association.datagrams_to_send(now):
            sealed = dtls.send(packet)
            if sealed is not None:
                datagrams.append(sealed)
        if datagrams:
            cast(Path, selected.path).send_all(datagrams, selected.address)

    def _use(self, pair: Pair, now: float) -> None:
        """Send on another pair from now on, and look for the largest packets that its path takes."""
        self._used = pair
        self.association.rto.path_changed()
        whole = bool(self.peer_packet_size) and cast(Path, pair.path).keep_whole(True)
        self.association.path_mtu.search(self.peer_packet_size if whole else 0, now)

    def _fragment(self) -> None:
        if self._used is not None:
            cast(Path, self._used.path).keep_whole(False)

    def _advance_handshake(self, dtls: DtlsTransport, now: float) -> None:
        dtls.start(now)
        if dtls.state is DtlsState.CONNECTED:
            self._associated = True
            if self.agent.round_trip_time:
                self.association.rto.set_initial_rtt(self.agent.round_trip_time)
            self.association.connect(now, is_client=dtls.is_client)

    def _arm_timer(self) -> None:
        due, timer = self.agent.next_timer(), self._timer
        for core in (self.association, self.dtls):
            time = None if core is None else core.next_timer()
            if time is not None and (due is None or time < due):
                due = time
        # A timer that is early costs one flush; setting it anew for every packet would cost more.
        if timer is not None and (due is None or self._timer_due > due):
            timer.cancel()
            timer = self._timer = None
        if timer is None and due is not None:
            # When it is due is kept here, as uvloop's handle of a time that has passed does not tell.
            self._timer_due = due
            self._timer = self._loop.call_at(due, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        now = self._loop.time()
        cores = (self.agent, self.association) if self.dtls is None else (self.agent, self.association, self.dtls)
        for core in cores:
            due = core.next_timer()
            if due is not None and due <= now:
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
            self._dtls_ended(dtls)
            return PeerState.FAILED
        if dtls.state is not DtlsState.CONNECTED or ice is IceState.CHECKING:
            return PeerState.CONNECTING
        return PeerState.DISCONNECTED if ice is IceState.DISCONNECTED else PeerState.CONNECTED

    def _dtls_ended(self, dtls: DtlsTransport) -> None:
        logger.debug("DTLS ended: %s", dtls.failure or "the peer closed it")
        self._failed = True
        self.association.abort()

    def _association_closed(self, reason: CloseReason) -> None:
        if not self._closed:
            logger.debug("SCTP ended: %s", reason.value)
            self._failed = True
            self.schedule_flush()

    async def close(self) -> None:
        """Tell the peer and release every socket, task and timer."""
        if self._closed:
            return
        now = self._loop.time()
        self._send(now)
        self.association.abort()
        self._send(now)
        if self.dtls is not None:
            self.dtls.close()
            self._send(now)
        self._closed = True
        for handle in (self._flush_handle, self._timer):
            if handle is not None:
                handle.cancel()
        self._flush_handle = self._timer = None
        self._update_state()
        await self.paths.close()
