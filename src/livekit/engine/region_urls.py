"""The server URL and the token of the next attempt. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from yarl import URL

from livekit.errors import ConnectError
from livekit.signaling import parse_server_url

__all__ = ["RegionUrls"]


class RegionUrls:
    """The user's URL and token, then those that servers send: refreshed tokens and the URLs of other regions."""

    def __init__(self, url: str, token: str) -> None:
        """Raises ConnectError: `url` is not the URL of a server."""
        self.token = token
        """The newest token, or the user's after the newest was rejected."""
        self._user_token = token
        self._user_url = parse_server_url(url)
        self._urls = [self._user_url]
        self._index = 0

    @property
    def server(self) -> URL:
        """The server of the next attempt."""
        return self._urls[self._index]

    def refresh_token(self, token: str) -> None:
        """Use a token that the server sent; an empty one is ignored."""
        if token:
            self.token = token

    def revert_token(self) -> bool:
        """Fall back to the user's token, which may be valid for longer than the rejected one.

        Returns:
            False if it is the user's token that was rejected.
        """
        if self.token == self._user_token:
            return False
        self.token = self._user_token
        return True

    def update_regions(self, urls: Iterable[str]) -> None:
        """Try these servers after the current one. An unencrypted URL never replaces an encrypted one: a downgrade
        would disclose the token."""
        regions: list[URL] = []
        for url in urls:
            try:
                server = parse_server_url(url)
            except ConnectError:
                continue
            if server.scheme == self._user_url.scheme:
                regions.append(server)
        if regions:
            self._urls = list(dict.fromkeys((self.server, *regions, self._user_url)))
            self._index = 0

    def next_region(self) -> bool:
        """Switch to the next server, round-robin, because the current one is unreachable.

        Returns:
            False if there is no other server.
        """
        self._index = (self._index + 1) % len(self._urls)
        return len(self._urls) > 1
