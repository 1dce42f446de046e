"""Twirp requests to a server's RoomService, and their responses, in protobuf. No I/O."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar, cast

from google.protobuf.message import DecodeError, Message
from yarl import URL

from livekit._http.retry_after import parse_retry_after
from livekit._http.urls import SERVER_EXAMPLE, SERVER_SCHEMES, host_and_port, parse_url
from livekit._util.jwt import sign_token
from livekit._version import __version__
from livekit.errors import ConnectError, NotLiveKitError

from .settings import key_setting, url_setting

if TYPE_CHECKING:
    from livekit._http.proxies import Proxy

M = TypeVar("M", bound=Message)

TOKEN_LIFETIME = 600
"""Lifetime of a request's token in seconds; long only to tolerate clock skew."""
TOKEN_LEEWAY = 60
"""Seconds that the server's clock may be behind."""
MAX_RESPONSE_SIZE = 16 << 20
"""Maximum number of bytes to read from a response."""

_SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


class TwirpError(Exception):
    """The server responded with a Twirp error."""

    def __init__(
        self, code: str, message: str, *, status: int, meta: Mapping[str, str], retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        """The Twirp code: not_found, unavailable, …"""
        self.message = message
        self.status = status
        """The HTTP status."""
        self.meta = meta
        """Machine-readable details; LiveKit servers send none."""
        self.retry_after = retry_after
        """Seconds after which the server asks to try again."""


@dataclass(frozen=True, slots=True)
class TwirpRequest:
    """An HTTP POST request."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TwirpResponse:
    """An HTTP response."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    proxy: Proxy | None = None
    """The proxy that the request was sent to; None for a direct connection or a tunnel."""


@dataclass(frozen=True, slots=True)
class TwirpEndpoint:
    """A server's HTTP interface, and the API key that authorizes requests to it."""

    url: str
    """With scheme http or https, without a trailing slash."""
    api_key: str
    api_secret: str = field(repr=False)

    @classmethod
    def from_settings(cls, url: str | None, api_key: str | None, api_secret: str | None) -> TwirpEndpoint:
        """Return the endpoint of these settings; those of the environment or defaults in place of None.

        Raises:
            ValueError: the URL is not that of a LiveKit server, or the key or the secret is missing.
        """
        url = url_setting(url)
        base = http_url(url)
        return cls(base, *key_setting(url, api_key, api_secret))

    def request(self, method: str, message: Message, grants: Mapping[str, object]) -> TwirpRequest:
        """Return the request for a RoomService method, with a token that has these video grants (in camelCase)."""
        return TwirpRequest(
            f"{self.url}/twirp/livekit.RoomService/{method}",
            {
                "Authorization": f"Bearer {self.token(grants)}",
                "Content-Type": "application/protobuf",
                "User-Agent": f"livekit-pure/{__version__}",
            },
            message.SerializeToString(),
        )

    def token(self, grants: Mapping[str, object], identity: str = "") -> str:
        """Return a new access token with these video grants (in camelCase)."""
        now = int(time.time())
        times = {"nbf": now - TOKEN_LEEWAY, "exp": now + TOKEN_LIFETIME}
        claims = {"iss": self.api_key, "sub": identity, **times, "video": dict(grants)}
        return sign_token(claims, self.api_secret)


def http_url(text: str) -> str:
    """Return the base URL of a server's HTTP interface, given the URL that clients connect to.

    Raises:
        ValueError: not the URL of a LiveKit server.
    """
    url = parse_url(text, SERVER_SCHEMES, SERVER_EXAMPLE)
    return str(url.with_scheme(_SCHEMES[url.scheme]).with_query(None)).rstrip("/")


def parse_response(request: TwirpRequest, response: TwirpResponse, message_type: type[M]) -> M:
    """Return the message of a response.

    Raises:
        TwirpError: the server responded with a Twirp error.
        ConnectError: the server rejected the key, is not a LiveKit server, or is unavailable.
    """
    status, body = response.status, response.body
    if status == 200:
        try:
            return message_type.FromString(body)
        except DecodeError:
            raise NotLiveKitError(f"the response of {request.url} is not a {message_type.__name__}") from None
    failure = _parse_error(status, body)
    if status == 413 and failure is None:
        failure = TwirpError("out_of_range", "the request is too large for the server", status=status, meta={})
    if failure is None or failure.code == "unauthenticated":
        raise _connect_error(request, response, failure)
    failure.retry_after = parse_retry_after(response.headers.get("Retry-After"), datetime.now(timezone.utc))
    raise failure


def _parse_error(status: int, body: bytes) -> TwirpError | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    error = cast("dict[str, object]", parsed)
    code, message, meta = error.get("code"), error.get("msg", ""), error.get("meta", {})
    if not isinstance(code, str) or not isinstance(message, str):
        return None
    details = cast("dict[object, object]", meta) if isinstance(meta, dict) else {}
    return TwirpError(code, message, status=status, meta={str(key): str(value) for key, value in details.items()})


def _connect_error(request: TwirpRequest, response: TwirpResponse, failure: TwirpError | None) -> ConnectError:
    from livekit._http.refusals import Refusal, classify_refusal, quote_text

    text = response.body.decode("utf-8", "replace") if failure is None else failure.message
    url = URL(request.url)
    refusal = Refusal(response.status, text, response.headers)
    return classify_refusal(refusal, url, response.proxy) or NotLiveKitError(
        f"{host_and_port(url)} responded with {response.status}, but not as a LiveKit server's RoomService"
        f"{quote_text(text)}. Check that the URL is that of a LiveKit server."
    )
