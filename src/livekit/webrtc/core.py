"""The interface of the sans-I/O protocol cores in this package: bytes and time in, bytes and a deadline out.

A core opens no sockets and reads no clock; `now` is in seconds on a monotonic clock. Its driver, such as
:class:`livekit.webrtc.transport.PeerTransport` or the network emulator in the tests, does this:

- pass each received datagram to `receive_datagram`;
- at the time that `next_timer` returns, call `handle_timer`;
- after any input, send what `datagrams_to_send` returns and look at `next_timer` again.

:class:`~livekit.webrtc.dtls.DtlsTransport` and :class:`~livekit.webrtc.sctp.Association` implement it.
:class:`~livekit.webrtc.ice.IceAgent` runs over several sockets and addresses at once: its `receive_datagram` also takes
the socket and the source address, and its `datagrams_to_send` returns :class:`~livekit.webrtc.ice.Transmit` objects,
which name both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["DatagramCore", "TimedCore"]


class TimedCore(Protocol):
    """A sans-I/O core with timers."""

    def next_timer(self) -> float | None:
        """Return when to call `handle_timer`; None if no timer runs."""
        ...

    def handle_timer(self, now: float) -> None:
        """Handle the timers that have expired. Calling it early does nothing."""
        ...


class DatagramCore(TimedCore, Protocol):
    """A sans-I/O core on a path between two peers."""

    def receive_datagram(self, data: bytes, now: float) -> object:
        """Process one datagram from the peer; malformed and forged ones are dropped.

        DTLS returns the application data it decrypted; SCTP delivers messages to callbacks.
        """
        ...

    def datagrams_to_send(self, now: float) -> Sequence[bytes]:
        """Return the datagrams to send now, in order, and forget them."""
        ...
