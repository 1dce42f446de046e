"""Protocol values under the names of the RFCs, and the limits and timers of this implementation."""

from __future__ import annotations

import enum
import math

NEVER = math.inf
"""Deadline of a timer that does not run."""
TSN_MASK = 0xFFFF_FFFF
"""TSNs are integers that never wrap (`livekit.webrtc.serial_number`); the wire carries their low 32 bits."""


class ChunkType(enum.IntEnum):
    """Chunk types (RFC 9260 section 3.2, RFC 3758 section 3.2, RFC 6525 section 3.1, RFC 4820 section 3)."""

    DATA = 0
    INIT = 1
    INIT_ACK = 2
    SACK = 3
    HEARTBEAT = 4
    HEARTBEAT_ACK = 5
    ABORT = 6
    SHUTDOWN = 7
    SHUTDOWN_ACK = 8
    ERROR = 9
    COOKIE_ECHO = 10
    COOKIE_ACK = 11
    SHUTDOWN_COMPLETE = 14
    RE_CONFIG = 130
    PAD = 132
    FORWARD_TSN = 192


class Parameter(enum.IntEnum):
    """Parameter types of INIT, INIT ACK, HEARTBEAT and RE-CONFIG chunks."""

    HEARTBEAT_INFO = 1
    STATE_COOKIE = 7
    UNRECOGNIZED = 8
    OUTGOING_RESET_REQUEST = 13
    INCOMING_RESET_REQUEST = 14
    TSN_RESET_REQUEST = 15
    RECONFIG_RESPONSE = 16
    ADD_OUTGOING_STREAMS = 17
    ADD_INCOMING_STREAMS = 18
    SUPPORTED_EXTENSIONS = 0x8008
    FORWARD_TSN_SUPPORTED = 0xC000


class Cause(enum.IntEnum):
    """Error causes of ABORT and ERROR chunks (RFC 9260 section 3.3.10)."""

    STALE_COOKIE = 3
    OUT_OF_RESOURCE = 4
    UNRECOGNIZED_CHUNK = 6
    INVALID_MANDATORY_PARAMETER = 7
    COOKIE_WHILE_SHUTTING_DOWN = 10
    USER_INITIATED_ABORT = 12
    PROTOCOL_VIOLATION = 13


class Ppid(enum.IntEnum):
    """Payload protocol identifiers of data channels (RFC 8831 section 8)."""

    DCEP = 50
    STRING = 51
    BINARY = 53
    STRING_EMPTY = 56
    BINARY_EMPTY = 57


# Flags of DATA chunks (RFC 9260 section 3.3.1, RFC 7053 section 3).
FLAG_END = 0x01
FLAG_BEGIN = 0x02
FLAG_UNORDERED = 0x04
FLAG_IMMEDIATE = 0x08
# The T bit of ABORT and SHUTDOWN COMPLETE: the packet has the receiver's own verification tag (RFC 9260 section 8.5.1).
FLAG_TAG_REFLECTED = 0x01

PORT = 5000
"""SCTP port of WebRTC (RFC 8841 section 5)."""

# Sizes, in bytes.
PACKET_HEADER_SIZE = 12
DATA_HEADER_SIZE = 16
MAX_PACKET_SIZE = 1188
"""Base size of SCTP packets, before path MTU discovery: 1280 (minimum MTU of IPv6) - 40 (IPv6) - 8 (UDP) - 4 (TURN
ChannelData) - 37 (DTLS 1.2 with AES-GCM), rounded down to a multiple of 4."""
MIN_PACKET_SIZE = 504
"""Size of SCTP packets that every path carries: 576 (which every IPv4 host accepts, RFC 1122 section 3.3.2) - 20 (IPv4)
- 8 (UDP) - 4 (TURN ChannelData) - 37 (DTLS), rounded down to a multiple of 4."""
MAX_RECEIVED_PACKET = 15_872
"""Longest packet we accept. A DTLS record holds 16,384 bytes; slightly less fits into a kernel buffer of 16 KiB instead
of 32."""
MIN_FRAGMENT = 256
"""Smallest fragment of a longer message that is used to fill up a packet."""
MAX_MESSAGE_SIZE = 262_144
"""Longest message we accept, as in libwebrtc; a longer one aborts the association."""
DEFAULT_PEER_MAX_MESSAGE_SIZE = 65_536
"""Longest message for a peer without `a=max-message-size` (RFC 8841 section 6)."""

# Bounds of the memory that a peer can make us use.
RECEIVE_WINDOW = 1 << 20
"""Advertised receiver window (a_rwnd), in bytes."""
RECEIVE_BUFFER = 2 * RECEIVE_WINDOW
"""Bytes buffered for reassembly and ordering, `CHUNK_OVERHEAD` per chunk included; data beyond it is dropped."""
CHUNK_OVERHEAD = 128
"""Bytes of bookkeeping counted for each buffered chunk."""
MAX_GAPS = 1024
"""Separate ranges of TSNs above the cumulative TSN; a chunk that would start another one is dropped."""
MAX_TSN_AHEAD = 0xFFFF
"""Distance of a chunk from the cumulative TSN: offsets in gap ack blocks have 16 bits (RFC 9260 section 3.3.4)."""
MAX_GAP_BLOCKS = 256
"""Gap ack blocks in a SACK we send."""
MAX_DUPLICATES = 16
"""Duplicate TSNs in a SACK we send."""
MAX_PENDING_REPLIES = 64
"""Control chunks waiting for the next flush; further ones are dropped, as if lost on the path."""
MAX_CHANNELS = 1024
"""Open data channels; the stream of a further one is reset."""
MAX_RETAINED_COOKIE = 4096
"""Longest state cookie of a peer that we echo, in bytes."""
MAX_SEND_BUFFER = 64 << 20
"""Bytes in the send queues of all channels."""
MAX_STREAMS = 0xFFFF
"""Streams in each direction (RFC 8831 section 6.2)."""

# Congestion control (RFC 9260 section 7). Kernel UDP buffers of 208 KiB, the default, hold about 92 full datagrams.
INITIAL_WINDOW_PACKETS = 16
"""Initial congestion window. Losses without a queue on the path do not reduce the window below it: they indicate a bad
link, not congestion."""
MIN_SSTHRESH_PACKETS = 4
"""Minimum of ssthresh after a loss (RFC 9260 section 7.2.3)."""
THIN_FLIGHT_PACKETS = 4
"""Below this flight size only a timeout detects a loss, and early retransmissions add no significant load."""
THIN_TIMEOUTS = 6
"""Consecutive timeouts of a thin flight without backoff, as in Linux's TCP for thin streams and SYNs."""
MAX_WINDOW_PACKETS = 72
"""Ceiling of the congestion window on short paths; on longer ones it is `MAX_RATE` times the minimum RTT."""
MAX_WINDOW_LARGE_PACKETS = 10
"""The same ceiling for packets over 8 KiB, each of which occupies 16 KiB of the kernel's UDP buffer."""
MAX_RATE = 16 << 20
"""Bytes per second."""
MAX_QUEUE_DELAY = 0.1
"""Target of the queuing delay on the path, in seconds, as in LEDBAT (RFC 6817): calls wait behind the queued data. If
the minimum RTT is longer, that is the target."""
STALLED_ACK_SHARE = 0.75
"""Share of a round trip after which the first acknowledgement indicates a stalled host instead of a queue."""
RTT_FILTER_SAMPLES = 2
"""Consecutive RTT samples whose minimum determines the queuing delay (RFC 6817 section 3.4.2)."""
MIN_WINDOW_PACKETS = 4
"""Lower bound of the window when it is reduced to shorten a queue."""
MAX_BURST_PACKETS = 32
"""Packets with DATA per flush (Max.Burst)."""
LOSS_THRESHOLD = 3
"""A chunk is lost once a packet sent this many packets later is acknowledged (RFC 9260 section 7.2.4)."""
STALL_TRANSMISSIONS = 3
"""A chunk that has been lost this many times, or two, four, … times more, indicates a black hole for large packets."""

# Timers, in seconds.
RTO_INITIAL = 0.5
RTO_MIN = 0.12
"""100 ms plus the peer's SACK delay, if that is as short as ours."""
RTO_MAX = 2.0
SACK_DELAY = 0.02
"""Delay of a SACK for a single packet (RFC 9260 section 6.2)."""
IMMEDIATE_SACK_DELAY = 0.004
"""Delay of a SACK requested by the I bit (RFC 7053), so that the application's answer can carry it: a call through a
server on the same host takes 1 to 2 ms."""
DUPLICATE_SACK_PACKETS = 3
"""A SACK for at least this many packets is sent twice, in two packets, if TSNs below are missing or were duplicated.
RFC 9260 section 6.2 requires a SACK for every second packet; one for all packets read at once suffices, unless it is
lost."""
COOKIE_LIFETIME = 60.0
"""Valid.Cookie.Life (RFC 9260 section 16)."""

MAX_RETRANSMITS = 20
"""Association.Max.Retrans: consecutive T3-rtx timeouts that are tolerated; about 35 s at `RTO_MAX`, where ICE consent
expires after 30 s."""
MAX_INIT_RETRANSMITS = 16
"""Max.Init.Retransmits."""
MAX_SHUTDOWN_RETRANSMITS = 8
"""Retransmissions of SHUTDOWN and SHUTDOWN ACK."""
