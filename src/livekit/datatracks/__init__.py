"""Data tracks: frames of bytes from one participant to its subscribers, with low latency and without retransmission.

`packet`, `packetizer` and `depacketizer` implement the wire format, without I/O; `tracks` has the public objects;
`track_manager` connects them to a room's engine.
"""

from __future__ import annotations
