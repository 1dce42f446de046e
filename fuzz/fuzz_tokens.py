"""Tokens as text, and as claims with a valid signature: verified, or refused with AuthError.

Run as `python -m fuzz.fuzz_tokens [COUNT] [SEED]`.
"""

from __future__ import annotations

import base64
import hmac
import json

from fuzz.mutate import Fuzzer, always
from livekit.server import limits
from livekit.server.auth import AuthError, TokenAuthority, check_join
from livekit.server.permissions import attributes_size

ALLOWED = (AuthError,)
KEY, SECRET = "key", "a-secret-that-is-long-enough-for-hs256"
NOW = 1_800_000_000.0
AUTHORITY = TokenAuthority({KEY: SECRET})
HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
CLAIMS: dict[str, object] = {
    "iss": KEY,
    "sub": "alice",
    "name": "Alice",
    "metadata": "m",
    "attributes": {"k": "v"},
    "kind": "agent",
    "nbf": NOW,
    "exp": NOW + 60,
    "video": {"roomJoin": True, "room": "demo", "canPublishSources": ["camera"], "hidden": False},
}


def signed(claims: bytes) -> str:
    """Return a token with the given claims, JSON or not."""
    message = HEADER + b"." + base64.urlsafe_b64encode(claims).rstrip(b"=")
    signature = hmac.digest(SECRET.encode(), message, "sha256")
    return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def target(data: bytes) -> None:
    """Verify an input: claims if it begins with a brace, a token otherwise."""
    is_token = not data.startswith(b"{")
    grants = AUTHORITY.verify(data.decode("utf-8", "replace") if is_token else signed(data), at=NOW)
    check_join(grants)
    within = (
        0 < len(grants.identity.encode()) <= limits.MAX_IDENTITY
        and 0 < len(grants.room.encode()) <= limits.MAX_ROOM_NAME
        and attributes_size(grants.attributes) <= limits.MAX_ATTRIBUTES
    )
    if not within or (is_token and grants.identity != "alice"):
        raise AssertionError(f"admitted: {grants}")


SEEDS = [json.dumps(CLAIMS).encode(), signed(json.dumps(CLAIMS).encode()).encode()]
FUZZER = Fuzzer("tokens", SEEDS, ALLOWED, always(target))

if __name__ == "__main__":
    FUZZER.main()
