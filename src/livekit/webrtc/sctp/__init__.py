"""SCTP for data channels (RFC 9260, 8261, 8831, 8832, 7053, 3758, 6525), without I/O and without a clock.

An :class:`Association` lives on top of DTLS. All times are seconds of one monotonic clock, given as `now`:

- set `on_output`, `on_established`, `on_closed`, `on_channel`; open channels with `open_channel`, at any time;
- `connect(now, is_client=…)` when DTLS is up, with the DTLS role; both sides may do so;
- `receive_datagram(data, now)` for each decrypted datagram: messages reach `Channel.on_message` from within the call;
- once per tick, after any of these, and whenever `on_output` was called: send all of `datagrams_to_send(now)`, then
  see `next_timer()`;
- at the time that it tells: `handle_timer(now)`, then `datagrams_to_send(now)`;
- `shutdown(now)` or `abort()`, and a last `datagrams_to_send(now)`.

A :class:`Channel` is a `DataChannel` of :mod:`livekit.webrtc.interfaces`. Callbacks may call anything here but
`receive_datagram`, `datagrams_to_send` and `handle_timer`; what they raise is logged.
"""

from __future__ import annotations

from .association import Association
from .channel import Channel, ChannelState
from .constants import MAX_RECEIVED_PACKET
from .states import CloseReason, State

__all__ = ["MAX_RECEIVED_PACKET", "Association", "Channel", "ChannelState", "CloseReason", "State"]
