"""Classifies HTTP responses other than the one that a request needs: error class, cause and remedy."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from livekit.errors import AuthenticationError, ConnectError, NotLiveKitError, ProxyError, ServerUnreachableError

from .failures import place
from .proxies import Proxy
from .retry_after import parse_retry_after
from .urls import host_and_port, redacted

__all__ = ["Refusal", "classify_refusal", "explain_refusal", "proxy_refusal", "quote_text"]

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
_REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})
_BUSY = {408: "did not get the request in time", 429: "is over a limit"}
"""Statuses below 500 after which the same request may succeed later."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP response other than the one that a request needs."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Looked up by names as in RFC 9110."""

    @property
    def retry_after(self) -> float | None:
        """Seconds after which the server asks to try again."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return parse_retry_after(self.headers.get("Retry-After"), now)


def classify_refusal(refusal: Refusal, url: URL, proxy: Proxy | None = None) -> ConnectError | None:
    """Return the error for a response that means the same to every request; None for other responses.

    Args:
        refusal: the response.
        url: the URL of the request.
        proxy: the proxy that the request was sent to; None for a direct connection or a tunnel.
    """
    status = refusal.status
    if proxy is not None and (status == 407 or (status >= 400 and refusal.text.lstrip().startswith("<"))):
        return proxy_refusal(refusal, proxy, url)  # LiveKit servers never answer in HTML
    if status in {401, 403}:
        return AuthenticationError(explain_refusal(status, refusal.text), status)
    if status in _REDIRECTS:
        return _redirect(refusal, url)
    if status not in _BUSY and status < 500:
        return None
    problem = f"{_BUSY.get(status, 'failed')} ({status})"
    advice = "Try again, or see its log." if status >= 500 else "Try again later."
    if refusal.retry_after is not None:
        advice = f"It asks to try again in {refusal.retry_after:.0f} s."
    message = f"the server at {place(url, proxy)} {problem}{quote_text(refusal.text)}. {advice}"
    return ServerUnreachableError(message, retry_after=refusal.retry_after)


def proxy_refusal(refusal: Refusal, proxy: Proxy, url: URL) -> ProxyError:
    """Return the error for a response of the proxy itself."""
    problem = f"refused to connect to {host_and_port(url)} ({refusal.status})"
    advice = f"Check {proxy.variable}, or list the host in NO_PROXY."
    if refusal.status == 407:
        given = "other" if proxy.authorization else "a"
        advice = (
            f"It requires {given} user and password: {proxy.variable}=http://USER:PASSWORD@{host_and_port(proxy.url)}"
        )
    message = f"the proxy {proxy} {problem}{quote_text(refusal.text)}. {advice}"
    return ProxyError(message, str(proxy.url), refusal.status, retry_after=refusal.retry_after)


def _redirect(refusal: Refusal, url: URL) -> ConnectError:
    location = refusal.headers.get("Location", "")
    try:
        target = url.join(URL(location)) if location else None
    except ValueError:
        target = None
    where = "elsewhere" if target is None else f"to {redacted(target)}"
    hint = "Check the server's URL."
    if target is not None and target.host:
        scheme = {"http": "ws", "https": "wss"}.get(target.scheme, target.scheme)
        hint = f"If that is the LiveKit server, use its URL, such as {redacted(target.origin().with_scheme(scheme))}."
    return NotLiveKitError(f"the server at {host_and_port(url)} redirects {where} ({refusal.status}). {hint}")


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
