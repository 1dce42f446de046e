"""JSON Web Tokens signed with HS256 (RFC 7519), without importing PyJWT and cryptography."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping


def sign_token(claims: Mapping[str, object], secret: str) -> str:
    """Return a token. Raises UnicodeEncodeError if a claim or the secret is not valid Unicode."""
    signed = b".".join(_encode(part) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return b".".join((signed, _base64(hmac.digest(secret.encode(), signed, hashlib.sha256)))).decode()


def _encode(part: Mapping[str, object]) -> bytes:
    return _base64(json.dumps(part, ensure_ascii=False).encode())


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
