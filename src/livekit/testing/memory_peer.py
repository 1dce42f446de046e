"""In-memory peer connections: `livekit.webrtc.interfaces` implemented with `MemoryPipe`."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from livekit._util.callbacks import ignore
from livekit.webrtc import ChannelError, ChannelOptions, DataChannel, IceServerSettings, PeerState
from livekit.webrtc.sctp import MAX_MESSAGE_SIZE

from .memory_link import MemoryLink, MemoryPipe

if TYPE_CHECKING:
    from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind
    from livekit.webrtc.rtp.rtcp import RtcpPacket, TransportWideFeedback
    from livekit.webrtc.sdp import MediaSection
    from livekit.webrtc.transceiver import RtcTransceiver

    from .memory_media import MemoryMedia

__all__ = ["MemoryChannel", "MemoryPeer"]

logger = logging.getLogger("livekit.testing")

SEND_WINDOW = 65_536
"""Bytes."""
CLOSE_NOTICE = 0.05
"""Seconds until the remote peer notices that the connection was closed."""
CONSENT_TIMEOUT = 5.0
"""Seconds until both peers notice that the path is broken: consent expires (RFC 7675)."""

_SEPARATOR = "\n"
"""Follows the name in a description."""
_Item = tuple[bytes, "Callable[[], None] | None"]
_numbers = itertools.count(1)
_peers: WeakValueDictionary[str, MemoryPeer] = WeakValueDictionary()
"""Peers by the name in their session descriptions."""


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
        self._pipe: MemoryPipe[_Item] | None = None
        self._confirmations: MemoryPipe[Callable[[], None]] | None = None
        self._was_high = False

    @property
    def label(self) -> str:
        return self.options.label

    @property
    def is_open(self) -> bool:
        return self._pipe is not None and not self._pipe.closed

    @property
    def buffered_amount(self) -> int:
        return 0 if self._pipe is None else self._pipe.buffered_amount

    @property
    def send_window(self) -> int:
        return SEND_WINDOW

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None) -> None:
        if self._pipe is None or self._pipe.closed:
            raise ChannelError("the data channel is not open")
        if len(data) > MAX_MESSAGE_SIZE:
            raise ChannelError(f"a message of {len(data)} bytes is over the limit of {MAX_MESSAGE_SIZE}")
        self._pipe.put((data, on_delivered), len(data))
        self._was_high = self._pipe.buffered_amount > self.buffered_amount_low_threshold

    def open(self, link: MemoryLink, remote: MemoryChannel) -> None:
        """Open the channel; messages are delivered to `remote`."""
        lossy = self.options.max_retransmits == 0
        self._link = link
        self._pipe = link.pipe(remote.take, lossy=lossy, duplicates=True)
        self._pipe.on_sent = self._bytes_sent
        self._confirmations = link.pipe(_confirm)

    def take(self, item: _Item) -> None:
        """Receive a message, and confirm its delivery to the sender after the link's delay."""
        data, on_delivered = item
        self.on_message(data)
        if on_delivered is None or self._link is None:
            return
        if self._confirmations is not None and self._link.faults().delay:
            self._confirmations.put(on_delivered)
        else:
            on_delivered()

    def close(self) -> None:
        """Close this end and drop messages in flight, without notifying the other end."""
        if self._confirmations is not None:
            self._confirmations.close()
        if self._pipe is not None and not self._pipe.closed:
            self._pipe.close()
            self.on_close()

    def cut(self) -> None:
        """Silently drop everything sent from now on."""
        if self._pipe is not None:
            self._pipe.cut = True

    def _bytes_sent(self) -> None:
        if self._was_high and self.buffered_amount <= self.buffered_amount_low_threshold:
            self._was_high = False
            self.on_buffered_amount_low()


def _confirm(on_delivered: Callable[[], None]) -> None:
    on_delivered()


class MemoryPeer:
    """One side of a peer connection; finds the other side by the name in its session description.

    A description is that name, the sections of media if there are any, and a fingerprint, which is the name again.
    """

    def __init__(self, link: MemoryLink | None = None) -> None:
        """Create a peer; the server's peers are given the `link` that the connection uses."""
        self.on_state: Callable[[PeerState], None] = ignore
        self.on_channel: Callable[[DataChannel], None] = ignore
        self.on_candidate: Callable[[str | None], None] = ignore
        self.on_offer: Callable[[], None] = ignore
        self.on_negotiated: Callable[[], None] = ignore
        self.on_rtcp: Callable[[Sequence[RtcpPacket | TransportWideFeedback]], None] = ignore
        self.link = link
        self._media: MemoryMedia | None = None
        self._state = PeerState.NEW
        self._remote: MemoryPeer | None = None
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
        """Ignore the servers: in-memory links need none."""

    def create_channel(self, options: ChannelOptions) -> MemoryChannel:
        channel = MemoryChannel(options)
        self._channels.append(channel)
        if self._state is PeerState.CONNECTED:
            asyncio.get_running_loop().call_soon(self._open, channel)
        return channel

    # Media

    @property
    def transceivers(self) -> Sequence[RtcTransceiver]:
        return () if self._media is None else self._media.negotiation.transceivers

    def add_transceiver(
        self, kind: MediaKind, direction: Direction, codecs: Sequence[Codec], *, extensions: Sequence[str] = ()
    ) -> RtcTransceiver:
        return self._load_media().negotiation.add(kind, direction, codecs, extensions)

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> bool:
        return self._media is not None and self._media.send_rtcp(packets)

    def _load_media(self) -> MemoryMedia:
        if self._media is None:
            from .memory_media import MemoryMedia

            self._media = MemoryMedia()
            self._media.on_rtcp = self._receive_rtcp
            self._connect_media()
        return self._media

    def _receive_rtcp(self, packets: Sequence[RtcpPacket | TransportWideFeedback]) -> None:
        self.on_rtcp(packets)

    def _connect_media(self) -> None:
        remote, link = self._remote, self.link
        if self._media is not None and remote is not None and link is not None and self._state is PeerState.CONNECTED:
            self._media.connect(link, lambda: remote._media)

    # Descriptions

    async def create_offer(self, *, ice_restart: bool = False) -> str:
        return self._describe("" if self._media is None else self._media.offer())

    def _describe(self, sections: str = "") -> str:
        return f"{self._name}{_SEPARATOR}{sections}a=fingerprint:memory {self._name}"

    async def accept_offer(self, sdp: str) -> str:
        sections = self._pair(sdp)
        if sections and (self._media is not None or self.on_offer is not ignore):
            media = self._load_media()
            media.receive_offer(sections)
            self.on_offer()
            answer = self._describe(media.answer())
            self.on_negotiated()
            return answer
        if self._media is not None:
            self.on_offer()
            self.on_negotiated()
        return self._describe()

    async def accept_answer(self, sdp: str) -> None:
        sections = self._pair(sdp)
        if self._media is not None:
            self._media.receive_answer(sections)
        if self._state is PeerState.NEW and self.link is not None:
            self._change(PeerState.CONNECTING)
            setup = self.link.faults().setup + 2 * self.link.faults().delay
            self._timer = asyncio.get_running_loop().call_later(setup, self._connect)
        if self._media is not None:
            self.on_negotiated()

    async def add_candidate(self, candidate: str | None) -> None:
        return None

    async def close(self) -> None:
        remote = self._remote
        if self._state is PeerState.CLOSED:
            return
        self._end(PeerState.CLOSED)
        if remote is not None and remote.link is not None:
            delay = max(CLOSE_NOTICE, remote.link.faults().delay)
            remote.fail_later(delay)

    def break_path(self) -> None:
        """Break the path silently; both peers fail after `CONSENT_TIMEOUT`."""
        for peer in (self, self._remote):
            if peer is not None:
                for channel in peer._channels:
                    channel.cut()
                if peer._media is not None:
                    peer._media.cut()
                peer.fail_later(CONSENT_TIMEOUT)

    def fail(self) -> None:
        """Fail both peers immediately."""
        remote = self._remote
        for peer in (self, remote):
            if peer is not None:
                peer._end(PeerState.FAILED)

    def fail_later(self, delay: float) -> None:
        """Fail this peer after `delay` seconds, unless it is closed."""
        if self._state is PeerState.CLOSED:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay, self._end, PeerState.FAILED)

    def _pair(self, sdp: str) -> list[MediaSection]:
        """Find the peer that a description is of, and return its media sections."""
        name, _, sections = sdp.partition(_SEPARATOR)
        remote = _peers.get(name)
        if remote is None:
            raise ValueError("not the session description of an in-memory peer connection, or its peer is gone")
        self._remote = remote
        self.link = remote.link = self.link or remote.link
        if not sections.startswith("v="):
            return []
        from .memory_media import media_sections

        return media_sections(sections)

    def _connect(self) -> None:
        """Connect both peers; the answerer is notified first."""
        remote = self._remote
        if remote is None or remote.state is PeerState.CLOSED or self._state is not PeerState.CONNECTING:
            return
        remote._change(PeerState.CONNECTED)
        self._state = PeerState.CONNECTED
        for peer in (self, remote):
            peer._connect_media()
            for channel in list(peer._channels):
                peer._open(channel)
        self.on_state(PeerState.CONNECTED)

    def _open(self, channel: MemoryChannel) -> None:
        remote, link = self._remote, self.link
        if remote is None or link is None or channel.is_open or self._state is not PeerState.CONNECTED:
            return
        opposite = MemoryChannel(channel.options)
        channel.open(link, opposite)
        opposite.open(link, channel)
        remote._channels.append(opposite)
        remote.on_channel(opposite)
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
            if self._media is not None:
                self._media.close()
            self._change(state)
