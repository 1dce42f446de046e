"""The URLs of a server's signaling routes, derived from the user's URL."""

from __future__ import annotations

from dataclasses import dataclass

from yarl import URL

from livekit._http.urls import SERVER_EXAMPLE, SERVER_SCHEMES, parse_url
from livekit.errors import ConnectError

from .join_request import SignalParameters, encode_join_request

__all__ = ["SignalUrls", "parse_server_url"]

SINGLE_PATH = "rtc/v1"
DUAL_PATH = "rtc"

_WEBSOCKET_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}


def parse_server_url(text: str) -> URL:
    """Validate the URL of a server and return it with a WebSocket scheme.

    Raises:
        ConnectError: it is not a URL, or its scheme or host is missing or wrong.
    """
    try:
        url = parse_url(text, SERVER_SCHEMES, SERVER_EXAMPLE)
    except ValueError as error:
        raise ConnectError(str(error)) from None
    return url.with_scheme(_WEBSOCKET_SCHEMES[url.scheme])


@dataclass(frozen=True, slots=True)
class SignalUrls:
    """The WebSocket route, and the HTTP route that returns the reason if it refuses."""

    websocket: URL
    validate: URL

    @classmethod
    def single(cls, server: URL, parameters: SignalParameters) -> SignalUrls:
        """Return the routes for a single peer connection; `join_request` carries all parameters."""
        return cls._of(server, SINGLE_PATH, {"join_request": encode_join_request(parameters.join_request())})

    @classmethod
    def dual(cls, server: URL, parameters: SignalParameters) -> SignalUrls:
        """Return the routes for two peer connections."""
        return cls._of(server, DUAL_PATH, parameters.query())

    @classmethod
    def _of(cls, server: URL, path: str, query: dict[str, str]) -> SignalUrls:
        base = server.with_path(server.raw_path.rstrip("/") + "/" + path, encoded=True)
        websocket = base.with_query(query)
        validate = (base / "validate").with_query(query).with_scheme(_HTTP_SCHEMES[server.scheme])
        return cls(websocket, validate)
