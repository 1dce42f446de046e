"""The data channel of data tracks, opened on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit.datatracks.packet import CHANNEL as TRACK_CHANNEL_LABEL
from livekit.webrtc import ChannelError, ChannelOptions, DataChannel, PeerConnection

__all__ = ["MAX_TRACK_BUFFERED", "TRACK_CHANNEL_LABEL", "TrackChannel"]

MAX_TRACK_BUFFERED = 256 * 1024
"""Bytes buffered in the channel above which packets are dropped."""


class TrackChannel:
    """Sends packets of data tracks: unordered, without retransmission."""

    def __init__(self, peer: PeerConnection, on_packet: Callable[[bytes], None]) -> None:
        self._peer = peer
        self._on_packet = on_packet
        self._channel: DataChannel | None = None
        self._opened: asyncio.Future[None] | None = None

    def open(self) -> DataChannel | None:
        """Open the channel; return it, or None if that was done before."""
        if self._opened is not None:
            return None
        self._opened = asyncio.get_running_loop().create_future()
        options = ChannelOptions(label=TRACK_CHANNEL_LABEL, ordered=False, max_retransmits=0)
        channel = self._channel = self._peer.create_channel(options)
        channel.on_open = self._set_opened
        channel.on_message = self._on_packet
        return channel

    async def wait_open(self) -> None:
        """Wait until the channel is open; return at once if `open` was not called."""
        if self._opened is not None:
            await asyncio.shield(self._opened)

    def send(self, data: bytes) -> bool:
        """Send a packet. Returns False if the channel is not open, or `MAX_TRACK_BUFFERED` bytes are buffered."""
        channel = self._channel
        if channel is None or not channel.is_open or channel.buffered_amount > MAX_TRACK_BUFFERED:
            return False
        try:
            channel.send(data)
        except ChannelError:
            return False
        return True

    def _set_opened(self) -> None:
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)
