"""A data channel without I/O, whose wire is a list."""

from __future__ import annotations

from collections.abc import Callable

from livekit._util.callbacks import ignore
from livekit.webrtc import ChannelError


class FakeChannel:
    """Buffers sent messages; `drain` empties the buffer, and `acknowledge` acknowledges messages."""

    def __init__(self, label: str = "_reliable", max_size: int = 65_536) -> None:
        self.on_open: Callable[[], None] = ignore
        self.on_message: Callable[[bytes], None] = ignore
        self.on_close: Callable[[], None] = ignore
        self.on_buffered_amount_low: Callable[[], None] = ignore
        self.buffered_amount_low_threshold = 0
        self.send_window = 1 << 20
        self.is_open = True
        self.sent: list[bytes] = []
        self._label = label
        self._max_size = max_size
        self._buffered: list[int] = []
        self._unacknowledged: list[Callable[[], None]] = []

    @property
    def label(self) -> str:
        return self._label

    @property
    def buffered_amount(self) -> int:
        return sum(self._buffered)

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None) -> None:
        if not self.is_open or len(data) > self._max_size:
            raise ChannelError("closed or too long")
        self.sent.append(data)
        self._buffered.append(len(data))
        self._unacknowledged.append(on_delivered or ignore)

    def drain(self) -> None:
        """Send everything buffered."""
        above = self.buffered_amount > self.buffered_amount_low_threshold
        self._buffered.clear()
        if above:
            self.on_buffered_amount_low()

    def acknowledge(self, count: int | None = None) -> None:
        """Acknowledge the first `count` messages, or all."""
        acknowledged = self._unacknowledged[:count]
        del self._unacknowledged[:count]
        for on_delivered in acknowledged:
            on_delivered()
