"""Which server to join, and with which token. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from yarl import URL

from livekit.errors import ConnectError
from livekit.signaling import parse_server_url

__all__ = ["RegionUrls"]


class RegionUrls:
    """Starts as what the user gave; servers send newer tokens, and name others that may be joined in their place."""

    def __init__(self, url: str, token: str) -> None:
        """Raises ConnectError: `url` is not that of a server."""
        self.token = token
        """The newest, unless it was refused."""
        self._given = token
        self._home = parse_server_url(url)
        self._servers = [self._home]
        self._turn = 0

    @property
    def server(self) -> URL:
        return self._servers[self._turn]

    def token_refreshed(self, token: str) -> None:
        if token:
            self.token = token

    def token_refused(self) -> bool:
        """The token is refused. Whether there is another to try: the one given by the user may be valid for longer."""
        if self.token == self._given:
            return False
        self.token = self._given
        return True

    def servers_named(self, urls: Iterable[str]) -> None:
        """The server says where else we may go. A server that is reached in the clear is none in place of one that is
        not: it would learn the token."""
        named: list[URL] = []
        for url in urls:
            try:
                server = parse_server_url(url)
            except ConnectError:
                continue
            if server.scheme == self._home.scheme:
                named.append(server)
        if named:
            self._servers = list(dict.fromkeys((self.server, *named, self._home)))
            self._turn = 0

    def server_unreachable(self) -> None:
        """Try the next one."""
        self._turn = (self._turn + 1) % len(self._servers)
