"""Peer connections in memory: the port of :mod:`livekit.webrtc.interfaces`, filled with pipes."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from typing import Final
from weakref import WeakValueDictionary

from livekit._util.callbacks import ignore
from livekit.webrtc import ChannelError, ChannelOptions, DataChannel, IceServerSettings, PeerState

from .memory_link import MemoryLink, MemoryPipe

__all__ = ["MAX_MESSAGE_SIZE", "MemoryChannel", "MemoryPeer"]

logger = logging.getLogger("livekit.testing")

MAX_MESSAGE_SIZE = 65_536
"""Bytes of one message."""
CLOSE_NOTICE = 0.05
"""Seconds after which the other side notices that a connection was closed."""
CONSENT_TIMEOUT = 5.0
"""Seconds after which both sides notice that nothing gets through any more (RFC 7675)."""

_Item = tuple[bytes, "Callable[[], None] | None"]
_numbers = itertools.count(1)
_peers: WeakValueDictionary[str, MemoryPeer] = WeakValueDictionary()
"""By what their descriptions name them."""


class MemoryChannel:
    """One end of a data channel."""

    def __init__(self, options: ChannelOptions) -> None:
        self.on_open: Callable[[], None] = ignore
        self.on_message: Callable[[bytes], None] = ignore
        self.on_close: Callable[[], None] = ignore
        self.on_buffered_amount_low: Callable[[], None] = ignore
        self.buffered_amount_low_threshold = 0
        self.options: Final = options
        self._link: MemoryLink | None = None
        self._lane: MemoryPipe[_Item] | None = None
        self._was_high = False

    @property
    def label(self) -> str:
        return self.options.label

    @property
    def is_open(self) -> bool:
        return self._lane is not None and not self._lane.closed

    @property
    def buffered_amount(self) -> int:
        return 0 if self._lane is None else self._lane.waiting

    @property
    def send_window(self) -> int:
        return MAX_MESSAGE_SIZE

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None) -> None:
        if self._lane is None or self._lane.closed:
            raise ChannelError("the data channel is not open")
        if len(data) > MAX_MESSAGE_SIZE:
            raise ChannelError(f"a message of {len(data)} bytes is over the limit of {MAX_MESSAGE_SIZE}")
        self._lane.put((data, on_delivered), len(data))
        self._was_high = self._lane.waiting > self.buffered_amount_low_threshold

    def open(self, link: MemoryLink, far: MemoryChannel) -> None:
        """What is sent from now on comes to `far`."""
        lossy = self.options.max_retransmits == 0
        self._link = link
        self._lane = link.pipe(far.take, lossy=lossy, duplicates=True)
        self._lane.on_departed = self._departed

    def take(self, item: _Item) -> None:
        """A message from the other end, which learns in turn that it came."""
        data, on_delivered = item
        self.on_message(data)
        if on_delivered is None or self._link is None:
            return
        delay = self._link.faults().delay
        if delay:
            asyncio.get_running_loop().call_later(delay, on_delivered)
        else:
            on_delivered()

    def close(self) -> None:
        """Drop what is on its way; the other end is not told."""
        if self._lane is not None and not self._lane.closed:
            self._lane.close()
            self.on_close()

    def cut(self) -> None:
        """Nothing sent from now on arrives, and nobody is told."""
        if self._lane is not None:
            self._lane.cut = True

    def _departed(self) -> None:
        if self._was_high and self.buffered_amount <= self.buffered_amount_low_threshold:
            self._was_high = False
            self.on_buffered_amount_low()


class MemoryPeer:
    """One side of a peer connection; the other side is found by the session description."""

    def __init__(self, link: MemoryLink | None = None) -> None:
        """Sides made with a `link` are the server's, and bring it into the connection."""
        self.on_state: Callable[[PeerState], None] = ignore
        self.on_channel: Callable[[DataChannel], None] = ignore
        self.on_candidate: Callable[[str | None], None] = ignore
        self.link = link
        self._state = PeerState.NEW
        self._far: MemoryPeer | None = None
        self._channels: list[MemoryChannel] = []
        self._name = f"memory {next(_numbers)}"
        self._timer: asyncio.TimerHandle | None = None
        _peers[self._name] = self

    @property
    def state(self) -> PeerState:
        return self._state

    @property
    def is_alive(self) -> bool:
        return self._state not in (PeerState.FAILED, PeerState.CLOSED)

    @property
    def max_message_size(self) -> int:
        return MAX_MESSAGE_SIZE

    @property
    def round_trip_time(self) -> float | None:
        return None if self.link is None or self._state is not PeerState.CONNECTED else 2 * self.link.faults().delay

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        """Nothing is needed to get through a queue."""

    def create_channel(self, options: ChannelOptions) -> MemoryChannel:
        channel = MemoryChannel(options)
        self._channels.append(channel)
        if self._state is PeerState.CONNECTED:
            asyncio.get_running_loop().call_soon(self._open, channel)
        return channel

    async def create_offer(self, *, ice_restart: bool = False) -> str:
        return self._name

    async def accept_offer(self, sdp: str) -> str:
        self._pair(sdp)
        return self._name

    async def accept_answer(self, sdp: str) -> None:
        self._pair(sdp)
        if self._state is PeerState.NEW and self.link is not None:
            self._change(PeerState.CONNECTING)
            setup = self.link.faults().setup + 2 * self.link.faults().delay
            self._timer = asyncio.get_running_loop().call_later(setup, self._connect)

    async def add_candidate(self, candidate: str | None) -> None:
        return None

    async def close(self) -> None:
        far = self._far
        if self._state is PeerState.CLOSED:
            return
        self._end(PeerState.CLOSED)
        if far is not None and far.link is not None:
            delay = max(CLOSE_NOTICE, far.link.faults().delay)
            far.fail_later(delay)

    def break_path(self) -> None:
        """Nothing gets through any more; both sides notice after a while."""
        for peer in (self, self._far):
            if peer is not None:
                for channel in peer._channels:
                    channel.cut()
                peer.fail_later(CONSENT_TIMEOUT)

    def fail(self) -> None:
        """The connection is lost for good, and both sides know it."""
        far = self._far
        for peer in (self, far):
            if peer is not None:
                peer._end(PeerState.FAILED)

    def fail_later(self, delay: float) -> None:
        """Notice after `delay` seconds that the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay, self._end, PeerState.FAILED)

    def _pair(self, sdp: str) -> None:
        far = _peers.get(sdp)
        if far is None:
            raise ValueError("this is not the description of a connection in memory that is still there")
        self._far = far
        self.link = far.link = self.link or far.link

    def _connect(self) -> None:
        """Both sides are up at the same moment; the one that answered knows first."""
        far = self._far
        if far is None or far.state is PeerState.CLOSED or self._state is not PeerState.CONNECTING:
            return
        far._change(PeerState.CONNECTED)
        self._state = PeerState.CONNECTED
        for peer in (self, far):
            for channel in list(peer._channels):
                peer._open(channel)
        self.on_state(PeerState.CONNECTED)

    def _open(self, channel: MemoryChannel) -> None:
        far, link = self._far, self.link
        if far is None or link is None or channel.is_open or self._state is not PeerState.CONNECTED:
            return
        opposite = MemoryChannel(channel.options)
        channel.open(link, opposite)
        opposite.open(link, channel)
        far._channels.append(opposite)
        far.on_channel(opposite)
        channel.on_open()

    def _change(self, state: PeerState) -> None:
        if state is not self._state and self._state is not PeerState.CLOSED:
            self._state = state
            self.on_state(state)

    def _end(self, state: PeerState) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._state is not PeerState.CLOSED:
            for channel in self._channels:
                channel.close()
            self._change(state)
