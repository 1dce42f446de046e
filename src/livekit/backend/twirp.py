"""Requests to a server's RoomService, and what comes back: Twirp with protobuf, without I/O."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast
from urllib.parse import quote, urlsplit

from google.protobuf.message import DecodeError, Message

from livekit._version import __version__
from livekit.errors import AuthenticationError, ConnectError, NotLiveKitError, ServerUnreachableError

M = TypeVar("M", bound=Message)

TOKEN_LIFETIME = 600
"""Seconds that a request's token is valid; only the clocks of both machines need it to be more than a few."""
TOKEN_LEEWAY = 60
"""Seconds that the server's clock may be behind."""
MAX_ANSWER = 16 << 20
"""Bytes of an answer that are read."""

_SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
_EXAMPLE = "expected something like ws://127.0.0.1:7880 or wss://my-project.livekit.cloud"


class ServiceError(Exception):
    """The server answered with an error of the service."""

    def __init__(self, code: str, message: str, *, status: int, meta: Mapping[str, str]) -> None:
        super().__init__(message)
        self.code = code
        """As Twirp names it: not_found, unavailable, …"""
        self.message = message
        """In the server's words."""
        self.status = status
        """Of HTTP."""
        self.meta = meta
        """For programs; LiveKit servers have none."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask, and with what."""

    url: str
    """With a scheme of HTTP, without a slash at the end."""
    api_key: str
    api_secret: str = field(repr=False)

    @classmethod
    def of(cls, url: str | None, api_key: str | None, api_secret: str | None) -> Server:
        """Check the settings; those that are None come from LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.

        Raises:
            ValueError: one is missing, or the URL is none of a LiveKit server.
        """
        key = _setting("api_key", api_key, "LIVEKIT_API_KEY")
        return cls(
            http_url(_setting("url", url, "LIVEKIT_URL")),
            key,
            _setting("api_secret", api_secret, "LIVEKIT_API_SECRET"),
        )

    def request(self, method: str, message: Message, grants: Mapping[str, object]) -> Request:
        """The request for a method of the RoomService, with a token that has these grants (in LiveKit's spelling)."""
        return Request(
            f"{self.url}/twirp/livekit.RoomService/{method}",
            {
                "Authorization": f"Bearer {self.token(grants)}",
                "Content-Type": "application/protobuf",
                "User-Agent": f"livekit-pure/{__version__}",
            },
            message.SerializeToString(),
        )

    def token(self, grants: Mapping[str, object], identity: str = "") -> str:
        """A token with these grants about rooms (in LiveKit's spelling), signed now."""
        # Not by PyJWT, which warns of short secrets such as that of development servers, once for each request.
        now = int(time.time())
        times = {"nbf": now - TOKEN_LEEWAY, "exp": now + TOKEN_LIFETIME}
        claims = {"iss": self.api_key, "sub": identity, **times, "video": dict(grants)}
        signed = b".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        signature = hmac.digest(self.api_secret.encode(), signed, hashlib.sha256)
        return b".".join((signed, _base64(signature))).decode()


def http_url(text: str) -> str:
    """The URL of a server's HTTP interface, from the one that clients connect to. Raises ValueError."""
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError as error:
        raise ValueError(f"{text!r} is not a URL ({error}); {_EXAMPLE}") from error
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not host:
        raise ValueError(f"{text!r} is not the URL of a LiveKit server; {_EXAMPLE}")
    return f"{scheme}://{parts.netloc.rpartition('@')[2]}{quote(parts.path, safe='/%')}".rstrip("/")


def read_answer(request: Request, status: int, body: bytes, kind: type[M]) -> M:
    """What the server answered.

    Raises:
        ServiceError: an error of the service.
        ConnectError: the server refused the key, or is none, or cannot be asked now.
    """
    if status == 200:
        try:
            return kind.FromString(body)
        except DecodeError as error:
            raise NotLiveKitError(f"{request.url} answered something else than {kind.__name__}") from error
    failure = _read_failure(status, body)
    if status == 413 and failure is None:
        failure = ServiceError("out_of_range", "the request is too large for the server", status=status, meta={})
    if failure is None or failure.code == "unauthenticated":
        raise _refusal(request, status, body, failure)
    raise failure


def _read_failure(status: int, body: bytes) -> ServiceError | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    error = cast("dict[str, object]", told)
    code, message, meta = error.get("code"), error.get("msg", ""), error.get("meta", {})
    if not isinstance(code, str) or not isinstance(message, str):
        return None
    known = (
        {str(key): str(value) for key, value in cast("dict[object, object]", meta).items()}
        if isinstance(meta, dict)
        else {}
    )
    return ServiceError(code, message, status=status, meta=known)


def _refusal(request: Request, status: int, body: bytes, failure: ServiceError | None) -> ConnectError:
    from livekit.signaling.failures import explain_refusal, quote_text

    text = body.decode("utf-8", "replace") if failure is None else failure.message
    where = urlsplit(request.url).netloc
    if status in {401, 403}:
        return AuthenticationError(explain_refusal(status, text), status)
    if status in {502, 503, 504}:
        return ServerUnreachableError(
            f"what is at {where} cannot reach a server behind it ({status}){quote_text(text)}"
        )
    return NotLiveKitError(
        f"{where} answered {status} where a LiveKit server has its RoomService{quote_text(text)}. "
        "Check that the URL is that of a LiveKit server."
    )


def _setting(name: str, value: str | None, variable: str) -> str:
    value = os.environ.get(variable) if value is None else value
    if not value:
        raise ValueError(f"{name} is not set: pass it, or set {variable}")
    return value


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
