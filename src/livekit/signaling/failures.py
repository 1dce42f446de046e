"""Classifies failed connections to the server: error class, cause and remedy."""

from __future__ import annotations

import re
import socket
import ssl

import aiohttp
from yarl import URL

from livekit.errors import AuthenticationError, ConnectError, NotLiveKitError, ServerUnreachableError

__all__ = ["RouteMissingError", "classify_exception", "classify_status", "explain_refusal", "quote_text"]

MAX_SERVER_TEXT = 300
"""Characters of a server's answer that are quoted in an error message."""

_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
"""Matches tokens. Servers repeat the token they refuse; it must not get into error messages, and so into logs."""

_REFUSAL_HINTS = (
    ("expired", "Create a new token, and check that the clocks of both machines agree."),
    ("not valid yet", "The token is not valid yet: check that the clocks of both machines agree."),
    ("nbf", "The token is not valid yet: check that the clocks of both machines agree."),
    ("signature", "The token was signed with another secret: check LIVEKIT_API_SECRET."),
    ("cryptographic", "The token was signed with another secret: check LIVEKIT_API_SECRET."),
    (
        "api key",
        "This server does not know the key that signed the token: check LIVEKIT_API_KEY and the server's keys.",
    ),
    ("permission", "It needs roomJoin and this room's name."),
)
_DEFAULT_REFUSAL_HINT = (
    "Check that the token is signed with the server's key and secret and grants roomJoin for this room."
)
_NAME_ERRORS = (aiohttp.ClientConnectorDNSError, socket.gaierror)


class RouteMissingError(NotLiveKitError):
    """The signaling route returned 404: an older LiveKit server, or another server."""


def classify_exception(error: BaseException, url: URL) -> ConnectError:
    """Return the ConnectError for an exception of aiohttp or a socket, raised before any HTTP status."""
    where = f"{url.host}:{url.port}"
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        hint = "If the server does not use TLS, use ws:// instead of wss://; otherwise check its certificate."
        return ServerUnreachableError(f"TLS with {where} failed: {error}. {hint}")
    if isinstance(error, _NAME_ERRORS) or isinstance(error.__cause__, socket.gaierror):
        return ServerUnreachableError(
            f"the name {url.host!r} does not resolve. Check the server's URL and the network."
        )
    if isinstance(error, (aiohttp.ClientConnectorError, ConnectionRefusedError)):
        cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        reason = cause.strerror or str(cause)
        return ServerUnreachableError(
            f"no connection to {where}: {reason}. Check that the server is running and that no firewall blocks it."
        )
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return NotLiveKitError(f"{where} closed the connection without a response. {_NOT_LIVEKIT_HINT}")
    if isinstance(error, (aiohttp.ClientResponseError, aiohttp.ClientPayloadError)):
        detail = str(getattr(error, "message", "") or type(error).__name__).split("\n", 1)[0][:80]
        return NotLiveKitError(f"{where} does not answer in HTTP ({detail}). {_NOT_LIVEKIT_HINT} {_TLS_HINT}")
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return ServerUnreachableError(
            f"the connection to {where} failed: {str(error) or type(error).__name__}. {_TLS_HINT}"
        )
    return ConnectError(f"connecting to {where} failed: {error!r}")


_NOT_LIVEKIT_HINT = "Check that the URL is that of a LiveKit server."
_TLS_HINT = "If the server uses TLS, use wss://."


def classify_status(status: int, text: str, url: URL) -> ConnectError:
    """Return the ConnectError for an HTTP status; `text` is the body of the response, if any."""
    where = f"{url.host}:{url.port}"
    quote = quote_text(text)
    if status in {401, 403}:
        return AuthenticationError(explain_refusal(status, text), status)
    if status == 404 and "room" in text.lower():
        return ConnectError(f"the server at {where} has no such room{quote}. Create the room first.")
    if status == 404:
        return RouteMissingError(f"{where} has no LiveKit signaling route (404 at {url.path}). {_NOT_LIVEKIT_HINT}")
    if status == 429:
        return ConnectError(f"the server at {where} is over a limit (429){quote}. Try again later.")
    if status >= 500:
        return ServerUnreachableError(f"the server at {where} failed ({status}){quote}. Try again, or see its log.")
    if status == 400:
        return ConnectError(f"the server at {where} refused the request (400){quote}.")
    return NotLiveKitError(f"{where} answered {status} instead of opening a WebSocket{quote}. {_NOT_LIVEKIT_HINT}")


def explain_refusal(status: int, text: str) -> str:
    """Return the error message for a refused token: the server's text and a hint derived from it."""
    lower = text.lower()
    hint = next((hint for word, hint in _REFUSAL_HINTS if word in lower), _DEFAULT_REFUSAL_HINT)
    return f"the server refused the token ({status}){quote_text(text)}. {hint}"


def quote_text(text: str) -> str:
    """Return a server's text to append to an error message: on one line, truncated, tokens removed, no HTML."""
    line = _TOKEN.sub("…", " ".join(text.split()))
    if not line or line.startswith("<"):
        return ""
    return f": {line if len(line) <= MAX_SERVER_TEXT else line[:MAX_SERVER_TEXT] + '…'}"
