"""Verifies, mints and refreshes access tokens (JWT). Logs nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from google.protobuf.json_format import MessageToDict
from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import InvalidSignatureError, InvalidTokenError

from livekit._util.enum_names import enum_name
from livekit.protocol import models

from . import limits
from .claims import Claims, InvalidClaimsError
from .permissions import OPTIONAL_FLAGS, Grants, parse_grants

_ALGORITHM = "HS256"


class AuthError(Exception):
    """A request is refused; status and message are the HTTP response, with the texts of LiveKit's server."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class _AnyLengthHmac(HMACAlgorithm):
    """HMAC that accepts short keys without a warning: development servers use `secret`."""

    def check_key_length(self, key: bytes) -> str | None:
        return None


def _make_jws() -> PyJWS:
    jws = PyJWS(algorithms=[])
    jws.register_algorithm(_ALGORITHM, _AnyLengthHmac(HMACAlgorithm.SHA256))
    return jws


@dataclass(frozen=True, slots=True)
class TokenAuthority:
    """Verifies and mints tokens with the API keys of a server."""

    keys: Mapping[str, str] = field(repr=False)
    """Secrets by API key."""
    _jws: PyJWS = field(default_factory=_make_jws, repr=False, init=False)

    def verify(self, token: str, *, at: float | None = None) -> Grants:
        """Verify signature, issuer and validity of `token` at the Unix time `at` (default: now); return its grants.

        Raises:
            AuthError: The token is invalid; the status is 401.
        """
        secret = self._secret_of(token)
        try:
            payload = self._jws.decode(token, secret, algorithms=[_ALGORITHM])
        except InvalidSignatureError as error:
            raise _invalid("the signature does not match the API key") from error
        except InvalidTokenError as error:
            raise _invalid(str(error)) from error
        try:
            claims = Claims.parse(payload)
            _check_times(claims, time.time() if at is None else at)
            return parse_grants(claims)
        except InvalidClaimsError as error:
            raise _invalid(str(error)) from error

    def _secret_of(self, token: str) -> str:
        try:
            claims = Claims.parse(self._jws.decode(token, options={"verify_signature": False}))
            issuer = claims.text("iss")
        except (InvalidTokenError, ValueError) as error:
            raise AuthError(401, "invalid authorization token") from error
        secret = self.keys.get(issuer)
        if not secret:
            raise AuthError(401, "invalid API key")
        return secret

    def mint(self, claims: Mapping[str, object], *, api_key: str, lifetime: float, at: float | None = None) -> str:
        """Return a token that is valid for `lifetime` seconds from the Unix time `at` (default: now)."""
        start = int(time.time() if at is None else at)
        payload = {**claims, "iss": api_key, "iat": start, "nbf": start, "exp": start + int(lifetime)}
        return self._jws.encode(json.dumps(payload).encode(), self.keys[api_key], algorithm=_ALGORITHM)

    def join_token(
        self,
        api_key: str,
        identity: str,
        room: str,
        *,
        claims: Mapping[str, object],
        grants: Mapping[str, object],
        lifetime: float,
    ) -> str:
        """Return a token that permits joining `room`; `lifetime` is in seconds.

        `grants` are further grants in snake case; those that are None are left out.
        """
        video = {"room_join": True, "room": room, **grants}
        all_claims: dict[str, object] = {
            "sub": identity,
            **claims,
            "video": {_camel(key): value for key, value in video.items() if value is not None},
        }
        present = {key: value for key, value in all_claims.items() if value}
        return self.mint(present, api_key=api_key, lifetime=lifetime)

    def sign_body(self, api_key: str, body: bytes) -> str:
        """Return a token with the SHA-256 digest of `body`, which authenticates a webhook as LiveKit's server does."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return self.mint({"sha256": digest}, api_key=api_key, lifetime=limits.WEBHOOK_TOKEN_LIFETIME)

    def refresh(self, grants: Grants, info: models.ParticipantInfo) -> str:
        """Return a new token for a participant, with its present name, metadata, attributes and permissions.

        As with livekit-server 1.13.5, it has all grants for rooms, and neither kindDetails nor the grants for other
        services. It expires with the original token, and is valid for at least `limits.TOKEN_LIFETIME`.
        """
        changed = _permission_claims(info.permission) if info.permission != grants.permission else {}
        video = {**grants.video, "room": grants.room, "roomJoin": True, **changed}
        optional: dict[str, object] = {
            "name": info.name,
            "metadata": info.metadata,
            "attributes": dict(info.attributes),
            "roomConfig": MessageToDict(grants.room_config),
            "roomPreset": grants.room_preset,
        }
        claims: dict[str, object] = {
            "sub": info.identity,
            "identity": info.identity,
            "kind": models.ParticipantInfo.Kind.Name(info.kind).lower(),
            "video": {name: value for name, value in video.items() if value or name in OPTIONAL_FLAGS},
            **{name: value for name, value in optional.items() if value},
        }
        now = int(time.time())
        lifetime = max(limits.TOKEN_LIFETIME, (grants.expires_at or 0.0) - now)
        return self.mint(claims, api_key=grants.api_key, lifetime=lifetime, at=now)


def _permission_claims(permission: models.ParticipantPermission) -> dict[str, object]:
    sources = [enum_name(models.TrackSource, source).lower() for source in permission.can_publish_sources]
    return {
        "canSubscribe": permission.can_subscribe,
        "canPublish": permission.can_publish,
        "canPublishData": permission.can_publish_data,
        "canPublishSources": sources,
        "canUpdateOwnMetadata": permission.can_update_metadata,
        "canSubscribeMetrics": permission.can_subscribe_metrics,
        "canManageAgentSession": permission.can_manage_agent_session,
        "hidden": permission.hidden,
        "recorder": permission.recorder,
        "agent": permission.agent,
    }


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _check_times(claims: Claims, at: float) -> None:
    expires, starts = claims.time("exp"), claims.time("nbf")
    if expires is not None and at >= expires + limits.TOKEN_LEEWAY:
        raise _invalid("the token is expired (exp)")
    if starts is not None and at < starts - limits.TOKEN_LEEWAY:
        raise _invalid("the token is not valid yet (nbf)")


def _invalid(detail: str) -> AuthError:
    return AuthError(401, f"invalid authorization token: {detail}")


def check_join(grants: Grants) -> None:
    """Check that a token permits joining a room, and the lengths of the identity and the room's name.

    Raises:
        AuthError: With the status and text of LiveKit's server.
    """
    if not grants.has_video:
        raise AuthError(401, "no permissions to access the room")
    if not grants.room_join:
        raise AuthError(401, "permissions denied: the token lacks the roomJoin grant")
    if not grants.identity:
        raise AuthError(400, "identity cannot be empty")
    if len(grants.identity.encode()) > limits.MAX_IDENTITY:
        raise AuthError(400, f"participant identity length exceeds limits: max length {limits.MAX_IDENTITY}")
    if not grants.room:
        raise AuthError(400, "no room name")
    if len(grants.room.encode()) > limits.MAX_ROOM_NAME:
        raise AuthError(400, f"room name length exceeds limits: max length {limits.MAX_ROOM_NAME}")
