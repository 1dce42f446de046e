"""One connection's life. :mod:`livekit.engine.interfaces` is what the room above sees of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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
"""Makes a session of URL, token, options and listener."""


def create_engine(url: str, token: str, options: RoomOptions, listener: EngineListener) -> Engine:
    """Make a session, of the kind that the URL's scheme says; `connect` it next.

    Raises:
        ConnectError: the URL is none, or no kind of session has its scheme.
    """
    given: dict[str, object] = {"URL": url, "token": token}  # callers may be untyped
    for name, value in given.items():
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ConnectError(f"the {name} must be a str, not {kind}; is a variable of the environment unset?")
    scheme = url.strip().partition(":")[0].lower()
    factory = _FACTORIES.get(scheme)
    if factory is None:
        if url.startswith("ey") and url.count(".") == 2:
            raise ConnectError("what is given as URL looks like an access token: connect(url, token), in this order")
        known = ", ".join(sorted(_FACTORIES))
        raise ConnectError(f"{url[:80]!r} is not the URL of a LiveKit server; its scheme must be one of {known}")
    return factory(url, token, options, listener)


def register_scheme(scheme: str, factory: EngineFactory) -> None:
    """Have `create_engine` use `factory` for URLs of `scheme`, such as ``memory``."""
    _FACTORIES[scheme.lower()] = factory


def _webrtc(url: str, token: str, options: RoomOptions, listener: EngineListener) -> Engine:
    from .rtc_engine import RtcEngine  # loads WebRTC, which an in-memory room does without

    return RtcEngine(url, token, options, listener)


_FACTORIES: dict[str, EngineFactory] = dict.fromkeys(("ws", "wss", "http", "https"), _webrtc)
