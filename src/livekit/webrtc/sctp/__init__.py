"""Sans-I/O SCTP for data channels (RFC 9260, 8261, 8831, 8832, 7053, 3758, 6525).

An :class:`Association` runs on top of DTLS. `now` is the time in seconds on a monotonic clock. Its driver does
this:

- set `on_output`, `on_established`, `on_closed` and `on_channel`; open channels with `open_channel` at any time;
- call `connect(now, is_client=…)` with the DTLS role once DTLS is connected; both sides may initiate;
- pass each decrypted datagram to `receive_datagram(data, now)`, which calls `Channel.on_message`;
- once per tick, after any of these calls or a call of `on_output`, send everything that `datagrams_to_send(now)`
  returns, then look at `next_timer()`;
- at that time, call `handle_timer(now)`, then `datagrams_to_send(now)`;
- at the end, call `shutdown(now)` or `abort()`, and `datagrams_to_send(now)` a last time.

A :class:`Channel` implements `DataChannel` of :mod:`livekit.webrtc.interfaces`. Callbacks may call everything here
except `receive_datagram`, `datagrams_to_send` and `handle_timer`; exceptions they raise are logged.
"""

from __future__ import annotations

from .association import Association
from .channel import Channel, ChannelState
from .constants import MAX_MESSAGE_SIZE, MAX_RECEIVED_PACKET
from .states import CloseReason, State

__all__ = [
    "MAX_MESSAGE_SIZE",
    "MAX_RECEIVED_PACKET",
    "Association",
    "Channel",
    "ChannelState",
    "CloseReason",
    "State",
]
