"""RPC calls from a backend: a program with the API key that has not joined a room calls a participant over HTTP.

    from livekit.backend import Backend

    backend = Backend()  # LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET
    response = await backend.perform_rpc(room="demo", destination_identity="alice", method="greet", payload="backend")

Works with every LiveKit server that implements `RoomService/PerformRpc`. Reading order: `client` (the public class),
`calls`, `settings`, `twirp` and `error_text` (requests and responses, without I/O), `http` (the POST), `sync` (no
asyncio).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit._util import lazy

if TYPE_CHECKING:
    from .client import Backend as Backend
    from .errors import BackendRpcError as BackendRpcError
    from .errors import BackendTimeoutError as BackendTimeoutError
    from .errors import RecipientNotFoundError as RecipientNotFoundError
else:
    __getattr__, __dir__, __all__ = lazy.attach(
        __name__,
        {
            "client": ("Backend",),
            "errors": ("BackendRpcError", "BackendTimeoutError", "RecipientNotFoundError"),
        },
    )
