"""What the server accepts and keeps, at most. Sizes are bytes, times are seconds, unless named otherwise."""

from __future__ import annotations

MAX_SIGNAL_MESSAGE = 2 * 1024 * 1024
"""One signal message; longer ones end the WebSocket with code 1009. Counted after decompression."""

MAX_SIGNALS_PER_SECOND = 100
"""Signal messages of one connection, after as many at once; what is beyond is read later."""

MAX_SIGNAL_BYTES_PER_SECOND = 1024 * 1024
"""The same in bytes: what a participant says about itself goes to everybody in its room."""

MAX_JOIN_REQUEST = 1024 * 1024
"""A join request, both as it comes in the URL and after inflating."""

MAX_REQUEST_LINE = MAX_JOIN_REQUEST + 64 * 1024
"""The request line of an HTTP request: a join request and what else the URL carries."""

MAX_HEADER_FIELD = 1024 * 1024
"""One HTTP header field; a token with metadata is long."""

MAX_GRANTS = 100
"""Grants of one token; there are some twenty of them."""

MAX_REQUEST_BODY = 2 * 1024 * 1024
"""The body of an HTTP request; compressed ones are not inflated."""

HALF_OPEN_TIMEOUT = 8.0
"""How long a connection may take for a complete HTTP request, and how long it may be idle between two."""

MAX_HALF_OPEN = 256
"""Connections without a complete request; over it, the oldest is dropped."""

MAX_HALF_OPEN_BYTES = 32 * 1024 * 1024
"""What all of them may have sent together; over it, the oldest is dropped."""

MAX_PACKET = 65_535
"""A data packet; longer ones are dropped."""

MAX_IDENTITY = 256
MAX_ROOM_NAME = 256
MAX_NAME = 256
MAX_METADATA = 512 * 1024
MAX_ATTRIBUTES = 64 * 1024
"""Names and values of a participant's attributes together."""

MAX_CAPABILITIES = 32
"""What a client says that it can do; the others are told."""

MAX_DATA_TRACKS = 100
"""Data tracks of one participant."""

MAX_DATA_TRACK_INFO = 1024
"""What a participant says about one of them."""

MAX_RELIABLE_BACKLOG = 32 * 1024 * 1024
"""Bytes waiting in the reliable channel of a participant that reads too slowly; over it, the participant is removed."""

MAX_TOTAL_BACKLOG = 512 * 1024 * 1024
"""The same for all participants of the server together; over it, those for whom most waits are removed."""

MAX_LOSSY_BACKLOG = 256 * 1024
"""Bytes waiting in the lossy channel of a participant; over it, packets to that participant are dropped."""

MAX_SIGNAL_BACKLOG = 1024
"""Signal messages waiting for a WebSocket that does not read; over it, the WebSocket is closed."""

MAX_SIGNAL_BACKLOG_BYTES = 16 * 1024 * 1024
"""The same in bytes."""

MAX_WAITING_BACKLOG = 8 * 1024 * 1024
"""Bytes of reliable packets kept for a participant that is in the room and cannot receive yet, or not again."""

RESEND_BUFFER = 8 * 1024 * 1024
"""Bytes of reliable packets kept for each participant, to send again when its transport was replaced."""

RESEND_WINDOW = 30.0
"""How long they are kept."""

MAX_OFFERS_PER_SECOND = 10
"""Session descriptions of one participant; more end its connection."""

PING_INTERVAL = 5
PING_TIMEOUT = 15
"""Without any signal message for this long the signal connection is taken for dead."""

RESUME_WINDOW = 15.0
"""How long a participant without signal connection, or without transport, stays in its room."""

DISCONNECTED_GRACE = 1.5
"""How long a participant stays with neither: a client that reconnects in full ends both before it joins anew."""

JOIN_TIMEOUT = 15.0
"""How long a participant may take from joining until its transport is up."""

TOKEN_LIFETIME = 600.0
"""Validity of the refresh tokens that participants get."""

TOKEN_REFRESH_INTERVAL = 300.0

WEBHOOK_TOKEN_LIFETIME = 300.0
"""Validity of the tokens that sign webhooks."""

TOKEN_LEEWAY = 60.0
"""How far the clocks of who mints a token and of the server may differ."""

MAX_ROOMS = 1000
MAX_PARTICIPANTS = 1000
"""Participants of one room, unless the room says fewer."""

MAX_BACKEND_CALLS = 1000
"""Calls to participants of one room that backends wait for at once."""

MAX_NONCES = 4096
"""Packets of backends that are remembered by their nonce, so that none is sent twice."""

MAX_WEBHOOKS = 200
"""Webhooks that wait for one URL; more are dropped, the newest first."""

MAX_WEBHOOK_BYTES = 8 * 1024 * 1024
"""The same in bytes: metadata of rooms and participants may be large."""

MAX_WORKERS = 200
"""Workers of agents; no more can register."""

MAX_DISPATCHES = 100
"""Dispatches of agents to one room."""

MAX_DISPATCH_JOBS = 100
"""Jobs of one dispatch that are remembered, the newest."""

MAX_JOBS = 5000
"""Jobs of agents that wait for a worker's answer or run; more are not offered."""
