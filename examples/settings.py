"""The examples' server and tokens for it."""

from __future__ import annotations

import os
import warnings

from livekit.api import AccessToken, VideoGrants

ROOM = "demo"
URL = os.environ.get("LIVEKIT_URL", "ws://127.0.0.1:7880")
API_KEY = os.environ.get("LIVEKIT_API_KEY", "devkey")
API_SECRET = os.environ.get("LIVEKIT_API_SECRET", "secret")


def token(identity: str) -> str:
    """Return a token with which `identity` may join the examples' room."""
    grants = VideoGrants(room_join=True, room=ROOM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyJWT warns about the short development secret
        return AccessToken(API_KEY, API_SECRET).with_identity(identity).with_grants(grants).to_jwt()
