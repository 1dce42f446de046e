"""URLs from users, environment variables and servers: validated, normalized, and safe to print. No I/O."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence

from yarl import URL

__all__ = ["SERVER_EXAMPLE", "SERVER_SCHEMES", "host_and_port", "looks_like_token", "parse_url", "redacted"]

SERVER_SCHEMES = ("ws", "wss", "http", "https")
SERVER_EXAMPLE = "ws://127.0.0.1:7880 or wss://my-project.livekit.cloud"
MAX_SHOWN = 100
"""Characters of a URL that are quoted in an error message."""
MAX_LABEL = 63
MAX_HOST = 253
"""Characters of a host name and of its labels (RFC 1035 section 2.3.4)."""

_TOKEN = re.compile(r"(?:Bearer\s+)?ey[\w-]+\.[\w-]+\.[\w-]*")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(?:%[\w.~%-]+)?\]|[^\[\]:%<>^`{|}\\\s\x00-\x20\x7f]+)(?::[0-9]*)?")
_NUMERIC = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)
"""Hosts that are IPv4 addresses or invalid: the last label is a number (WHATWG URL, section 3.5)."""


def parse_url(text: str, schemes: Sequence[str], example: str) -> URL:
    """Validate a URL; return it without user information and fragment, with its host in the usual form.

    User information is dropped as the official SDK does: a token or a signature takes the place of credentials.

    Args:
        text: the URL, possibly with white space around it.
        schemes: those allowed, in lower case, the suggested one first.
        example: a valid URL for error messages.

    Raises:
        ValueError: it is not a URL of these schemes; the message says what is wrong, without credentials and tokens.
    """
    text = text.strip()
    if not text:
        raise ValueError(f"the URL is empty; expected something like {example}")
    if looks_like_token(text):
        raise ValueError("the URL looks like an access token: URL and token may be swapped")
    expected = f"expected something like {example}"
    shown = f"the URL {redacted(text)!r}"
    if text[0] in "\"'<":
        raise ValueError(f"{shown} is in quotation marks or brackets; remove them")
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise ValueError(f"{shown} has no scheme, such as {schemes[0]}://; {expected}")
    if scheme.lower() not in schemes:
        raise ValueError(f"the scheme of {shown} must be one of {', '.join(schemes)}; {expected}")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    if not authority or (authority.startswith(":") and authority.count(":") == 1):
        raise ValueError(f"{shown} has no host; {expected}")
    if authority.count(":") > 1 and "[" not in authority:
        raise ValueError(f"{shown} has several colons in its host; write IPv6 addresses in brackets, [::1]; {expected}")
    try:
        url = _build(text, authority)
    except ValueError as error:
        raise ValueError(f"{shown} is not a URL ({_reason(error)}); {expected}") from None
    return url.with_user(None).with_fragment(None)


def looks_like_token(text: str) -> bool:
    """Return True for a JSON Web Token, also after ``Bearer``."""
    return _TOKEN.fullmatch(text.strip()) is not None


def redacted(text: str | URL) -> str:
    """Return a URL, or a text that should be one, without user information, query, fragment and tokens, shortened."""
    if isinstance(text, URL):
        text = str(text.with_user(None).with_query(None).with_fragment(None))
    shown = re.sub(r"^((?:[^/@]*:)?//)?.*@", r"\1", text.strip(), flags=re.DOTALL)  # passwords may contain / ? #
    shown = _TOKEN.sub("…", re.split(r"[?#]", shown, maxsplit=1)[0])
    return shown if len(shown) <= MAX_SHOWN else shown[:MAX_SHOWN] + "…"


def host_and_port(url: URL) -> str:
    """Return host and port, as in ``CONNECT``; IPv6 addresses are in brackets."""
    return f"{url.host_subcomponent}:{url.port}"


def _build(text: str, authority: str) -> URL:
    if _HOST.fullmatch(authority) is None:
        raise ValueError("invalid host or port")
    # RFC 6874 writes the zone of an address after %25; resolvers take it after %.
    text = text.replace(authority, re.sub(r"%25(?=[^\]])", "%", authority), 1)
    url = URL(text)
    host, port = url.host or "", url.port
    if port == 0:
        raise ValueError("port 0 cannot be connected to")
    if _NUMERIC.fullmatch(host) and ":" not in host:
        return url.with_host(_ipv4(host))
    labels = (url.raw_host or "").removesuffix(".").split(".")
    if any(not label or len(label) > MAX_LABEL for label in labels) or len(".".join(labels)) > MAX_HOST:
        raise ValueError("the host name has an empty part or is too long")
    return url


def _ipv4(host: str) -> str:
    """Return an address in decimal with four parts, as browsers and the official SDK read it: 127.1 is 127.0.0.1."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host.removesuffix(".")))
    except OSError:
        raise ValueError(f"{host} is not an IPv4 address") from None


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeError):
        return "the host name has characters that are not allowed"
    return str(error).removeprefix("Invalid URL: ")
