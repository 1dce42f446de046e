"""The server that tests run against: the embedded one or any other LiveKit server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from livekit.api import AccessToken, VideoGrants


class Server(Protocol):
    """What tests need to know of a server; `livekit.server.DevServer` is one."""

    @property
    def url(self) -> str: ...

    def token(
        self,
        identity: str,
        *,
        room: str = "",
        name: str = "",
        metadata: str = "",
        attributes: Mapping[str, str] | None = None,
        kind: str = "",
        ttl: float = 6 * 3600.0,
        **grants: Any,
    ) -> str: ...


@dataclass(frozen=True)
class ExternalServer:
    """A LiveKit server that runs already."""

    url: str
    api_key: str
    api_secret: str

    @classmethod
    def from_environment(cls) -> ExternalServer | None:
        """The server of LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET; None if the first is not set."""
        url = os.environ.get("LIVEKIT_URL")
        if not url:
            return None
        return cls(url, os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"])

    def token(
        self,
        identity: str,
        *,
        room: str = "",
        name: str = "",
        metadata: str = "",
        attributes: Mapping[str, str] | None = None,
        kind: str = "",
        ttl: float = 6 * 3600.0,
        **grants: Any,
    ) -> str:
        video = VideoGrants(room_join=True, room=room)
        for grant, value in grants.items():
            setattr(video, grant, value)
        token = AccessToken(self.api_key, self.api_secret).with_identity(identity).with_name(name)
        token.with_metadata(metadata).with_attributes(dict(attributes or {})).with_ttl(timedelta(seconds=ttl))
        if kind:
            token.claims.kind = kind
        return token.with_grants(video).to_jwt()
