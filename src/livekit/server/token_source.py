"""A mixin with the `token` method, for classes that have an API key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from .auth import TokenAuthority


class Credentials(Protocol):
    """An API key with its secret, and a default room for tokens."""

    @property
    def api_key(self) -> str: ...

    @property
    def api_secret(self) -> str: ...

    @property
    def _default_room(self) -> str: ...


class TokenSource:
    """Mixin for classes that have `api_key` and `api_secret`."""

    _default_room = ""
    """Room of tokens for which no room is given."""

    def token(
        self: Credentials,
        identity: str,
        *,
        room: str | None = None,
        name: str = "",
        metadata: str = "",
        attributes: Mapping[str, str] | None = None,
        kind: str = "",
        ttl: float = 6 * 3600.0,
        **grants: object,
    ) -> str:
        """Return an access token, by default one that permits joining `room`.

        `ttl` is in seconds. `grants` are further grants with the names of `livekit.api.VideoGrants`:
        `can_publish_data=False`, `hidden=True`, `room_admin=True`, ….
        """
        authority = TokenAuthority({self.api_key: self.api_secret})
        return authority.join_token(
            self.api_key,
            identity,
            self._default_room if room is None else room,
            claims={"name": name, "metadata": metadata, "attributes": dict(attributes or {}), "kind": kind},
            grants=grants,
            lifetime=ttl,
        )
