"""The lifecycle of one connection, across resumes and reconnects. A room uses :mod:`livekit.engine.interfaces` only.

The classes are named after those of LiveKit's Rust and JavaScript SDKs:

- `RtcEngine`: a connection as the room sees it; passes events to a `ConnectionStateMachine`.
- `Reconnector`: makes the attempts that the state machine schedules, on the server that `RegionUrls` selects.
- `SessionManager`: the session in use and its successor.
- `RtcSession`: one join, of one participant sid, with its `SignalClient` and its `TransportManager`.
- `TransportManager`: the peer connections of one join; each is a `PCTransport`.
- `PacketChannel`: the data packets of all sessions: queued, numbered, retransmitted and deduplicated.

The cores `connection_state`, `sequencer`, `packet_queue`, `packet_filter`, `region_urls` and `join_buffer` do no I/O:
they use no asyncio and read no clock; time is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit._http.urls import SERVER_EXAMPLE, SERVER_SCHEMES, looks_like_token, parse_url, redacted
from livekit.errors import ConnectError

from .interfaces import Engine, EngineListener, EngineState, PacketSender, PacketStream

if TYPE_CHECKING:
    from livekit.options import RoomOptions

__all__ = [
    "Engine",
    "EngineFactory",
    "EngineListener",
    "EngineState",
    "PacketSender",
    "PacketStream",
    "create_engine",
    "register_scheme",
]

EngineFactory = Callable[[str, str, "RoomOptions", EngineListener], Engine]
"""Creates an engine, given URL, token, options and listener."""


def create_engine(url: str, token: str, options: RoomOptions, listener: EngineListener) -> Engine:
    """Create the engine for the URL's scheme; call its `connect` next.

    Raises:
        ConnectError: the URL or an ICE server is not valid, or no engine is registered for the URL's scheme.
    """
    from .ice_servers import check_options

    arguments: dict[str, object] = {"URL": url, "token": token}  # callers may be untyped
    for name, value in arguments.items():
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ConnectError(f"the {name} must be a str, not {kind}; is an environment variable not set?")
    scheme = url.strip().partition(":")[0].lower()
    factory = _FACTORIES.get(scheme)
    if factory is None:
        if looks_like_token(url):
            raise ConnectError("the URL looks like an access token; call connect(url, token), in this order")
        raise ConnectError(_scheme_problem(url))
    check_options(options)
    return factory(url, token, options, listener)


def _scheme_problem(url: str) -> str:
    try:
        parse_url(url, SERVER_SCHEMES, SERVER_EXAMPLE)
    except ValueError as error:
        return str(error)
    return f"no engine is registered for the scheme of {redacted(url)!r}"


def register_scheme(scheme: str, factory: EngineFactory) -> None:
    """Have `create_engine` use `factory` for URLs of `scheme`, such as ``memory``."""
    _FACTORIES[scheme.lower()] = factory


def _create_rtc_engine(url: str, token: str, options: RoomOptions, listener: EngineListener) -> Engine:
    from .rtc_engine import RtcEngine  # imports WebRTC, which other schemes may not need

    return RtcEngine(url, token, options, listener)


_FACTORIES: dict[str, EngineFactory] = dict.fromkeys(("ws", "wss", "http", "https"), _create_rtc_engine)
