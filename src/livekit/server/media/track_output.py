"""A subscriber's section, and how it is connected to a published track."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from livekit._util.callbacks import ignore
from livekit.server.rate_limit import TokenBucket

from .forwarder import Forwarder
from .layers import HIGH
from .quality import Rating
from .silence import CLOSING_FRAMES, SILENT_FRAMES, Silence
from .track_quality import ForwardedQuality

__all__ = ["TrackOutput"]

MAX_RETRANSMISSIONS: Final = 500
"""Packets per second that are sent again to one subscriber of one track, after a burst of one second's worth."""


class _Sender(Protocol):
    def __call__(self, header: bytes, payload: bytes, sequence_number: int, /) -> object: ...


class TrackOutput:
    """One outgoing stream of a subscriber's peer connection, with the functions that send it.

    It lives as long as the section. `TrackStreams.add` connects it to a track, `TrackStreams.remove` ends that.
    """

    def __init__(self, forwarder: Forwarder, send: _Sender, resend: _Sender, *, trailer: bytes = b"") -> None:
        """`send` and `resend` encrypt and send a packet; the latter one that was sent before.

        `trailer` is `JoinResponse.sif_trailer` for an encrypted track, else empty.
        """
        self.forwarder = forwarder
        self.send = send
        self.quality = HIGH
        """The best layer of simulcast that the subscriber wants; `TrackStreams.choose` applies a change."""
        self.request_key_frame: Callable[[float], object] = ignore
        """Called with the time when the subscriber needs a key frame; set by `TrackStreams`."""
        self._quality = ForwardedQuality(forwarder)
        self._resend = resend
        self._retransmissions = TokenBucket(MAX_RETRANSMISSIONS)
        self.trailer = trailer
        self._silence: Silence | None = None

    @property
    def next_poll(self) -> float | None:
        """When `poll` has something to send; None if it has not."""
        return None if self._silence is None else self._silence.next_at

    def set_paused(self, paused: bool, now: float) -> None:
        """Forward nothing while the track is muted, disabled or not permitted; a second of silence begins the pause."""
        self._set_paused(paused, SILENT_FRAMES, now)

    def close(self, now: float) -> None:
        """Forward nothing more, after a shorter silence: the track ended or is not subscribed to any more."""
        self._set_paused(True, CLOSING_FRAMES, now)
        self.forwarder.select(None)
        self.request_key_frame = ignore

    def _set_paused(self, paused: bool, frames: int, now: float) -> None:
        if paused == self.forwarder.paused:
            return
        self.forwarder.paused = paused
        silence = Silence(self.forwarder, now, frames=frames, trailer=self.trailer) if paused else None
        self._silence = None if silence is None or silence.done else silence

    def poll(self, now: float) -> None:
        """Send the silence that is due."""
        silence = self._silence
        if silence is not None:
            for packet in silence.poll(now):
                self.send(*packet)
            if silence.done:
                self._silence = None

    def rate(self, now: float) -> Rating:
        """Return the quality of the link to the subscriber; call it each `quality.UPDATE_INTERVAL`."""
        return self._quality.rate(now)

    def retransmit(self, sequence_numbers: Iterable[int], now: float) -> None:
        """Send packets again that the subscriber asks for."""
        for sequence_number in sequence_numbers:
            packet = self.forwarder.retransmit(sequence_number)
            if packet is not None:
                if not self._retransmissions.take(1, now):
                    return
                self._resend(*packet)
