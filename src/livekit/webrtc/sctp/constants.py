"""Numbers of the SCTP layer: protocol values as the RFCs name them, and our own limits and timings."""

from __future__ import annotations

import enum
import math

NEVER = math.inf
"""A deadline that does not come."""


class ChunkType(enum.IntEnum):
    """RFC 9260 section 3.2, RFC 3758 section 3.2, RFC 6525 section 3.1, RFC 4820 section 3."""

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
    """Parameters of INIT, INIT ACK, HEARTBEAT and RE-CONFIG."""

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
    """Error causes (RFC 9260 section 3.3.10)."""

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


# Flags of the DATA chunk (RFC 9260 section 3.3.1, RFC 7053 section 3).
FLAG_END = 0x01
FLAG_BEGIN = 0x02
FLAG_UNORDERED = 0x04
FLAG_IMMEDIATE = 0x08
# Flag of ABORT and SHUTDOWN COMPLETE: the verification tag is the sender's peer's own (section 8.5.1).
FLAG_TAG_REFLECTED = 0x01

PORT = 5000
"""SCTP port of WebRTC (RFC 8841 section 5)."""

# Sizes, in bytes.
PACKET_HEADER_SIZE = 12
DATA_HEADER_SIZE = 16
MAX_PACKET_SIZE = 1188
"""Our SCTP packets where none larger are known to arrive: 1280 (IPv6) - 40 (IPv6) - 8 (UDP) - 4 (TURN ChannelData)
- 37 (DTLS 1.2 with AES-GCM), a multiple of 4."""
MAX_RECEIVED_PACKET = 15_872
"""Packets that we take: a DTLS record ends at 16,384 bytes, and of those a little less needs 16 KiB in the kernel
instead of 32."""
MIN_FRAGMENT = 256
"""The rest of a packet is filled with a part of a longer message only if at least this much of it fits."""
MAX_MESSAGE_SIZE = 262_144
"""The longest message we accept; a longer one aborts the association."""
DEFAULT_PEER_MAX_MESSAGE_SIZE = 65_536
"""What a peer accepts that announces nothing (RFC 8841 section 6)."""

# What a peer can make us store.
RECEIVE_WINDOW = 1 << 20
"""Advertised receiver window."""
RECEIVE_BUFFER = 2 * RECEIVE_WINDOW
"""Data beyond this is dropped, `CHUNK_OVERHEAD` counted for each chunk that waits."""
CHUNK_OVERHEAD = 128
MAX_GAPS = 1024
"""Separate runs of TSNs above the cumulative one that we remember; a chunk that would make one more is dropped."""
MAX_TSN_AHEAD = 0xFFFF
"""How far above the cumulative TSN a chunk may be: gap blocks are 16 bits wide (RFC 9260 section 3.3.4)."""
MAX_GAP_BLOCKS = 256
"""Gap blocks in one SACK that we send."""
MAX_DUPLICATES = 16
"""Duplicate TSNs in one SACK that we send."""
MAX_PENDING_REPLIES = 64
"""Replies to control chunks that wait for the next flush; more are dropped, as if lost."""
MAX_CHANNELS = 1024
"""Data channels at a time; the stream of one more is reset."""
MAX_RETAINED_COOKIE = 4096
"""The longest state cookie of a peer that we echo."""
MAX_SEND_BUFFER = 64 << 20
"""Bytes in the send queues of all channels together."""
MAX_STREAMS = 0xFFFF
"""Streams each way (RFC 8831 section 6.2)."""

# Congestion (RFC 9260 section 7). Kernel UDP buffers are 208 KiB by default, in which about 92 full datagrams fit.
INITIAL_WINDOW_PACKETS = 16
"""Losses do not reduce the window below it while nothing waits on the path: that is no congestion but a bad link."""
MIN_SSTHRESH_PACKETS = 4
THIN_FLIGHT_PACKETS = 4
"""With less in flight nothing but a timeout finds a loss, and repeating it soon burdens nobody."""
THIN_TIMEOUTS = 6
"""Timeouts of so little in a row that do not make the next one longer, as in Linux's TCP for thin streams and SYNs."""
MAX_WINDOW_PACKETS = 72
"""Ceiling of the congestion window on short paths; on longer ones `MAX_RATE` times the shortest round trip."""
MAX_WINDOW_LARGE_PACKETS = 10
"""The same for packets of more than 8 KiB, each of which takes 16 KiB of such a buffer."""
MAX_RATE = 16 << 20
"""Bytes per second."""
MAX_QUEUE_DELAY = 0.1
"""Seconds that packets may wait on the path, behind others of ours: longer queues are avoided (as in RFC 6817), since
calls wait in them. On paths with a longer round trip it is that."""
STALLED_ACK_SHARE = 0.75
"""The part of a round trip after which the first acknowledgement is as good as the last."""
RTT_FILTER_SAMPLES = 2
"""Round trips in a row whose shortest says how long packets wait."""
MIN_WINDOW_PACKETS = 4
"""What the window is not reduced below for the sake of short queues."""
MAX_BURST_PACKETS = 32
"""Packets per flush."""
LOSS_THRESHOLD = 3
"""A chunk is lost when one sent this many packets later was acknowledged (RFC 9260 section 7.2.4)."""

# Timings, in seconds.
RTO_INITIAL = 0.5
RTO_MIN = 0.12
"""100 ms and the peer's delay of a SACK, if it delays as little as we do."""
RTO_MAX = 2.0
SACK_DELAY = 0.02
IMMEDIATE_SACK_DELAY = 0.004
"""Delay of a SACK asked for by the I bit, so that an answer of the application can carry it: through a server on the
same host a call takes 1 to 2 ms."""
DUPLICATE_SACK_PACKETS = 3
"""Packets that are acknowledged twice, in two packets, if some before them are missing or came twice. RFC 9260 section
6.2 asks for a SACK for every second packet; of what is read at once one is enough, unless it is lost."""
COOKIE_LIFETIME = 60.0

MAX_RETRANSMITS = 20
"""T3 expiries in a row until the association fails; about 35 s at `RTO_MAX` (ICE consent takes 30 s)."""
MAX_INIT_RETRANSMITS = 16
MAX_SHUTDOWN_RETRANSMITS = 8
