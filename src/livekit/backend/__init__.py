"""Calls from a backend: a program that holds the API key and is in no room calls a participant's method over HTTP.

    from livekit.backend import Backend

    backend = Backend()  # LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET
    answer = await backend.perform_rpc(room="demo", destination_identity="alice", method="greet", payload="backend")

Works with every LiveKit server that has `RoomService/PerformRpc`. Read in this order: `client` (what users hold),
`calls` and `twirp` (requests and what answers mean, without I/O), `told` (the text of an error), `blocking`.
"""

from __future__ import annotations

from .client import Backend
from .errors import BackendRpcError, BackendTimeoutError, RecipientNotFoundError

__all__ = ["Backend", "BackendRpcError", "BackendTimeoutError", "RecipientNotFoundError"]
