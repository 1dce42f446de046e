"""Classifies refused WebSocket handshakes: error class, cause and remedy."""

from __future__ import annotations

from yarl import URL

from livekit._http.failures import NOT_LIVEKIT_HINT, place
from livekit._http.proxies import Proxy
from livekit._http.refusals import Refusal, classify_refusal, quote_text
from livekit.errors import ConnectError, NotLiveKitError

__all__ = ["RouteMissingError", "classify_status"]


class RouteMissingError(NotLiveKitError):
    """The signaling route returned 404: an older LiveKit server, or another server."""


def classify_status(refusal: Refusal, url: URL, proxy: Proxy | None = None) -> ConnectError:
    """Return the ConnectError for an HTTP response other than 101 to the request for `url`."""
    error = classify_refusal(refusal, url, proxy)
    if error is not None:
        return error
    where, quote, status = place(url, proxy), quote_text(refusal.text), refusal.status
    if status == 404 and "room" in refusal.text.lower():
        return ConnectError(f"the server at {where} has no such room{quote}. Create the room first.")
    if status == 404:
        hint = "Remove /rtc from the server's URL." if url.path.count("/rtc") > 1 else NOT_LIVEKIT_HINT
        return RouteMissingError(f"{where} has no LiveKit signaling route (404 at {url.path}). {hint}")
    if status == 400:
        return ConnectError(f"the server at {where} refused the request (400){quote}.")
    return NotLiveKitError(f"{where} answered {status} instead of opening a WebSocket{quote}. {NOT_LIVEKIT_HINT}")
