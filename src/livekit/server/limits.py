"""Limits of the server. Sizes are in bytes and times in seconds unless noted otherwise."""

from __future__ import annotations

MAX_SIGNAL_MESSAGE = 2 * 1024 * 1024
"""Size of one signal message after decompression; a larger one closes the WebSocket with code 1009."""

MAX_SIGNALS_PER_SECOND = 100
"""Signal messages per second of one connection, after a burst of one second's worth; reading pauses beyond it."""

MAX_SIGNAL_BYTES_PER_SECOND = 1024 * 1024
"""Bytes of signal messages per second of one connection: a participant's updates are sent to its whole room."""

MAX_JOIN_REQUEST = 1024 * 1024
"""Size of a join request, both encoded in the URL and decompressed (zip bomb)."""

MAX_REQUEST_LINE = MAX_JOIN_REQUEST + 64 * 1024
"""Size of an HTTP request line: a join request and the rest of its URL."""

MAX_HEADER_FIELD = 1024 * 1024
"""Size of one HTTP header field; a token with metadata is long."""

MAX_GRANTS = 100
"""Number of grants in one token; about twenty exist."""

MAX_REQUEST_BODY = 2 * 1024 * 1024
"""Size of an HTTP request body; compressed bodies are not decompressed."""

HALF_OPEN_TIMEOUT = 8.0
"""Time for a connection to complete an HTTP request, and for it to be idle between two requests (slowloris)."""

MAX_HALF_OPEN = 256
"""Number of connections without a complete request; beyond it, the oldest is dropped."""

MAX_HALF_OPEN_BYTES = 32 * 1024 * 1024
"""Bytes received on all connections without a complete request; beyond it, the oldest is dropped."""

MAX_PACKET = 65_535
"""Size of a data packet or data track packet; larger ones are dropped."""

MAX_SENT_DATA = 256 * 1024
"""Size of a data packet of a backend (`SendData`); receivers that accept less do not get it."""

MAX_IDENTITY = 256
"""Size of a participant identity."""

MAX_ROOM_NAME = 256
"""Size of a room name."""

MAX_NAME = 256
"""Size of the name of a data track, and of a participant's name in an update; a token's name has no limit."""

MAX_METADATA = 512 * 1024
"""Size of the metadata of a participant or a room."""

MAX_ATTRIBUTES = 64 * 1024
"""Size of the attributes of one update, and of all attributes at the join, names and values together."""

MAX_ALL_ATTRIBUTES = 1024 * 1024
"""Size of all attributes of a participant after an update: each update sends them to its whole room."""

MAX_CAPABILITIES = 32
"""Number of capabilities of one client; they are sent to its whole room."""

MAX_DATA_TRACKS = 100
"""Number of data tracks that one participant publishes."""

MAX_CUSTOM_ENCODING = 32
"""Size of the name of an application's own frame or schema encoding of a data track."""

MAX_DATA_TRACK_INFO = 1024
"""Size of the description of one data track."""

MAX_MEDIA_PACKETS_PER_SECOND = 5000
"""RTP packets per second of one publisher, after a burst of one second's worth; beyond it, packets are dropped."""

MAX_MEDIA_BITRATE = 50_000_000
"""Bits per second of RTP of one publisher, after a burst of one second's worth; beyond it, packets are dropped."""

MAX_STREAMS_PER_SECTION = 8
"""Sources (SSRCs) in one media section: three layers of simulcast and their retransmissions, and a restart; packets of
others are dropped."""

MAX_TRACKS = 100
"""Number of media tracks that one participant publishes or has asked to publish."""

MAX_TRACK_INFO = 16 * 1024
"""Size of the request to publish a media track: its description is sent to the whole room."""

MAX_SUBSCRIPTIONS = 500
"""Number of media tracks that one participant has asked to receive."""

MAX_RELIABLE_BACKLOG = 32 * 1024 * 1024
"""Bytes buffered for the reliable channel of one participant; beyond it, the slow reader is removed."""

MAX_TOTAL_BACKLOG = 512 * 1024 * 1024
"""Bytes buffered for the reliable channels of all participants; beyond it, the slowest readers are removed."""

MAX_LOSSY_BACKLOG = 256 * 1024
"""Bytes buffered for the lossy channel of one participant; beyond it, packets to it are dropped."""

MAX_SIGNAL_BACKLOG = 1024
"""Number of signal messages queued for a WebSocket whose client does not read; beyond it, the WebSocket is closed."""

MAX_SIGNAL_BACKLOG_BYTES = 16 * 1024 * 1024
"""Bytes of signal messages queued for a WebSocket; beyond it, the WebSocket is closed."""

MAX_WAITING_BACKLOG = 8 * 1024 * 1024
"""Bytes of reliable packets kept for one participant until its transport connects; beyond it, it is removed."""

RESEND_BUFFER = 8 * 1024 * 1024
"""Bytes of sent reliable packets kept for one participant, to be sent again after its transport was replaced."""

RESEND_WINDOW = 30.0
"""Time for which sent reliable packets are kept."""

MAX_OFFERS_PER_SECOND = 50
"""Number of offers per second of one participant; beyond it, the participant is removed."""

PING_INTERVAL = 5
"""Interval at which clients are asked to ping."""

PING_TIMEOUT = 15
"""Time without any signal message after which the signal connection is considered dead."""

RESUME_WINDOW = 15.0
"""Time for which a participant without a signal connection or a transport stays in its room and may resume."""

DISCONNECTED_GRACE = 1.5
"""Time for which a participant without both stays: a client closes both before it reconnects in full."""

JOIN_TIMEOUT = 60.0
"""Time from joining until the transport connects; then the participant is removed."""

TOKEN_LIFETIME = 600.0
"""Shortest validity of the refresh tokens that participants receive; a token that is valid for longer is renewed until
its own expiry."""

TOKEN_REFRESH_INTERVAL = 300.0
"""Interval at which participants receive a refresh token."""

WEBHOOK_TOKEN_LIFETIME = 300.0
"""Validity of the tokens that sign webhooks."""

TOKEN_LEEWAY = 60.0
"""Tolerated clock skew between the server and the issuer of a token."""

MAX_ROOMS = 1000
"""Number of rooms on the server; beyond it, the one that was abandoned first is closed, or the new one refused."""

MAX_PARTICIPANTS = 1000
"""Number of participants in one room, unless the room has a lower limit."""

MAX_BACKEND_CALLS = 1000
"""Number of pending RPC calls from backends to participants of one room."""

MAX_NONCES = 4096
"""Number of nonces remembered to deduplicate the data packets of backends."""

MAX_WEBHOOKS = 200
"""Number of webhooks queued for one URL; beyond it, new ones are dropped."""

MAX_WEBHOOK_BYTES = 8 * 1024 * 1024
"""Bytes of webhooks queued for one URL: metadata of rooms and participants may be large."""

MAX_WORKERS = 200
"""Number of registered agent workers; beyond it, registrations are refused."""

MAX_DISPATCHES = 100
"""Number of agent dispatches to one room."""

MAX_DISPATCH_JOBS = 100
"""Number of jobs of one dispatch that are remembered; beyond it, the oldest is forgotten."""

MAX_JOBS = 5000
"""Number of agent jobs that are running or offered to a worker; beyond it, new jobs are not offered."""
